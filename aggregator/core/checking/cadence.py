"""When a feed is checked next: from what it published, what its publisher asks, what failed and what a person set.

All times are aware UTC; nothing here reads a clock. The jitter is the same for a feed every time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.core.model.feeds import FailureKind, Feed, FeedState, FetchFailed, Hints, Hours

FLOOR = timedelta(hours=1)
FLOOR_WITHOUT_VALIDATORS = timedelta(hours=3)
CEILING = timedelta(hours=24)
LEAST_ASKED = timedelta(minutes=15)  # however often a publisher invites us
LEAST_SET = timedelta(minutes=5)  # however often a person wants it
MOST_RETRY_AFTER = timedelta(days=7)
POISONED = 3  # strikes

_LEARNED = timedelta(days=28)
_LEARNED_ENTRIES = 50
_UNCHANGED_MOST = timedelta(hours=6)
_TRANSIENT_FIRST = timedelta(minutes=15)
_RATE_FIRST = timedelta(hours=1)
_JITTER = 0.1

_TRANSIENT = frozenset(
    {
        FailureKind.DNS,
        FailureKind.CONNECT,
        FailureKind.TLS,
        FailureKind.TIMEOUT,
        FailureKind.PROTOCOL,
        FailureKind.TRUNCATED,
        FailureKind.REDIRECT,
        FailureKind.SERVER,
        FailureKind.INTERNAL,
    }
)


def next_check(
    feed: Feed, state: FeedState, *, times: Sequence[datetime], document: int = 0, now: datetime
) -> datetime:
    """When to check again after a success.

    `state` is the one to be stored (its hints, validators, counters), `times` the publish times of the feed's last
    entries in any order, `document` how many entries the last document held. The publisher's hints are a lower bound,
    skipped hours and days and a person's active hours move the time later, jitter adds 0 to 10 %.
    """
    wait = max(own_interval(feed, state, times=times, document=document, now=now), hinted(state.hints))
    return _allowed(feed, state.hints, now + _jittered(wait, feed.id))


def after_failure(
    feed: Feed,
    state: FeedState,
    kind: FailureKind,
    *,
    retry_after: timedelta | None = None,
    times: Sequence[datetime] = (),
    document: int = 0,
    now: datetime,
) -> datetime:
    """When to check again after a failure of this kind; `state.failures` counts it already.

    Transient failures wait 15 min x 2^n, rate limits and redirects to be followed later Retry-After (at most 7 d) or
    1 h x 2^n, all others the own interval
    x 2^n, n being the failures before; none less than the own interval, none but Retry-After longer than 24 h. After
    a 410, and when poisoned, a feed is tried daily.
    """
    if state.strikes >= POISONED:
        return now + CEILING
    own = own_interval(feed, state, times=times, document=document, now=now)
    if kind is FailureKind.GONE:
        return _allowed(feed, state.hints, now + max(CEILING, own))
    if kind is FailureKind.RATE:
        asked = retry_after if retry_after is not None else _doubled(_RATE_FIRST, state.failures)
        wait = max(min(asked, MOST_RETRY_AFTER), own, _RATE_FIRST)
        return _allowed(feed, state.hints, now + wait)
    first = _TRANSIENT_FIRST if kind in _TRANSIENT else own
    wait = max(_doubled(first, state.failures), own)
    return _allowed(feed, state.hints, now + min(_jittered(wait, feed.id), max(CEILING, own)))


def host_hold(failure: FetchFailed, state: FeedState, *, now: datetime) -> datetime | None:
    """Until when every feed of the host waits: after 429, 503 and a redirect that asks for a pause.

    `state.failures` counts this failure already.

    Without Retry-After a 429 holds 1 h x 2^n, at most 24 h; a 503 holds 15 min, as it may speak of one page only.
    """
    if failure.kind is FailureKind.RATE:
        asked = failure.retry_after
        return now + (min(asked, MOST_RETRY_AFTER) if asked is not None else _doubled(_RATE_FIRST, state.failures))
    return now + _TRANSIENT_FIRST if failure.status == 503 else None


def claimed(state: FeedState, now: datetime, lease_until: datetime) -> datetime:
    """The next check written before the request goes out, `state.strikes` counting this attempt already.

    A first attempt that never ends is due again with its lease; the second waits 15 minutes, from the third on the feed
    is poisoned and waits a day. None is due before the lease ends.
    """
    if state.strikes >= POISONED:
        return max(now + CEILING, lease_until)
    return max(now + _TRANSIENT_FIRST, lease_until) if state.strikes == POISONED - 1 else lease_until


def own_interval(
    feed: Feed, state: FeedState, *, times: Sequence[datetime], document: int = 0, now: datetime
) -> timedelta:
    """The interval that fits the feed, before the publisher's hints.

    Half the gap between entries, growing with silence; 60 min to 24 h (3 h at least without validators); at most a
    third of the time that a document spans, so that nothing scrolls out unseen; half after a gap. For a week after a
    429 every floor is doubled. A person's `interval` replaces all that, `politeness: strict` makes it 24 h at least.
    """
    strict = CEILING if feed.politeness == "strict" else timedelta()
    if feed.interval is not None:
        return max(feed.interval, LEAST_SET, strict)
    known = sorted((min(at, now) for at in times), reverse=True)[:_LEARNED_ENTRIES]
    slow = 2 if state.slow_until is not None and now < state.slow_until else 1
    own = min(max(_half_gap(known, state, now), slow * _floor(state)), CEILING)
    if (spanned := _spanned(known, document)) is not None:
        own = min(own, max(spanned / 3, slow * FLOOR))
    if not _has_validators(state):
        grown = own * 1.5 ** min(state.unchanged, 10)
        own = max(own, min(grown, _UNCHANGED_MOST))
    if state.gap_rounds:
        own = min(own, max(own / 2, slow * FLOOR))
    return max(own, strict)


def mean_gap(times: Sequence[datetime]) -> timedelta | None:
    """The mean time between entries published at `times`, in any order; None for fewer than two, or all at once."""
    if len(times) < 2 or min(times) == max(times):
        return None
    return (max(times) - min(times)) / (len(times) - 1)


def hinted(hints: Hints) -> timedelta:
    """The longest wait the publisher asks for, each value capped at 24 h.

    `sy:` counts for 1 h at most: blog software writes it into every feed, whatever its owner thinks.
    """
    asked = [min(one, CEILING) for one in (hints.max_age, hints.ttl) if one is not None]
    if hints.update_period is not None:
        asked.append(min(hints.update_period, timedelta(hours=1)))
    return max(asked, default=timedelta())


def _half_gap(known: Sequence[datetime], state: FeedState, now: datetime) -> timedelta:
    """Half the mean gap between entries, or a quarter of the silence so far, whichever is longer. `known` falls."""
    if not known:
        return (now - state.baseline_at) / 4 if state.baseline_at else timedelta()
    window = min(_LEARNED, now - known[-1])
    within = sum(now - at <= window for at in known)
    return max(window / (within + 1), (now - known[0]) / 2) / 2


def _floor(state: FeedState) -> timedelta:
    """The shortest interval; a publisher who states 60 min or less is taken at its word, down to 15 min.

    A feed that never answered has had no chance to show validators.
    """
    stated = [one for one in (state.hints.max_age, state.hints.ttl) if one is not None and one > timedelta()]
    if stated and max(stated) <= FLOOR:
        return max(LEAST_ASKED, *stated)
    return FLOOR if _has_validators(state) or state.succeeded_at is None else FLOOR_WITHOUT_VALIDATORS


def _has_validators(state: FeedState) -> bool:
    return state.etag is not None or state.last_modified is not None


def _spanned(known: Sequence[datetime], document: int) -> timedelta | None:
    """The time between the newest and the oldest entry of a document; None when the dates do not tell."""
    inside = known[: document or None]
    if len(inside) < 2 or inside[0] == inside[-1]:
        return None
    return inside[0] - inside[-1]


def _doubled(first: timedelta, failures: int) -> timedelta:
    """`first`, doubled for each failure before the last one, at most 24 h unless `first` is longer."""
    return min(first * (1 << min(max(failures - 1, 0), 10)), max(first, CEILING))


def _jittered(wait: timedelta, seed: str) -> timedelta:
    share = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) / 2**64
    return wait * (1 + _JITTER * share)


def _allowed(feed: Feed, hints: Hints, due: datetime) -> datetime:
    """`due`, moved out of hours the publisher skips, then into the hours a person wants."""
    moved = _after_skipped(hints, due)
    return _within(feed.active, feed.timezone, moved) if feed.active else moved


def _after_skipped(hints: Hints, due: datetime) -> datetime:
    """The end of the skipped span (RSS 2.0 skipHours, skipDays; GMT), at most 24 h later.

    A publisher who skips every hour or every day asks for nothing that can be done.
    """
    hours = hints.skip_hours if len(hints.skip_hours) < 24 else frozenset[int]()
    days = hints.skip_days if len(hints.skip_days) < 7 else frozenset[int]()
    at = due.astimezone(UTC)
    latest = at + CEILING
    while at < latest and (at.hour in hours or at.weekday() in days):
        at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return min(at, latest)


def _within(active: Hours, timezone: str | None, due: datetime) -> datetime:
    """`due` if it lies in the active hours of its zone, else their next start; equal ends mean the whole day."""
    local = due.astimezone(_zone(timezone))
    now = local.time()
    if active.start <= active.end:
        inside = active.start <= now < active.end or active.start == active.end
    else:
        inside = now >= active.start or now < active.end
    if inside:
        return due
    start = local.replace(
        hour=active.start.hour, minute=active.start.minute, second=active.start.second, microsecond=0, fold=0
    )
    # A wall-clock day later, whatever the clocks did: the start is a local time.
    return (start if start.time() > now else start + timedelta(days=1)).astimezone(UTC)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
