"""What goes wrong on a wire, as one exception of plain values on its way to a FetchFailed. It never leaves this room."""

import unicodedata

from aggregator.core.model.feeds import FailureKind

MAX_DETAIL = 300  # characters

# Controls, format characters (bidi overrides, zero-width), lone surrogates, line and paragraph separators.
_UNSPEAKABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class WireError(Exception):
    """A request that ends here: `kind` says why, `detail` is for people and may still hold hostile text."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def one_line(text: str, limit: int = MAX_DETAIL) -> str:
    """`text` as one clear line of at most `limit` characters: no control or bidi characters, single spaces."""
    head = text[: limit * 4]
    spoken = "".join(" " if unicodedata.category(char) in _UNSPEAKABLE else char for char in head)
    line = " ".join(spoken.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
