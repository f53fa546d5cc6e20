"""Text from outside -> text that may stand in a mail: one line, no controls, no tricks with direction or width.

It never escapes for HTML (the templates do) and never judges what a text means.
"""

import re
import unicodedata
from collections.abc import Iterator

ISOLATE, POP = "\u2068", "\u2069"  # FSI and PDI of UAX 9: what stands between them cannot turn its surroundings round
ELLIPSIS = "\u2026"
COLUMNS = 76  # of plain text in a mail

# C0, C1, line and paragraph separators are spaces to a reader; bidi controls, zero-width space, word joiner, byte-order
# mark, soft hyphen and Hangul fillers are nothing to one. The joiners U+200C and U+200D stay: scripts and emoji need them.
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u2800\u3164\uffa0]+")
_NOTHING = re.compile(
    r"[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_BROKEN = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
_STACKED = re.compile(
    r"([\u0300-\u036f\u0488\u0489\u1ab0-\u1aff\u20d0-\u20ff]{8})[\u0300-\u036f\u0488\u0489\u1ab0-\u1aff\u20d0-\u20ff]+"
)

_JOINER = "\u200d"
_MARKS = frozenset({"Mn", "Mc", "Me"})
_VIRAMA = 9  # canonical combining class of the sign that ties two consonants into one letter


def clean(text: str) -> str:
    """`text` with every run of white space or control characters made one space and invisible tricks taken out.

    Spaces at both ends are kept as one, so that runs of one sentence can be cleaned alone and joined again.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text
    told = _SPACES.sub(" ", _NOTHING.sub("", _BROKEN.sub("\ufffd", text)))
    return _STACKED.sub(r"\1", told)


def line(text: str | None, limit: int) -> str:
    """`text` cleaned, trimmed and cut to at most `limit` characters with an ellipsis; empty for None."""
    return cut(clean(text or "").strip(), limit)


def printable(text: str) -> str:
    """`text` as one line in which each character that cannot be printed is a blank: for what is listed, logged, kept."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def cut(text: str, limit: int) -> str:
    """`text` when it has at most `limit` code points, else its beginning, cut between letters, and an ellipsis."""
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0)
    space = text.rfind(" ", max(end - 24, 1), end + 1)
    if space < 0:
        space = end
        while space > 0 and not boundary(text, space):
            space -= 1
    return text[: space or end].rstrip(" ,;:-\u2013") + ELLIPSIS


def boundary(text: str, at: int) -> bool:
    """Whether `text` may be cut before offset `at` without breaking what a reader sees as one letter (after UAX 29)."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == _JOINER or after in {_JOINER, "\u200c"} or unicodedata.category(after) in _MARKS:
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return False
    if unicodedata.combining(before) == _VIRAMA and after.isalpha():
        return False
    if _is_regional(before) and _is_regional(after):
        return _regionals_before(text, at) % 2 == 0
    return not (before == "\r" and after == "\n") and not _same_syllable(before, after)


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _regionals_before(text: str, at: int) -> int:
    """How many flag letters stand directly before `at`, at most 128; two of them make one flag."""
    start = at
    while start > max(at - 128, 0) and _is_regional(text[start - 1]):
        start -= 1
    return at - start


def _same_syllable(before: str, after: str) -> bool:
    """Hangul written letter by letter: a vowel or a final belongs to what it follows."""
    return "\u1160" <= after <= "\u11ff" and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3")


def isolated(text: str) -> str:
    """Cleaned text between isolates, for a line of plain text whose own direction must not change."""
    return f"{ISOLATE}{text}{POP}"


def apart(text: str) -> str:
    """Cleaned text, isolated when it holds letters that run from right to left: for a name inside our own sentence."""
    return isolated(text) if runs_leftward(text) else text


def width(text: str) -> int:
    """Columns of a terminal that `text` takes: two for wide letters, none for marks, joiners and isolates."""
    return len(text) if text.isascii() else sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if char < "\u0300":
        return 1
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def wrap(text: str, *, columns: int = COLUMNS, first: str = "", rest: str = "", foreign: bool = False) -> str:
    """`text` in lines of at most `columns`, the first led by `first` and the others by `rest`; addresses stay whole.

    With `foreign` all of it is someone else's: where letters run from right to left each line is isolated, since a
    terminal knows only lines.
    """
    lead = max(width(first), width(rest))
    lines: list[str] = []
    room = 0
    for word in _words(text, columns - lead):
        needed = width(word)
        if lines and needed < room:
            lines[-1] += f" {word}"
            room -= needed + 1
        else:
            lines.append(word)
            room = columns - lead - needed
    shown = [isolated(told) for told in lines] if foreign and runs_leftward(text) else lines
    return "\n".join(f"{rest if at else first}{told}" for at, told in enumerate(shown or [""]))


def underlined(title: str, sign: str) -> str:
    """A title in as many lines as it takes, and a line of `sign` as wide as the longest of them."""
    shown = wrap(title)
    return f"{shown}\n{sign * min(max(map(width, shown.splitlines())), COLUMNS)}"


def runs_leftward(text: str) -> bool:
    """Whether any letter of `text` belongs to a script that is written from right to left."""
    return not text.isascii() and any(
        char >= "\u0590" and unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in text
    )


def _words(text: str, columns: int) -> Iterator[str]:
    """The words of `text`; one that is wider than a line, and no address, comes in pieces that fit."""
    for word in text.split():
        if width(word) <= columns or "://" in word:
            yield word
            continue
        piece, taken = "", 0
        for at, char in enumerate(word):
            if taken + _columns(char) > columns and boundary(word, at):
                yield piece
                piece, taken = "", 0
            piece, taken = piece + char, taken + _columns(char)
        yield piece
