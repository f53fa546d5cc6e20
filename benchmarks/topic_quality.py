"""How right the shipped pack is on labelled news, beside lists of words that people start with.

Grade 2 should be flagged and grade 0 should not; grade 1 counts in neither and is shown by itself.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.quality import Judged, Quality, measure
from aggregator.feedlist import pack_topic

FOLDS = 5
WORDS = re.findall(
    r"\w+",
    """
    drug narcotic cocaine heroin fentanyl opioid cannabis marijuana meth opium cartel traffick smuggl overdose dea unodc
    precursor ketamine mdma hashish addict narco
    """,
)
STRONG = """
    ((drug* OR narcotic*) EXCEPT ("drug maker*" OR drugmaker* OR "drug price*" OR "prescription drug*" OR "cancer drug*"))
    NEAR/5 (traffick* OR smuggl* OR seiz* OR cartel* OR policy OR law OR laws OR bill OR gang* OR lord* OR dealer* OR war)
    OR cocaine OR +heroin OR fentanyl OR methamphetamine* OR opium OR narco*
    OR (cannabis OR marijuana) NEAR/8 (legali* OR decriminali* OR law OR laws OR bill OR seiz* OR traffick*)
    OR =DEA OR =UNODC OR =INCB OR =ONDCP OR "narcotics control"
"""


class Row(NamedTuple):
    """One labelled item and the score that some method gives it."""

    grade: int
    score: float


Method = Callable[[str, str], float]


def report(labelled: Path) -> None:
    items = [json.loads(line) for line in labelled.read_text(encoding="utf-8").splitlines()]
    pack = pack_topic("narcotics-policy")
    boolean = Topic(id="b", name="B", clauses=(Clause(name="b", kind=ClauseKind.SIGNAL, query=STRONG),))
    methods: list[tuple[str, Method, float]] = [
        ("the pack narcotics-policy", by_topic(pack), pack.flag_at),
        ("one query with NEAR and EXCEPT", by_topic(boolean), 1),
        (f"{len(WORDS)} words as substrings, two of them", by_substrings, 2),
        (f"{len(WORDS)} words as substrings, one of them", by_substrings, 1),
    ]
    print(f"\n{len(items)} labelled items; precision, recall, F1, average precision, share of grade 1 flagged")
    for name, method, flag_at in methods:
        rows = scored(items, method)
        quality = at(rows, flag_at)
        print(f"{figures(quality)}  {flagged_share(rows, 1, flag_at):.3f}  {name}")
    rows = scored(items, by_topic(pack))
    print(f"grade 1 at or above alert_at: {flagged_share(rows, 1, pack.alert_at):.3f}")
    folds(rows, pack.flag_at)


def by_topic(topic: Topic) -> Method:
    index = TopicIndex((topic,))
    return lambda title, text: index.evaluate_all(EntryFields(title=title, text=text))[0].score


def by_substrings(title: str, text: str) -> float:
    """How many of the words stand in the item, whatever stands around them."""
    lowered = f"{title} {text}".lower()
    return sum(word in lowered for word in WORDS)


def scored(items: Sequence[dict[str, Any]], method: Method) -> list[Row]:
    return [Row(item["grade"], method(item["title"], item["text"])) for item in items]


def at(rows: Sequence[Row], flag_at: float) -> Quality:
    """The figures when everything from `flag_at` on is flagged."""
    return measure(Judged(row.score, row.score >= flag_at, row.grade == 2) for row in rows if row.grade != 1)


def flagged_share(rows: Sequence[Row], grade: int, flag_at: float) -> float:
    graded = [row.score >= flag_at for row in rows if row.grade == grade]
    return sum(graded) / len(graded)


def figures(quality: Quality) -> str:
    return f"{quality.precision:.3f} {quality.recall:.3f} {quality.f1:.3f} {quality.average_precision:.3f}"


def folds(rows: Sequence[Row], flag_at: float) -> None:
    """The spread over five parts. Nothing of the rules was held back, so this is no estimate of unseen news."""
    dealt = sorted(
        range(len(rows)), key=lambda number: rows[number].grade
    )  # stable: each part has its share of a grade
    parts = [[rows[number] for number in dealt[start::FOLDS]] for start in range(FOLDS)]
    print(
        f"\nfive parts of the same items, dealt by grade; the rules were written with all of them in view, flag_at {flag_at}"
    )
    for number, part in enumerate(parts, 1):
        rest = [row for other in parts if other is not part for row in other]
        chosen = max(sorted({row.score for row in rest if row.score > 0}), key=lambda cut: at(rest, cut).f1)
        print(
            f"{figures(at(part, flag_at))}  part {number}; F1 {at(part, chosen).f1:.3f} "
            f"with the threshold {chosen:g} that suits the other four best"
        )
    spread = [at(part, flag_at) for part in parts]
    for name, values in (
        ("precision", [quality.precision for quality in spread]),
        ("recall", [quality.recall for quality in spread]),
        ("F1", [quality.f1 for quality in spread]),
        ("average precision", [quality.average_precision for quality in spread]),
    ):
        print(f"{fmean(values):.3f} ± {stdev(values):.3f}  {name}, mean and standard deviation of the parts")
