"""`feeds check`: fetches and reads the feeds that feeds.yaml lists, live, and stores nothing."""

import asyncio
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from aggregator.cli.live import Document, NoDocument, open_reader
from aggregator.cli.opening import start_logging, stoppable
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import Column, ago, count, note, print_json, print_table, progress, say
from aggregator.core.digests.times import iso
from aggregator.core.errors import UsageError
from aggregator.core.model.feeds import Feed
from aggregator.core.urls import canonical
from aggregator.settings import Settings, secret_lookup

Names = Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="Ids of feeds; all of the file without.")]
Found = tuple[Feed, Document | NoDocument]


@everywhere
def check(here: Context, names: Names = None, *, as_json: AsJson = False) -> None:
    """Fetch and read the feeds of the file now, and store nothing.

    It needs no database. Feeds that the file disables are left out unless they are named. Exit code 1 when one of them fails.
    """
    settings = start_logging(here.settings(), quiet=True)
    wanted = _wanted(settings, names or ())
    found, now = stoppable(_look(settings, wanted, as_json=as_json))
    if not as_json:
        _tell(found, now)
    if any(isinstance(what, NoDocument) for _, what in found):
        raise typer.Exit(1)


def _wanted(settings: Settings, names: Collection[str]) -> tuple[Feed, ...]:
    """The named feeds of the file, or all that it does not disable. Raises ConfigError, UsageError."""
    from aggregator.feedlist import load

    listed = {feed.id: feed for feed in load(settings.config, secret_lookup(os.environ)).feeds}
    if missing := [name for name in names if name not in listed]:
        hint = "the ids stand in the file; `aggregator feeds add URL` adds a feed"
        raise UsageError(f"{settings.config} lists no feed {', '.join(missing)}", hint=hint)
    if names:
        return tuple(listed[name] for name in dict.fromkeys(names))
    return tuple(feed for feed in listed.values() if not feed.disabled)


async def _look(settings: Settings, feeds: Sequence[Feed], *, as_json: bool) -> tuple[list[Found], datetime]:
    """What came of each feed, and when it was looked at."""
    async with open_reader(settings) as reader:
        with progress(len(feeds), "checking feeds", beside_output=as_json) as step:

            async def one(feed: Feed) -> Found:
                what = await reader.look(feed)
                step()
                if as_json:
                    print_json(check_json(feed, what))
                return feed, what

            return await asyncio.gather(*(one(feed) for feed in feeds)), reader.now


def check_json(feed: Feed, what: Document | NoDocument) -> dict[str, Any]:
    """A line of `feeds check --json`; `url` is where the redirects ended, `permanent_url` set when all were permanent."""
    if isinstance(what, NoDocument):
        error = {"kind": what.kind, "detail": what.detail}
        return {"id": feed.id, "ok": False, "status": what.status, "error": error, "candidates": list(what.candidates)}
    read = what.read.feed
    return {
        "id": feed.id,
        "ok": True,
        "status": what.answer.status,
        "error": None,
        "format": read.format,
        "title": read.title,
        "entries": len(what.entries),
        "newest": iso(what.newest),
        "url": _ended_at(feed, what),
        "permanent_url": what.answer.permanent_url,
        "warnings": list(read.warnings),
    }


def _tell(found: Sequence[Found], now: datetime) -> None:
    if not found:
        note("the file lists no feed; `aggregator feeds add URL` adds one")
        return
    ordered = sorted(found, key=lambda one: (isinstance(one[1], Document), one[0].id))
    columns = (
        Column("feed"),
        Column("result", style="state"),
        Column("format", wide=True),
        Column("entries", right=True),
        Column("newest"),
        Column("remark", shrinks=True),
    )
    print_table(columns, [_row(feed, what, now) for feed, what in ordered])
    failed = sum(isinstance(what, NoDocument) for _, what in found)
    say(f"\n{count(len(found), 'feed')}: {len(found) - failed} ok, {failed} failed")


def _row(feed: Feed, what: Document | NoDocument, now: datetime) -> tuple[str, ...]:
    if isinstance(what, NoDocument):
        return feed.id, "failed", "-", "-", "-", f"{what.kind}: {what.detail}"
    newest = ago(what.newest, now) if what.newest else "-"
    return feed.id, "ok", what.read.feed.format, str(len(what.entries)), newest, _remark(feed, what)


def _remark(feed: Feed, document: Document) -> str:
    """What is odd about a feed that could be read: where it moved to, what reading it had to put up with."""
    ended = _ended_at(feed, document)
    word = "moved" if document.answer.permanent_url else "redirected"
    led = [f"{word} to {ended}"] if canonical(ended) != canonical(feed.url) else []
    return "; ".join([*led, *document.read.feed.warnings])


def _ended_at(feed: Feed, document: Document) -> str:
    """The address that answered; the file's own where that holds a secret, which must not be shown filled in."""
    return feed.url if "${" in feed.url else document.answer.url
