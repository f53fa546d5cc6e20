"""Who gave the validators, how a 429 slows a feed down, and what is counted of requests."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.checking.cadence import own_interval
from aggregator.core.model.feeds import Answer, FailureKind, Fetched, FetchFailed, NotModified
from aggregator.core.model.plans import Requests
from tests.checks import Played, at
from tests.factories import NOW, make_feed, make_parsed, make_state


def fetched(url: str, **head: Any) -> Fetched:
    return Fetched(answer=Answer(url=url, status=200, **head), body=b"same")


class TestValidators:
    def test_the_origin_that_gave_them_is_kept_without_path_query_or_password(self) -> None:
        played = Played()
        played.check(make_parsed("1"))
        assert played.state.validators_from == "https://wire.example/"

    def test_validators_that_go_take_their_origin_with_them(self) -> None:
        played = Played()
        played.check(make_parsed("1"))
        played.check(make_parsed("2"), etag=None)
        assert (played.state.etag, played.state.validators_from) == (None, None)

    def test_a_304_without_new_validators_leaves_their_origin(self) -> None:
        played = Played()
        played.check(make_parsed("1"))
        played.end(NotModified(answer=Answer(url="https://elsewhere.example/feed", status=304)))
        assert played.state.validators_from == "https://wire.example/"

    def test_a_304_with_new_validators_gives_theirs(self) -> None:
        played = Played()
        played.check(make_parsed("1"))
        played.end(NotModified(answer=Answer(url="https://new.example:8443/f?key=1", status=304, etag=b'"2"')))
        assert played.state.validators_from == "https://new.example:8443/"


class TestSlowness:
    @pytest.mark.parametrize(
        ("status", "slow"), [(429, True), (503, False), (404, False)], ids=["a 429", "a 503", "a 404"]
    )
    def test_only_a_429_slows_a_feed_down_for_a_week(self, status: int, slow: bool) -> None:
        played = Played()
        played.end(FetchFailed(kind=FailureKind.RATE, detail="", status=status, retry_after=timedelta(hours=1)))
        assert played.state.slow_until == (NOW + timedelta(days=7) if slow else None)

    @pytest.mark.parametrize(
        ("learned", "usual"),
        [({"etag": b'"1"'}, 1), ({"etag": b'"1"', "gap_rounds": 5}, 1), ({"succeeded_at": NOW}, 3)],
        ids=["with validators", "after a gap", "without validators"],
    )
    def test_the_floor_is_doubled_until_then(self, learned: dict[str, Any], usual: int) -> None:
        times = [NOW - timedelta(minutes=n) for n in range(50)]
        for slow_until, factor in ((None, 1), (at(1), 2), (NOW, 1)):
            state = make_state(slow_until=slow_until, **learned)
            own = own_interval(make_feed(), state, times=times, now=NOW)
            assert own >= timedelta(hours=factor), slow_until
        assert own_interval(make_feed(), make_state(slow_until=at(1), **learned), times=(), now=NOW) == timedelta(
            hours=2 * usual
        )


class TestCounting:
    def test_each_way_a_check_ends_is_counted_as_what_it_was(self) -> None:
        played = Played()
        assert played.check(make_parsed("1"), etag=b'"1"').requests == Requests()
        same = played.end(fetched("https://wire.example/f", etag=b'"1"'), body_hash=played.state.body_hash)
        assert same.requests == Requests(same_body=1)
        unchanged = played.end(NotModified(answer=Answer(url="https://wire.example/f", status=304)), asked_at=NOW)
        assert unchanged.requests == Requests(not_modified=1)

    def test_a_request_without_validators_is_unconditional_and_one_never_made_is_not(self) -> None:
        asked = Played().end(FetchFailed(kind=FailureKind.DNS, detail=""), asked_at=NOW)
        never = Played().end(FetchFailed(kind=FailureKind.NO_CREDENTIAL, detail=""))
        assert (asked.requests.unconditional, never.requests.unconditional) == (1, 0)

    def test_a_request_before_its_host_wanted_one_is_early(self) -> None:
        failed = FetchFailed(kind=FailureKind.DNS, detail="")
        early = Played().end(failed, asked_at=NOW, held_until=at(1))
        patient = Played().end(failed, asked_at=at(1), held_until=at(1))
        assert (early.requests.early, patient.requests.early) == (1, 0)
