"""`topics check`, `test` and `list`: mistakes are pointed at, and what topics matched is told."""

from pathlib import Path

import pytest

from tests.commands import Shell, make_shell

LIST = """
feeds:
  - {id: wire, url: "https://wire.example/feed"}
topics:
  - id: narcotics
    name: Narcotics
    flag_at: 2
    signal:
      - {name: drugs, query: "fentanyl OR heroin", weight: 2}
    lower:
      - {name: film, query: "film OR series", weight: 2}
    tests:
      - {flag: true, title: Customs seize fentanyl}
      - {flag: false, title: "Heroin, a film", text: A new film by the makers of a series.}
  - {id: plain, keywords: [fentanyl, precursor chemicals]}
subscribers:
  - id: desk
    email: ${AGGREGATOR_NOT_SET}
    subscriptions:
      - {id: morning, topics: [narcotics], at: "07:30"}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = make_shell(tmp_path)
    shell.write(LIST)
    return shell


def test_check_compiles_every_topic_whatever_else_the_feed_list_lacks(shell: Shell) -> None:
    ran = shell.run("topics", "check")
    assert ran.code == 0
    assert "2 topics in feeds.yaml, all compile" in ran.out
    assert not (shell.folder / "data").exists()


def test_check_points_at_the_column_of_a_broken_query(shell: Shell) -> None:
    shell.write('feeds: []\ntopics:\n  - {id: a, query: "fentanyl OR (heroin"}\n', "broken.yaml")
    ran = shell.run("topics", "check", "broken.yaml")
    assert ran.code == 2
    first, source, caret, *_ = ran.err.splitlines()
    assert first.startswith("error: broken.yaml:3:")
    assert source[caret.index("^")] == "("


def test_check_points_at_the_column_behind_letters_of_any_width(shell: Shell) -> None:
    shell.write('feeds: []\ntopics:\n  - {id: a, query: "麻薬 OR OR 覚醒剤"}\n', "broken.yaml")
    ran = shell.run("topics", "check", "broken.yaml")
    _, source, caret, *_ = ran.err.splitlines()
    # Each ideograph takes two columns of the terminal, so the caret stands two columns further than its letter.
    assert source[caret.index("^") - 2 :].startswith("OR 覚")


def test_check_tells_programs_of_each_problem(shell: Shell) -> None:
    shell.write('feeds: []\ntopics:\n  - {id: a, query: "b AND"}\n  - {id: c, pack: nope}\n', "broken.yaml")
    ran = shell.run("topics", "check", "broken.yaml", "--json")
    assert ran.code == 2
    assert [line["where"].split(":")[1] for line in ran.lines] == ["3", "4"]
    assert ran.err == ""


def test_check_of_a_file_that_is_not_there_says_so(shell: Shell) -> None:
    ran = shell.run("topics", "check", "nowhere.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "nowhere.yaml" in ran.err


def test_passing_tests_are_told_with_their_scores(shell: Shell) -> None:
    ran = shell.run("topics", "test")
    assert ran.code == 0
    assert "2 tests of 2 topics: 2 passed, 0 failed" in ran.out
    assert "3/2" in ran.out  # a signal in the title counts half as much again


def test_a_failing_test_is_told_in_full_and_fails(shell: Shell) -> None:
    shell.write(LIST.replace("flag: false", "flag: true"))
    ran = shell.run("topics", "test", "narcotics")
    assert ran.code == 1
    assert "wanted  flagged" in ran.out
    assert "got     not flagged: +3 drugs -2 film = 1, which is below 2" in ran.out
    assert "fired   +3 drugs: “Heroin”" in ran.out


def test_a_near_miss_says_what_was_missing(shell: Shell) -> None:
    shell.write(
        "feeds: []\ntopics:\n  - id: near\n    signal: [{name: haul, query: cocaine NEAR/2 seized, weight: 1}]\n"
        "    tests: [{flag: true, title: Cocaine found and at last and not at once seized}]\n"
    )
    ran = shell.run("topics", "test")
    assert ran.code == 1
    assert "missed  haul: cocaine NEAR/2 seized: 8 words lie between, 2 are allowed" in ran.out


def test_programs_read_a_line_a_test(shell: Shell) -> None:
    ran = shell.run("topics", "test", "--json")
    assert [line["passed"] for line in ran.lines] == [True, True]
    assert ran.lines[0]["fired"] == [{"clause": "drugs", "points": 3.0, "words": ["fentanyl"]}]


def test_a_topic_that_is_not_there_is_wrong_usage(shell: Shell) -> None:
    ran = shell.run("topics", "test", "narcotic")
    assert ran.code == 2
    assert "there are: narcotics, plain" in ran.err


def test_topics_in_force_show_who_watches_them(shell: Shell) -> None:
    shell.environ["AGGREGATOR_NOT_SET"] = "desk@example.org"
    assert shell.run("apply").code == 0
    assert [(line["id"], line["subscriptions"]) for line in shell.run("topics", "list", "--json").lines] == [
        ("narcotics", ["desk/morning"]),
        ("plain", []),
    ]
    assert "desk/morning" in shell.run("topics", "list").out


def test_without_topics_in_force_the_list_says_how_to_get_some(shell: Shell) -> None:
    ran = shell.run("topics", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "aggregator apply" in ran.err
