"""What one check teaches about its feed: the next FeedState for each way a check can end, but for its due time.

Validators are taken over only together with the entries they speak of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.core.checking.cadence import POISONED
from aggregator.core.checking.gaps import GAP_ROUNDS
from aggregator.core.checking.moved import with_redirect
from aggregator.core.model.entries import ParsedFeed, ReadDone
from aggregator.core.model.feeds import Answer, FailureKind, Feed, FeedState, Fetched, NotModified
from aggregator.core.model.plans import Check, FeedEvent
from aggregator.core.urls import canonical, host_of, origin_url

GONE_APART = timedelta(hours=24)
SLOW_FOR = timedelta(days=7)  # after a 429

_TOO_MANY = 429
DEGRADED = 3  # failures in a row that people are told of

_LONGEST_DETAIL = 500
_KILLED = frozenset({FailureKind.PARSE_TIMEOUT, FailureKind.PARSE_CRASH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a check failed; `detail` is one line for people."""

    kind: FailureKind
    detail: str
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a document that was read adds to the state. `whole` means that nothing of it has to be read again."""

    feed: ParsedFeed
    spans: Mapping[bytes, str]
    policy: str
    whole: bool
    found_new: bool
    gap: bool


def after_failure(check: Check, failure: Failure, now: datetime) -> FeedState:
    """Everything known is kept; the failure is counted, killed parses keep the strike that claiming gave them.

    The second 410, a day or more after the first with no success between, makes the feed `gone`.
    """
    old = check.state
    is_gone = failure.kind is FailureKind.GONE
    gone_at = (old.gone_at or now) if is_gone else old.gone_at
    return _hosted(
        check,
        replace(
            old,
            checked_at=now,
            failures=old.failures + 1,
            failing_since=old.failing_since or now,
            error_kind=failure.kind,
            error_detail=failure.detail[:_LONGEST_DETAIL],
            status=failure.status,
            strikes=old.strikes if failure.kind in _KILLED else 0,
            gone_at=gone_at,
            gone=old.gone or (is_gone and gone_at is not None and now - gone_at >= GONE_APART),
            slow_until=now + SLOW_FOR if failure.status == _TOO_MANY else old.slow_until,
            hints=replace(old.hints, plain=_asks_plain(check, failure.kind)),
        ),
    )


def after_unchanged(check: Check, answer: Answer, now: datetime) -> FeedState:
    """After a 304, or a 200 with the very body the last check saw.

    A 304 brings only what changed of validators and freshness (RFC 9111 3.2, 4.3.4); a 200 replaces both, also with
    nothing.
    """
    old = check.state
    same = isinstance(check.fetched, NotModified)
    max_age = answer.max_age if answer.max_age is not None or not same else old.hints.max_age
    brought = _has_validators(answer) or not same
    kept = replace(
        old,
        etag=(answer.etag or old.etag) if same else answer.etag,
        last_modified=(answer.last_modified or old.last_modified) if same else answer.last_modified,
        validators_from=_origin(answer) if brought else old.validators_from,
        hints=replace(old.hints, max_age=max_age, plain=answer.mislabelled),
        unchanged=0 if same else old.unchanged + 1,
        gap_rounds=max(0, old.gap_rounds - 1),
    )
    return _succeeded(check, kept, answer, now)


def after_reading(check: Check, answer: Answer, lesson: Lesson, now: datetime) -> FeedState:
    """After a document was read. Where some of it has to be read again, the old validators stay, so that it comes."""
    old = check.state
    read = replace(
        old,
        etag=answer.etag if lesson.whole else old.etag,
        last_modified=answer.last_modified if lesson.whole else old.last_modified,
        validators_from=_origin(answer) if lesson.whole else old.validators_from,
        body_hash=check.body_hash if lesson.whole else None,
        spans=lesson.spans,
        hints=replace(lesson.feed.hints, max_age=answer.max_age, plain=answer.mislabelled),
        identity=lesson.policy if check.feed.identity == "auto" else old.identity,
        title=lesson.feed.title or old.title,
        site=lesson.feed.link or old.site,
        self_link=_self_link(check.feed, answer, lesson.feed),
        language=lesson.feed.language or old.language,
        changed_at=now if lesson.found_new else old.changed_at,
        baseline_at=old.baseline_at or now,
        unchanged=0,
        gap_rounds=GAP_ROUNDS if lesson.gap else max(0, old.gap_rounds - 1),
    )
    return _succeeded(check, read, answer, now)


def turning_points(check: Check, new: FeedState) -> tuple[FeedEvent, ...]:
    """What people should hear of the step from the old state to `new`."""
    old = check.state
    events = []
    if new.url_in_use != old.url_in_use and new.url_in_use:
        events.append(FeedEvent(kind="moved", detail=f"{old.url_in_use or check.feed.url} is now {new.url_in_use}"))
    if new.gone and not old.gone:
        events.append(FeedEvent(kind="gone", detail="its host said twice, a day apart, that it is gone for good (410)"))
    if new.strikes == POISONED:
        detail = f"reading it had to be stopped {new.strikes} times in a row; it is tried once a day now"
        events.append(FeedEvent(kind="poisoned", detail=detail))
    # Claiming has counted a strike for this very check already.
    was_poisoned = old.strikes > POISONED
    if new.failures == 0 and (old.failures >= DEGRADED or old.gone or was_poisoned):
        events.append(FeedEvent(kind="recovered", detail=f"answers again after {old.failures} failed checks"))
    if isinstance(check.read, ReadDone) and _is_emptied(check.read, old, new):
        detail = "its document is valid and holds no entry any more; what is stored stays"
        events.append(FeedEvent(kind="emptied", detail=detail))
    if new.identity != old.identity:
        detail = f"its entries are now known by {new.identity}, as their ids do not stay or repeat"
        events.append(FeedEvent(kind="policy", detail=detail))
    return tuple(events)


def _is_emptied(read: ReadDone, old: FeedState, new: FeedState) -> bool:
    held_some = any(old.spans.values())
    return held_some and not (new.spans or read.entries or read.feed.truncated)


def _asks_plain(check: Check, kind: FailureKind) -> bool:
    """Whether the next request asks for a body that is not packed: once, after one that was not packed as it said."""
    if kind is FailureKind.ENCODING:
        return not check.state.hints.plain
    return check.fetched.answer.mislabelled if isinstance(check.fetched, Fetched) else check.state.hints.plain


def _self_link(feed: Feed, answer: Answer, read: ParsedFeed) -> str | None:
    """Where the document says it lives, when that is neither where it was asked nor where it was found.

    What a private feed says of its address may hold its secret, and is not kept.
    """
    own = read.self_link or next((url for rel, url in answer.links if rel == "self"), None)
    if own is None or feed.is_private:
        return None
    return own if canonical(own) not in {canonical(feed.url), canonical(answer.url)} else None


def _origin(answer: Answer) -> str | None:
    """Who gave the validators of `answer`: only there they may be sent again."""
    return origin_url(answer.url) if _has_validators(answer) else None


def _has_validators(answer: Answer) -> bool:
    return answer.etag is not None or answer.last_modified is not None


def _succeeded(check: Check, state: FeedState, answer: Answer, now: datetime) -> FeedState:
    clean = replace(
        state,
        checked_at=now,
        succeeded_at=now,
        failures=0,
        failing_since=None,
        error_kind=None,
        error_detail=None,
        status=answer.status,
        strikes=0,
        gone_at=None,
        gone=False,
    )
    return _hosted(check, with_redirect(check.feed, clean, answer.permanent_url, now))


def _hosted(check: Check, state: FeedState) -> FeedState:
    return replace(state, host=host_of(state.url_in_use or check.feed.url) or state.host)
