"""`entries` and `show`: what was stored, and the words that prove every match."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.core.digests.export.evidence import words_of
from aggregator.core.model.topics import Fired, Span
from tests.commands import Shell, make_shell
from tests.factories import make_revision
from tests.servers import ScriptedServer
from tests.serving import serving
from tests.world import listed, rss, served

LINE = {"id", "feed", "key", "title", "link", "first_seen", "published", "topics"}


@pytest.fixture(scope="module")
def web() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, web: ScriptedServer) -> Shell:
    """Two entries, of which one is flagged and then edited."""
    first = served(rss(("1", "Customs seize fentanyl"), ("2", "Weather")))
    second = served(rss(("1", "Customs in Mumbai seize more fentanyl than ever"), ("2", "Weather")))
    url = web.on("/feed", first, second)
    shell = make_shell(tmp_path_factory.mktemp("entries"))
    shell.write(listed([("wire", url)]))
    shell.run("poll")
    shell.environ["AGGREGATOR_CLOCK"] = "2026-01-27T20:00:00Z"
    assert "1 updated" in shell.run("poll").out
    return shell


def test_entries_are_lines_of_json(shell: Shell) -> None:
    ran = shell.run("entries", "--json")
    assert ran.code == 0
    assert all(set(line) == LINE for line in ran.lines)
    told = {line["key"]: line for line in ran.lines}
    assert told["id:1"] | {"id": 0} == {
        "id": 0,
        "feed": "wire",
        "key": "id:1",
        "title": "Customs in Mumbai seize more fentanyl than ever",
        "link": "https://wire.example/1",
        "first_seen": "2026-01-27T08:00:00Z",
        "published": None,
        "topics": ["narcotics"],
    }


def test_entries_can_be_narrowed(shell: Shell) -> None:
    assert [line["key"] for line in shell.run("entries", "--topic", "narcotics", "--json").lines] == ["id:1"]
    assert len(shell.run("entries", "--feed", "wire", "-n", "1", "--json").lines) == 1


@pytest.mark.parametrize("words", [("--feed", "nope"), ("--topic", "nope")])
def test_a_name_that_does_not_exist_is_wrong_usage(shell: Shell, words: tuple[str, str]) -> None:
    ran = shell.run("entries", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: no such {words[0].strip('-')}: nope\nhint: ")


def test_people_see_when_where_what_and_why(shell: Shell) -> None:
    lines = shell.run("entries").out.splitlines()
    assert lines[0].split() == ["ID", "SEEN", "FEED", "TITLE", "TOPICS"]
    assert any(line.endswith("Customs in Mumbai seize more fentanyl than ever  narcotics") for line in lines)
    assert all("12h ago  wire" in line for line in lines[1:])


def test_an_empty_archive_says_how_to_fill_it(tmp_path: Path) -> None:
    ran = make_shell(tmp_path).run("entries")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "no entry yet; `aggregator poll` checks the feeds\n"


def flagged(shell: Shell) -> str:
    return str(shell.run("entries", "--topic", "narcotics", "--json").line["id"])


def test_an_entry_is_shown_with_its_revisions_and_its_proof(shell: Shell) -> None:
    told = shell.run("show", flagged(shell)).out
    assert told.startswith("Customs in Mumbai seize more fentanyl than ever\n")
    assert "2 revisions" in told
    assert "1  2026-01-27 08:00 UTC  Customs seize fentanyl\n" in told
    assert "flagged by narcotics" in told
    assert "title: fentanyl" in told


def test_every_span_of_the_proof_names_its_words(shell: Shell) -> None:
    line = shell.run("show", flagged(shell), "--json").line
    assert set(line) > LINE
    assert [revision["n"] for revision in line["revisions"]] == [1, 2]
    (match,) = line["matches"]
    assert (match["topic"], match["origin"]) == ("narcotics", "baseline")
    spans = [span for proof in match["evidence"] for fired in proof["fired"] for span in fired["spans"]]
    assert spans
    assert {span["words"] for span in spans} == {"fentanyl"}


def test_an_entry_without_a_match_says_so(shell: Shell) -> None:
    weather = next(line["id"] for line in shell.run("entries", "--json").lines if line["title"] == "Weather")
    assert "no topic flagged it" in shell.run("show", str(weather)).out


@pytest.mark.parametrize("number", ["999", "9223372036854775807"])
def test_an_entry_that_does_not_exist_is_wrong_usage(shell: Shell, number: str) -> None:
    ran = shell.run("show", number, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: no such entry: {number}\n")


def test_the_words_of_a_span_are_cut_from_the_field_it_names() -> None:
    revision = make_revision(title="Customs seize fentanyl", text="in the port")
    spans = (
        Span(field="title", start=14, end=22),
        Span(field="tag", start=0, end=7),
        Span(field="feed", start=0, end=4),
    )
    assert words_of(Fired(clause="c", points=1, spans=spans), revision) == ("fentanyl", "customs", "")
