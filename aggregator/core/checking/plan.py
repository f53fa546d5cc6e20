"""The decider: one check that came to its end, and what the store knew, become all that will be written.

It decides everything and does nothing; the same arguments give the same plan.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.core.checking import cadence
from aggregator.core.checking.gaps import gap_events, is_gap
from aggregator.core.checking.identity import id_key
from aggregator.core.checking.novelty import new_entries, revised_entries
from aggregator.core.checking.recognise import Recognition, recognise
from aggregator.core.checking.state import (
    DEGRADED,
    Failure,
    Lesson,
    after_failure,
    after_reading,
    after_unchanged,
    turning_points,
)
from aggregator.core.model.entries import ReadDone, Unreadable
from aggregator.core.model.feeds import Answer, Feed, FeedState, Fetched, FetchFailed, NotModified
from aggregator.core.model.plans import Check, CheckResult, FeedEvent, Keyed, Known, Outcome, RefreshPlan, Requests

FAILING_AFTER = timedelta(days=7)

_PARTIAL = 226  # RFC 3229 IM Used: only what changed
_MOST_SPANS = 4000


def plan_check(check: Check, keyed: Keyed, known: Known, *, now: datetime) -> RefreshPlan:
    """All that one check of one feed writes.

    `keyed` is `key_document(check)`; `known` answers `asked(check, keyed)` and always holds the feed's `times`. `now` is
    an aware UTC time. Raises ValueError for a check that fetched a new document and did not read it.
    """
    fetched, read = check.fetched, check.read
    if isinstance(fetched, FetchFailed):
        return _failed(check, known, Failure(kind=fetched.kind, detail=fetched.detail, status=fetched.status), now)
    if isinstance(fetched, NotModified):
        return _unchanged(check, fetched.answer, known, Outcome.NOT_MODIFIED, now)
    if isinstance(read, Unreadable):
        offers = f" (it offers {', '.join(read.candidates[:3])})" if read.candidates else ""
        failure = Failure(kind=read.kind, detail=f"{read.detail}{offers}", status=fetched.answer.status)
        return _failed(check, known, failure, now)
    if isinstance(read, ReadDone):
        return _read(check, fetched, read, keyed, known, now)
    if check.body_hash is None or check.body_hash != check.state.body_hash:
        raise ValueError(f"feed {check.feed.id}: a new document was fetched and not read")
    return _unchanged(check, fetched.answer, known, Outcome.FETCHED, now)


def result_of(plan: RefreshPlan) -> CheckResult:
    """What a person is told of a check; `matched` counts new matches."""
    return CheckResult(
        feed_id=plan.feed_id,
        outcome=plan.outcome,
        status=plan.state.status,
        new=len(plan.new),
        updated=len(plan.revised),
        matched=sum(len(one.matches) for one in plan.new) + sum(len(one.matches) for one in plan.revised),
        error_kind=plan.state.error_kind,
        error_detail=plan.state.error_detail,
        next_check_at=plan.state.next_check_at,
    )


def feed_health(feed: Feed, state: FeedState, now: datetime) -> str:
    """ok, degraded (three failures in a row), failing (for seven days), poisoned, or disabled (a person, or 410)."""
    if feed.disabled or state.gone:
        return "disabled"
    if state.strikes >= cadence.POISONED:
        return "poisoned"
    if state.failing_since is not None and now - state.failing_since >= FAILING_AFTER:
        return "failing"
    return "ok" if state.failures < DEGRADED else "degraded"


def _failed(check: Check, known: Known, failure: Failure, now: datetime) -> RefreshPlan:
    fetched = check.fetched
    refused = fetched if isinstance(fetched, FetchFailed) else None
    new = after_failure(check, failure, now)
    due = cadence.after_failure(
        check.feed,
        new,
        failure.kind,
        retry_after=refused.retry_after if refused else None,
        times=known.times,
        document=_size(new.spans),
        now=now,
    )
    return RefreshPlan(
        feed_id=check.feed.id,
        lease=check.lease,
        outcome=Outcome.FAILED,
        state=replace(new, next_check_at=due),
        events=turning_points(check, new),
        host_hold_until=cadence.host_hold(refused, new, now=now) if refused else None,
        requests=_requests(check),
    )


def _unchanged(check: Check, answer: Answer, known: Known, outcome: Outcome, now: datetime) -> RefreshPlan:
    new = after_unchanged(check, answer, now)
    due = cadence.next_check(check.feed, new, times=known.times, document=_size(new.spans), now=now)
    return RefreshPlan(
        feed_id=check.feed.id,
        lease=check.lease,
        outcome=outcome,
        state=replace(new, next_check_at=due),
        events=turning_points(check, new),
        requests=_requests(check),
    )


def _read(check: Check, fetched: Fetched, read: ReadDone, keyed: Keyed, known: Known, now: datetime) -> RefreshPlan:
    recognition = recognise(check, keyed, known)
    new = new_entries(check, recognition, known, now)
    revised = revised_entries(recognition, known, now)
    partial = fetched.answer.status == _PARTIAL
    spans = _spans(keyed, recognition, revised.postponed)
    recognised = [one.key for one in recognition.entries if (one.stored or one.historical) and not one.keyed.older]
    gap = check.backfill is not None or is_gap(check, keyed, known, recognised)
    lesson = Lesson(
        feed=read.feed,
        spans=_merged(spans, check.state.spans) if partial else spans,
        policy=recognition.policy,
        whole=not revised.postponed and not read.feed.truncated,
        found_new=bool(new),
        gap=gap,
    )
    learned = after_reading(check, fetched.answer, lesson, now)
    times = (*(one.published or one.first_seen for one in new), *known.times)
    due = cadence.next_check(check.feed, learned, times=times, document=_size(learned.spans), now=now)
    # A feed that calls itself finished is still never given up, only asked as rarely as any.
    due = max(due, now + cadence.CEILING) if read.feed.expired else due
    hold = cadence.host_hold(check.refused, replace(learned, failures=1), now=now) if check.refused else None
    return RefreshPlan(
        feed_id=check.feed.id,
        lease=check.lease,
        outcome=Outcome.FETCHED,
        state=replace(learned, next_check_at=max(due, hold or due)),
        new=new,
        revised=revised.plans,
        withdrawn=_withdrawn(check, read, spans, known, partial=partial),
        aliases=tuple((alias, one.known.entry_id) for one in recognition.entries if one.known for alias in one.aliases),
        events=(
            *_events(check, recognition, known, gap=gap),
            *revised.events,
            *turning_points(check, learned),
        ),
        gap=gap,
        host_hold_until=hold,
        requests=_requests(check),
    )


def _spans(keyed: Keyed, recognition: Recognition, postponed: frozenset[str]) -> dict[bytes, str]:
    """The document's spans with the keys that are in the store, without those that must be read again."""
    stored = {one.keyed.key: one.key for one in recognition.entries}
    return {span: stored.get(key, key) for span, key in keyed.spans.items() if key not in postponed}


