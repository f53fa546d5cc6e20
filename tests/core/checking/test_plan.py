"""The decider: everything one check of one feed writes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.checking.plan import feed_health, result_of
from aggregator.core.model.entries import ParsedEntry
from aggregator.core.model.feeds import FailureKind, FetchFailed
from aggregator.core.model.plans import Outcome, Watcher
from aggregator.core.model.subscriptions import LedgerState
from aggregator.core.model.topics import Origin
from aggregator.core.urls import link_hash
from tests.checks import Played, at, post, span_of, titles
from tests.factories import NOW, make_evaluation, make_feed, make_state

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TestEntries:
    def test_a_new_entry_is_planned_whole(self) -> None:
        entry = post(1, published=at(-2), published_raw="two hours ago", updated=at(-1), text="Words", authors=("A",))
        plan = Played().check(entry)
        (new,) = plan.new
        assert (new.key, new.first_seen, new.published, new.published_raw) == ("id:g1", NOW, at(-2), "two hours ago")
        assert (new.date_suspect, new.updated) == (False, at(-1))
        assert new.link_hash == link_hash("https://w.example/1")
        assert (new.revision.n, new.revision.text, new.revision.authors) == (1, "Words", ("A",))
        assert (plan.outcome, plan.feed_id, plan.lease) == (Outcome.FETCHED, "wire", "lease")

    def test_ids_rise_from_the_oldest_entry_to_the_newest(self) -> None:
        dated = [post(n, published=at(-n)) for n in range(4)]
        assert titles(Played().check(*dated).new) == ["Post 3", "Post 2", "Post 1", "Post 0"]

    def test_case_6_36_a_feed_that_lists_its_oldest_entry_first_is_read_so(self) -> None:
        dated = [post(n, published=at(n - 9)) for n in range(4)]
        assert titles(Played().check(*dated).new) == ["Post 0", "Post 1", "Post 2", "Post 3"]

    def test_case_6_27_undated_entries_keep_the_order_of_the_document_and_are_never_redated(self) -> None:
        feed = Played()
        plan = feed.check(post(2), post(1))
        assert titles(plan.new) == ["Post 1", "Post 2"]
        assert {one.published for one in plan.new} == {None}
        assert {one.first_seen for one in plan.new} == {NOW}
        assert not feed.check(post(2), post(1), cut=False).revised

    @pytest.mark.parametrize(
        ("published", "stored", "suspect"),
        [(at(900), NOW, True), (at(0.1), at(0.1), False), (at(0.2), NOW, True), (at(-9), at(-9), False)],
    )
    def test_case_6_28_a_date_from_the_future_sorts_as_first_seen(
        self, published: Any, stored: Any, suspect: bool
    ) -> None:
        (new,) = Played().check(post(1, published=published, published_raw="raw")).new
        assert (new.published, new.date_suspect, new.published_raw) == (stored, suspect, "raw")

    def test_the_same_check_decides_the_same_plan(self) -> None:
        assert Played().check(post(1), post(2)) == Played().check(post(1), post(2))


class TestOrigin:
    watchers = {"narcotics": (Watcher(subscription_id=4),)}  # noqa: RUF012 - never changed

    def origins(self, feed: Played, *entries: ParsedEntry) -> dict[str, tuple[Origin, LedgerState]]:
        plan = feed.check(*entries, flags={one.title: (make_evaluation(),) for one in entries})
        return {one.revision.title: (one.matches[0].origin, one.matches[0].ledger[0].state) for one in plan.new}

    def test_case_6_40_the_first_import_is_baseline_and_mails_nothing(self) -> None:
        feed = Played(watchers=self.watchers)
        found = self.origins(feed, *(post(n, published=at(-n)) for n in range(1000)))
        assert set(found.values()) == {(Origin.BASELINE, LedgerState.SUPPRESSED)}
        assert feed.state.baseline_at == NOW

    def test_what_comes_after_the_first_import_is_live(self) -> None:
        feed = Played(watchers=self.watchers)
        feed.check(post(1))
        assert self.origins(feed, post(2, published=at(-9999)), post(1)) == {
            "Post 2": (Origin.LIVE, LedgerState.PENDING)
        }

    def test_an_empty_first_document_is_an_import_too(self) -> None:
        feed = Played(watchers=self.watchers)
        feed.check()
        assert self.origins(feed, post(1))["Post 1"][0] is Origin.LIVE

    def test_backlog_makes_recent_entries_of_the_first_import_live(self) -> None:
        feed = Played(make_feed(backlog=2 * DAY), watchers=self.watchers)
        entries = {
            "recent": post(1, published=at(-47)),
            "old": post(2, published=at(-49)),
            "undated": post(3),
            "wrong zone": post(4, published=at(5.5)),
            "next year": post(5, published=at(9000)),
        }
        found = self.origins(feed, *entries.values())
        live = {name for name, entry in entries.items() if found[entry.title][0] is Origin.LIVE}
        assert live == {"recent", "wrong zone"}

    def test_an_edit_that_earns_a_topic_is_a_revised_match_and_one_more_flag_is_evidence(self) -> None:
        feed = Played(watchers={"india": (Watcher(subscription_id=4),)})
        feed.check(post(1), flags={"Post 1": (make_evaluation("narcotics"),)})
        flags = (make_evaluation("narcotics", score=3), make_evaluation("india"))
        plan = feed.check(post(1, text="A correction names the working group."), flags={"Post 1": flags})
        (revised,) = plan.revised
        assert [(one.evaluation.topic_id, one.origin) for one in revised.matches] == [("india", Origin.REVISED)]
        assert revised.matches[0].ledger[0].state is LedgerState.PENDING
        assert [(one.topic_id, one.score) for one in revised.evidence] == [("narcotics", 3)]
        assert (revised.revision.n, revised.notable, revised.entry_id) == (2, True, 1)
        assert result_of(plan).matched == 1

    def test_case_6_34_a_repeat_with_new_flags_makes_no_match(self) -> None:
        feed = Played(watchers=self.watchers)
        feed.check(post(1))
        plan = feed.check(post(1), cut=False, flags={"Post 1": (make_evaluation(),)})
        assert not plan.revised
        assert not plan.new


class TestWithdrawal:
    def test_case_6_59_named_entries_are_taken_back(self) -> None:
        feed = Played()
        feed.check(post(1), post(2))
        plan = feed.check(post(1), withdrawn=("g2", "g1"))
        assert plan.withdrawn == ("id:g2",)

    def test_an_entry_stored_under_another_key_is_found(self) -> None:
        feed = Played()
        feed.check(post(1, published=NOW), post(2), post(3))
        feed.check(replace(post(1, published=NOW), id="renamed"), post(2), post(3))
        assert feed.check(post(2), post(3), withdrawn=("renamed",)).withdrawn == ("id:g1",)

    @pytest.mark.parametrize("cut", [True, False])
    def test_a_complete_feed_takes_back_what_it_no_longer_lists(self, cut: bool) -> None:
        feed = Played()
        feed.check(post(1), post(2), cut=cut, complete=True)
        assert feed.check(post(2), post(3), cut=cut, complete=True).withdrawn == ("id:g1",)

    def test_absence_means_nothing_elsewhere(self) -> None:
        for said in ({}, {"complete": True, "truncated": True}, {"complete": True, "status": 226}):
            feed = Played()
            feed.check(post(1), post(2))
            assert feed.check(post(2), post(3), **said).withdrawn == ()

    def test_case_6_38_an_emptied_feed_takes_nothing_back(self) -> None:
        feed = Played()
        feed.check(post(1), complete=True)
        plan = feed.check(complete=True)
        assert plan.withdrawn == ()
        assert plan.outcome is Outcome.FETCHED
        assert [event.kind for event in plan.events] == ["emptied"]
        assert feed.check(title="still empty").events == ()
        assert feed.check(post(1)).events == ()

    def test_a_document_of_known_entries_only_is_not_empty(self) -> None:
        feed = Played()
        feed.check(post(1))
        assert feed.check(post(1), title="the same entry under a new name").events == ()


class TestState:
    def test_it_learns_what_the_feed_says_of_itself_and_keeps_what_it_no_longer_says(self) -> None:
        feed = Played()
        feed.check(post(1), title="Wire", link="https://w.example/", language="en")
        state = feed.check(post(2), post(1)).state
        assert (state.title, state.site, state.language) == ("Wire", "https://w.example/", "en")
        assert (state.baseline_at, state.checked_at, state.succeeded_at) == (NOW, at(1), at(1))
        assert (state.changed_at, feed.check(post(2), post(1)).state.changed_at) == (at(1), at(1))

    def test_case_7_29_a_partial_answer_adds_to_what_is_known(self) -> None:
        feed = Played()
        feed.check(post(1), post(2))
        plan = feed.check(post(3), status=226)
        assert set(plan.state.spans.values()) == {"id:g1", "id:g2", "id:g3"}
        assert not plan.gap

    def test_spans_lead_to_the_keys_that_are_stored(self) -> None:
        feed = Played()
        feed.check(post(1, published=NOW), post(2), post(3))
        renamed = replace(post(1, published=NOW), id="renamed")
        assert feed.check(renamed, post(2), post(3)).state.spans[span_of(renamed)] == "id:g1"

    def test_the_interval_is_learned_from_the_entries_of_this_very_check(self) -> None:
        feed = Played()
        plan = feed.check(*(post(n, published=NOW - n * 8 * HOUR) for n in range(30)))
        assert 3.5 * HOUR <= plan.state.next_check_at - NOW <= 4.4 * HOUR

    def test_a_feed_that_calls_itself_finished_is_asked_once_a_day(self) -> None:
        plan = Played().check(post(1), expired=True)
        assert plan.state.next_check_at >= NOW + DAY
        assert not plan.state.gone

    def test_an_entry_that_never_rests_is_told_of_once(self) -> None:
        feed = Played()
        kinds: list[str] = []
        for fetch in range(40):
            plan = feed.check(post(1, text=f"Advertisement {fetch}"))
            kinds += [event.kind for event in plan.events]
        assert kinds == ["frozen"]
        assert feed.entries[1].revisions == 25


@pytest.mark.parametrize(
    ("said", "learned", "health"),
    [
        ({}, {}, "ok"),
        ({}, {"failures": 2, "failing_since": NOW}, "ok"),
        ({}, {"failures": 3, "failing_since": NOW}, "degraded"),
        ({}, {"failures": 9, "failing_since": NOW - 7 * DAY}, "failing"),
        ({}, {"strikes": 3}, "poisoned"),
        ({"disabled": True}, {"strikes": 3}, "disabled"),
        ({}, {"gone": True}, "disabled"),
    ],
)
def test_a_feed_s_health_in_one_word(said: dict[str, Any], learned: dict[str, Any], health: str) -> None:
    feed = make_feed(**said)
    assert feed_health(feed, make_state(feed, **learned), NOW) == health


def test_a_result_tells_of_a_check_in_numbers() -> None:
    feed = Played()
    feed.check(post(1))
    plan = feed.check(post(1, text="Edited"), post(2), flags={"Post 2": (make_evaluation(),)})
    result = result_of(plan)
    assert (result.feed_id, result.outcome, result.status) == ("wire", Outcome.FETCHED, 200)
    assert (result.new, result.updated, result.matched, result.error_kind) == (1, 1, 1, None)
    assert result.next_check_at == plan.state.next_check_at
    failed = result_of(feed.end(FetchFailed(kind=FailureKind.DNS, detail="no such host")))
    assert (failed.outcome, failed.error_kind, failed.error_detail) == (Outcome.FAILED, FailureKind.DNS, "no such host")
