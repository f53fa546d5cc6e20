"""What a person calls a feed -> the feed that is stored under that id."""

from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.store.database import Connection
    from aggregator.store.feeds import FollowedFeed

FeedId = Annotated[str, typer.Argument(metavar="FEED", help="A feed's id.")]


def find_feed(connection: "Connection", feed_id: str, *, unlisted: bool = True) -> "FollowedFeed":
    """The feed of that id; one that the file dropped too, when `unlisted`. Raises UsageError."""
    from aggregator.store import feeds

    found = feeds.followed(connection, ids=(feed_id,), unlisted=unlisted)
    if not found:
        raise UsageError(f"no such feed: {feed_id}", hint="`aggregator feeds list` shows their ids")
    return found[0]
