"""Which older page of a feed is asked for next, and where the walk back ends."""

from collections.abc import Collection
from typing import Any

import pytest

from aggregator.core.checking import pages
from aggregator.core.model.entries import ParsedFeed
from aggregator.core.model.feeds import Answer

FEED = "https://wire.example/feed/"


def next_page(
    document: ParsedFeed, feed_url: str, walked: Collection[str], *, links: tuple[tuple[str, str], ...] = ()
) -> str | None:
    return pages.next_page(document, Answer(url=feed_url, status=200, links=links), feed_url, walked)


def page(*older: str, generator: str | None = None) -> ParsedFeed:
    values: dict[str, Any] = {"format": "rss", "older_pages": older, "generator": generator}
    return ParsedFeed(**values)


def test_the_first_link_that_was_not_walked_comes_next() -> None:
    links = page("https://wire.example/2025", "https://wire.example/?page=2")
    assert next_page(links, FEED, ()) == "https://wire.example/2025"
    assert next_page(links, FEED, ("https://wire.example/2025",)) == "https://wire.example/?page=2"


def test_a_link_back_to_the_feed_or_to_a_walked_page_is_no_way_on() -> None:
    assert next_page(page(FEED, "https://wire.example/2"), FEED, ("https://wire.example/2",)) is None


@pytest.mark.parametrize(
    "elsewhere", ["https://other.example/2", "http://wire.example/2", "https://wire.example:8443/2"]
)
def test_another_origin_is_never_asked(elsewhere: str) -> None:
    assert next_page(page(elsewhere), FEED, ()) is None


def test_a_page_that_only_the_link_header_names_comes_after_those_of_the_document_and_before_guesses() -> None:
    links = (("next", "https://wire.example/?page=2"), ("self", FEED))
    header = (*links, ("prev-archive", "https://wire.example/2024"), ("next", "https://other.example/2"))
    blog = page("https://wire.example/2025", generator="https://wordpress.org/?v=6.9")
    walked: list[str] = []
    while url := next_page(blog, FEED, walked, links=header):
        walked.append(url)
    assert walked == [f"https://wire.example/{rest}" for rest in ("2025", "2024", "?page=2")]


def test_five_pages_are_enough() -> None:
    walked = tuple(f"https://wire.example/{n}" for n in range(5))
    assert next_page(page("https://wire.example/on"), FEED, walked[:4]) == "https://wire.example/on"
    assert next_page(page("https://wire.example/on"), FEED, walked) is None


def test_wordpress_pages_two_to_five_are_asked_for_in_turn_and_a_query_stays() -> None:
    blog = page(generator="https://wordpress.org/?v=6.9")
    walked: list[str] = []
    while url := next_page(blog, f"{FEED}?cat=3&paged=9", walked):
        walked.append(url)
    assert walked == [f"{FEED}?cat=3&paged={n}" for n in (2, 3, 4, 5)]


def test_other_software_without_links_has_no_older_pages() -> None:
    assert next_page(page(generator="Drupal"), FEED, ()) is None
