"""What of a feed list may be shown to whoever looks over a shoulder: by the key that a text stands under.

Names, ids, queries and times are for everyone; a mail address, a webhook, a header's value, what stands under a key that
nobody knows, the user and the query of an address are not. A `${AGGREGATOR_NAME}` is a name and no secret.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum

from aggregator.feedlist import shapes
from aggregator.feedlist.references import ALLOWED

MASK = "***"

Range = tuple[int, int]

_REFERENCE = re.compile(r"\$\{" + ALLOWED + r"\}")
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Openness(Enum):
    """How much of a value is shown."""

    FILE = "file"  # the document itself: the mappings in it open up, a bare text in it is none of ours
    OPEN = "open"  # all but addresses of mail, and of URLs all but the host
    ADDRESS = "address"  # a feed's URL, less user, password, query and fragment
    NAMED = "named"  # a mapping whose keys a person chose, and whose values are open
    HEADERS = "headers"  # a mapping of which the keys alone are shown
    CLOSED = "closed"


KNOWN_KEYS = frozenset(
    key
    for shape in vars(shapes).values()
    if isinstance(shape, type) and issubclass(shape, shapes.Shape)
    for key in shape.model_fields
)
CLOSED_KEYS = frozenset({"email", "webhook", "apprise", "headers"})
_OWN = {"url": Openness.ADDRESS, "headers": Openness.HEADERS, "lists": Openness.NAMED}


def under(above: Openness, key: str) -> Openness:
    """How open the value of `key` is, in a mapping that is as open as `above`."""
    if above in {Openness.CLOSED, Openness.HEADERS}:
        return Openness.CLOSED
    if key == "<<":
        return above
    if key in _OWN:
        return _OWN[key]
    known = key in KNOWN_KEYS or above is Openness.NAMED
    return Openness.OPEN if known and key not in CLOSED_KEYS else Openness.CLOSED


def at_place(place: Sequence[str | int]) -> Openness:
    """How open the value at `place` of a document is."""
    found = Openness.FILE
    for part in place:
        if isinstance(part, str):
            found = under(found, part)
    return found


def hidden(text: str, openness: Openness) -> list[Range]:
    """The ranges of `text`, first to past the last, that are not shown; in order, none of them empty."""
    if openness is Openness.ADDRESS:
        return _hidden_of_url(text, 0, whole=True)
    if openness in {Openness.OPEN, Openness.NAMED}:
        words = ((word.group(), word.start()) for word in re.finditer(r"\S+", text))
        return [found for word, start in words for found in _hidden_of_word(word, start)]
    return gaps(((found.start(), found.end()) for found in _REFERENCE.finditer(text)), len(text))


def masked(text: str, openness: Openness) -> str:
    """`text` with a mask in place of each hidden range."""
    return covered(text, hidden(text, openness))[0]


def covered(text: str, ranges: Sequence[Range], column: int = 0) -> tuple[str, int]:
    """`text` with a mask in place of each of `ranges`, and where the character at `column` (from 0) then stands.

    A character that is hidden stands where its mask begins.
    """
    shown, done, at = "", 0, column
    for start, end in ranges:
        shown += text[done:start]
        if start <= column:
            at = len(shown) if column < end else len(shown) + len(MASK) + column - end
        shown += MASK
        done = end
    return shown + text[done:], at


def gaps(ranges: Iterable[Range], length: int) -> list[Range]:
    """What `ranges`, which are in order, leave of the first `length` characters."""
    found, done = [], 0
    for start, end in (*ranges, (length, length)):
        if done < start:
            found.append((done, start))
        done = end
    return found


def _hidden_of_word(word: str, start: int) -> list[Range]:
    if "://" in word:
        return _hidden_of_url(word, start, whole=False)
    return [(start, start + len(word))] if word.find("@") > 0 else []


def _hidden_of_url(url: str, start: int, *, whole: bool) -> list[Range]:
    """Of a URL the user and what follows the host; when the `whole` of it may be shown, the path is not hidden."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return [(start, start + len(url))] if "@" in url else _tail(url, start, "?#=&")
    begin = start + len(scheme) + len(mark)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, host = authority.rpartition("@")
    if not _HOST.fullmatch(host):
        # Nobody can tell what of it is a password.
        return [(begin, begin + len(rest))] if rest else []
    before = [(begin, begin + len(user))] if at and user else []
    after = begin + len(authority)
    return before + _tail(rest[len(authority) :], after, "?#=&" if whole else "/?#")


def _tail(text: str, start: int, marks: str) -> list[Range]:
    """What follows the first of `marks` in `text`."""
    found = re.search(f"[{marks}]", text)
    return [(start + found.end(), start + len(text))] if found and found.end() < len(text) else []
