"""Entries: what one document says (no ids yet), and what is stored of it."""

from dataclasses import dataclass, field
from datetime import datetime

from aggregator.core.model.feeds import FailureKind, Feed, Hints
from aggregator.core.model.stories import StorySignature
from aggregator.core.model.topics import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file an entry carries; `length` in bytes, None when the publisher wrote nonsense."""

    url: str
    type: str | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One entry as a document tells it. `title` and `text` are plain text, `html` is raw and capped, never cleaned."""

    id: str | None = None  # guid, Atom id, rdf:about, JSON id: trimmed, otherwise verbatim
    link: str | None = None  # absolute http(s) URL
    title: str = ""
    text: str = ""
    html: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str | None = None
    published: datetime | None = None  # UTC
    published_raw: str | None = None
    updated: datetime | None = None  # UTC
    enclosures: tuple[Enclosure, ...] = ()
    span: bytes | None = None  # hash of the bytes it was read from, when the document could be cut
    article: str = ""  # plain text of the page behind `link`, where it was asked for

    @property
    def words(self) -> str:
        """Everything that can be read of it besides its title: what the feed says, then the article."""
        if not self.article or self.article.startswith(self.text):
            return self.article or self.text
        return f"{self.text}\n{self.article}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """One document. `spans` are the hashes of all its entries' bytes in document order, known ones included.

    It is empty when the document could not be cut; then `entries` holds every entry.
    """

    format: str  # rss, atom, rdf, json
    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[ParsedEntry, ...] = ()
    spans: tuple[bytes, ...] = ()
    hints: Hints = Hints()
    generator: str | None = None
    self_link: str | None = None  # where it says that it lives, absolute (RFC 4287 4.2.7.2, JSON Feed's feed_url)
    older_pages: tuple[str, ...] = ()  # RFC 5005 prev-archive and next links, absolute
    complete: bool = False  # RFC 5005 fh:complete: what is absent is removed
    withdrawn: tuple[str, ...] = ()  # RFC 6721 at:deleted-entry refs
    expired: bool = False  # JSON Feed: the publisher says it is over
    warnings: tuple[str, ...] = ()
    truncated: bool = False  # the document ends inside itself: its validators must not be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """What a topic may ask about the feed an entry came from, and what reading its dates needs."""

    feed_id: str
    url: str
    tags: tuple[str, ...] = ()
    tier: str = "other"
    language: str | None = None
    timezone: str | None = None
    region: str | None = None


def facts_of(feed: Feed, *, url: str | None = None, language: str | None = None) -> FeedFacts:
    """What a feed list says of a feed; `url` is where it was found, `language` what its documents say when the list does not."""
    return FeedFacts(
        feed_id=feed.id,
        url=feed.url if url is None else url,
        tags=feed.tags,
        tier=feed.tier,
        language=feed.language or language,
        timezone=feed.timezone,
        region=feed.region,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadJob:
    """What a worker process is asked: one body, and the spans that need no second reading."""

    facts: FeedFacts
    body: bytes
    now: datetime
    content_type: str = ""
    known_spans: frozenset[bytes] = frozenset()
    max_entries: int = 2000
    alternates: tuple[tuple[str, str], ...] = ()  # as the Link header gave them, see Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleJob:
    """What a worker process is asked: one web page, and the entry whose article it holds."""

    facts: FeedFacts
    entry: ParsedEntry
    body: bytes
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEntry:
    """A parsed entry with what the topics said of it: only flagged evaluations. One with flags is signed."""

    entry: ParsedEntry
    flags: tuple[Evaluation, ...] = ()
    signature: StorySignature | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDone:
    """A document was read. `feed.entries` is empty here: they are in `entries`, beside their flags."""

    feed: ParsedFeed
    entries: tuple[ReadEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document was not a feed, or could not be read. `candidates` are feeds a web page offers."""

    kind: FailureKind
    detail: str
    candidates: tuple[str, ...] = ()


ReadResult = ReadDone | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEntry:
    """What a plan must know of a stored entry to tell an edit from a repeat."""

    entry_id: int
    feed_id: str
    key: str
    link_hash: bytes | None
    title: str
    text: str
    hash: bytes
    revisions: int
    first_seen: datetime
    revised_at: datetime
    published: datetime | None = None
    matches: frozenset[str] = field(default_factory=frozenset)  # topic ids that already match it


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One immutable version of an entry's words. `n` counts from 1."""

    n: int
    title: str
    text: str
    html: str
    link: str | None
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    language: str | None
    enclosures: tuple[Enclosure, ...]
    hash: bytes
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored entry with its current revision."""

    id: int
    feed_id: str
    key: str
    first_seen: datetime
    published: datetime | None
    published_raw: str | None
    date_suspect: bool
    updated: datetime | None
    withdrawn: bool
    revision: Revision
    topics: tuple[str, ...] = ()
