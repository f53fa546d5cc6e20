"""`poll` and `run --once`, from a feed list to stored entries, with feeds from a loopback server."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.cli.poll import reason, result_json, summary
from aggregator.core.model.feeds import FailureKind
from aggregator.core.model.plans import CheckResult, Outcome
from tests.commands import Shell, make_shell
from tests.factories import NOW
from tests.patience import PATIENCE
from tests.servers import Asked, ScriptedServer, reply
from tests.serving import serving
from tests.world import listed, rss, served

ROOT = Path(__file__).parents[2]
KEYS = {"id", "outcome", "status", "new", "updated", "matched", "error", "next_check_at"}


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, web: ScriptedServer) -> Shell:
    """Two feeds of one host: one with news, one that is a web page."""
    news = web.on("/feed", served(rss(("1", "Customs seize fentanyl"), ("2", "Weather")), etag='"1"'))
    page = web.on(
        "/page", reply(b"<!doctype html><title>Home</title><p>No feed", headers=[("Content-Type", "text/html")])
    )
    shell = make_shell(tmp_path)
    shell.write(listed([("wire", news), ("home", page)]))
    return shell


def test_every_check_is_a_line_of_json(shell: Shell) -> None:
    ran = shell.run("poll", "--json")
    assert ran.code == 0
    told = {line["id"]: line for line in ran.lines}
    assert all(set(line) == KEYS for line in told.values())
    assert told["wire"] | {"next_check_at": None} == {
        "id": "wire",
        "outcome": "fetched",
        "status": 200,
        "new": 2,
        "updated": 0,
        "matched": 1,
        "error": None,
        "next_check_at": None,
    }
    assert told["wire"]["next_check_at"] > "2026-01-27T09:"
    assert told["home"]["outcome"] == "failed"
    assert told["home"]["error"]["kind"] == "html"
    assert "Home" in told["home"]["error"]["detail"]


def test_people_read_failures_first_then_news_then_the_sum(shell: Shell) -> None:
    ran = shell.run("poll")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == ["FEED", "OUTCOME", "NEXT", "REASON"]
    assert lines[1].startswith("home  failed")
    assert "html: a web page, titled 'Home'" in lines[1]
    assert lines[3].split() == ["FEED", "NEW", "UPDATED", "MATCHES", "NEXT"]
    assert lines[4].split()[:4] == ["wire", "2", "0", "1"]
    assert lines[-1] == "2 feeds: 1 with news, 1 failed. 2 new entries, 0 updated, 1 match."


def test_nothing_is_asked_before_it_is_due(shell: Shell, web: ScriptedServer) -> None:
    shell.run("poll")
    asked = len(web.asked)
    ran = shell.run("poll")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing is due; the next check is in" in ran.err
    assert shell.run("poll", "--json").out == ""
    assert len(web.asked) == asked


def test_due_feeds_whose_host_another_process_holds_are_told_apart_from_none_being_due(shell: Shell) -> None:
    shell.run("apply")
    with closing(sqlite3.connect(shell.folder / "data" / "aggregator.db", isolation_level=None)) as database:
        database.execute("UPDATE host SET lease = 'other', lease_until = '2099-01-01 00:00:00.000000'")
    ran = shell.run("poll")
    assert (ran.code, ran.out) == (0, "")
    assert "being checked by another process" in ran.err


def test_a_person_may_ask_a_feed_before_it_is_due_but_not_at_once_again(shell: Shell, web: ScriptedServer) -> None:
    shell.run("poll")
    again = shell.run("poll", "wire", "--json")
    assert again.code == 1
    assert again.line["outcome"] == "skipped"
    assert again.line["error"]["kind"] == "skipped"
    assert "ask again after five minutes" in again.line["error"]["detail"]
    shell.environ["AGGREGATOR_CLOCK"] = "2026-01-27T08:06:00Z"
    web.on("/feed", reply(status=304))
    later = shell.run("poll", "wire", "wire")
    assert later.code == 0
    assert later.out == "1 feed: 1 unchanged. 0 new entries, 0 updated, 0 matches.\n"
    assert web.asked[-1].header("If-None-Match") == b'"1"'


def test_a_feed_nobody_follows_cannot_be_polled(shell: Shell) -> None:
    ran = shell.run("poll", "nope")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: no such feed: nope\nhint: `aggregator feeds list` shows their ids\n"


def test_a_broken_file_ends_the_command_with_every_problem(shell: Shell) -> None:
    shell.write("feeds:\n  - {id: a, url: 'ftp://x'}\n  - {id: a, uri: 'https://y.example/'}\n")
    ran = shell.run("poll", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("error: feeds.yaml:") >= 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_poll_gives_its_feeds_back_at_once(
    shell: Shell, web: ScriptedServer, number: signal.Signals, code: int
) -> None:
    async def never(_writer: asyncio.StreamWriter, _asked: Asked) -> None:
        await asyncio.Event().wait()

    web.on("/feed", never, served(rss(("1", "Customs"))))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    command = [sys.executable, "-m", "aggregator", "poll", "--config", str(shell.folder / "feeds.yaml")]
    places = ["--database", str(shell.folder / "data" / "aggregator.db"), "--data-dir", str(shell.folder / "data")]
    with subprocess.Popen([*command, *places], cwd=ROOT, env=environ | shell.environ, stderr=subprocess.PIPE) as poll:
        deadline = time.monotonic() + PATIENCE
        while "/feed" not in web.paths() and time.monotonic() < deadline:
            time.sleep(0.05)
        poll.send_signal(number)
        _, errors = poll.communicate(timeout=PATIENCE)
    assert (poll.returncode, errors) == (code, b"")
    assert shell.run("poll", "wire", "--json").line["outcome"] == "fetched"


def test_one_full_cycle_checks_makes_a_digest_and_ends(shell: Shell) -> None:
    ran = shell.run("run", "--once")
    assert ran.code == 0
    assert ran.out == "2 feeds checked, 1 failed; 2 new entries, 1 matched; 0 digests made, 0 sent or tried\n"
    assert shell.run("entries", "--json").lines[0]["feed"] == "wire"


def test_workers_need_a_database_that_can_be_shared(shell: Shell) -> None:
    ran = shell.run("worker")
    assert ran.code == 2
    assert ran.err.startswith("error: AGGREGATOR_DATABASE: workers share a PostgreSQL database")
    assert "hint: " in ran.err


def test_a_set_clock_is_told_where_time_goes_on(shell: Shell) -> None:
    assert "warning: the clock is set" in shell.run("run", "--once").err
    assert "clock" not in shell.run("poll").err


def test_a_failure_is_told_with_its_kind_and_a_refusal_with_its_words() -> None:
    failed = CheckResult(feed_id="a", outcome=Outcome.FAILED, error_kind=FailureKind.DNS, error_detail="no address")
    skipped = CheckResult(feed_id="b", outcome=Outcome.SKIPPED, error_detail="it is disabled", next_check_at=NOW)
    assert [reason(failed), reason(skipped)] == ["dns: no address", "it is disabled"]
    assert result_json(failed)["error"] == {"kind": FailureKind.DNS, "detail": "no address"}
    assert result_json(skipped)["next_check_at"] == "2026-01-27T06:30:00Z"


def test_a_sum_without_any_answer_speaks_of_no_entries() -> None:
    failed = CheckResult(feed_id="a", outcome=Outcome.FAILED, error_kind=FailureKind.DNS)
    assert summary([failed, CheckResult(feed_id="b", outcome=Outcome.SKIPPED)]) == "2 feeds: 1 failed, 1 skipped."
