"""`export`: the matches of topics with their evidence, as a table, as JSON lines or as a page to read."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.instants import instant_of, is_day
from aggregator.cli.opening import Archive, open_archive
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import count as counted
from aggregator.cli.output import note
from aggregator.cli.topic_names import refuse_unknown
from aggregator.core.errors import AggregatorError, UsageError

if TYPE_CHECKING:
    from aggregator.core.model.proofs import Proof
    from aggregator.store.export import Asked

app = new_app()


class Form(StrEnum):
    """What an export looks like."""

    CSV = "csv"
    JSONL = "jsonl"
    HTML = "html"


@dataclass(slots=True)
class Tally:
    """How many matches went through it."""

    matches: int = 0

    def of(self, found: "Iterator[Proof]") -> "Iterator[Proof]":
        """The same matches, counted as they pass."""
        for one in found:
            self.matches += 1
            yield one


Topics = Annotated[list[str], typer.Option("--topic", metavar="TOPIC", help="A topic's id; may be given again.")]
Since = Annotated[
    str, typer.Option("--since", metavar="D", help="First seen since: 48h, 7d, a UTC day, or an instant.")
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="D", help="The last day to hand out, or the instant before which to end."),
]
Shape = Annotated[Form, typer.Option("--format", help="A table, JSON lines, or a page to read.")]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Where to; stdout without.")]
Bom = Annotated[bool, typer.Option("--bom", help="Begin the table with a mark that older spreadsheets need for UTF-8.")]


@app.command()
@everywhere
def export(
    here: Context,
    *,
    topic: Topics,
    since: Since,
    until: Until = None,
    format_: Shape = Form.CSV,
    output: Output = None,
    bom: Bom = False,
    as_json: AsJson = False,
) -> None:
    """The matches of topics, with the clauses, points, marked words, score and versions that prove each.

    Entries are chosen by when they were first seen. Cells that a spreadsheet would run as formulas are defused.
    """
    from aggregator.store.export import Asked

    if as_json and format_ is Form.HTML:
        raise UsageError("--json and --format html are two forms of one export", hint="leave one of them out")
    format_ = Form.JSONL if as_json else format_
    start, end = instant_of(here, "--since", since), _end(here, until)
    if end is not None and end <= start:
        raise UsageError(f"--until {until} is not after --since {since}")
    if bom and format_ is not Form.CSV:
        raise UsageError("--bom is for tables", hint="leave it out, or take --format csv")
    asked = Asked(topic_ids=tuple(dict.fromkeys(topic)), since=start, until=end)
    with open_archive(here) as archive:
        archive.store.read(refuse_unknown, asked.topic_ids)
        tally = Tally()
        lines = _lines(archive, asked, format_, tally, bom=bom)
        if output is None:
            # A console may know fewer letters than the matches; what it cannot show must not end the export.
            for line in lines:
                sys.stdout.buffer.write(_bytes(line))
            sys.stdout.buffer.flush()
        else:
            _write(output, lines)
            note(f"{counted(tally.matches, 'match', 'matches')} written to {output}")


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "replace")


def _lines(archive: Archive, asked: "Asked", form: Form, tally: Tally, *, bom: bool) -> Iterator[str]:
    from aggregator.core.digests.export import objects, report, table
    from aggregator.store import export as stored
    from aggregator.store import topics

    found = tally.of(stored.proofs(archive.store, asked))
    if form is Form.CSV:
        return table.lines(found, bom=bom)
    if form is Form.JSONL:
        return objects.lines(found)
    names = {one.id: one.name for one in archive.store.read(topics.listed)}
    heading = report.Heading(
        topics=tuple(names.get(one, one) for one in asked.topic_ids),
        since=asked.since,
        until=asked.until,
        made_at=archive.now,
        count=archive.store.read(stored.count, asked),
    )
    return report.parts(heading, found)


def _write(output: Path, lines: Iterator[str]) -> None:
    """Write a file in one piece: another name takes the lines, and only a whole one takes its place."""
    part = output.parent / f".{output.name}.part"
    try:
        with part.open("wb") as file:
            for line in lines:
                file.write(_bytes(line))
        part.replace(output)
    except OSError as error:
        raise AggregatorError(
            f"cannot write {output}: {error.strerror}", hint="name another place with --output"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _end(here: Context, text: str | None) -> datetime | None:
    """The instant before which to end: a day is handed out to its end."""
    if text is None:
        return None
    at = instant_of(here, "--until", text)
    return at + timedelta(days=1) if is_day(text) else at
