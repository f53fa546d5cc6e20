"""Untrusted HTML -> a flat run of texts and tags, in time linear in its length whatever it holds.

It builds no tree and judges nothing; comments, instructions and what is never meant to be read (scripts, styles) are gone.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

MAX_TAG = 8192  # characters in which a tag must end, so that a stray quote cannot make every tag scan the whole text

_OPENING = re.compile(r"<(?:(!--)|(/?)([A-Za-z][A-Za-z0-9:-]*)|[!?/])")
# Possessive, so that an unclosed quote fails without being tried again in every other way.
_TAG_REST = re.compile(r"([^>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^>\"']*)*)>")
_ATTRIBUTE = re.compile(r"([^\s=\"'/>]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?")
_UNREAD = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "svg", "math", "head", "select"}
)
_SWALLOWING = frozenset({"script", "style"})  # HTML: without an end tag, they run to the end of the text


class Piece(NamedTuple):
    """A text (`tag` is empty, entities as written), or a tag: its lower-case name, `/name` when it closes."""

    tag: str
    text: str  # of a tag, its attributes as written


def pieces(html: str, *, unread: frozenset[str] = _UNREAD) -> Iterator[Piece]:
    """The texts and tags of `html` in order, without comments and without what stands inside `unread` elements."""
    at, unclosed = 0, set[str]()
    while (opening := _OPENING.search(html, at)) is not None:
        if opening.start() > at:
            yield Piece("", html[at : opening.start()])
        name = (opening.group(3) or "").lower()
        if opening.group(1):
            at = _behind(html, "-->", opening.end())
            continue
        rest = _TAG_REST.match(html, opening.end(), opening.end() + MAX_TAG)
        at = rest.end() if rest else _behind(html, ">", opening.end())
        if not name:
            continue
        attributes = rest.group(1) if rest else ""
        yield Piece(f"/{name}" if opening.group(2) else name, attributes)
        if name in unread and not opening.group(2) and name not in unclosed and not attributes.endswith("/"):
            end = re.compile(rf"</{re.escape(name)}(?=[\s/>])", re.IGNORECASE).search(html, at)
            if end is not None:
                at = end.start()
            elif name in _SWALLOWING:
                return
            else:
                unclosed.add(name)
    if at < len(html):
        yield Piece("", html[at:])


def attributes(written: str) -> dict[str, str]:
    """A tag's attributes by lower-case name, entities decoded; the first of a repeated name counts (HTML 13.2.5.33)."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(written):
        value = match.group(2) or match.group(3) or match.group(4) or ""
        found.setdefault(match.group(1).lower(), unescape(value))
    return found


def _behind(html: str, end: str, at: int) -> int:
    """Where the text goes on after `end`; its very end when there is none."""
    found = html.find(end, at)
    return len(html) if found < 0 else found + len(end)