def _merged(spans: Mapping[bytes, str], before: Mapping[bytes, str]) -> dict[bytes, str]:
    """What a partial document showed, and what was known of the others, newest first and bounded."""
    both = {**spans, **{span: key for span, key in before.items() if span not in spans}}
    return dict(list(both.items())[:_MOST_SPANS])


def _withdrawn(
    check: Check, read: ReadDone, spans: Mapping[bytes, str], known: Known, *, partial: bool
) -> tuple[str, ...]:
    """Keys the publisher took back: by RFC 6721, or by their absence from a complete feed (RFC 5005 2).

    An empty document takes nothing back: that is how a broken one looks.
    """
    present = {key for key in spans.values() if key}
    named = []
    for ref in read.feed.withdrawn:
        stored = known.entries.get(id_key(ref))
        named.append(stored.key if stored else id_key(ref))
    if read.feed.complete and present and not partial and not read.feed.truncated:
        named += [key for key in check.state.spans.values() if key]
    return tuple(dict.fromkeys(key for key in named if key not in present))


def _events(check: Check, recognition: Recognition, known: Known, *, gap: bool) -> tuple[FeedEvent, ...]:
    if gap:
        return gap_events(check, recognition.entries, known)
    if count := sum(one.historical for one in recognition.entries):
        detail = f"{count} entries came back under new ids and links; they are stored as archive, not as news"
        return (FeedEvent(kind="policy", detail=detail),)
    return ()


def _requests(check: Check) -> Requests:
    """What the check asked, to be counted. A check that ended before its request was not one."""
    fetched, state = check.fetched, check.state
    asked = check.asked_at is not None
    same = isinstance(fetched, Fetched) and check.body_hash is not None and check.body_hash == state.body_hash
    return Requests(
        not_modified=int(isinstance(fetched, NotModified)),
        same_body=int(same),
        unconditional=int(asked and state.etag is None and state.last_modified is None),
        early=int(check.asked_at is not None and check.held_until is not None and check.asked_at < check.held_until),
        pages=check.backfill.pages if check.backfill else 0,
        articles=check.articles.read + check.articles.failed,
        articles_failed=check.articles.failed,
    )


def _size(spans: Mapping[bytes, str]) -> int:
    """How many entries the last document held."""
    return len({key for key in spans.values() if key})
