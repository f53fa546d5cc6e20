"""`stories pairs`: what two texts are to each other, for pairs in a file. It reads no database."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.jsonlines import BadLineError, read_lines
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import Column, print_json, print_table, say
from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.core.model.stories import Relation
    from aggregator.core.stories.shelf import Item

EXPECTED = '{"a": {"title": "..", "text": "..", "feed": "..", "date": ".."}, "b": {..}}'

Pairs = Annotated[Path, typer.Argument(metavar="FILE.jsonl", help=f"A line a pair: {EXPECTED}.")]


@dataclass(frozen=True, slots=True)
class Text:
    """One side of a pair."""

    title: str
    text: str
    feed: str
    at: datetime
    language: str | None


@everywhere
def pairs(_here: Context, file: Pairs, *, as_json: AsJson = False) -> None:
    """Whether two entries would be folded into one story, and why: duplicate, same, related or different."""
    read = _read(file)
    told = [(one, other, _relation(one, other)) for one, other in read]
    if as_json:
        for _, _, relation in told:
            print_json({"relation": name_of(relation), "reasons": list(relation.reasons)})
        return
    columns = (Column("relation"), Column("why", shrinks=True), Column("a", shrinks=True), Column("b", shrinks=True))
    rows = [(name_of(found), "; ".join(found.reasons), one.title, other.title) for one, other, found in told]
    print_table(columns, rows)
    counted = Counter(name_of(found) for _, _, found in told)
    say()
    say(", ".join(f"{number:,} {name}" for name, number in counted.most_common()))


def name_of(relation: "Relation") -> str:
    """A relation as pairs call it: the very same text is a duplicate too."""
    return "duplicate" if relation.kind.value == "exact" else relation.kind.value


def _relation(one: Text, other: Text) -> "Relation":
    from aggregator.core.stories.shelf import judge

    return judge(_item(0, one), _item(1, other), lambda _: 1.0)


def _item(number: int, told: Text) -> "Item":
    from aggregator.core.stories.shelf import Item
    from aggregator.core.stories.signature import signature

    feed = told.feed or f"unnamed {number}"
    return Item(id=number, feed_id=feed, at=told.at, signed=signature(told.title, told.text, told.language))


def _read(file: Path) -> list[tuple[Text, Text]]:
    """The pairs of a file. Raises UsageError, or ConfigError with the broken lines."""
    found = read_lines(file, _pair, expected=EXPECTED)
    if not found:
        raise UsageError(f"{file} has no pair", hint=f"a pair is a line {EXPECTED}")
    return found


def _pair(value: Any) -> tuple[Text, Text]:
    if not isinstance(value, dict) or "a" not in value or "b" not in value:
        raise BadLineError(f"expected {EXPECTED}")
    return _text(value["a"]), _text(value["b"])


def _text(value: Any) -> Text:
    if not isinstance(value, dict):
        raise BadLineError(f"expected {EXPECTED}")
    known = {name: value.get(name) or "" for name in ("title", "text", "feed", "date", "language")}
    for name, said in known.items():
        if not isinstance(said, str):
            raise BadLineError(f"`{name}` is a text")
    try:
        at = datetime.fromisoformat(known["date"]) if known["date"] else datetime(1970, 1, 1, tzinfo=UTC)
    except ValueError:
        raise BadLineError("`date` is an instant such as 2026-01-20T06:30:00Z") from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return Text(known["title"], known["text"], known["feed"], at, known["language"] or None)
