"""What the end of a check teaches about its feed: validators, failures, strikes, 410."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.core.checking.plan import feed_health
from aggregator.core.model.entries import Unreadable
from aggregator.core.model.feeds import FailureKind, Feed, FeedState, Fetched, FetchFailed, Hints, NotModified
from aggregator.core.model.plans import Outcome
from tests.checks import URL, Played, answer, document, ended, post, span_of, titles
from tests.factories import NOW, make_feed, make_fetched

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TestPacking:
    """Case 7.36: a body that is not packed as its header says is taken, and asked for plainly once."""

    def wrong(self) -> Fetched:
        return Fetched(answer=replace(answer(), mislabelled=True), body=b"x")

    def test_case_7_36_after_a_wrong_label_the_next_request_asks_for_a_plain_body_and_only_that_one(self) -> None:
        feed = Played()
        assert feed.end(self.wrong(), read=document(post(1)), body_hash=b"1").state.hints.plain
        assert not feed.check(post(1)).state.hints.plain

    @pytest.mark.parametrize("again", [NotModified(answer=answer(status=304)), Fetched(answer=answer(), body=b"x")])
    def test_case_7_36_an_unchanged_answer_ends_it_too(self, again: NotModified | Fetched) -> None:
        plan = ended(again, state={"hints": Hints(plain=True), "body_hash": b"same"}, body_hash=b"same")
        assert not plan.state.hints.plain

    def test_case_7_36_a_wrong_label_on_what_cannot_be_read_counts_as_well(self) -> None:
        assert ended(self.wrong(), read=Unreadable(kind=FailureKind.PARSE, detail="cut")).state.hints.plain

    def test_case_7_36_a_body_that_cannot_be_unpacked_is_asked_for_plainly_every_other_time(self) -> None:
        feed = Played()
        damaged = FetchFailed(kind=FailureKind.ENCODING, detail="damaged")
        assert [feed.end(damaged).state.hints.plain for _ in range(4)] == [True, False, True, False]

    def test_case_7_36_what_does_not_answer_is_asked_the_same_way_again(self) -> None:
        late = FetchFailed(kind=FailureKind.TIMEOUT, detail="late")
        for plain in (True, False):
            assert ended(late, state={"hints": Hints(plain=plain)}).state.hints.plain == plain


class TestSelfLink:
    def learned(
        self, own: str | None, *, links: tuple[tuple[str, str], ...] = (), feed: Feed | None = None
    ) -> FeedState:
        brought = Fetched(answer=replace(answer(), links=links), body=b"x")
        return Played(feed).end(brought, read=document(post(1), self_link=own), body_hash=b"1").state

    def test_case_6_60_it_is_recorded_when_it_names_another_address_and_nothing_else_comes_of_it(self) -> None:
        state = self.learned("https://elsewhere.example/f")
        assert (state.self_link, state.url_in_use, state.moved_to) == ("https://elsewhere.example/f", None, None)
        assert self.learned(URL.replace("https", "http")).self_link == URL.replace("https", "http")

    @pytest.mark.parametrize("own", [None, URL, f"{URL}#top", f"{URL}?utm_source=feed", URL.replace("wire", "WIRE")])
    def test_case_6_60_the_address_that_is_asked_is_nothing_to_record(self, own: str | None) -> None:
        assert self.learned(own).self_link is None

    def test_case_6_60_the_link_header_tells_it_where_the_document_does_not(self) -> None:
        header = (("self", "https://wire.example/header"),)
        assert self.learned(None, links=header).self_link == "https://wire.example/header"
        assert self.learned("https://wire.example/own", links=header).self_link == "https://wire.example/own"

    def test_case_6_60_a_private_feed_may_tell_its_secret_and_is_not_recorded(self) -> None:
        private = make_feed(url="https://wire.example/feed?key=${KEY}")
        assert self.learned("https://wire.example/feed?key=hush", feed=private).self_link is None

    def test_case_6_60_it_stays_while_nothing_new_comes_and_goes_with_the_document_that_said_it(self) -> None:
        kept = ended(NotModified(answer=answer(status=304)), state={"self_link": "https://wire.example/own"})
        assert kept.state.self_link == "https://wire.example/own"
        failed = ended(FetchFailed(kind=FailureKind.DNS, detail=""), state={"self_link": "https://wire.example/own"})
        assert failed.state.self_link == "https://wire.example/own"


class TestValidators:
    def test_they_are_stored_with_the_entries_and_replaced_even_by_nothing(self) -> None:
        feed = Played()
        assert feed.check(post(1), etag=b'"1"').state.etag == b'"1"'
        assert feed.check(post(2), post(1), etag=None).state.etag is None

    def test_case_7_9_a_document_that_could_not_be_read_keeps_the_old_ones(self) -> None:
        feed = Played()
        before = feed.check(post(1)).state
        unread = Unreadable(kind=FailureKind.PARSE, detail="line 3")
        new = Fetched(answer=answer(etag=b'"2"', max_age=HOUR), body=b"<rss")
        after = feed.end(new, read=unread, body_hash=b"other").state
        assert (after.etag, after.body_hash, after.spans) == (before.etag, before.body_hash, before.spans)
        assert after.hints == before.hints

    def test_case_7_3_a_304_brings_only_what_it_names(self) -> None:
        old = {"etag": b'"1"', "last_modified": b"Mon", "hints": Hints(max_age=HOUR, ttl=2 * HOUR)}
        kept = ended(NotModified(answer=answer(status=304)), state=old).state
        assert (kept.etag, kept.last_modified, kept.hints) == (b'"1"', b"Mon", old["hints"])
        new = ended(NotModified(answer=answer(status=304, etag=b'"2"', max_age=3 * HOUR)), state=old).state
        assert (new.etag, new.last_modified) == (b'"2"', b"Mon")
        assert new.hints == Hints(max_age=3 * HOUR, ttl=2 * HOUR)

    def test_case_7_6_a_200_with_the_known_body_is_like_a_304_but_replaces_validators(self) -> None:
        old = {"etag": b'"1"', "last_modified": b"Mon", "body_hash": b"same", "unchanged": 2, "baseline_at": NOW}
        plan = ended(Fetched(answer=answer(etag=b'"2"'), body=b"x"), state=old, body_hash=b"same")
        assert (plan.outcome, plan.new, plan.state.unchanged) == (Outcome.FETCHED, (), 3)
        assert (plan.state.etag, plan.state.last_modified) == (b'"2"', None)
        assert ended(NotModified(answer=answer(status=304)), state=old).state.unchanged == 0

    @pytest.mark.parametrize("body_hash", [None, b"new"])
    def test_a_new_document_that_nobody_read_is_a_mistake_of_ours(self, body_hash: bytes | None) -> None:
        with pytest.raises(ValueError, match="not read"):
            ended(make_fetched(), state={"body_hash": b"old"}, body_hash=body_hash)

    def test_a_truncated_document_gives_its_entries_and_is_asked_for_again(self) -> None:
        feed = Played()
        feed.check(post(1), etag=b'"1"')
        plan = feed.check(post(2), post(1), etag=b'"2"', truncated=True)
        assert titles(plan.new) == ["Post 2"]
        assert (plan.state.etag, plan.state.body_hash) == (b'"1"', None)

    def test_an_edit_that_comes_too_soon_is_asked_for_again_and_not_lost(self) -> None:
        feed = Played()
        feed.check(post(1), post(2), etag=b'"1"')
        feed.now = NOW + timedelta(minutes=20)
        edited = post(1, text="Corrected.")
        plan = feed.check(edited, post(2), etag=b'"2"')
        assert not plan.revised
        assert (plan.state.etag, plan.state.body_hash) == (b'"1"', None)
        assert span_of(edited) not in plan.state.spans
        later = feed.check(edited, post(2), etag=b'"2"')
        assert len(later.revised) == 1
        assert later.state.etag == b'"2"'

    def test_hints_of_the_document_and_of_the_answer_are_kept_together(self) -> None:
        read = document(post(1), hints=Hints(ttl=HOUR))
        state = ended(Fetched(answer=answer(max_age=2 * HOUR), body=b"x"), read=read, body_hash=b"x").state
        assert state.hints == Hints(ttl=HOUR, max_age=2 * HOUR)


class TestFailures:
    def test_a_failure_is_counted_with_its_words(self) -> None:
        feed = Played()
        feed.end(FetchFailed(kind=FailureKind.DNS, detail="no such host"))
        plan = feed.end(FetchFailed(kind=FailureKind.SERVER, detail="out of order", status=500))
        state = plan.state
        assert (state.failures, state.failing_since, state.error_kind) == (2, NOW, FailureKind.SERVER)
        assert (state.error_detail, state.status, state.strikes) == ("out of order", 500, 0)
        assert (plan.outcome, plan.host_hold_until) == (Outcome.FAILED, None)
        assert state.succeeded_at is None

    def test_case_7_26_a_success_clears_it(self) -> None:
        feed = Played()
        for _ in range(3):
            feed.end(FetchFailed(kind=FailureKind.CLIENT, detail="not found", status=404))
        plan = feed.check(post(1))
        assert (plan.state.failures, plan.state.failing_since, plan.state.error_kind) == (0, None, None)
        assert [event.kind for event in plan.events] == ["recovered"]

    def test_case_6_50_a_web_page_names_the_feeds_it_offers(self) -> None:
        page = Unreadable(kind=FailureKind.HTML, detail="a web page", candidates=("https://w.example/rss",))
        plan = ended(make_fetched(), read=page, body_hash=b"x")
        assert plan.state.error_detail == "a web page (it offers https://w.example/rss)"
        assert plan.state.status == 200

    def test_case_7_14_a_429_holds_the_host(self) -> None:
        plan = ended(FetchFailed(kind=FailureKind.RATE, detail="slow down", status=429, retry_after=9 * HOUR))
        assert plan.host_hold_until == NOW + 9 * HOUR
        assert plan.state.next_check_at >= NOW + 9 * HOUR

    def test_case_7_25_gone_is_believed_the_second_time_a_day_later(self) -> None:
        gone = FetchFailed(kind=FailureKind.GONE, detail="gone", status=410)
        feed = Played()
        first = feed.end(gone)
        assert first.state.next_check_at >= NOW + DAY
        assert not feed.end(gone).state.gone
        feed.now = NOW + DAY
        second = feed.end(gone)
        assert second.state.gone
        assert [event.kind for event in second.events] == ["gone"]
        assert feed_health(feed.feed, feed.state, feed.now) == "disabled"
        back = feed.check(post(1))
        assert not back.state.gone
        assert "recovered" in [event.kind for event in back.events]

    def test_a_success_between_two_410s_forgets_the_first(self) -> None:
        gone = FetchFailed(kind=FailureKind.GONE, detail="gone", status=410)
        feed = Played()
        feed.end(gone)
        feed.check(post(1))
        feed.now = NOW + 2 * DAY
        assert not feed.end(gone).state.gone

    @pytest.mark.parametrize("kind", [FailureKind.PARSE_TIMEOUT, FailureKind.PARSE_CRASH])
    def test_case_6_54_three_killed_parses_poison_a_feed_and_it_is_tried_daily(self, kind: FailureKind) -> None:
        feed = Played()
        kinds = []
        for strike in range(1, 5):
            killed = Unreadable(kind=kind, detail="stopped after 10 s")
            plan = feed.end(make_fetched(), read=killed, body_hash=b"x")
            kinds += [event.kind for event in plan.events]
            assert plan.state.strikes == strike
        assert kinds == ["poisoned"]
        assert plan.state.next_check_at == feed.now - HOUR + DAY
        assert feed_health(feed.feed, feed.state, feed.now) == "poisoned"
        assert [event.kind for event in feed.check(post(1)).events] == ["recovered"]
        assert feed.state.strikes == 0

    def test_any_other_end_takes_the_strikes_back(self) -> None:
        for ending in (
            FetchFailed(kind=FailureKind.TIMEOUT, detail="no answer"),
            NotModified(answer=answer(status=304)),
        ):
            assert ended(ending, state={"strikes": 2}).state.strikes == 0
