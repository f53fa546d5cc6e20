"""What one check of one feed decides: everything it will write, as one value, made before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aggregator.core.model.entries import KnownEntry, ReadEntry, ReadResult, Revision
from aggregator.core.model.feeds import FailureKind, Feed, FeedState, FetchFailed, FetchResult
from aggregator.core.model.stories import StorySignature
from aggregator.core.model.subscriptions import LedgerState
from aggregator.core.model.topics import Evaluation, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """What a feed's older pages brought after a gap. `closed` means that they led back to what was known."""

    entries: tuple[ReadEntry, ...] = ()
    pages: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Articles:
    """How many pages behind new entries were read, and how many could not be."""

    read: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check, come to its end: what was asked, under which lease, and what came back.

    `read` is None when nothing was read: a 304, a failure, or a body whose hash the last check already saw.
    """

    feed: Feed
    state: FeedState
    lease: str
    fetched: FetchResult
    read: ReadResult | None = None
    body_hash: bytes | None = None
    backfill: Backfill | None = None
    articles: Articles = Articles()
    asked_at: datetime | None = None
    held_until: datetime | None = None  # until when the host had asked us to wait, as far as was known then
    refused: FetchFailed | None = None  # why the feed's host gave no more, when it was asked for pages after the feed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedEntry:
    """A read entry with its identity within the feed. `aliases` are further keys it would answer to."""

    key: str
    read: ReadEntry
    aliases: tuple[str, ...] = ()
    link_hash: bytes | None = None
    older: bool = False  # only a page before the feed's own holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A document with an identity for each of its entries, read now or known by its bytes."""

    entries: tuple[KeyedEntry, ...] = ()
    keys: frozenset[str] = frozenset()  # every key of the document, without those of older pages
    spans: Mapping[bytes, str] = field(default_factory=dict)
    policy: str = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """A subscription that watches a topic. `held` names why it takes no mail now (paused, bounced), or is empty."""

    subscription_id: int
    immediate: bool = False
    held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knew of one feed when its plan was made.

    `entries` maps every asked key, alias and tombstone included, to the entry it stands for; a tombstone whose entry
    is gone maps to None. `by_link` maps link hashes to recent entries of the feed. `times` are publish times (else
    first_seen) of the feed's last 50 entries.
    """

    entries: Mapping[str, KnownEntry | None] = field(default_factory=dict)
    by_link: Mapping[bytes, KnownEntry] = field(default_factory=dict)
    times: tuple[datetime, ...] = ()
    watchers: Mapping[str, tuple[Watcher, ...]] = field(default_factory=dict)  # topic id -> who watches it


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlan:
    """What the ledger will say of a new match to one subscription; `reason` goes with `suppressed`."""

    subscription_id: int
    state: LedgerState
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPlan:
    """A new match, its evidence and its ledger rows."""

    origin: Origin
    evaluation: Evaluation
    ledger: tuple[LedgerPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """An entry seen for the first time."""

    key: str
    revision: Revision
    first_seen: datetime
    published: datetime | None = None  # as the publisher says; may lie in the future
    published_raw: str | None = None
    date_suspect: bool = False
    updated: datetime | None = None
    link_hash: bytes | None = None
    aliases: tuple[str, ...] = ()
    matches: tuple[MatchPlan, ...] = ()
    signature: StorySignature | None = None  # of a matched one: by what its story is found


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPlan:
    """A stored entry whose words changed: the new revision, matches it newly earns, evidence for those it had."""

    entry_id: int
    key: str
    revision: Revision
    notable: bool
    updated: datetime | None = None
    link_hash: bytes | None = None
    matches: tuple[MatchPlan, ...] = ()
    evidence: tuple[Evaluation, ...] = ()
    signature: StorySignature | None = None  # of a matched one


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """Something worth telling about a feed: gap, filled, moved, gone, poisoned, recovered, policy, emptied, frozen (an entry).

    `filled` goes with a gap that older pages closed.
    """

    kind: str
    detail: str


class Outcome(StrEnum):
    """How a check ended, as `poll --json` says it."""

    FETCHED = "fetched"
    NOT_MODIFIED = "not_modified"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What one check asked of hosts, to be counted: 0 or 1 of each kind, but for pages and articles."""

    not_modified: int = 0  # 304
    same_body: int = 0  # 200 with the very body the last check saw
    unconditional: int = 0  # without a validator
    early: int = 0  # before the host wanted to be asked again: none, unless something is wrong with us
    pages: int = 0  # older ones, after a gap
    articles: int = 0
    articles_failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPlan:
    """All that one check of one feed will write. `state` replaces the old one; nothing else changes elsewhere."""

    feed_id: str
    lease: str
    outcome: Outcome
    state: FeedState
    new: tuple[EntryPlan, ...] = ()
    revised: tuple[RevisionPlan, ...] = ()
    withdrawn: tuple[str, ...] = ()  # keys of entries the publisher took back
    aliases: tuple[tuple[str, int], ...] = ()  # (further key, entry id it stands for)
    events: tuple[FeedEvent, ...] = ()
    gap: bool = False
    host_hold_until: datetime | None = None
    requests: Requests = Requests()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a person is told of one check; a line of `poll --json`."""

    feed_id: str
    outcome: Outcome
    status: int | None = None
    new: int = 0
    updated: int = 0
    matched: int = 0
    error_kind: FailureKind | None = None
    error_detail: str | None = None
    next_check_at: datetime | None = None
