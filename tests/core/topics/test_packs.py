"""The shipped packs do what their own tests say, tell the flagship story apart, and reach their figures."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Topic, TopicTest
from aggregator.core.topics.check import problems, run_tests
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.trace import explain

ROOT = Path(__file__).parents[3]
PACKS = sorted((ROOT / "aggregator" / "packs").glob("*.yaml"))
LABELLED = ROOT / ".." / "shared" / "data" / "narcotics_dev.jsonl"


def read_pack(path: Path) -> Topic:
    written: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return Topic(
        id=path.stem,
        name=written["name"],
        clauses=tuple(
            Clause(name=clause["name"], kind=kind, query=clause["query"], weight=clause["weight"])
            for kind in ClauseKind
            for clause in written.get(kind.value, ())
        ),
        lists=tuple(written.get("lists", {}).items()),
        languages=tuple(written["languages"]),
        flag_at=written["flag_at"],
        alert_at=written["alert_at"],
        cases=written.get("cases", "yes"),
        tests=tuple(TopicTest(**test) for test in written["tests"]),
    )


NARCOTICS = read_pack(ROOT / "aggregator" / "packs" / "narcotics-policy.yaml")


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_pack_compiles_and_passes_its_own_tests(path: Path) -> None:
    topic = read_pack(path)
    assert problems(topic) == ()
    assert [outcome.test.title for outcome in run_tests(topic) if not outcome.passed] == []


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_pack_tests_look_alikes_as_much_as_the_real_thing(path: Path) -> None:
    flags = [test.flag for test in read_pack(path).tests]
    assert len(flags) >= 16
    assert 0.4 <= sum(flags) / len(flags) <= 0.62


def test_the_flagship_pack_has_a_hundred_and_fifty_tests_of_its_own_in_three_languages() -> None:
    titles = [test.title for test in NARCOTICS.tests]
    assert len(titles) == len(set(titles)) >= 150
    assert sum(any("\u0900" <= letter <= "\u097f" for letter in title) for title in titles) >= 10
    assert sum(any(letter in "áéíóúñ" for letter in title) for title in titles) >= 6


def test_every_signal_of_the_flagship_pack_fires_in_its_tests() -> None:
    fired = {fired.clause for outcome in run_tests(NARCOTICS) for fired in outcome.fired}
    signals = {clause.name for clause in NARCOTICS.clauses if clause.kind is ClauseKind.SIGNAL}
    assert signals - fired == set()


STORY = EntryFields(
    title="US and India launch Drug Policy Executive Working Group in Washington",
    text=(
        "Delegations led by the White House Office of National Drug Control Policy (ONDCP) and India's Narcotics Control "
        "Bureau (NCB) met in Washington, D.C., on 20-21 January for the inaugural meeting. They discussed illicit drug "
        "trafficking, narco-terrorism, the diversion of precursors, and a resilient pharmaceutical supply chain."
    ),
)


def test_the_flagship_story_is_an_alert_and_says_why() -> None:
    trace = explain(NARCOTICS, STORY)
    assert trace.alert
    assert trace.score > 2 * NARCOTICS.alert_at
    fired = {clause.name for clause in trace.clauses if clause.points > 0}
    assert {"cooperation between states on drugs", "drug-control agencies", "narco-terrorism", "precursors"} <= fired


def test_the_flagship_story_reaches_the_topic_of_the_two_countries_and_of_precursors() -> None:
    flagged = {verdict.topic_id for verdict in TopicIndex([read_pack(path) for path in PACKS]).evaluate(STORY)}
    assert {"narcotics-policy", "us-india-drug-cooperation", "precursor-control"} <= flagged


def evaluated(topic: Topic) -> list[tuple[int, Evaluation]]:
    if not LABELLED.is_file():
        pytest.skip("the labelled set is not on this machine")
    index = TopicIndex((topic,))
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    return [
        (row["grade"], verdict)
        for row in rows
        for verdict in index.evaluate_all(EntryFields(title=row["title"], text=row["text"]))
    ]


def average_precision(ranked: list[tuple[float, bool]]) -> float:
    """Mean precision at each relevant item; items of one score share the precision at the end of their group."""
    relevant = sum(wanted for _, wanted in ranked)
    seen = hits = 0
    total = 0.0
    for _, group in groupby(sorted(ranked, key=lambda pair: -pair[0]), key=lambda pair: pair[0]):
        wanted = [want for _, want in group]
        seen, hits = seen + len(wanted), hits + sum(wanted)
        total += sum(wanted) * hits / seen
    return total / relevant


def test_the_flagship_pack_reaches_its_figures_on_labelled_news() -> None:
    verdicts = evaluated(NARCOTICS)
    flagged = [grade for grade, verdict in verdicts if verdict.flagged]
    precision = flagged.count(2) / (flagged.count(2) + flagged.count(0))
    recall = flagged.count(2) / sum(grade == 2 for grade, _ in verdicts)
    assert precision >= 0.93
    assert recall >= 0.95
    assert average_precision([(verdict.score, grade == 2) for grade, verdict in verdicts if grade != 1]) >= 0.97


def test_few_borderline_items_become_alerts() -> None:
    borderline = [verdict for grade, verdict in evaluated(NARCOTICS) if grade == 1]
    assert sum(verdict.alert for verdict in borderline) <= 0.25 * len(borderline)


def test_a_plain_list_of_words_does_worse_than_the_pack() -> None:
    words = Clause(
        name="words",
        kind=ClauseKind.SIGNAL,
        query="drug OR narcotic OR cocaine OR heroin OR fentanyl OR cartel OR opioid",
    )
    verdicts = evaluated(Topic(id="words", name="Words", clauses=(words,)))
    flagged = [grade for grade, verdict in verdicts if verdict.flagged]
    assert flagged.count(2) / (flagged.count(2) + flagged.count(0)) < 0.8
