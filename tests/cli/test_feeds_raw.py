"""`feeds raw`, and the figures of politeness in `feeds show` and `status`."""

import stat
from pathlib import Path

import pytest

from aggregator.store import raw
from tests.commands import Shell, make_shell
from tests.world import rss

KEPT = rss(("2", "Customs seize fentanyl"), ("1", "Parliament debates budget"))
SECRET = "feeds:\n  - {id: wire, url: 'https://wire.example/feed', headers: {X-Key: '${AGGREGATOR_WIRE_KEY}'}}\n"


def test_the_last_body_is_printed_as_it_came(polled: Shell) -> None:
    ran = polled.run("feeds", "raw", "wire")
    assert (ran.code, ran.out.encode()) == (0, KEPT)
    file = polled.folder / "data" / "raw" / "wire.body"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_known_of_the_answer_comes_before_it_when_asked_for(polled: Shell) -> None:
    head, _, body = polled.run("feeds", "raw", "wire", "--headers").out.partition("\n\n")
    assert body.encode() == KEPT
    assert [line.partition(": ")[0] for line in head.splitlines()] == ["URL", "Status", "Checked"]
    assert "Status: 200" in head


def test_a_body_that_could_not_be_read_is_kept_too(polled: Shell) -> None:
    assert "moved" in polled.run("feeds", "raw", "page").out


@pytest.mark.parametrize(
    ("feed", "code", "said"),
    [("wrie", 2, "no such feed: wrie"), ("page", 1, "no body of page is kept yet")],
    ids=["an unknown feed", "a feed never read"],
)
def test_a_body_that_is_not_there_is_said_to_be(polled: Shell, feed: str, code: int, said: str) -> None:
    raw.forget(polled.folder / "data" / "raw", ["page"])
    ran = polled.run("feeds", "raw", feed)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_a_feed_that_is_followed_no_more_leaves_no_body(polled: Shell) -> None:
    polled.write("feeds:\n  - {id: page, url: 'https://page.example/'}\n")
    assert polled.run("apply").code == 0
    assert [file.name for file in (polled.folder / "data" / "raw").iterdir()] == ["page.body"]


def test_a_feed_that_gets_a_secret_loses_its_body_and_none_is_shown(polled: Shell) -> None:
    polled.write(SECRET)
    polled.environ["AGGREGATOR_WIRE_KEY"] = "k"
    assert polled.run("apply").code == 0
    assert not (polled.folder / "data" / "raw" / "wire.body").exists()
    ran = polled.run("feeds", "raw", "wire")
    assert (ran.code, ran.out) == (1, "")
    assert "asked with a secret" in ran.err


def test_requests_by_kind_are_told_of_a_feed_and_of_all(polled: Shell) -> None:
    told = polled.run("feeds", "show", "wire", "--json").line["politeness"]
    assert (told["checks"], told["changed"], told["before_retry_after"]) == (2, 2, 0)
    assert told["not_modified_share"] is None
    for command in (("feeds", "show", "wire"), ("status",)):
        assert "none before a Retry-After was over" in " ".join(polled.run(*command).out.split())
    assert polled.run("status", "--json").line["politeness"]["failed"] == 1


def test_the_doctor_says_whether_articles_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = make_shell(tmp_path)
    shell.write("feeds:\n  - {id: wire, url: 'https://wire.example/feed', full_text: true}\n")
    said = [one for one in shell.run("doctor", "--json").lines if one["subject"] == "full text"]
    assert [one["level"] for one in said] == ["ok"]
    monkeypatch.setattr("aggregator.workers.reads_articles", lambda: False)
    (missing,) = [one for one in shell.run("doctor", "--json").lines if one["subject"] == "full text"]
    assert (missing["level"], missing["hint"]) == ("warning", "pip install 'feed-aggregator[fulltext]'")
