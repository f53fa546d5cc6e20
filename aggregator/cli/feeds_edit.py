"""`feeds add, remove, import, export`: edits of feeds.yaml that keep its comments, then made so in the store."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.live import Document, Problem, tell_problem
from aggregator.cli.opening import with_app
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import ago, count, iso, note, print_json, say
from aggregator.core.errors import AggregatorError, UsageError
from aggregator.core.model.feeds import Feed, Tier
from aggregator.core.urls import host_of, link_hash, redacted, typed_url
from aggregator.settings import secret_lookup

if TYPE_CHECKING:
    from aggregator.app import App

Address = Annotated[str, typer.Argument(metavar="URL", help="A feed's address, or a page that names its feeds.")]
FeedId = Annotated[str, typer.Argument(metavar="FEED", help="A feed's id.")]
NewId = Annotated[str | None, typer.Option("--id", metavar="ID", help="Its id; made of its title without.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="What people read; the feed's title without.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; give it again for another.")]
TierName = Annotated[Tier, typer.Option("--tier", help="How near the source is to the facts.")]
OpmlFile = Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file, as other readers export it.")]
Target = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write; standard output without.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A feed that is followed from now on, and what was read in it."""

    feed: Feed
    document: Document
    now: datetime


@everywhere
def add(
    here: Context,
    url: Address,
    *,
    id_: NewId = None,
    name: Name = None,
    tags: Tags = None,
    tier: TierName = Tier.OTHER,
    as_json: AsJson = False,
) -> None:
    """Follow a feed, or list the feeds that a page offers.

    The feed is read first. Then a line is added to the file, whose other lines stay as they are. A web page is no feed:
    the feeds it offers are listed, and the exit code is 1.
    """
    wanted = Feed(id=id_ or "", url=typed_url(url), name=name, tags=tuple(tags or ()), tier=tier)

    async def work(app: "App") -> Added | Problem:
        return await _add(app, wanted)

    done = with_app(here, work)
    if isinstance(done, Problem):
        tell_problem(done, as_json=as_json, offer="aggregator feeds add {}")
    elif as_json:
        feed, entries = done.feed, len(done.document.entries)
        newest = iso(done.document.newest)
        print_json({"id": feed.id, "url": feed.url, "name": feed.name, "entries": entries, "newest": newest})
    else:
        newest_told = f", the newest {ago(done.document.newest, done.now)}" if done.document.newest else ""
        say(f"{done.feed.id} is followed: {done.feed.label}, {_entries(done.document)}{newest_told}")
        if done.feed.url != wanted.url:
            say(f"its address is {done.feed.url}, where {wanted.url} redirects for good")
        say(f"`aggregator poll {done.feed.id}` checks it now; a running service does so at its next tick")


async def _add(app: "App", wanted: Feed) -> Added | Problem:
    """Follow `wanted` under its own or a new id. Raises UsageError when the file has its address or its id already."""
    from aggregator.cli.live import reader_of  # noqa: PLC0415 - lazily, as all of the command line
    from aggregator.feedlist.edit import add_feed  # noqa: PLC0415 - as above

    listed = app.configurator.load().feeds
    _refuse_known(wanted, listed)
    await app.workers.start()
    document = await reader_of(app, os.environ).look(wanted)
    if isinstance(document, Problem):
        return document
    name = wanted.name or document.read.feed.title
    feed = replace(wanted, url=document.answer.permanent_url or wanted.url, name=name)
    feed = replace(feed, id=wanted.id or free_id(name or host_of(feed.url), {one.id for one in listed}))
    _refuse_known(feed, listed)
    add_feed(app.settings.config, feed)
    await app.configurator.apply(now=app.clock())
    return Added(feed=feed, document=document, now=app.clock())


def _refuse_known(wanted: Feed, listed: Iterable[Feed]) -> None:
    for feed in listed:
        if link_hash(feed.url) == link_hash(wanted.url):
            raise UsageError(f"{redacted(wanted.url)} is followed already, as {feed.id}")
        if feed.id == wanted.id:
            raise UsageError(f"there is a feed {feed.id} already: {redacted(feed.url)}", hint="choose another --id")


def free_id(label: str, taken: Collection[str]) -> str:
    """An id made of a name, with a number where that is taken."""
    from aggregator.feedlist.opml import slug  # noqa: PLC0415 - lazily, as all of the command line

    base = slug(label) or "feed"
    return next(
        name
        for number in range(1, len(taken) + 2)
        if (name := base if number == 1 else f"{base}-{number}") not in taken
    )


def _entries(document: Document) -> str:
    return count(len(document.entries), "entry", "entries")


@everywhere
def remove(here: Context, feed: FeedId) -> None:
    """Stop following a feed; what was stored of it stays.

    Its line is taken out of the file, the comments around it stay.
    """

    async def work(app: "App") -> None:
        from aggregator.feedlist.edit import remove_feed  # noqa: PLC0415 - lazily, as all of the command line

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
        from aggregator.feedlist.edit import add_feeds  # noqa: PLC0415 - lazily, as all of the command line
        from aggregator.feedlist.opml import import_opml  # noqa: PLC0415 - as above

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
    from aggregator.feedlist import load  # noqa: PLC0415 - lazily, as all of the command line
    from aggregator.feedlist.opml import export_opml  # noqa: PLC0415 - as above

    feeds = load(here.settings().config, secret_lookup(os.environ)).feeds
    text = export_opml(feeds, title="Feeds of aggregator")
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AggregatorError(f"cannot write {file}: {error.strerror}") from None
    note(f"{count(len(feeds), 'feed')} written to {file}")
