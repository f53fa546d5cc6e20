"""A gap in a feed -> what its older pages still hold of it, page after page, until one leads back to what was known.

It asks only the feed's own origin, slowly, and stops at the first refusal. It stores nothing: the plan of the check does.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from aggregator.core.checking.gaps import reaches_back
from aggregator.core.checking.identity import key_document
from aggregator.core.checking.pages import next_page
from aggregator.core.model.entries import ReadDone, ReadResult
from aggregator.core.model.feeds import Fetched, FetchFailed, FetchRequest, FetchResult
from aggregator.core.model.plans import Backfill, Check, Keyed, Known
from aggregator.core.urls import origin_url


class Guide(Protocol):
    """What a walk may do: fetch one page, read it in a worker, ask the store what it knows."""

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """One page."""

    async def read(self, check: Check, fetched: Fetched) -> ReadResult:
        """What a page says, but for entries whose spans the last check saw."""

    async def know(self, check: Check, keyed: Keyed) -> Known:
        """What is stored of a document."""


async def walk_back(check: Check, request: FetchRequest, guide: Guide, *, pause: timedelta) -> Check:
    """`check` with what older pages brought; `request` is the one that brought its document, `pause` comes before each.

    The walk ends with a page that holds something known, adds nothing, cannot be read or lies elsewhere, and after
    five. A refusal of the host is kept in `refused`, so that its Retry-After holds for everyone.
    """
    if not isinstance(check.fetched, Fetched) or not isinstance(check.read, ReadDone):
        return check
    home = check.fetched.answer.url
    document, answer, walked = check.read.feed, check.fetched.answer, list[str]()
    check = replace(check, backfill=Backfill())
    while (url := next_page(document, answer, home, walked)) is not None:
        await asyncio.sleep(pause.total_seconds())
        fetched = await guide.fetch(_anew(request, url))
        if isinstance(fetched, FetchFailed):
            return replace(check, refused=fetched)
        if not isinstance(fetched, Fetched) or (page := await _page(check, fetched, home, guide)) is None:
            break
        walked.append(url)
        check, added = _with_page(check, page)
        keyed = key_document(check)
        overlaps = not check.state.spans.keys().isdisjoint(page.feed.spans)
        if overlaps or reaches_back(check, keyed, await guide.know(check, keyed)):
            return _closed(check)
        if not added:
            break
        document, answer = page.feed, fetched.answer
    return check


def _anew(request: FetchRequest, url: str) -> FetchRequest:
    """The request for another address of the same feed, of which nothing is known."""
    return replace(request, url=url, etag=None, last_modified=None, validators_from=None, paused=False)


async def _page(check: Check, fetched: Fetched, home: str, guide: Guide) -> ReadDone | None:
    """The page as a worker read it; None when it is none, or a redirect led to another origin."""
    if origin_url(fetched.answer.url) != origin_url(home):
        return None
    read = await guide.read(check, fetched)
    return read if isinstance(read, ReadDone) else None


def _with_page(check: Check, page: ReadDone) -> tuple[Check, bool]:
    """`check` with one more page, and whether it holds an entry that no page before it did."""
    before = check.backfill or Backfill()
    known = {one.key for one in key_document(check).entries}
    grown = replace(check, backfill=replace(before, entries=(*before.entries, *page.entries), pages=before.pages + 1))
    return grown, any(one.key not in known for one in key_document(grown).entries)


def _closed(check: Check) -> Check:
    return replace(check, backfill=replace(check.backfill or Backfill(), closed=True))
