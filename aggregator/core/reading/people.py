"""How publishers write names and labels -> names and labels alone. Mail addresses are never kept."""

import re
from collections.abc import Iterable

from aggregator.core.reading.markup import one_line, plain_text

MAX_NAMES = 20
MAX_TAGS = 50
MAX_NAME = 200  # characters
MAX_TAG = 100  # characters

_MAIL = re.compile(r"(?:mailto:)?[^\s@<>()\"',;:]{1,64}@[^\s@<>()\"',;:]{1,255}")
_EMPTY = re.compile(r"[(<\[]\s*[)>\]]")


def names(written: Iterable[str]) -> tuple[str, ...]:
    """Author names in order: `a@b (N)` and `N <a@b>` are N, a bare address is nobody, repeats count once."""
    return _unique((_name(each) for each in written), MAX_NAMES)


def tags(written: Iterable[str]) -> tuple[str, ...]:
    """Category labels in order, without markup, repeats (in any case) counted once, at most 50."""
    return _unique((_label(each, MAX_TAG) for each in written), MAX_TAGS)


def _name(written: str) -> str:
    bare = _EMPTY.sub("", _MAIL.sub("", written[: 4 * MAX_NAME]))
    named = _label(bare, MAX_NAME).strip(" ,;|-")
    while named[:1] in {"(", "<"} and named[-1:] in {")", ">"}:
        named = named[1:-1].strip()
    return named


def _label(written: str, limit: int) -> str:
    cut = written[: 4 * limit]
    return one_line(plain_text(cut, limit=limit) if "<" in cut or "&" in cut else cut, limit=limit)


def _unique(words: Iterable[str], limit: int) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for word in words:
        if word:
            found.setdefault(word.casefold(), word)
        if len(found) == limit:
            break
    return tuple(found.values())
