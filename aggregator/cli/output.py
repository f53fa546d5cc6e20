"""Values -> what a command prints: tables for people, one JSON object a line for programs, progress on stderr.

Colour is only a second cue. What came from outside cannot move the cursor or turn the text around.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer

from aggregator.core.digests.times import iso

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod

WIDE = 100  # columns from which a terminal has room for more than the essentials

ENDLESS = 10_000  # columns of what is no terminal
LEAST = 12  # columns that a shrinking one keeps, if it has them

STYLES = {
    **dict.fromkeys(("ok", "fetched", "passed", "sent", "active", "current", "live", "recovered"), "green"),
    **dict.fromkeys(
        (
            "degraded",
            "retried",
            "quiet",
            "gap",
            "gapped",
            "skipped",
            "warning",
            "pending",
            "queued",
            "unknown",
            "older",
            "paused",
        ),
        "yellow",
    ),
    **dict.fromkeys(("failing", "failed", "poisoned", "problem", "parked", "dead", "bounced", "newer"), "red"),
    **dict.fromkeys(("disabled", "not_modified", "suppressed", "baseline", "never", "-"), "dim"),
}

_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]+")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. One that `shrinks` is cut to fit the terminal, a `wide` one is left out where room is short.

    `style` may name a column whose words have colours of their own (`state`), or a style of rich.
    """

    title: str
    shrinks: bool = False
    right: bool = False
    wide: bool = False
    style: str = ""


def print_json(value: Any, *, indent: int | None = None) -> None:
    """One JSON object on one line of stdout, or on as many as `indent` makes of it; instants as ISO 8601 in UTC."""
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "")
    text = json.dumps(value, default=_plain_value, ensure_ascii=encoding != "utf8", indent=indent)
    sys.stdout.write(f"{text}\n")


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def clean(text: str) -> str:
    """Text as one line that a terminal only shows: controls and changes of direction are blanks."""
    return " ".join(_UNSHOWABLE.sub(" ", text).split())


def ago(at: datetime | None, now: datetime) -> str:
    """How far from `now`, in one unit: `12m ago`, `in 3h`, `now`; `never` for None."""
    if at is None:
        return "never"
    away = (at - now).total_seconds()
    if abs(away) < 1:
        return "now"
    told = span(timedelta(seconds=abs(away)))
    return f"in {told}" if away > 0 else f"{told} ago"


def span(length: timedelta) -> str:
    """A length of time in its largest unit, cut off: `45s`, `12m`, `3h`, `9d`."""
    seconds = max(0, int(length.total_seconds()))
    return next((f"{seconds // size}{unit}" for unit, size in _UNITS if seconds >= size), "0s")


def moment(at: datetime | None) -> str:
    """An instant in UTC to the minute, `-` for None."""
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 feed`, `2 feeds`, `2,000 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def say(text: str = "", *, style: str = "") -> None:
    """A line for people on stdout."""
    typer.echo(text if not style or not _is_terminal(sys.stdout) else styled(text, style))


def note(text: str) -> None:
    """A line about the work on stderr."""
    typer.echo(text, err=True)


def warn(text: str) -> None:
    """A warning on stderr."""
    typer.echo(f"warning: {text}", err=True)


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their titles: fitted to a terminal, else whole and without colour. Nothing at all without rows."""
    if not rows:
        return
    cells = [[clean(cell) for cell in row] for row in rows]
    if not _is_terminal(sys.stdout):
        _print_plain(columns, cells)
        return
    console = _console()
    shown = [at for at, column in enumerate(columns) if console.width >= WIDE or not column.wide]
    _print_rich(console, [columns[at] for at in shown], [[row[at] for at in shown] for row in cells])


def _print_plain(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.cells import cell_len

    lines = [[column.title.upper() for column in columns], *rows]
    widths = [max(cell_len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        padded = []
        for column, cell, width in zip(columns, line, widths, strict=True):
            blanks = " " * (width - cell_len(cell))
            padded.append(blanks + cell if column.right else cell + blanks)
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _print_rich(console: "Console", columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    longest = [
        max(Text(cell).cell_len for cell in (column.title, *(row[at] for row in rows)))
        for at, column in enumerate(columns)
    ]
    for column, space in zip(columns, _fitted(columns, longest, console.width), strict=True):
        justify: JustifyMethod = "right" if column.right else "left"
        table.add_column(column.title.upper(), no_wrap=True, overflow="ellipsis", justify=justify, width=space)
    for row in rows:
        table.add_row(*(Text(cell, _style(column, cell)) for column, cell in zip(columns, row, strict=True)))
    console.print(table)


def _fitted(columns: Sequence[Column], longest: Sequence[int], room: int) -> list[int]:
    """The columns' widths: those that shrink give way, the widest first, until all fit with two blanks between."""
    widths = list(longest)
    shrinking = [at for at, column in enumerate(columns) if column.shrinks]
    for _ in range(sum(widths) + 2 * (len(widths) - 1) - room):
        widest = max(shrinking, key=lambda at: widths[at], default=None)
        if widest is None or widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return widths


def _style(column: Column, cell: str) -> str:
    return STYLES.get(cell, "") if column.style == "state" else column.style


def styled(text: str, style: str) -> str:
    """Text in the colour of a state, or dim or bold."""
    colour = STYLES.get(style, style)
    if colour in {"dim", "bold"}:
        return typer.style(text, dim=colour == "dim" or None, bold=colour == "bold" or None)
    return typer.style(text, fg=colour)


def width() -> int:
    """How many columns there are to print in: the terminal's, else no fewer than any line needs."""
    return _console().width if _is_terminal(sys.stdout) else ENDLESS


@contextmanager
def progress(total: int, label: str, *, beside_output: bool = False) -> Iterator[Callable[..., None]]:
    """A bar on stderr while its block runs, when that is a terminal; call what it gives for each step, or for so many.

    `beside_output`: lines go to stdout meanwhile, so no bar where both would meet on one terminal.
    """
    if total < 1 or not _is_terminal(sys.stderr) or (beside_output and _is_terminal(sys.stdout)):
        yield lambda _steps=1: None
        return
    from rich import progress as bars

    looks = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
    )
    console = _console(stderr=True)
    with bars.Progress(*looks, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps=1: bar.advance(task, steps)


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def _is_terminal(stream: Any) -> bool:
    return bool(stream.isatty())


def fields(pairs: Mapping[str, str]) -> None:
    """Names and values, one a line, values below each other; empty values are left out."""
    shown = {name: value for name, value in pairs.items() if value}
    indent = max(map(len, shown), default=0) + 2
    for name, value in shown.items():
        lines = [part for line in value.splitlines() for part in wrapped(line, width() - indent)]
        say(name.ljust(indent) + f"\n{' ' * indent}".join(lines))


def wrapped(text: str, room: int) -> list[str]:
    """Text as one line, or as many as fit into `room` columns of a terminal; a longer word, mostly an address, stays whole."""
    from rich.cells import cell_len

    lines = [""]
    for word in clean(text).split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and cell_len(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
