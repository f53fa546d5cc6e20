"""A feed in UTF-8 -> what feedparser makes of it, as plain dictionaries. The only importer of feedparser.

It is always given a stream: given bytes, feedparser would first try them as the name of a file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import feedparser  # type: ignore[import-untyped]  # it ships no types

MAX_CATEGORIES = 200  # of one entry; feedparser compares each with all before it

_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_PREFIXED = re.compile(rb"<([A-Za-z_][\w.-]*):(?:item|entry)[\s>]")
_CATEGORY = re.compile(
    rb"<(?:item|entry)[\s>]"
    rb"|<((?:[\w.-]+:)?(?:category|subject))(?:\s[^>]*)?(?:/>|(?<!/)>(?:<!\[CDATA\[[^\]]*\]\]>|[^<])*</\1\s*>)",
    re.IGNORECASE,
)
_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_PLACE = re.compile(r"^<unknown>:\d+:\d+: ")
_ENTRY_TAG = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:item|entry)(?=[\s>])", re.IGNORECASE)


class ParserError(Exception):
    """feedparser itself gave up on the document; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One document. `version` is feedparser's name for the format, empty when it knows none."""

    version: str
    fields: Mapping[str, Any]  # of the feed
    entries: tuple[Mapping[str, Any], ...]
    prefixes: Mapping[str, str]  # namespace prefix -> URI
    flaw: str | None  # why it is not well-formed; None when it is
    truncated: bool  # it ends before its root does
    unfinished: bool = False  # it ends inside its last entry


def parse(body: bytes) -> Parsed:
    """What feedparser reads in `body`, without cleaning markup or resolving URLs inside it.

    A document whose entries hide behind an undeclared prefix is tried once without it. Raises ParserError.
    """
    thinned = _thinned(body)
    parsed = _parsed(thinned)
    hidden = _PREFIXED.search(thinned) if not parsed.entries else None
    if hidden is not None:
        bare = re.sub(rb"<(/?)" + re.escape(hidden.group(1)) + rb":", rb"<\1", thinned)
        retried = _parsed(bare)
        return retried if retried.entries else parsed
    return parsed


def _parsed(body: bytes) -> Parsed:
    try:
        result = _feedparser(body)
    except (ArithmeticError, AttributeError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise ParserError(f"{type(error).__name__}: {error}") from error
    # Lines and columns are those of our rewritten text, which nobody else can see.
    words = _PLACE.sub("", " ".join(str(result.get("bozo_exception", "")).split()))[:200]
    flaw = words if result.get("bozo") else None
    truncated = flaw is not None and _END.search(body) is None
    return Parsed(
        version=result.get("version") or "",
        fields=dict(result.get("feed") or {}),
        entries=tuple(dict(entry) for entry in result.get("entries") or ()),
        prefixes={prefix: uri for prefix, uri in (result.get("namespaces") or {}).items() if prefix},
        flaw=flaw,
        truncated=truncated,
        unfinished=truncated and _ends_in_an_entry(body),
    )


def _ends_in_an_entry(body: bytes) -> bool:
    slashes = _ENTRY_TAG.findall(body)
    return bool(slashes) and not slashes[-1]


def _feedparser(body: bytes) -> Mapping[str, Any]:
    result: Mapping[str, Any] = feedparser.parse(
        BytesIO(body), response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
    )
    return result


def _thinned(body: bytes) -> bytes:
    """`body` with at most 200 categories an entry, when it has suspiciously many at all."""
    if body.count(b"<category") + body.count(b":subject") <= 2 * MAX_CATEGORIES:
        return body
    seen = 0

    def keep(found: re.Match[bytes]) -> bytes:
        nonlocal seen
        seen = seen + 1 if found.group(1) else 0
        return found.group() if seen <= MAX_CATEGORIES else b""

    return _CATEGORY.sub(keep, body)
