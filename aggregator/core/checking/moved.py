"""Follows permanent redirects with care: counts them, and decides when the new address is the feed's own.

A captive portal or a login page redirects permanently too; only a feed that answered there, again and again, has moved.
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aggregator.core.model.feeds import Feed, FeedState
from aggregator.core.urls import canonical, host_of

SUCCESSES = 3
OVER = timedelta(hours=48)

_TRAP = re.compile(
    r"(?:^|[/._-])(?:log-?in|sign-?in|sso|oauth2?|auth|captive|captcha|consent)(?:$|[/._-])", re.IGNORECASE
)


def with_redirect(feed: Feed, state: FeedState, permanent_url: str | None, now: datetime) -> FeedState:
    """`state` after a success to which every hop was 301 or 308 and led to `permanent_url`, or not (None).

    The third such success, 48 h or more after the first, makes it `url_in_use`; https on the same host does so at once.
    An address that changes in between is counted anew. From https to http, to a login or captive page never counts.
    """
    asked = state.url_in_use or feed.url
    if permanent_url is None or not _is_move(asked, permanent_url):
        return replace(state, moved_to=None, moved_since=None, moved_count=0)
    since, count = now, 1
    if state.moved_to == permanent_url and state.moved_since is not None:
        since, count = state.moved_since, state.moved_count + 1
    if _is_upgrade(asked, permanent_url) or (count >= SUCCESSES and now - since >= OVER):
        return replace(state, url_in_use=permanent_url, moved_to=None, moved_since=None, moved_count=0)
    return replace(state, moved_to=permanent_url, moved_since=since, moved_count=count)


def _is_move(asked: str, target: str) -> bool:
    if canonical(asked) == canonical(target) or not host_of(target):
        return False
    if asked.lower().startswith("https:") and not target.lower().startswith("https:"):
        return False
    return not _TRAP.search(f"{host_of(target)}{urlsplit(target).path}")


def _is_upgrade(asked: str, target: str) -> bool:
    schemes = asked.lower().startswith("http:") and target.lower().startswith("https:")
    return schemes and host_of(asked) == host_of(target)
