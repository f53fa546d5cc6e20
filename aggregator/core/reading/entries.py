"""One entry as feedparser gives it -> a ParsedEntry: plain, capped, with links that can be trusted to be links."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from aggregator.core.model.entries import Enclosure, ParsedEntry
from aggregator.core.reading.dates import parse_date
from aggregator.core.reading.markup import MAX_HTML, as_html, one_line, plain_text, tidy_text, title_text
from aggregator.core.reading.people import names, tags
from aggregator.core.urls import absolute

MAX_ENCLOSURES = 20
MAX_ID = 2048  # characters; longer ids are kept by their hash
MAX_RAW_DATE = 200  # characters

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "html", "xhtml"})
_SIMPLE_TAG = re.compile(
    r"</?(?:a|b|big|br|cite|code|div|em|font|h[1-6]|i|img|mark|p|q|s|small|span|strong|sub|sup|tt|u)(?:\s[^>]*)?/?>",
    re.IGNORECASE,
)
_TYPES = {
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg", "wav": "audio/wav", "mp4": "video/mp4",
    "m4v": "video/mp4", "webm": "video/webm", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png",
    "gif": "image/gif", "webp": "image/webp", "pdf": "application/pdf", "zip": "application/zip",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What reading an entry needs to know of its document: the base of its links, and how it writes dates."""

    base: str
    now: datetime
    atom: bool = False
    language: str | None = None  # BCP 47, of the feed
    zone: str | None = None  # IANA


def read_entry(raw: Mapping[str, Any], setting: Setting) -> ParsedEntry | None:
    """The entry, or None for a shell without id, link, title and content. A lone picture is content."""
    html, text = _body(raw, atom=setting.atom)
    entry_id, title, link = trimmed_id(raw.get("id")), _title(raw, atom=setting.atom), _link(raw, setting.base)
    if not (entry_id or link or any(raw.get(said) for said in ("link", "title", "summary", "content"))):
        return None
    published, published_raw = _published(raw, setting)
    return ParsedEntry(
        id=entry_id,
        link=link,
        title=title,
        text=text,
        html=html,
        authors=names(_authors(raw)),
        tags=tags(str(tag.get("term") or tag.get("label") or "") for tag in raw.get("tags") or ()),
        language=_language(raw) or setting.language,
        published=published,
        published_raw=published_raw,
        updated=_date(raw.get("updated"), setting),
        enclosures=enclosures(_files(raw), setting.base),
    )


def trimmed_id(written: object) -> str | None:
    """An id as it compares: trimmed, otherwise verbatim (RFC 4287 4.2.6.1); None when empty.

    One longer than 2,048 characters keeps its beginning and ends in the hash of the whole.
    """
    found = re.sub("[\x00\ud800-\udfff]", "\ufffd", written).strip() if isinstance(written, str) else ""
    if len(found) > MAX_ID:
        return f"{found[: MAX_ID - 65]}#{sha256(found.encode()).hexdigest()}"
    return found or None


def enclosures(files: Iterator[tuple[str, str, str]], base: str) -> tuple[Enclosure, ...]:
    """Files given as (URL, media type, length), each once: the type by its extension when none was given."""
    found: dict[str, Enclosure] = {}
    for written, kind, length in files:
        url = absolute(base, written) if written else None
        if url is not None and url not in found:
            extension = urlsplit(url).path.rpartition(".")[2].lower()
            octets = int(length) if re.fullmatch(r"\d{1,18}", length, re.ASCII) else 0
            media = kind.strip().lower()[:100] or _TYPES.get(extension)
            found[url] = Enclosure(url=url, type=media, length=octets or None)
        if len(found) == MAX_ENCLOSURES:
            break
    return tuple(found.values())


def _title(raw: Mapping[str, Any], *, atom: bool) -> str:
    title = raw.get("title")
    if not isinstance(title, str):
        return ""
    kind = (raw.get("title_detail") or {}).get("type", "text/plain")
    # RSS never says what a title is; one with tags in it is not meant to be read with them.
    marked = kind in _HTML_TYPES or (not atom and _SIMPLE_TAG.search(title) is not None)
    return title_text(title) if marked else one_line(title)


