"""`inspect`: any document, from anywhere, is shown or refused in words, and nothing is stored."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.commands import Shell, make_shell
from tests.patience import PATIENCE
from tests.servers import ScriptedServer, reply
from tests.serving import serving
from tests.world import rss, served

ROOT = Path(__file__).parents[2]

ENTRY = {"key", "title", "link", "published", "updated", "authors", "tags", "text", "html", "enclosures"}
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Office</title><link href="https://un.example/"/>
<entry><id>tag:un.example,2026:1</id><title>Precursors</title><link href="https://un.example/1"/>
<published>2026-01-20T06:30:00Z</published><updated>2026-01-21T06:30:00+05:30</updated>
<author><name>Desk</name></author><category term="drugs"/>
<link rel="enclosure" href="https://un.example/1.pdf" type="application/pdf" length="12"/>
<content type="html">&lt;p onclick="x()"&gt;Two &lt;b&gt;tons&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/p&gt;</content>
</entry></feed>"""


@pytest.fixture(scope="module")
def web() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return make_shell(tmp_path)


def test_a_file_is_told_as_it_would_be_stored(shell: Shell) -> None:
    shell.write(ATOM, "office.xml")
    ran = shell.run("inspect", "office.xml", "--json")
    assert ran.code == 0
    assert ran.line["feed"] == {"title": "Office", "link": "https://un.example/", "language": "en"}
    assert ran.line["warnings"] == []
    (entry,) = ran.line["entries"]
    assert set(entry) == ENTRY
    assert entry["key"] == "id:tag:un.example,2026:1"
    assert (entry["published"], entry["updated"]) == ("2026-01-20T06:30:00Z", "2026-01-21T01:00:00Z")
    assert (entry["authors"], entry["tags"], entry["text"]) == (["Desk"], ["drugs"], "Two tons")
    assert entry["html"] == "<p>Two <b>tons</b></p>"
    assert entry["enclosures"] == [{"url": "https://un.example/1.pdf", "type": "application/pdf", "length": 12}]


def test_it_needs_no_database_and_leaves_nothing_behind(shell: Shell) -> None:
    shell.write(ATOM, "office.xml")
    shell.run("inspect", "office.xml")
    assert [path.name for path in shell.folder.iterdir()] == ["office.xml"]


def test_people_get_a_table_and_the_oddities(shell: Shell) -> None:
    shell.write("junk " + ATOM, "office.xml")
    ran = shell.run("inspect", "office.xml")
    assert "entries   1 entry" in ran.out
    assert "2026-01-20 06:30 UTC  Precursors  https://un.example/1" in ran.out
    assert ran.err.startswith("warning: ")


def test_an_address_is_fetched_once(shell: Shell, web: ScriptedServer) -> None:
    url = web.on("/feed", served(rss(("1", "Customs"), ("2", "Weather"))))
    ran = shell.run("inspect", url, "--json")
    assert [entry["title"] for entry in ran.line["entries"]] == ["Customs", "Weather"]
    assert web.paths().count("/feed") == 1


def test_a_web_page_is_an_error_that_names_its_feeds(shell: Shell, web: ScriptedServer) -> None:
    page = b'<!doctype html><title>Home</title><link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    url = web.on("/home", reply(page, headers=[("Content-Type", "text/html")]))
    ran = shell.run("inspect", url, "--json")
    assert ran.code == 1
    assert ran.line["error"]["kind"] == "html"
    assert ran.line["error"]["candidates"] == [web.url("/feed.xml")]
    told = shell.run("inspect", url)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("error: html: a web page, titled 'Home'\nhint: it offers\n")


def test_an_http_error_is_typed(shell: Shell, web: ScriptedServer) -> None:
    url = web.on("/gone", reply(status=410))
    assert shell.run("inspect", url, "--json").line == {
        "error": {"kind": "gone", "detail": "HTTP 410: the feed is gone for good"}
    }


def test_the_content_type_decides_where_a_document_does_not_say(shell: Shell) -> None:
    body = "<rss version='2.0'><channel><title>\u041f\u0440\u0438</title><item><title>x</title></item></channel></rss>"
    (shell.folder / "old.xml").write_bytes(body.encode("windows-1251"))
    header = "content-type: text/xml; charset=windows-1251"
    assert shell.run("inspect", "old.xml", "--json", "--header", header).line["feed"]["title"] == "\u041f\u0440\u0438"
    assert shell.run("inspect", "old.xml", "--header", "nonsense").code == 2


