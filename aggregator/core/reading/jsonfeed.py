"""A JSON Feed 1.0 or 1.1 -> a ParsedFeed. What is JSON but no feed is said to be so; it never guesses at other shapes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from aggregator.core.model.entries import ParsedEntry, ParsedFeed, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading.dates import parse_date
from aggregator.core.reading.entries import MAX_RAW_DATE, Setting, enclosures, language_tag, trimmed_id
from aggregator.core.reading.markup import MAX_HTML, as_html, one_line, plain_text, tidy_text
from aggregator.core.reading.people import names, tags
from aggregator.core.reading.window import newest
from aggregator.core.urls import absolute

_VERSION = "jsonfeed.org/version/"
_READING = b"reading-json-1"  # part of every hash: a new way of reading makes every item new


def read_json(text: str, setting: Setting, *, known: frozenset[bytes], max_entries: int) -> ParsedFeed | Unreadable:
    """The feed in `text`; its items are cut apart like the spans of XML, `known` ones are not read again.

    Unreadable(PARSE) with the position of the mistake when it is not JSON, Unreadable(NOT_A_FEED) when `version` names
    no JSON Feed.
    """
    try:
        # Numbers stay as written: an id of 1e400 or of ten thousand digits must cost nothing.
        document = json.loads(text, parse_int=str, parse_float=str, strict=False)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        return Unreadable(kind=FailureKind.PARSE, detail=f"not JSON: {error.msg} at {where}")
    except RecursionError:
        return Unreadable(kind=FailureKind.PARSE, detail="not a feed's JSON: nested too deeply")
    if not isinstance(document, dict) or _VERSION not in _string(document, "version"):
        return Unreadable(kind=FailureKind.NOT_A_FEED, detail="JSON, but not a JSON Feed: its version names none")
    return _feed(document, setting, known=known, max_entries=max_entries)


def _feed(document: Mapping[str, Any], setting: Setting, *, known: frozenset[bytes], max_entries: int) -> ParsedFeed:
    language = language_tag(document.get("language"))
    items = [item for item in _sequence(document, "items") if isinstance(item, dict)]
    within = replace(setting, language=language or setting.language)
    readable = [item for item in items if trimmed_id(_string(item, "id")) or _string(item, "url")]
    window = _newest(readable, within, max_entries)
    context = json.dumps([setting.base, setting.zone, within.language, _authors(document)]).encode()
    spans = tuple(_hash(item, context) for item in window)
    fresh = [(item, span) for item, span in zip(window, spans, strict=True) if span not in known]
    warnings = () if len(readable) == len(items) else (f"{len(items) - len(readable)} items without id and url",)
    following = _url(document, "next_url", setting.base)
    own = _url(document, "feed_url", setting.base)
    return ParsedFeed(
        format="json",
        title=one_line(_string(document, "title")) or None,
        link=_url(document, "home_page_url", setting.base),
        language=language,
        entries=tuple(_entry(item, span, within, document) for item, span in fresh),
        spans=spans,
        self_link=own,
        older_pages=(following,) if following and following not in {own, setting.base} else (),
        expired=document.get("expired") is True,
        warnings=warnings,
    )


def _newest(items: Sequence[Mapping[str, Any]], setting: Setting, limit: int) -> Sequence[Mapping[str, Any]]:
    """The `limit` newest items, in document order."""
    if len(items) <= limit:
        return items
    kept = newest([parse_date(_published(item), now=setting.now) for item in items], limit)
    return [item for at, item in enumerate(items) if at in kept]


def _hash(item: Mapping[str, Any], context: bytes) -> bytes:
    written = json.dumps(item, sort_keys=True).encode()
    return blake2b(written, digest_size=16, key=blake2b(_READING + context, digest_size=32).digest()).digest()


def _entry(item: Mapping[str, Any], span: bytes, setting: Setting, document: Mapping[str, Any]) -> ParsedEntry:
    """One item; `content_html` before `content_text` before `summary`, `authors` before `author` before the feed's."""
    link = next((url for name in ("url", "external_url") if (url := _url(item, name, setting.base))), None)
    html, text = _body(item)
    published = _published(item)
    return ParsedEntry(
        id=trimmed_id(_string(item, "id")) or trimmed_id(_string(item, "url")),
        link=link,
        title=one_line(_string(item, "title")),
        text=text,
        html=html,
        authors=names(_authors(item) or _authors(document)),
        tags=tags(tag for tag in _sequence(item, "tags") if isinstance(tag, str)),
        language=language_tag(item.get("language")) or setting.language,
        published=parse_date(published, now=setting.now, zone=setting.zone, language=setting.language),
        published_raw=published.strip()[:MAX_RAW_DATE] or None,
        updated=parse_date(_string(item, "date_modified"), now=setting.now, zone=setting.zone),
        enclosures=enclosures(_files(item), setting.base),
        span=span,
    )


def _body(item: Mapping[str, Any]) -> tuple[str, str]:
    html = _string(item, "content_html")[:MAX_HTML]
    if html.strip():
        return html, plain_text(html)
    text = _string(item, "content_text") or _string(item, "summary")
    return as_html(text)[:MAX_HTML], tidy_text(text)


def _published(item: Mapping[str, Any]) -> str:
    return _string(item, "date_published") or _string(item, "date_modified")


def _authors(item: Mapping[str, Any]) -> list[str]:
    """Names of `authors` (1.1), else of `author` (1.0)."""
    found = [each for each in _sequence(item, "authors") if isinstance(each, dict)]
    single = item.get("author")
    people = found or ([single] if isinstance(single, dict) else [])
    return [name for each in people if (name := _string(each, "name"))]


def _files(item: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for each in _sequence(item, "attachments"):
        if isinstance(each, dict):
            yield _string(each, "url"), _string(each, "mime_type"), _string(each, "size_in_bytes")


def _url(item: Mapping[str, Any], name: str, base: str) -> str | None:
    written = _string(item, name).strip()
    return absolute(base, written) if written else None


def _string(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _sequence(item: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = item.get(name)
    return value if isinstance(value, list) else ()
