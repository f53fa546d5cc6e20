"""New entries of a feed -> the same entries with the article behind their link, matched again as a whole.

What cannot be had leaves the entry as the feed tells it, and is counted; it never fails the check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from aggregator.core.model.entries import FeedFacts, ParsedEntry, ReadDone, ReadEntry, Unreadable
from aggregator.core.model.feeds import FailureKind, Fetched, FetchFailed, FetchRequest, FetchResult
from aggregator.core.model.plans import Articles, Check
from aggregator.core.urls import host_of

MOST_ARTICLES = 5  # a check; the newest
LARGEST_PAGE = 4 * 1024 * 1024  # bytes
HTML = frozenset({"text/html", "application/xhtml+xml"})
ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


class Library(Protocol):
    """Where articles come from: the web, and a worker that finds them in a page."""

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """One page."""

    async def extract(self, facts: FeedFacts, entry: ParsedEntry, page: Fetched) -> ReadEntry | Unreadable:
        """`entry` with the article that `page` holds, and what topics say of both."""

    def facts(self, check: Check, url: str) -> FeedFacts:
        """What topics may ask of the feed found at `url`."""


async def with_articles(check: Check, wanted: Sequence[ParsedEntry], library: Library) -> Check:
    """`check` with the articles of the first five of `wanted` that have a link.

    A host that asks for a pause is asked for no more of them; where it is the feed's own, `refused` says so.
    """
    if not isinstance(check.fetched, Fetched):
        return check
    facts = library.facts(check, check.fetched.answer.url)
    done: dict[int, ReadEntry] = {}
    paused: dict[str, FetchFailed] = {}
    asked = [one for one in wanted if one.link][:MOST_ARTICLES]
    for entry in asked:
        host = host_of(entry.link or "")
        if host in paused:
            continue
        page = await library.fetch(_request(check, entry.link or ""))
        if isinstance(page, FetchFailed) and (page.kind is FailureKind.RATE or page.status == 503):
            paused[host] = page
        if isinstance(page, Fetched) and _is_readable(page):
            read = await library.extract(facts, entry, page)
            if isinstance(read, ReadEntry):
                done[id(entry)] = read
    counted = Articles(read=len(done), failed=len(asked) - len(done))
    return replace(_put(check, done), articles=counted, refused=check.refused or paused.get(check.state.host))


def _request(check: Check, url: str) -> FetchRequest:
    """A feed's own headers are for its publisher's feed, and a page is asked for without them."""
    at_home = host_of(url) == check.state.host
    return FetchRequest(url=url, accept=ACCEPT, verify_tls=check.feed.verify_tls or not at_home)


def _is_readable(page: Fetched) -> bool:
    kind = page.answer.content_type.partition(";")[0].strip().lower()
    return kind in HTML and len(page.body) <= LARGEST_PAGE


def _put(check: Check, done: Mapping[int, ReadEntry]) -> Check:
    """`check` with entries exchanged, each in its place."""

    def exchanged(entries: Sequence[ReadEntry]) -> tuple[ReadEntry, ...]:
        return tuple(done.get(id(one.entry), one) for one in entries)

    read, backfill = check.read, check.backfill
    return replace(
        check,
        read=replace(read, entries=exchanged(read.entries)) if isinstance(read, ReadDone) else read,
        backfill=replace(backfill, entries=exchanged(backfill.entries)) if backfill else None,
    )