def test_relative_links_are_resolved_where_the_document_comes_from(shell: Shell) -> None:
    shell.write("<rss version='2.0'><channel><item><title>x</title><link>/1</link></item></channel></rss>", "a.xml")
    args = ("inspect", "a.xml", "--json", "--header", "Content-Location: https://wire.example/feed")
    assert shell.run(*args).line["entries"][0]["link"] == "https://wire.example/1"


def test_a_pipe_is_read_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ATOM.encode())))
    assert shell.run("inspect", "-", "--json").line["feed"]["title"] == "Office"


def test_a_document_larger_than_is_read_is_refused(shell: Shell) -> None:
    shell.environ["AGGREGATOR_MAX_BODY"] = "1K"
    shell.write(ATOM + " " * 1024, "big.xml")
    assert shell.run("inspect", "big.xml", "--json").line["error"]["kind"] == "too_large"


@pytest.mark.parametrize("source", ["missing.xml", ".", "bad\x00name"])
def test_what_cannot_be_opened_is_wrong_usage(shell: Shell, source: str) -> None:
    ran = shell.run("inspect", source, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: cannot read ")


@pytest.mark.parametrize("source", ["file:///etc/hostname", "ftp://x.example/feed", "data:text/xml,<rss/>"])
def test_only_http_addresses_are_fetched(shell: Shell, source: str) -> None:
    ran = shell.run("inspect", source)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("hint: only http and https addresses are fetched; of a file give the path\n")


@pytest.mark.parametrize("source", ["", " "])
def test_nothing_is_no_document(shell: Shell, source: str) -> None:
    ran = shell.run("inspect", source)
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: there is no address and no file to read")


@pytest.mark.parametrize("source", ["http:", "https://a..b/", "feed:http://x y/", "http://localhost:99999/"])
def test_an_address_that_cannot_be_is_a_typed_error(shell: Shell, source: str) -> None:
    ran = shell.run("inspect", source, "--json")
    assert (ran.code, ran.line["error"]["kind"]) == (1, "bad_url")


def test_a_name_cannot_move_the_cursor(shell: Shell) -> None:
    ran = shell.run("inspect", "\x1b[2Jno\u202esuch\x07")
    assert ran.err.splitlines()[0] == "error: cannot read  [2Jno such : no such file or directory"


def test_waiting_for_a_pipe_ends_with_ctrl_c(shell: Shell) -> None:
    pipe = shell.folder / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "aggregator", "inspect", str(pipe)]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | shell.environ, stderr=subprocess.PIPE) as reader:
        end = _other_end(pipe)
        reader.send_signal(signal.SIGINT)
        _, errors = reader.communicate(timeout=PATIENCE)
        os.close(end)
    assert (reader.returncode, errors) == (130, b"")


def _other_end(pipe: Path) -> int:
    """The writing end of a pipe, once someone has opened the other."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("nobody reads the pipe")


@pytest.mark.parametrize("kind", ["empty", "noise", "text", "xml", "json", "html", "entities"])
def test_a_file_of_any_content_ends_in_a_document_or_a_typed_error(shell: Shell, kind: str) -> None:
    bodies = {
        "empty": b"",
        "noise": bytes(range(256)) * 64,
        "text": b"just words",
        "xml": b"<note><to/></note>",
        "json": b'{"version": 1}',
        "html": b"<html><body>hello</body></html>",
        "entities": b'<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>',
    }
    (shell.folder / "any").write_bytes(bodies[kind])
    ran = shell.run("inspect", "any", "--json")
    assert ran.code in {0, 1}
    assert set(ran.line) in ({"error"}, {"feed", "entries", "warnings"})
    if ran.code == 1:
        assert set(ran.line["error"]) >= {"kind", "detail"}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_bytes_of_no_meaning_never_crash_it(shell: Shell, body: bytes) -> None:
    (shell.folder / "any").write_bytes(b"<rss version='2.0'><channel><item><title>" + body)
    assert shell.run("inspect", "any", "--json").code in {0, 1}
