"""Feeds: what a person said of one, what checking it learned, and what one fetch or one reading brought."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum


class Tier(StrEnum):
    """How near a source is to the facts; digests lead with the nearest."""

    OFFICIAL = "official"
    RESEARCH = "research"
    WIRE = "wire"
    MEDIA = "media"
    NGO = "ngo"
    OTHER = "other"


class FailureKind(StrEnum):
    """Why a check brought nothing. The member's group decides the back-off, see `core.checking.cadence`."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    TRUNCATED = "truncated"
    REDIRECT = "redirect"
    SERVER = "server"  # 5xx without Retry-After
    RATE = "rate"  # 429; 503 or a redirect with Retry-After
    CLIENT = "client"  # 4xx but 410 and 429
    BOT_WALL = "bot_wall"
    GONE = "gone"  # 410
    BLOCKED_ADDRESS = "blocked_address"
    BAD_URL = "bad_url"
    ENCODING = "encoding"  # a Content-Encoding nobody asked for
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    HTML = "html"  # a web page where a feed was expected
    NOT_A_FEED = "not_a_feed"
    PARSE = "parse"
    PARSE_TIMEOUT = "parse_timeout"
    PARSE_CRASH = "parse_crash"  # the worker ran out of memory or died
    NO_CREDENTIAL = "no_credential"  # a header names an environment variable that is not set
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A daily span of local time; `start > end` runs over midnight."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a person said of a feed in feeds.yaml. Header values may hold `${NAME}`, never the secret itself."""

    id: str
    url: str
    name: str | None = None
    tags: tuple[str, ...] = ()
    tier: Tier = Tier.OTHER
    language: str | None = None  # BCP 47
    region: str | None = None  # ISO 3166-1 alpha-2
    timezone: str | None = None  # IANA; for dates that name no zone
    interval: timedelta | None = None
    active: Hours | None = None
    weight: float = 1.0
    full_text: bool = False
    verify_tls: bool = True
    disabled: bool = False
    identity: str = "auto"  # auto, id, link, link+title, hash
    politeness: str = "normal"  # normal, strict
    backlog: timedelta = timedelta()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """What people read: the given name, else the id."""
        return self.name or self.id

    @property
    def is_private(self) -> bool:
        """Whether it is asked with headers or a password of its own: what it says is then not for other eyes."""
        return bool(self.headers) or "${" in self.url or "@" in self.url.partition("://")[2].partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """How a publisher wants to be asked, in its words or by what its answers show. Durations, never instants.

    What it asked for is remembered across 304s.
    """

    max_age: timedelta | None = None
    ttl: timedelta | None = None
    update_period: timedelta | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: frozenset[int] = frozenset()  # GMT, 0-23
    skip_days: frozenset[int] = frozenset()  # Monday is 0
    plain: bool = False  # its last answer was not packed as it said: the next request asks for none of that, once


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What checking a feed learned. Written only together with the entries it speaks of."""

    feed_id: str
    host: str
    next_check_at: datetime
    url_in_use: str | None = None  # set when a permanent redirect was kept
    self_link: str | None = None  # where its document says it lives, when that is elsewhere; never followed by itself
    etag: bytes | None = None
    last_modified: bytes | None = None
    body_hash: bytes | None = None
    spans: Mapping[bytes, str] = field(default_factory=dict)  # span hash -> entry key, of the last document read
    hints: Hints = Hints()
    identity: str = "id"  # the policy in force when the feed's own says auto: id, link, link+title, hash
    title: str | None = None
    site: str | None = None
    language: str | None = None
    checked_at: datetime | None = None
    succeeded_at: datetime | None = None
    changed_at: datetime | None = None  # when a check last brought an entry
    baseline_at: datetime | None = None  # when the first import was stored
    failures: int = 0  # in a row
    failing_since: datetime | None = None
    error_kind: FailureKind | None = None
    error_detail: str | None = None
    status: int | None = None  # HTTP status of the last answer
    strikes: int = 0  # killed parses and expired leases in a row; three poison a feed
    unchanged: int = 0  # 200s in a row with the very same body
    gap_rounds: int = 0  # checks left at half the interval after a gap
    moved_to: str | None = None
    moved_since: datetime | None = None
    moved_count: int = 0
    gone_at: datetime | None = None
    gone: bool = False  # 410 twice, a day apart: only a person brings it back
    validators_from: str | None = None  # the origin that gave the validators, as a URL without path
    slow_until: datetime | None = None  # after a 429: the floor of the interval is doubled until then

    @property
    def paused_on_the_way(self) -> bool:
        """Whether the last check ended at a redirect that asked for a pause before it is followed."""
        return self.error_kind is FailureKind.RATE and self.status is not None and 300 <= self.status < 400


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """One conditional GET. Validators go out byte for byte as they came in (RFC 9110 13.1)."""

    url: str
    etag: bytes | None = None
    last_modified: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()  # secrets already filled in
    verify_tls: bool = True
    validators_from: str | None = None  # the URL whose answer gave the validators, when redirects led elsewhere
    accept: str = ""  # media types to ask for instead of a feed's
    plain: bool = False  # ask for a body that is not packed
    paused: bool = False  # the pause that a redirect asked for is over: it may be followed now


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What every HTTP answer tells, whatever its status."""

    url: str  # after redirects
    status: int
    permanent_url: str | None = None  # set when every hop was 301 or 308
    etag: bytes | None = None
    last_modified: bytes | None = None
    max_age: timedelta | None = None  # freshness left: max-age less Age, or Expires less Date; None when not given
    content_type: str = ""
    links: tuple[tuple[str, str], ...] = ()  # (rel, absolute URL) of the Link header
    alternates: tuple[tuple[str, str], ...] = ()  # (media type, absolute URL) of its rel=alternate
    mislabelled: bool = False  # it was said to be packed, and was not


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A document came. `body` is decoded from Content-Encoding, still bytes."""

    answer: Answer
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """304: nothing new, keep everything, take the new validators and hints."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """Nothing came; `detail` is one line for people and may quote the publisher."""

    kind: FailureKind
    detail: str
    status: int | None = None
    retry_after: timedelta | None = None
    permanent_url: str | None = None


FetchResult = Fetched | NotModified | FetchFailed
