"""A feed's bytes -> the spans of its entries, so that only those never seen before need parsing.

It cuts with a real XML parser and only what it is certain of; everything else is left whole, by answering None.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NoReturn
from xml.parsers import expat

# Part of every hash: when reading changes its mind about what an entry says, all spans are new again.
READING = b"reading-1"

_ENTRIES = frozenset({"item", "entry"})
_BASE = "http://www.w3.org/XML/1998/namespace base"
_ROOTS = frozenset({"rss", "feed", "rdf"})
_START_TAG = re.compile(rb"<[^>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^>\"']*)*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One entry: `body[start:end]`, and 16 bytes that tell it from any other in any other head."""

    start: int
    end: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A document and its entries' spans in document order."""

    body: bytes
    slices: tuple[Slice, ...]

    def without(self, left_out: Container[int]) -> bytes:
        """The document with the slices at these positions taken out, all else in place."""
        kept, at = list[bytes](), 0
        for position, piece in enumerate(self.slices):
            if position in left_out:
                kept.append(self.body[at : piece.start])
                at = piece.end
        return b"".join((*kept, self.body[at:]))


def cut(body: bytes, *, context: bytes = b"") -> Cut | None:
    """The entries of `body` (UTF-8, well-formed), or None when it cannot be cut with certainty.

    That is: not well-formed, any DOCTYPE, an entry inside an entry, a self-closing one, one elsewhere than in the root
    or its channel, or an xml:base inside entries whose ancestors have none. The start tags of the entries' ancestors
    are part of each hash, so a changed namespace, xml:base or xml:lang makes every entry new; so does another
    `context`, which is whatever else reading depends on.
    """
    cutter = _Cutter(body)
    try:
        cutter.parser.Parse(body, True)
    except (expat.ExpatError, _UncertainError):
        return None
    key = blake2b(b"\x00".join((READING, context, *cutter.heads)), digest_size=32).digest()
    return Cut(body=body, slices=tuple(_slice(body, start, end, key) for start, end in cutter.spans))


def _slice(body: bytes, start: int, end: int, key: bytes) -> Slice:
    return Slice(start=start, end=end, hash=blake2b(body[start:end], digest_size=16, key=key).digest())


class _UncertainError(Exception):
    """This document must be read whole."""


class _Cutter:
    """Notes where entries start and end while expat walks the document. Namespaces are on, as in the real parser."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.spans: list[tuple[int, int]] = []
        self.heads: list[bytes] = []  # start tags of the root and its channel
        self._path: list[str] = []
        self._start: int | None = None
        self._bases = False  # whether an ancestor of the entries has an xml:base
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.StartElementHandler = self._opened
        self.parser.EndElementHandler = self._closed
        self.parser.StartDoctypeDeclHandler = self._refused

    def _refused(self, *_declaration: object) -> NoReturn:
        raise _UncertainError

    def _opened(self, name: str, attributes: Container[str]) -> None:
        local = name.rpartition(" ")[2].lower()
        if _BASE in attributes:
            self._bases |= self._start is None and local not in _ENTRIES
            # Where nothing around has a base, feedparser lets an entry's own reach the entries behind it.
            if not self._bases:
                raise _UncertainError
        if local in _ENTRIES:
            if self._start is not None or not _holds_entries(self._path):
                raise _UncertainError
            at = self.parser.CurrentByteIndex
            # For <item/> expat reports its end somewhere behind it, where another end tag may stand.
            if self.body.endswith(b"/>", at, _tag_end(self.body, at)):
                raise _UncertainError
            self._start = at
        elif self._start is None and (not self._path or local == "channel"):
            at = self.parser.CurrentByteIndex
            self.heads.append(self.body[at : _tag_end(self.body, at)])
        self._path.append(local)

    def _closed(self, _name: str) -> None:
        local = self._path.pop()
        if local not in _ENTRIES or self._start is None:
            return
        self.spans.append((self._start, self.body.index(b">", self.parser.CurrentByteIndex) + 1))
        self._start = None


def _holds_entries(path: Sequence[str]) -> bool:
    """Entries stand in the root (Atom, RDF) or in its channel (RSS)."""
    return bool(path) and path[0] in _ROOTS and (len(path) == 1 or (len(path) == 2 and path[1] == "channel"))


def _tag_end(body: bytes, at: int) -> int:
    """The end of the start tag at `at`; a '>' inside quotes is not it."""
    found = _START_TAG.match(body, at)
    return found.end() if found else len(body)
