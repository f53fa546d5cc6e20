"""`feeds raw`: the last body of a feed, byte for byte, for whoever asks what a publisher really sent."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.feed_names import FeedId, find_feed
from aggregator.cli.opening import open_archive
from aggregator.cli.options import Context, everywhere
from aggregator.core.digests.times import iso
from aggregator.core.errors import AggregatorError

if TYPE_CHECKING:
    from aggregator.store.feeds import FollowedFeed

Headers = Annotated[bool, typer.Option("--headers", help="First what is known of the answer, then an empty line.")]


@everywhere
def raw(here: Context, feed: FeedId, *, headers: Headers = False) -> None:
    """The last body that a feed's host sent, decompressed and otherwise untouched. Feeds with secrets have none."""
    from aggregator.app import RAW_FOLDER
    from aggregator.store import raw as bodies

    with open_archive(here) as archive:
        found = archive.store.read(find_feed, feed, unlisted=False)
        if found.feed.is_private:
            raise AggregatorError(
                f"the body of {feed} is not kept, as it is asked with a secret", hint=f"`aggregator feeds check {feed}`"
            )
        body = bodies.last(archive.settings.data_dir / RAW_FOLDER, feed)
    if body is None:
        raise AggregatorError(f"no body of {feed} is kept yet", hint=f"`aggregator poll {feed}` asks for one")
    if headers:
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in (*_headers(found), b"")))
    sys.stdout.buffer.write(body)


def _headers(one: "FollowedFeed") -> Iterator[bytes]:
    """What is known of the last answer, validators as they came."""
    learned = one.state
    yield b"URL: " + (learned.url_in_use or one.feed.url).encode("utf-8", "replace")
    if learned.status is not None:
        yield f"Status: {learned.status}".encode()
    if learned.checked_at is not None:
        yield f"Checked: {iso(learned.checked_at)}".encode()
    if learned.etag is not None:
        yield b"ETag: " + learned.etag
    if learned.last_modified is not None:
        yield b"Last-Modified: " + learned.last_modified
    if learned.hints.max_age is not None:
        yield f"Fresh-For: {learned.hints.max_age.total_seconds():.0f} s".encode()
