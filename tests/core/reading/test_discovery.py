"""What a web page offers and what sort of page it is."""

import pytest

from aggregator.core.reading.discovery import MAX_CANDIDATES, feed_candidates, is_bot_wall, page_title

URL = "https://example.org/news/"


def link(href: str, kind: str = "application/rss+xml", rest: str = "") -> str:
    return f'<link rel="alternate" type="{kind}" href="{href}" {rest}>'


def test_case_7_54_declared_feeds_come_in_the_pages_order_and_comments_last() -> None:
    page = f"<head>{link('/comments/feed')}{link('a.xml')}{link('/b', 'application/atom+xml')}{link('c', 'application/feed+json')}</head>"
    assert feed_candidates(page, URL) == (
        "https://example.org/news/a.xml",
        "https://example.org/b",
        "https://example.org/news/c",
        "https://example.org/comments/feed",
    )


def test_case_7_54_a_comment_feed_is_known_by_its_title_too() -> None:
    page = link("/1", rest='title="Site: Comments Feed"') + link("/2", rest='title="Site"')
    assert feed_candidates(page, URL) == ("https://example.org/2", "https://example.org/1")


@pytest.mark.parametrize(
    "page",
    [
        "<LINK REL=ALTERNATE TYPE=application/rss+xml HREF=/f>",
        "<html><body><p><link href='/f' type='Application/RSS+XML' rel='alternate home'></p></body>",
        "<base href='https://example.org/'><link rel='alternate' type='application/rss+xml' href='f'/>",
    ],
)
def test_case_7_54_links_are_found_however_they_are_written(page: str) -> None:
    assert feed_candidates(page, URL) == ("https://example.org/f",)


@pytest.mark.parametrize("href", ["/feed", "/feed/", "/rss", "/x.rss?y=1", "/atom.xml", "/index.xml", "/feed.json"])
def test_links_in_the_text_that_look_like_feeds_count_behind_declared_ones(href: str) -> None:
    page = f"<a href='/about'>x</a><a href='{href}'>feed</a>{link('/declared')}"
    assert feed_candidates(page, URL) == ("https://example.org/declared", f"https://example.org{href}")


@pytest.mark.parametrize(
    "page",
    [
        f"<!-- {link('/f')} -->",
        f"<script>document.write('{link('/f')}')</script>",
        link("javascript:alert(1)"),
        link("/f", "text/css"),
        link(""),
        link(URL),
        "<a href='/x/feeding'>x</a>",
        "",
    ],
)
def test_case_7_54_what_is_no_link_to_a_feed_is_left_out(page: str) -> None:
    assert feed_candidates(page, URL) == ()


def test_candidates_are_few_and_each_once() -> None:
    page = "".join(link(f"/{n // 2}") for n in range(100))
    assert len(feed_candidates(page, URL)) == MAX_CANDIDATES == len(set(feed_candidates(page, URL)))


@pytest.mark.parametrize(
    ("page", "wall"),
    [
        ("<title>Just a moment...</title>", True),
        ("<title> Attention Required! | Cloudflare</title>", True),
        ("<script src='/cdn-cgi/challenge-platform/h/b.js'></script>", True),
        ("<title>Access denied by policy makers</title>", True),
        ("<title>Ministry of Health</title><p>Just a moment in history</p>", False),
    ],
)
def test_pages_that_ask_who_is_calling_are_named_as_such(page: str, wall: bool) -> None:
    assert is_bot_wall(page) is wall


def test_the_title_is_one_short_line() -> None:
    assert page_title("<TITLE lang=en>\n A &amp; B\n news </TITLE>") == "A & B news"
    assert len(page_title(f"<title>{'x' * 500}</title>")) == 80
    assert page_title("<p>none") == ""


def test_case_7_54_the_link_header_stands_between_what_is_declared_and_what_is_linked() -> None:
    page = f"<a href='/x.rss'>feed</a>{link('/declared')}"
    headed = [
        ("application/json", "https://example.org/wp-json/pages/2"),
        ("application/rss+xml", "https://example.org/comments/feed"),
        ("application/atom+xml", "https://example.org/headed"),
    ]
    assert feed_candidates(page, URL, headed) == (
        "https://example.org/declared",
        "https://example.org/headed",
        "https://example.org/x.rss",
        "https://example.org/comments/feed",
    )
