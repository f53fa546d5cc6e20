"""Where a feed keeps the entries before those of its document: the links it gives, or the pages its software makes."""

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aggregator.core.model.entries import ParsedFeed
from aggregator.core.model.feeds import Answer
from aggregator.core.urls import origin_url

MOST_PAGES = 5  # after one gap

_LAST_PAGED = 5  # WordPress' own name for the fifth page, the first being the feed
_OLDER = ("prev-archive", "next")


def next_page(document: ParsedFeed, answer: Answer, feed_url: str, walked: Collection[str]) -> str | None:
    """The page before `document`, or None when there is none, it lies on another origin, or enough were walked.

    `answer` brought the document, `feed_url` is where the feed itself was found, `walked` the pages asked for already.
    Links of the document come first (RFC 5005 sections 3 and 4: prev-archive, then next; JSON Feed: next_url), then
    those of the answer's Link header (RFC 8288 3.3), then WordPress' `?paged=`, 2 to 5.
    """
    if len(walked) >= MOST_PAGES:
        return None
    seen = {feed_url, *walked}
    home = origin_url(feed_url)
    if older := (*document.older_pages, *_announced(answer)):
        return next((url for url in older if url not in seen and origin_url(url) == home), None)
    number = len(walked) + 2
    if number > _LAST_PAGED or "wordpress" not in (document.generator or "").lower():
        return None
    return _paged(feed_url, number)


def _announced(answer: Answer) -> tuple[str, ...]:
    """The older pages that a Link header names, archives first."""
    return tuple(url for wanted in _OLDER for rel, url in answer.links if rel == wanted and url != answer.url)


def _paged(url: str, number: int) -> str:
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "paged"]
    return urlunsplit(parts._replace(query=urlencode([*kept, ("paged", str(number))]), fragment=""))
