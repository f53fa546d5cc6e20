"""One fetched body -> a ParsedFeed, or the reason why it is none: decode, sniff, cut, parse, and the entries as text.

It is pure, but not quick on hostile input: callers run it where it can be killed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregator.core.model.entries import ParsedEntry, ParsedFeed, ReadJob, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading import heads
from aggregator.core.reading.decode import Decoded, decode
from aggregator.core.reading.discovery import feed_candidates, is_bot_wall, page_title
from aggregator.core.reading.doctype import declares_too_much
from aggregator.core.reading.entries import Setting, language_tag, read_entry
from aggregator.core.reading.jsonfeed import read_json
from aggregator.core.reading.markup import one_line, title_text
from aggregator.core.reading.mend import mend
from aggregator.core.reading.parse import Parsed, ParserError, parse
from aggregator.core.reading.slices import Cut, cut
from aggregator.core.reading.sniff import Kind, Sniffed, sniff
from aggregator.core.reading.window import newest, written_date
from aggregator.core.urls import absolute, host_of

MAX_LABEL = 200  # characters of a feed's title or generator


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A document read so far: its entries in document order, and the spans they came from, when it could be cut."""

    parsed: Parsed
    head: bytes
    entries: tuple[ParsedEntry, ...]
    spans: tuple[bytes, ...] = ()


def read_document(job: ReadJob) -> ParsedFeed | Unreadable:
    """What `job.body` says: entries never seen before (by `job.known_spans`), and everything about the feed itself.

    Unreadable is EMPTY, HTML or BOT_WALL (with the feeds a page offers), NOT_A_FEED, or PARSE when nothing could be
    recovered. A document that is not well-formed is still read; that is a warning.
    """
    decoded = decode(job.body, job.content_type)
    found = sniff(decoded.body)
    if found.kind is Kind.XML:
        return _read_xml(job, decoded, found)
    if found.kind is Kind.EMPTY:
        return Unreadable(kind=FailureKind.EMPTY, detail="the document is empty")
    text = decoded.body.decode()
    if found.kind is Kind.JSON:
        known, limit = job.known_spans, job.max_entries
        read = read_json(text[found.start :], _setting(job), known=known, max_entries=limit)
        return replace(read, warnings=(*decoded.warnings, *read.warnings)) if isinstance(read, ParsedFeed) else read
    if found.kind is Kind.PAGE:
        return _page(text, job)
    what = f"its root element is <{one_line(found.root, limit=40)}>" if found.root else "it is neither XML nor JSON"
    return Unreadable(kind=FailureKind.NOT_A_FEED, detail=f"not a feed: {what}")


def _page(html: str, job: ReadJob) -> Unreadable:
    title = page_title(html)
    named = f", titled {title!r}" if title else ""
    if is_bot_wall(html):
        return Unreadable(kind=FailureKind.BOT_WALL, detail=f"the host asks for proof of being human{named}")
    candidates = feed_candidates(html, job.facts.url, job.alternates)
    return Unreadable(kind=FailureKind.HTML, detail=f"a web page{named}", candidates=candidates)


def _read_xml(job: ReadJob, decoded: Decoded, found: Sniffed) -> ParsedFeed | Unreadable:
    body = decoded.body[found.start :]
    if declares_too_much(body):
        return Unreadable(kind=FailureKind.PARSE, detail="refused: its DOCTYPE declares more than any feed needs")
    whole, mended = _cut(job, body), False
    if whole is None:
        body, mended = (fixed := mend(body)), fixed != body
        whole = _cut(job, body) if mended else None
    try:
        reading = (_read_new(job, whole) if whole else None) or _read_whole(job, body)
    except (ParserError, RecursionError) as error:
        return Unreadable(kind=FailureKind.PARSE, detail=f"the parser gave up: {one_line(str(error), limit=200)}")
    parsed = reading.parsed
    if not reading.entries and not reading.spans:
        if not parsed.entries and found.root not in {"rss", "feed", "rdf"}:
            return Unreadable(kind=FailureKind.NOT_A_FEED, detail=f"no entries in <{one_line(found.root, limit=40)}>")
        nameless = not parsed.entries and not parsed.fields.get("title")
        if parsed.truncated or (parsed.flaw is not None and nameless):
            return Unreadable(kind=FailureKind.PARSE, detail=f"not well-formed: {parsed.flaw}")
    junk = ("the document begins behind other text",) if decoded.body[: found.start].strip() else ()
    references = ("not well-formed: it has bare ampersands or unknown references",) if mended else ()
    flaw = (f"not well-formed: {parsed.flaw}",) if parsed.flaw is not None else ()
    return _feed(job, reading, warnings=(*decoded.warnings, *junk, *references, *flaw))


