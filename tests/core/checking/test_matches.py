"""What the ledger says of a new match."""

from dataclasses import replace

import pytest

from aggregator.core.checking.matches import matches_of, split_flags
from aggregator.core.model.plans import LedgerPlan, Watcher
from aggregator.core.model.subscriptions import LedgerState
from aggregator.core.model.topics import Origin
from tests.factories import make_evaluation

PENDING, SUPPRESSED = LedgerState.PENDING, LedgerState.SUPPRESSED


@pytest.mark.parametrize(
    ("origin", "watcher", "alert", "state", "reason"),
    [
        (Origin.LIVE, Watcher(subscription_id=1), False, PENDING, None),
        (Origin.REVISED, Watcher(subscription_id=1), False, PENDING, None),
        (Origin.LIVE, Watcher(subscription_id=1, immediate=True), True, PENDING, None),
        (Origin.LIVE, Watcher(subscription_id=1, immediate=True), False, SUPPRESSED, "below_alert"),
        (Origin.LIVE, Watcher(subscription_id=1, held="paused"), True, SUPPRESSED, "paused"),
        (Origin.LIVE, Watcher(subscription_id=1, held="bounced", immediate=True), False, SUPPRESSED, "bounced"),
        (Origin.BASELINE, Watcher(subscription_id=1), True, SUPPRESSED, "baseline"),
        (Origin.BASELINE, Watcher(subscription_id=1, held="paused"), True, SUPPRESSED, "baseline"),
        (Origin.REPLAY, Watcher(subscription_id=1), True, SUPPRESSED, "replay"),
    ],
)
def test_a_row_is_pending_or_says_why_not(
    origin: Origin, watcher: Watcher, alert: bool, state: LedgerState, reason: str | None
) -> None:
    (match,) = matches_of([make_evaluation(alert=alert)], origin, {"narcotics": (watcher,)})
    assert match.origin is origin
    assert match.ledger == (LedgerPlan(subscription_id=1, state=state, reason=reason),)


def test_each_watcher_of_the_topic_gets_one_row_and_others_none() -> None:
    watchers = {
        "narcotics": (Watcher(subscription_id=1), Watcher(subscription_id=2)),
        "sport": (Watcher(subscription_id=3),),
    }
    (match,) = matches_of([make_evaluation()], Origin.LIVE, watchers)
    assert [row.subscription_id for row in match.ledger] == [1, 2]


def test_a_topic_that_nobody_watches_still_matches() -> None:
    (match,) = matches_of([make_evaluation()], Origin.LIVE, {})
    assert match.ledger == ()


def test_what_was_evaluated_but_not_flagged_is_no_match_and_a_topic_matches_once() -> None:
    missed = replace(make_evaluation("sport"), flagged=False)
    twice = [make_evaluation(), make_evaluation(), missed]
    assert [match.evaluation.topic_id for match in matches_of(twice, Origin.LIVE, {})] == ["narcotics"]


def test_flags_of_topics_already_matched_are_evidence() -> None:
    flags = [make_evaluation("narcotics"), make_evaluation("india"), replace(make_evaluation("sport"), flagged=False)]
    new, evidence = split_flags(flags, frozenset({"narcotics", "sport"}))
    assert [flag.topic_id for flag in new] == ["india"]
    assert [flag.topic_id for flag in evidence] == ["narcotics"]
