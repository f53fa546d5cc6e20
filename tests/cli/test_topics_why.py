"""`topics why` and `topics evaluate`, as a person runs them."""

import io
import json
from pathlib import Path

import pytest

from tests.commands import Shell, make_shell
from tests.servers import reply
from tests.serving import serving
from tests.world import rss, served

LIST = """
feeds: []
topics:
  - id: narcotics
    flag_at: 2
    lists: {drugs: "fentanyl OR (heroin EXCEPT 'heroin chic')"}
    signal:
      - {name: seizures, query: "@drugs NEAR/3 seiz*", weight: 2}
      - {name: courts, query: "@drugs AND judge NOT film", weight: 1}
    lower:
      - {name: series, query: "tv series", weight: 2}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = make_shell(tmp_path)
    shell.write(LIST.replace("'heroin chic'", '\\"heroin chic\\"'))
    return shell


def test_a_hit_is_explained_with_its_sum_its_words_and_its_tree(shell: Shell) -> None:
    ran = shell.run("topics", "why", "narcotics", "--title", "Customs seize fentanyl")
    assert ran.code == 0
    assert "narcotics: flagged: +3 seizures = 3, which reaches 2; worth an alert" in ran.out
    assert "title  Customs [seize] [fentanyl]" in ran.out
    assert "yes  @drugs <- title: “fentanyl”" in [line.strip() for line in ran.out.splitlines()]
    assert "2 other clauses did not fire" in ran.out


def test_a_miss_names_what_killed_the_words_that_were_there(shell: Shell) -> None:
    far = shell.run("topics", "why", "narcotics", "--text", "fentanyl was at last and not at all seized").out
    assert "7 words lie between, 3 are allowed" in far
    chic = shell.run("topics", "why", "narcotics", "--title", "Heroin chic seized the catwalk").out
    assert "every hit lies inside \"heroin chic\": 'Heroin chic'" in chic
    film = shell.run("topics", "why", "narcotics", "--title", "A judge, fentanyl and a film").out
    assert "it is there: 'film'" in film


def test_what_lowered_a_score_stands_in_the_sum(shell: Shell) -> None:
    ran = shell.run("topics", "why", "narcotics", "--title", "TV series", "--text", "fentanyl seized")
    assert "not flagged: +2 seizures -2 series = 0, which is below 2" in ran.out


def test_programs_get_the_whole_tree_with_words(shell: Shell) -> None:
    told = shell.run("topics", "why", "narcotics", "--title", "Fentanyl seized", "--json").line
    assert (told["flagged"], told["score"], told["flag_at"]) == (True, 3.0, 2.0)
    seizures, courts, series = told["clauses"]
    assert [span["words"] for span in seizures["spans"]] == ["Fentanyl", "seized"]
    assert [part["holds"] for part in seizures["tree"]["parts"]] == [True, True]
    assert (courts["fired"], series["kind"]) == (False, "lower")


def test_a_text_comes_through_a_pipe(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("They seized 🧪 fentanyl."))
    told = shell.run("topics", "why", "narcotics", "--text", "-", "--json").line
    assert [span["words"] for span in told["clauses"][0]["spans"]] == ["seized", "fentanyl"]


def test_a_stored_entry_is_explained_beside_what_is_stored_of_it(polled: Shell) -> None:
    entries = {line["title"]: line["id"] for line in polled.run("entries", "--json").lines}
    hit = polled.run("topics", "why", "narcotics", "--entry", str(entries["Customs seize fentanyl"]), "--json").line
    assert (hit["flagged"], hit["stored"]["version"], hit["feed"]) == (True, 1, "wire")
    miss = polled.run("topics", "why", "narcotics", "--entry", str(entries["Parliament debates budget"]), "--json").line
    assert (miss["flagged"], miss["stored"]) == (False, None)
    assert polled.run("topics", "why", "narcotics", "--entry", "999").code == 2


def test_the_version_in_force_is_explained_where_the_file_says_otherwise(polled: Shell) -> None:
    polled.write((polled.folder / "feeds.yaml").read_text().replace("fentanyl", "tea"))
    asked = ("topics", "why", "narcotics", "--title", "Fentanyl", "--json")
    assert polled.run(*asked).line["flagged"] is False
    assert polled.run(*asked, "--in-force").line["flagged"] is True


def test_a_page_and_a_feed_are_read_and_not_stored(shell: Shell) -> None:
    page = b"<!doctype html><title>News</title><body><article><p>Fentanyl was seized.</p></article></body>"
    feed = rss(("1", "Fentanyl seized"), ("2", "Budget debated"))
    with serving() as server:
        page_url = server.on("/page", reply(page, headers=[("Content-Type", "text/html")]))
        feed_url = server.on("/feed", *[served(feed)] * 2)
        (one,) = shell.run("topics", "why", "narcotics", "--url", page_url, "--json").lines
        assert (one["title"], one["flagged"]) == ("News", True)
        both = shell.run("topics", "why", "narcotics", "--url", feed_url, "--json").lines
        assert [line["flagged"] for line in both] == [True, False]
        chosen = shell.run("topics", "why", "narcotics", "--url", feed_url, "--title", "budget")
        assert "not flagged: no signal fired" in chosen.out
        gone = server.on("/gone", reply(b"", status=404))
        assert shell.run("topics", "why", "narcotics", "--url", gone).code == 1
    assert not (shell.folder / "data").exists()


def test_something_to_explain_must_be_named_once(shell: Shell) -> None:
    assert shell.run("topics", "why", "narcotics").code == 2
    assert shell.run("topics", "why", "narcotics", "--text", "a", "--entry", "1").code == 2
    unknown = shell.run("topics", "why", "narcotic", "--text", "a")
    assert unknown.code == 2
    assert "there are: narcotics, " in unknown.err


def graded(shell: Shell, *lines: object) -> str:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return str(shell.write(text, "graded.jsonl"))


def test_a_topic_is_measured_on_graded_items(shell: Shell) -> None:
    file = graded(
        shell,
        {"title": "Fentanyl seized", "text": "", "grade": 2},
        {"title": "Opioids found", "text": "", "grade": 2},
        {"title": "Seized heroin, a novel", "grade": 0},
        {"title": "On the border", "text": "fentanyl seized", "grade": 1},
    )
    told = shell.run("topics", "evaluate", "narcotics", file, "--json").line
    assert told == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "average_precision": 0.5833, "n": 3}
    shown = shell.run("topics", "evaluate", "narcotics", file).out
    assert "missed: 1" in shown
    assert "Opioids found" in shown
    assert "1 on the border left out" in shown


def test_packs_and_files_are_measured_by_their_names(shell: Shell) -> None:
    file = graded(shell, {"title": "Customs seize fentanyl", "text": "", "grade": 2})
    shell.write("keywords: [fentanyl]", "draft.yaml")
    for name in ("narcotics-policy", "draft.yaml"):
        assert shell.run("topics", "evaluate", name, file, "--json").line["recall"] == 1.0


def test_every_broken_line_is_named(shell: Shell) -> None:
    ran = shell.run(
        "topics", "evaluate", "narcotics", graded(shell, "{", {"title": "a", "grade": 3}, {"title": 1, "grade": 2})
    )
    assert ran.code == 2
    assert [line.partition("graded.jsonl:")[2][0] for line in ran.err.splitlines()] == ["1", "2", "3"]
    assert shell.run("topics", "evaluate", "narcotics", "nowhere.jsonl").code == 2
