"""`file:line:column` -> that line of the file with a mark below the column. It reads the file again, and knows no format."""

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len

from aggregator.cli.output import width

BEFORE = 40  # columns of a long line that are shown before the place
AFTER = 30


def pointer(where: str) -> Sequence[str]:
    """The line at `where` and a caret line; nothing when `where` is not such a place or the file cannot be read."""
    name, line, column = [*where.rsplit(":", 2), "", ""][:3]
    if not (line.isdecimal() and column.isdecimal()):
        return ()
    try:
        lines = Path(name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    number, at = int(line), int(column) - 1
    if not 0 < number <= len(lines) or not 0 <= at <= len(lines[number - 1]):
        return ()
    return _marked(f"{number} | ", "".join(char if char.isprintable() else " " for char in lines[number - 1]), at)


def _marked(lead: str, text: str, at: int) -> tuple[str, str]:
    """`text` cut to the terminal around `at`, and a caret below that character."""
    after = max(AFTER, min(width(), 100) - BEFORE - len(lead) - 4)
    start, end = max(at - BEFORE, 0), min(at + after, len(text))
    shown = ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
    before = cell_len(("…" if start else "") + text[start:at])
    return f"{lead}{shown}", " " * (len(lead) + before) + "^"
