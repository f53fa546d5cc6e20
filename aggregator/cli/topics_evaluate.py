"""`topics evaluate`: how right a topic is on items that people graded. It reads a file, and no database."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.jsonlines import BadLineError, read_lines
from aggregator.cli.options import AsJson, Context, Limit, everywhere
from aggregator.cli.output import Column, count, fields, print_json, print_table, progress, say
from aggregator.cli.paragraphs import heading
from aggregator.cli.topic_names import InForce, TopicName, find_topic
from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.core.model.topics import Topic
    from aggregator.core.topics.quality import Judged, Quality

GRADES = {0: False, 1: None, 2: True}  # 1 is on the border: what is said of it is neither right nor wrong
EXPECTED = '{"title": "..", "text": "..", "grade": 0, 1 or 2}'

Graded = Annotated[
    Path, typer.Argument(metavar="FILE.jsonl", help='Lines {"title", "text", "grade"}: 2 relevant, 0 not, 1 left out.')
]


@dataclass(frozen=True, slots=True)
class Item:
    """One graded item that counts."""

    title: str
    text: str
    relevant: bool


@everywhere
def evaluate(
    here: Context,
    topic: TopicName,
    file: Graded,
    *,
    in_force: InForce = False,
    limit: Limit = 5,
    as_json: AsJson = False,
) -> None:
    """Precision, recall and their like on graded items, and the items it gets most wrong.

    The topic is the one in the feed list, a pack or a file.
    """
    from aggregator.core.topics.quality import measure

    chosen = find_topic(here, topic, in_force=in_force)
    items, left_out = _read(file)
    judged = _judge(chosen, items)
    measured = measure(judged)
    if as_json:
        print_json(_told(measured))
        return
    _print(measured, left_out)
    _print_wrong(chosen, list(zip(items, judged, strict=True)), limit)


def _told(measured: "Quality") -> dict[str, Any]:
    figures = ("precision", "recall", "f1", "average_precision")
    return {**{name: round(getattr(measured, name), 4) for name in figures}, "n": measured.n}


def _read(file: Path) -> tuple[list[Item], int]:
    """The items that count, and how many on the border do not. Raises UsageError, or ConfigError with the broken lines."""
    found = read_lines(file, _item, expected=EXPECTED)
    items = [item for item in found if item is not None]
    if not items:
        raise UsageError(f"{file} has no item of grade 0 or 2")
    return items, len(found) - len(items)


def _item(value: Any) -> Item | None:
    """One line's item, None for one on the border."""
    if not isinstance(value, dict):
        raise BadLineError(f"expected {EXPECTED}")
    title, text, grade = value.get("title") or "", value.get("text") or "", value.get("grade")
    if not isinstance(title, str) or not isinstance(text, str):
        raise BadLineError("`title` and `text` are texts")
    if isinstance(grade, bool) or not isinstance(grade, int | float) or grade not in GRADES:
        raise BadLineError("`grade` is 2 (relevant), 1 (on the border) or 0 (not relevant)")
    relevant = GRADES[int(grade)]
    return None if relevant is None else Item(title, text, relevant)


def _judge(topic: "Topic", items: list[Item]) -> "list[Judged]":
    from aggregator.core.topics.fields import EntryFields
    from aggregator.core.topics.index import TopicIndex
    from aggregator.core.topics.quality import Judged

    index = TopicIndex((topic,))
    judged = []
    with progress(len(items), "evaluating") as step:
        for item in items:
            (verdict,) = index.evaluate_all(EntryFields(title=item.title, text=item.text))
            judged.append(Judged(verdict.score, verdict.flagged, item.relevant))
            step()
    return judged


def _print(measured: "Quality", left_out: int) -> None:
    hits, flagged, relevant = measured.hits, measured.flagged, measured.relevant
    fields(
        {
            "precision": f"{measured.precision:.3f}   {hits:,} of {count(flagged, 'flagged item')} relevant",
            "recall": f"{measured.recall:.3f}   {hits:,} of {count(relevant, 'relevant item')} flagged",
            "f1": f"{measured.f1:.3f}",
            "average precision": f"{measured.average_precision:.3f}   by the order of the scores alone",
            "items": f"{measured.n:,}" + (f", and {left_out:,} on the border left out" if left_out else ""),
        }
    )


def _print_wrong(topic: "Topic", pairs: "list[tuple[Item, Judged]]", limit: int) -> None:
    """The misses with the lowest scores and the false hits with the highest."""
    missed = sorted((p for p in pairs if p[1].relevant and not p[1].flagged), key=lambda pair: pair[1].score)
    false = sorted((p for p in pairs if p[1].flagged and not p[1].relevant), key=lambda pair: -pair[1].score)
    for title, wrong in (("missed", missed), ("flagged, and not relevant", false)):
        if not wrong:
            continue
        more = f", {limit:,} shown" if len(wrong) > limit else ""
        heading(f"{title}: {len(wrong):,}{more}")
        columns = (Column(f"score/{topic.flag_at:g}", right=True), Column("title", shrinks=True))
        print_table(columns, [(f"{judged.score:g}", item.title or item.text[:200]) for item, judged in wrong[:limit]])
    if missed or false:
        say()
        say(f"`aggregator topics why {topic.id} --title ..` explains one")