def _cut(job: ReadJob, body: bytes) -> Cut | None:
    return cut(body, context=f"{_zone(job)} {job.facts.language}".encode())


def _read_new(job: ReadJob, whole: Cut) -> _Reading | None:
    """The document without its known spans; None when what is left is not what it seemed."""
    window = _window(job, whole)
    fresh = [at for at in window if whole.slices[at].hash not in job.known_spans]
    left_out = frozenset(range(len(whole.slices))).difference(fresh)
    parsed = parse(whole.without(left_out))
    if parsed.flaw is not None or len(parsed.entries) != len(fresh):
        return None
    hashes = (whole.slices[at].hash for at in fresh)
    setting = _setting(job, parsed)
    read = ((read_entry(raw, setting), span) for raw, span in zip(parsed.entries, hashes, strict=True))
    return _Reading(
        parsed=parsed,
        head=whole.without(frozenset(range(len(whole.slices)))),
        entries=tuple(replace(entry, span=span) for entry, span in read if entry is not None),
        spans=tuple(whole.slices[at].hash for at in window),
    )


def _read_whole(job: ReadJob, body: bytes) -> _Reading:
    parsed = parse(body)
    setting = _setting(job, parsed)
    read = [read_entry(raw, setting) for raw in parsed.entries]
    if parsed.unfinished and read and (last := read[-1]) is not None and not (last.id or last.link):
        read.pop()  # the half that arrived cannot be told from another entry later
    entries = [entry for entry in read if entry is not None]
    kept = newest([entry.published for entry in entries], job.max_entries)
    return _Reading(parsed=parsed, head=body, entries=tuple(entry for at, entry in enumerate(entries) if at in kept))


def _window(job: ReadJob, whole: Cut) -> Sequence[int]:
    """The positions of the entries that count. Known ones are among them: else older ones would seem new next time."""
    if len(whole.slices) <= job.max_entries:
        return range(len(whole.slices))
    zone, language = _zone(job), job.facts.language
    spans = (whole.body[piece.start : piece.end] for piece in whole.slices)
    dates = [written_date(span, now=job.now, zone=zone, language=language) for span in spans]
    return sorted(newest(dates, job.max_entries))


def _setting(job: ReadJob, parsed: Parsed | None = None) -> Setting:
    """RSS resolves links against the channel's own, Atom against the document (RFC 4287 2)."""
    fields = parsed.fields if parsed else {}
    atom = parsed is not None and parsed.version.startswith("atom")
    home = absolute(job.facts.url, str(fields.get("link") or "")) if fields.get("link") and not atom else None
    return Setting(
        base=home or job.facts.url,
        now=job.now,
        atom=atom,
        language=language_tag(fields.get("language")) or job.facts.language,
        zone=_zone(job),
    )


def _zone(job: ReadJob) -> str | None:
    """The zone of dates that name none. Indian publishers leave it out so often that their hosts imply it."""
    return job.facts.timezone or ("Asia/Kolkata" if host_of(job.facts.url).endswith(".in") else None)


def _feed(job: ReadJob, reading: _Reading, *, warnings: tuple[str, ...]) -> ParsedFeed:
    fields = reading.parsed.fields
    link = absolute(job.facts.url, str(fields["link"])) if fields.get("link") else None
    return ParsedFeed(
        format=_format(reading.parsed.version),
        title=title_text(str(fields.get("title") or ""))[:MAX_LABEL] or None,
        link=link,
        language=language_tag(fields.get("language")),
        entries=reading.entries,
        spans=reading.spans,
        hints=heads.hints(fields, reading.head),
        generator=_generator(fields),
        self_link=heads.self_link(fields, job.facts.url),
        older_pages=heads.older_pages(fields, job.facts.url),
        complete=heads.is_complete(reading.parsed),
        withdrawn=heads.withdrawn(reading.head),
        warnings=warnings,
        truncated=reading.parsed.truncated,
    )


def _generator(fields: object) -> str | None:
    found = fields.get("generator") if isinstance(fields, dict) else None
    return one_line(str(found), limit=MAX_LABEL) or None if found else None


def _format(version: str) -> str:
    if version in {"rss10", "rss090"}:
        return "rdf"
    return "atom" if version.startswith("atom") else "rss"
