"""`feeds remove, import, export`: edits of feeds.yaml that keep its comments, then made so in the store."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.feed_names import FeedId
from aggregator.cli.opening import with_app
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import count, note, print_json, say
from aggregator.core.errors import AggregatorError
from aggregator.core.model.feeds import Feed
from aggregator.core.urls import link_hash
from aggregator.settings import secret_lookup

if TYPE_CHECKING:
    from aggregator.app import App

OpmlFile = Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file, as other readers export it.")]
Target = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write; standard output without.")]


@everywhere
def remove(here: Context, feed: FeedId) -> None:
    """Stop following a feed; what was stored of it stays.

    Its line is taken out of the file, the comments around it stay.
    """

    async def work(app: "App") -> None:
        from aggregator.feedlist.edit import remove_feed

        remove_feed(app.settings.config, feed)
        await app.configurator.apply(now=app.clock())

    with_app(here, work, processes=False)
    say(f"{feed} is no longer followed; what was stored of it stays")


@everywhere
def import_(here: Context, file: OpmlFile, *, as_json: AsJson = False) -> None:
    """Follow the feeds of an OPML file.

    Those that are not followed yet are added, folders become tags. They are not read first: `aggregator feeds check`
    does that.
    """

    async def work(app: "App") -> tuple[tuple[Feed, ...], int]:
        from aggregator.feedlist.edit import add_feeds
        from aggregator.feedlist.opml import import_opml

        offered = import_opml(file)
        fresh = unknown(offered, app.configurator.load().feeds)
        if fresh:
            add_feeds(app.settings.config, fresh)
            await app.configurator.apply(now=app.clock())
        return fresh, len(offered) - len(fresh)

    fresh, known = with_app(here, work, processes=False)
    for feed in fresh:
        if as_json:
            print_json({"id": feed.id, "url": feed.url, "name": feed.name, "tags": list(feed.tags)})
        else:
            say(f"{feed.id}  {feed.url}")
    told = f", {known} followed already" if known else ""
    note(f"{count(len(fresh), 'feed')} added{told}")


def unknown(offered: Sequence[Feed], listed: Sequence[Feed]) -> tuple[Feed, ...]:
    """The offered feeds whose addresses are not listed, under ids that are free."""
    from aggregator.feedlist.opml import free_id

    addresses = {link_hash(feed.url) for feed in listed}
    ids = {feed.id for feed in listed}
    fresh: list[Feed] = []
    for feed in offered:
        if link_hash(feed.url) not in addresses:
            fresh.append(replace(feed, id=free_id(feed.id, ids)))
            ids.add(fresh[-1].id)
    return tuple(fresh)


@everywhere
def export(here: Context, file: Target = None) -> None:
    """Write the feeds of the file as OPML, for other readers.

    Headers are left out, as they may be secret.
    """
    from aggregator.feedlist import load
    from aggregator.feedlist.opml import export_opml

    feeds = load(here.settings().config, secret_lookup(os.environ)).feeds
    text = export_opml(feeds, title="Feeds of aggregator")
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AggregatorError(f"cannot write {file}: {error.strerror}", hint="name another place") from None
    note(f"{count(len(feeds), 'feed')} written to {file}")
