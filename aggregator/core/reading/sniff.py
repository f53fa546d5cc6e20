"""A decoded document -> what it is: a feed in XML, JSON, a web page, nothing, or something else.

It looks at the first kilobytes only and never at the Content-Type, which says the wrong thing too often.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

LOOK = 4096  # bytes in which a feed must begin
_BLANKS = b" \t\r\n\x0b\x0c\xef\xbb\xbf"
_SKIPPED = re.compile(rb"(?:\s|<!--.*?-->|<\?.*?\?>|<!DOCTYPE\s[^\[>]*(?:\[.*?\]\s*)?>)*", re.DOTALL | re.IGNORECASE)
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_FEED_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:rss|feed|rdf|channel)(?=[\s>/])", re.IGNORECASE)
_PROLOG = re.compile(rb"<\?xml\b", re.IGNORECASE)
_PAGE = re.compile(rb"<!doctype\s+html|<(?:html|head|body|title|meta)[\s>]", re.IGNORECASE)
_ENTRY = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:item|entry)[\s>]", re.IGNORECASE)
_FEED_ROOTS = frozenset({b"rss", b"feed", b"rdf", b"channel"})


class Kind(StrEnum):
    """What a document is, as far as its beginning tells."""

    XML = "xml"
    JSON = "json"
    PAGE = "page"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """`start` is where the document begins behind junk, in bytes; `root` is its first element's local name."""

    kind: Kind
    start: int = 0
    root: str = ""


def sniff(body: bytes) -> Sniffed:
    """What `body` (UTF-8) is. Comments, instructions and up to 4 KiB of a server's error output may come first."""
    blank = len(body) - len(body.lstrip(_BLANKS))
    if blank == len(body):
        return Sniffed(kind=Kind.EMPTY)
    if body[blank : blank + 1] in {b"{", b"["}:
        return Sniffed(kind=Kind.JSON, start=blank)
    head = body[blank : blank + LOOK]
    skipped = _SKIPPED.match(head)
    first = _ELEMENT.match(head, skipped.end() if skipped else 0)
    root = first.group(2).decode().lower() if first else ""
    if root.encode() in _FEED_ROOTS:
        return Sniffed(kind=Kind.XML, start=blank, root=root)
    behind = _FEED_ROOT.search(head)
    if behind and not root.startswith("html"):
        prolog = _PROLOG.search(head, 0, behind.start())
        start = blank + (prolog or behind).start()
        return Sniffed(
            kind=Kind.XML, start=start, root=behind.group().lstrip(b"<").rpartition(b":")[2].decode().lower()
        )
    if _PAGE.search(head):
        return Sniffed(kind=Kind.PAGE, start=blank, root="html")
    # An unknown root may still hold entries: the parser is the better judge of those.
    kind = Kind.XML if _ENTRY.search(body) else Kind.UNKNOWN
    return Sniffed(kind=kind, start=blank, root=root)
