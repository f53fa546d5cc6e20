"""What a plan makes of older pages after a gap: what is stored of them, and what people are told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aggregator.core.checking.identity import asked, key_document
from aggregator.core.checking.plan import plan_check
from aggregator.core.model.entries import ParsedEntry, ReadEntry
from aggregator.core.model.feeds import Answer, FailureKind, Fetched, FetchFailed
from aggregator.core.model.plans import Backfill, Check, RefreshPlan, Watcher
from aggregator.core.model.topics import Origin
from tests.checks import URL, Played, at, document
from tests.factories import make_evaluation, make_parsed


def known_feed(**told: Any) -> Played:
    """A feed of which three entries are known, an hour apart."""
    played = Played(**told)
    played.check(*(make_parsed(str(n), published=at(n - 3)) for n in (1, 2, 3)))
    return played


def walked(played: Played, now: list[ParsedEntry], older: list[ReadEntry], **how: Any) -> RefreshPlan:
    """Let a document come that shares nothing with the last, and older pages with it."""
    read = document(*now, state=played.state)
    fetched = Fetched(answer=Answer(url=URL, status=200, etag=b'"2"'), body=b"new")
    values: dict[str, Any] = {"pages": 1, **how}
    refused = values.pop("refused", None)
    check = Check(
        feed=played.feed,
        state=played.state,
        lease="lease",
        fetched=fetched,
        read=read,
        body_hash=b"2" * 16,
        backfill=Backfill(entries=tuple(older), **values),
        refused=refused,
    )
    keyed = key_document(check)
    assert asked(check, keyed)[0] >= keyed.keys
    played.now = at(30)
    plan = plan_check(check, keyed, played.known(check, keyed), now=played.now)
    played.apply(plan)
    return plan


def entries(*numbers: int) -> list[ParsedEntry]:
    return [make_parsed(str(n), published=at(n - 3)) for n in numbers]


def read(*numbers: int) -> list[ReadEntry]:
    return [ReadEntry(entry=one) for one in entries(*numbers)]


def test_what_older_pages_bring_is_stored_as_news_after_what_is_newer() -> None:
    played = known_feed(watchers={"narcotics": (Watcher(subscription_id=1),)})
    flagged = replace(read(15)[0], flags=(make_evaluation(),))
    plan = walked(played, entries(21, 20), [*read(16), flagged])
    assert [new.key for new in plan.new] == ["id:15", "id:16", "id:20", "id:21"]
    assert [match.origin for match in plan.new[0].matches] == [Origin.LIVE]
    assert (plan.gap, plan.state.gap_rounds) == (True, 5)


def test_an_entry_that_moved_to_an_older_page_meanwhile_is_stored_once() -> None:
    plan = walked(known_feed(), entries(21, 20), read(20, 19))
    assert [new.key for new in plan.new] == ["id:19", "id:20", "id:21"]


def test_the_state_speaks_of_the_feed_itself_and_not_of_its_older_pages() -> None:
    plan = walked(known_feed(), entries(21, 20), read(16, 15))
    assert set(plan.state.spans.values()) == {"id:21", "id:20"}


def test_a_page_never_takes_a_stored_entry_back_to_old_words() -> None:
    old = ReadEntry(entry=make_parsed("3", published=at(0), title="As it was called first"))
    plan = walked(known_feed(), entries(21, 20), [*read(15), old], closed=True)
    assert plan.revised == ()
    assert [new.key for new in plan.new] == ["id:15", "id:20", "id:21"]


def test_a_gap_that_was_walked_back_to_what_was_known_says_that_nothing_is_missing() -> None:
    plan = walked(known_feed(), entries(21, 20), read(16, 15, 3), pages=2, closed=True)
    assert [event.kind for event in plan.events] == ["gap", "filled"]
    assert plan.events[0].detail == (
        "none of its 2 entries was known; 2 older pages brought 2 more and led back to what was known: nothing is missing"
    )


def test_a_gap_that_stays_open_says_how_many_may_be_missing_and_between_when() -> None:
    plan = walked(known_feed(), entries(21, 20), read(19, 18))
    (event,) = plan.events
    assert event.kind == "gap"
    # Entry 3 came out at 06:30, entry 18 fifteen hours later, and one an hour came since.
    assert event.detail == (
        "none of its 2 entries was known; 1 older page brought 2 more: "
        "up to about 15 items may be missing between 2026-01-27 06:30 and 2026-01-27 21:30 UTC"
    )


def test_where_dates_are_silent_no_number_is_made_up() -> None:
    undated = [make_parsed("21"), make_parsed("20")]
    (event,) = walked(known_feed(), undated, []).events
    assert event.detail.endswith("others may have come and gone since the last check")


def test_a_host_that_refuses_further_pages_is_left_alone_by_everyone() -> None:
    refused = FetchFailed(kind=FailureKind.RATE, detail="429", status=429, retry_after=timedelta(hours=30))
    plan = walked(known_feed(), entries(21, 20), [], pages=0, refused=refused)
    assert plan.host_hold_until == at(60)
    assert plan.state.next_check_at >= at(60)
    assert len(plan.new) == 2
