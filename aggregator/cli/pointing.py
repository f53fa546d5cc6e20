"""`file:line:column` -> that line of a feed list with a mark below the column, and without what nobody should see."""

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len

from aggregator.cli.output import width
from aggregator.feedlist.excerpt import Excerpts

BEFORE = 40  # columns of a long line that are shown before the place
AFTER = 30


class Pointer:
    """The places of one message or many; each file is read once."""

    def __init__(self) -> None:
        self._files: dict[str, Excerpts | None] = {}

    def at(self, where: str) -> Sequence[str]:
        """The line at `where` and a caret line; nothing when `where` is no such place or the file cannot be read."""
        name, line, column = [*where.rsplit(":", 2), "", ""][:3]
        if not (line.isdecimal() and column.isdecimal()):
            return ()
        if name not in self._files:
            self._files[name] = _read(Path(name))
        excerpts = self._files[name]
        found = excerpts.line(int(line), int(column)) if excerpts is not None else None
        if found is None:
            return ()
        text, at = found
        return _marked(f"{line} | ", "".join(char if char.isprintable() else " " for char in text), at - 1)


def _read(path: Path) -> Excerpts | None:
    try:
        return Excerpts(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return None


def _marked(lead: str, text: str, at: int) -> tuple[str, str]:
    """`text` cut to the terminal around `at`, and a caret below that character."""
    after = max(AFTER, min(width(), 100) - BEFORE - len(lead) - 4)
    start, end = max(at - BEFORE, 0), min(at + after, len(text))
    shown = ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
    before = cell_len(("…" if start else "") + text[start:at])
    return f"{lead}{shown}", " " * (len(lead) + before) + "^"
