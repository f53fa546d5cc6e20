"""The demo, run as people run it: a process of its own, its terminal and its folder looked at afterwards."""

import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.message import Message as Headers
from http import HTTPStatus
from pathlib import Path

import pytest

from aggregator.core.digests.display import width
from aggregator.core.errors import UsageError
from aggregator.demo.server import OUTLETS, Outlet, answer, resolve, serving
from aggregator.demo.stage import staged
from aggregator.store import feeds
from tests.patience import PATIENCE

TRAPS = (
    "Drug maker",
    "addict",
    "heroine",
    "Heroines",
    "Ice ",
    "Sprinter",
    "popp",
    "Oil cartel",
    "Battery",
    "Ecstasy",
    "Coffee",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One run of the demo."""

    terminal: str
    folder: Path
    mails: tuple[EmailMessage, EmailMessage]
    strangers: str

    @property
    def digest(self) -> str:
        return text_of(self.mails[0])

    @property
    def next_digest(self) -> str:
        return text_of(self.mails[1])

    def rows(self, query: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.folder / "aggregator.db")
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# Python's own audit hook tells of every name that is looked up and every connection that is opened.
_WATCH = """
import sys
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        print("WIRE", event, args[1] if event == "socket.connect" else args[0], file=sys.stderr)
sys.addaudithook(watch)
from aggregator.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    data = tmp_path_factory.mktemp("demo")
    done = run_demo(data)
    assert done.returncode == 0, done.stderr
    first, second = sorted((data / "demo" / "outbox").glob("*.eml"))
    return Shown(
        terminal=done.stdout,
        folder=data / "demo",
        mails=(
            message_from_bytes(first.read_bytes(), policy=policy.default),
            message_from_bytes(second.read_bytes(), policy=policy.default),
        ),
        strangers=done.stderr,
    )


def run_demo(data: Path) -> "subprocess.CompletedProcess[str]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    return subprocess.run(
        [sys.executable, "-c", _WATCH, "demo", "--data-dir", str(data)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environ,
    )


def test_four_outlets_that_tell_one_story_are_one_line_of_the_digest(shown: Shown) -> None:
    stories = re.split(r"\n(?= ?\d+\. )", shown.digest)[1:]
    told = [story for story in stories if "working" in story.lower() and "policy" in story.lower() and "India" in story]
    assert len(told) == 1
    flat = " ".join(told[0].split())
    assert "United States and India Hold First Meeting of Drug Policy Executive Working Group" in flat
    assert "Example Federal Notices (official)" in flat
    also = flat.partition("Also in: ")[2].partition(" Sources")[0]
    hidden = re.search(r"\(\+(\d+)\)", also)
    assert also.count("Example") + int(hidden[1] if hidden else 0) == 3


def test_nothing_that_only_sounds_like_the_topic_is_in_the_digest(shown: Shown) -> None:
    assert [trap for trap in TRAPS if trap in shown.digest] == []
    titles = {str(title) for (title,) in shown.rows("SELECT title FROM revision")}
    assert [trap for trap in TRAPS if not any(trap in title for title in titles)] == []


def test_the_digest_names_the_sources_it_could_not_read(shown: Shown) -> None:
    told = " ".join(shown.digest.split())
    assert "Example Customs Service: HTTP 503" in told
    assert "Example Border Tribune: a web page" in told


def test_the_terminal_shows_the_very_text_that_was_mailed(shown: Shown) -> None:
    assert shown.digest.strip() in shown.terminal
    assert shown.next_digest.strip() in shown.terminal


def test_the_next_digest_tells_what_changed_what_develops_and_who_fell_silent(shown: Shown) -> None:
    told = " ".join(shown.next_digest.split())
    assert "licences of [-two-] {+three+} acetic anhydride dealers" in told
    assert "that [-eleven-] {+four+} tonnes" in told
    assert "1 DEVELOPING STORY" in told
    assert "DEVELOPING: Interpol traces *methamphetamine*" in told
    assert "*Interpol* has now traced" in told
    assert "New since you were first told on Tue 27 Jan, 07:31: official source: Example Vienna Bulletin" in told
    assert "Unusually quiet: - Example Gazette: " in told


def test_a_trap_is_explained_with_the_clauses_that_lowered_it(shown: Shown) -> None:
    told = " ".join(shown.terminal.split())
    assert "Drug maker's profits climb on sales of its fentanyl pain patch (Example Markets) -> not flagged:" in told
    assert "-3 pharmaceutical business" in told


def test_no_line_is_wider_than_a_terminal_but_an_address(shown: Shown) -> None:
    lines = shown.terminal.replace(str(shown.folder), "data/demo").splitlines()
    assert [line for line in lines if width(line) > 80 and "://" not in line] == []


def test_every_place_that_the_demo_names_is_there(shown: Shown) -> None:
    named = re.findall(rf"{re.escape(str(shown.folder))}[^\s:]*", shown.terminal)
    assert {Path(name).suffix for name in named} == {".yaml", ".eml", ".html", ".db"}
    assert all(Path(name).is_file() for name in named)


def test_a_second_round_stores_only_what_publishers_added_or_changed(shown: Shown) -> None:
    told = " ".join(shown.terminal.split())
    assert "Example Vienna Bulletin 1 new entry, 1 match" in told
    assert "The Example Daily 0 new entries, 1 changed" in told
    assert (
        "10 feeds: 5 not modified (304), 1 sent the same document, 2 still failing; of these nothing is stored" in told
    )
    assert shown.rows("SELECT count(*), count(DISTINCT first_seen) FROM entry") == [(63, 2)]
    assert shown.rows("SELECT count(*) FROM revision") == [(64,)]


def test_the_sum_closes_after_the_demo(shown: Shown) -> None:
    watched = "SELECT count(*) FROM match WHERE topic_id = 'narcotics-policy'"
    assert shown.rows("SELECT state, count(*) FROM ledger GROUP BY state") == [("delivered", *shown.rows(watched)[0])]
    assert shown.rows("SELECT phase FROM delivery") == [("sent",)] * 2


def test_nothing_beyond_this_machine_is_asked(shown: Shown) -> None:
    wires = re.findall(r"^WIRE (\S+) (.*)$", shown.strangers, re.MULTILINE)
    assert any("127.0.0.1" in where for _, where in wires)
    assert [where for _, where in wires if "127.0.0.1" not in where and not where.startswith(("/", "b'", "\x00"))] == []


def test_a_second_demo_starts_anew(tmp_path: Path) -> None:
    for _ in range(2):
        with staged(tmp_path / "demo") as stage:
            (left,) = stage.folder.glob("*.db")
            assert stage.app.store.read(feeds.definitions) == ()
            assert not (stage.folder / "outbox").exists()
        (left.parent / "outbox").mkdir()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is not the demo's"), staged(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def asked(**headers: str) -> Headers:
    message = Headers()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize("outlet", [one for one in OUTLETS if one.validator != "none"], ids=lambda one: str(one.name))
def test_an_outlet_says_304_to_the_validator_it_gave(outlet: Outlet) -> None:
    first = answer(f"{outlet.name}.example:8000", asked())
    given = dict(first.headers)
    back = {"ETag": "If_None_Match", "Last-Modified": "If_Modified_Since"}
    again = {back[header]: value for header, value in given.items() if header in back}
    assert first.status is HTTPStatus.OK
    assert answer(f"{outlet.name}.example", asked(**again)).status is HTTPStatus.NOT_MODIFIED
    assert answer(f"{outlet.name}.example", asked(If_None_Match='"older"')).status is HTTPStatus.OK
    later = answer(f"{outlet.name}.example", asked(**again), later=True)
    assert later.status is (HTTPStatus.OK if outlet.later else HTTPStatus.NOT_MODIFIED)


def test_a_name_that_is_no_outlet_is_not_found() -> None:
    assert answer("elsewhere.example", asked()).status is HTTPStatus.NOT_FOUND


def test_no_name_outside_the_demo_leads_anywhere() -> None:
    assert asyncio.run(resolve("wire.example", 80)) == ("127.0.0.1",)
    assert asyncio.run(resolve("example.org", 80)) == ()


def test_the_server_is_gone_when_its_block_ends() -> None:
    with serving() as stand, socket.create_connection(("127.0.0.1", stand.port), timeout=PATIENCE):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", stand.port), timeout=PATIENCE)