def _body(raw: Mapping[str, Any], *, atom: bool) -> tuple[str, str]:
    """The entry's HTML as published and its plain text: the content, else the summary.

    In RSS the fuller of the two: feedparser also calls a media:description content.
    """
    contents = [(str(each.get("value") or ""), str(each.get("type") or "")) for each in raw.get("content") or ()]
    readable = [each for each in contents if each[0].strip() and _readable(each[1])]
    detail = raw.get("summary_detail") or {}
    summary = (str(raw.get("summary") or ""), str(detail.get("type") or ("text/plain" if atom else "text/html")))
    candidates = readable or [summary]
    if not atom:
        candidates = [*readable, summary]
    told = [_told(value[: 2 * MAX_HTML], kind) for value, kind in candidates]
    return told[0] if atom else max(told, key=lambda each: len(each[1]))


def _told(value: str, kind: str) -> tuple[str, str]:
    if kind in _HTML_TYPES:
        return value[:MAX_HTML], plain_text(value[:MAX_HTML])
    return as_html(value)[:MAX_HTML], tidy_text(value)


def _readable(kind: str) -> bool:
    return not kind or kind in _HTML_TYPES or kind.startswith("text")


def _link(raw: Mapping[str, Any], base: str) -> str | None:
    """The entry's page: its link, a permalink guid, a file it carries, or what its content refers to."""
    written = str(raw.get("link") or "")
    links = [each for each in raw.get("links") or () if each.get("href")]
    # feedparser takes any guid for a permalink; only one that is a URL by itself can be (RSS 2.0, guid).
    if raw.get("guidislink") and all(each["href"] != written for each in links):
        written = ""
    others = (str(each["href"]) for rel in ("alternate", "enclosure") for each in links if each.get("rel") == rel)
    sources = (str(each.get("src") or "") for each in raw.get("content") or ())
    guid = str(raw.get("id") or "") if raw.get("guidislink") else ""
    guid = guid if guid.lower().startswith(("http://", "https://")) else ""
    found = (absolute(base, each) for each in (written, guid, *others, *sources) if each.strip())
    return next((url for url in found if url), None)


def _authors(raw: Mapping[str, Any]) -> list[str]:
    """The authors as written. The last is taken whole, as feedparser cuts addresses it half understands."""
    named = [str(author.get("name") or author.get("email") or "") for author in raw.get("authors") or ()]
    last = str(raw.get("author") or "")
    return [*named[:-1], last] if last else named


def _files(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for link in raw.get("links") or ():
        if link.get("rel") == "enclosure":
            yield str(link.get("href") or ""), str(link.get("type") or ""), str(link.get("length") or "")
    for media in raw.get("media_content") or ():
        yield str(media.get("url") or ""), str(media.get("type") or ""), str(media.get("filesize") or "")


def _published(raw: Mapping[str, Any], setting: Setting) -> tuple[datetime | None, str | None]:
    """When it came out, and the words that said so. What was only ever updated came out then (dc:date is one)."""
    written = [str(raw[name]) for name in ("published", "created", "updated") if raw.get(name)]
    found = next((date for date in (_date(each, setting) for each in written) if date), None)
    return found, written[0].strip()[:MAX_RAW_DATE] if written else None


def _date(written: object, setting: Setting) -> datetime | None:
    if not isinstance(written, str):
        return None
    return parse_date(written, now=setting.now, zone=setting.zone, language=setting.language)


def _language(raw: Mapping[str, Any]) -> str | None:
    details: Sequence[Any] = (*(raw.get("content") or ()), raw.get("summary_detail"), raw.get("title_detail"))
    return next((found for each in details if each and (found := language_tag(each.get("language")))), None)


def language_tag(written: object) -> str | None:
    """A language as BCP 47 writes it, with hyphens; None for what cannot be one."""
    tag = written.strip().replace("_", "-") if isinstance(written, str) else ""
    return tag if re.fullmatch(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}", tag) else None
