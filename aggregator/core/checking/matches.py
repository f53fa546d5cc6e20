"""Turns flagged evaluations into matches with their ledger rows: to whom each is due, or why it is not."""

from collections.abc import Mapping, Sequence

from aggregator.core.model.plans import LedgerPlan, MatchPlan, Watcher
from aggregator.core.model.subscriptions import LedgerState
from aggregator.core.model.topics import Evaluation, Origin

_SUPPRESSING = {Origin.BASELINE: "baseline", Origin.REPLAY: "replay"}


def matches_of(
    flags: Sequence[Evaluation], origin: Origin, watchers: Mapping[str, tuple[Watcher, ...]]
) -> tuple[MatchPlan, ...]:
    """A new match for each flagged topic, with one ledger row for each subscription that watches it."""
    return tuple(
        MatchPlan(
            origin=origin,
            evaluation=flag,
            ledger=tuple(ledger_row(flag, origin, watcher) for watcher in watchers.get(flag.topic_id, ())),
        )
        for flag in _once_a_topic(flags)
    )


def ledger_row(flag: Evaluation, origin: Origin, watcher: Watcher) -> LedgerPlan:
    """Whether a new match is due to one subscription.

    Suppressed are, in this order: baseline and replayed matches, those whose reader takes no mail at present (with
    the reason), and those below `alert_at` for immediate mail.
    """
    reason = _SUPPRESSING.get(origin) or watcher.held
    if not reason and watcher.immediate and not flag.alert:
        reason = "below_alert"
    state = LedgerState.SUPPRESSED if reason else LedgerState.PENDING
    return LedgerPlan(subscription_id=watcher.subscription_id, state=state, reason=reason or None)


def split_flags(
    flags: Sequence[Evaluation], matched: frozenset[str]
) -> tuple[tuple[Evaluation, ...], tuple[Evaluation, ...]]:
    """The flags of topics an entry newly matches, and those that are further evidence for matches it has."""
    flagged = _once_a_topic(flags)
    new = tuple(flag for flag in flagged if flag.topic_id not in matched)
    return new, tuple(flag for flag in flagged if flag.topic_id in matched)


def _once_a_topic(flags: Sequence[Evaluation]) -> tuple[Evaluation, ...]:
    return tuple({flag.topic_id: flag for flag in flags if flag.flagged}.values())
