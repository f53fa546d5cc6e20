"""Permanent redirects: three successes over two days, https at once, traps never."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.core.model.feeds import Answer, FailureKind, FetchFailed, NotModified
from tests.checks import Played
from tests.factories import make_feed

OLD, NEW = "https://old.example/feed", "https://new.example/feed"


def redirected(to: str | None, status: int = 304) -> NotModified:
    return NotModified(answer=Answer(url=to or OLD, status=status, permanent_url=to))


def followed(*steps: tuple[float, Any], url: str = OLD) -> Played:
    feed = Played(make_feed(url=url))
    start = feed.now
    for hour, ending in steps:
        feed.now = start + timedelta(hours=hour)
        feed.end(ending)
    return feed


def test_case_7_16_three_successes_over_two_days_make_the_new_address_the_one_in_use() -> None:
    early = followed((0, redirected(NEW)), (24, redirected(NEW)), (47, redirected(NEW)))
    assert early.state.url_in_use is None
    assert early.state.moved_count == 3
    feed = followed((0, redirected(NEW)), (24, redirected(NEW)), (48, redirected(NEW)))
    assert feed.state.url_in_use == NEW
    assert feed.state.host == "new.example"
    assert feed.state.moved_to is None
    assert followed((0, redirected(NEW)), (48, redirected(NEW))).state.url_in_use is None


def test_the_move_is_told_once() -> None:
    feed = followed((0, redirected(NEW)), (24, redirected(NEW)))
    feed.now += timedelta(days=2)
    assert [event.kind for event in feed.end(redirected(NEW)).events] == ["moved"]
    assert not feed.end(redirected(None)).events


def test_a_feed_that_answers_at_its_old_address_starts_the_count_anew() -> None:
    feed = followed((0, redirected(NEW)), (24, redirected(None)), (25, redirected(NEW)), (72, redirected(NEW)))
    assert feed.state.url_in_use is None
    assert feed.state.moved_count == 2


def test_another_target_starts_the_count_anew() -> None:
    steps = [(24.0 * day, redirected(f"https://new.example/{day % 2}")) for day in range(9)]
    assert followed(*steps).state.url_in_use is None


def test_a_failure_between_does_not_count_and_does_not_reset() -> None:
    failed = FetchFailed(kind=FailureKind.TIMEOUT, detail="no answer", permanent_url=NEW)
    feed = followed((0, redirected(NEW)), (24, redirected(NEW)), (30, failed))
    assert feed.state.moved_count == 2


@pytest.mark.parametrize("target", ["https://old.example/feed", "https://old.example/other"])
def test_https_on_the_same_host_is_kept_at_once(target: str) -> None:
    feed = followed((0, redirected(target)), url="http://old.example/feed")
    assert feed.state.url_in_use == target


@pytest.mark.parametrize(
    "target",
    [
        "http://new.example/feed",
        "https://new.example/login?next=/feed",
        "https://login.new.example/feed",
        "https://new.example/sign-in/feed",
        "https://captive.new.example/",
        "https://old.example/feed#top",
    ],
    ids=["case_23_downgrade", "login_path", "login_host", "sign_in", "captive", "the_same_address"],
)
def test_case_7_18_a_trap_is_never_kept(target: str) -> None:
    assert followed(*((24.0 * day, redirected(target)) for day in range(5))).state.url_in_use is None


def test_words_that_only_look_like_a_trap_are_none() -> None:
    target = "https://new.example/authors/blogging/feed"
    assert followed(*((24.0 * day, redirected(target)) for day in range(3))).state.url_in_use == target


def test_the_host_follows_the_file_when_the_address_there_changed() -> None:
    feed = Played(make_feed(url="https://third.example/feed"))
    feed.end(redirected(None))
    assert feed.state.host == "third.example"
