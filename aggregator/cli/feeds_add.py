"""`feeds add`: an address -> a line of feeds.yaml. A web page's feeds are offered; one is taken only when a person says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from aggregator.cli.discovering import probe
from aggregator.cli.live import Document, NoDocument, error_json, tell_no_document
from aggregator.cli.opening import with_app
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import ago, clean, count, print_json, say
from aggregator.core.digests.times import iso
from aggregator.core.errors import DocumentError, UsageError
from aggregator.core.model.feeds import FailureKind, Feed, Tier
from aggregator.core.model.plans import CheckResult
from aggregator.core.urls import host_of, link_hash, redacted, typed_url

if TYPE_CHECKING:
    from aggregator.app import App

Address = Annotated[str, typer.Argument(metavar="URL", help="A feed's address, or a page that names its feeds.")]
NewId = Annotated[str | None, typer.Option("--id", metavar="ID", help="Its id; made of its title without.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="What people read; the feed's title without.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; give it again for another.")]
TierName = Annotated[Tier, typer.Option("--tier", help="How near the source is to the facts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Take the first feed a page offers that is not followed yet.")]
Pick = Annotated[int | None, typer.Option("--pick", metavar="N", min=1, help="Take the Nth feed that a page offers.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A feed that is followed from now on, and what was read in it."""

    feed: Feed
    document: Document
    first: CheckResult
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a web page offers instead of being a feed; `known` are the ids of those that are followed, by address."""

    page: str
    problem: NoDocument
    urls: tuple[str, ...]
    known: Mapping[str, str]
    probed: Document | None = None  # the one offer, read already, of a page that names none


@everywhere
def add(
    here: Context,
    url: Address,
    *,
    id_: NewId = None,
    name: Name = None,
    tags: Tags = None,
    tier: TierName = Tier.OTHER,
    yes: Yes = False,
    pick: Pick = None,
    as_json: AsJson = False,
) -> None:
    """Follow a feed, or one that a page offers.

    The feed is read first. Then a line is added to the file, whose other lines stay as they are. A web page is no feed:
    the feeds it offers are listed, the exit code is 1, and --yes or --pick N takes one of them. Of a page that names
    none, five usual addresses are tried.
    """
    if yes and pick is not None:
        raise UsageError("--yes and --pick say different things", hint="give one of them")
    wanted = Feed(id=id_ or "", url=typed_url(url), name=name, tags=tuple(tags or ()), tier=tier)

    async def work(app: "App") -> Added | Offer | NoDocument:
        return await _add(app, wanted, 1 if yes else pick, skip_known=yes)

    done = with_app(here, work)
    if isinstance(done, NoDocument):
        tell_no_document(done, as_json=as_json)
    elif isinstance(done, Offer):
        _tell_offer(done, as_json=as_json)
    elif as_json:
        feed, entries = done.feed, len(done.document.entries)
        newest = iso(done.document.newest)
        print_json({"id": feed.id, "url": feed.url, "name": feed.name, "entries": entries, "newest": newest})
    else:
        _tell_added(done, wanted)


async def _add(app: "App", wanted: Feed, pick: int | None, *, skip_known: bool) -> Added | Offer | NoDocument:
    """Follow `wanted`, or the feed of its page that is picked. Raises UsageError when the file has it already."""
    from aggregator.cli.live import reader_of

    listed = app.configurator.load().feeds
    _refuse_known(wanted, listed)
    reader = await reader_of(app)
    document = await reader.look(wanted)
    if isinstance(document, NoDocument) and document.kind is FailureKind.HTML:
        urls, probed = document.candidates, None
        if not urls and (found := await probe(reader, wanted, document.url)):
            urls, probed = (found.url,), found.document
        known = {each: one.id for each in urls for one in listed if link_hash(one.url) == link_hash(each)}
        offer = Offer(page=wanted.url, problem=document, urls=urls, known=known, probed=probed)
        if pick is None or not urls:
            return offer
        wanted = replace(wanted, url=_picked(offer, pick, skip_known=skip_known))
        _refuse_known(wanted, listed)
        document = probed or await reader.look(wanted)
    if isinstance(document, NoDocument):
        return document
    return await _follow(app, wanted, document, listed)


def _picked(offer: Offer, pick: int, *, skip_known: bool) -> str:
    """The offered address of that number. Raises UsageError when there is none."""
    choice = [url for url in offer.urls if not skip_known or url not in offer.known]
    if not choice:
        raise UsageError(f"every feed that {redacted(offer.page)} offers is followed already")
    if pick > len(choice):
        raise UsageError(
            f"{redacted(offer.page)} offers {count(len(choice), 'feed')}, not {pick}",
            hint="leave --pick out to see them",
        )
    return choice[pick - 1]


async def _follow(app: "App", wanted: Feed, document: Document, listed: Sequence[Feed]) -> Added:
    """Write a feed that could be read into the file, make it so, and store what was read: it is not asked twice."""
    from aggregator.feedlist.edit import add_feeds
    from aggregator.feedlist.opml import free_id

    name = wanted.name or document.read.feed.title
    feed = replace(wanted, url=document.answer.permanent_url or wanted.url, name=name)
    feed = replace(feed, id=wanted.id or free_id(name or host_of(feed.url), {one.id for one in listed}))
    _refuse_known(feed, listed)
    add_feeds(app.settings.config, (feed,))
    await app.follow()
    (first,) = await app.refresher.check(only=[feed.id], brought={feed.id: document.fetched})
    return Added(feed=feed, document=document, first=first, now=app.clock())


def _refuse_known(wanted: Feed, listed: Sequence[Feed]) -> None:
    for feed in listed:
        if link_hash(feed.url) == link_hash(wanted.url):
            raise UsageError(f"{redacted(wanted.url)} is followed already, as {feed.id}")
        if feed.id == wanted.id:
            raise UsageError(f"there is a feed {feed.id} already: {redacted(feed.url)}", hint="choose another --id")


def _tell_added(done: Added, wanted: Feed) -> None:
    entries = count(len(done.document.entries), "entry", "entries")
    newest = f", the newest {ago(done.document.newest, done.now)}" if done.document.newest else ""
    say(f"{done.feed.id} is followed: {clean(done.feed.label)}, {entries}{newest}")
    if done.feed.url != wanted.url:
        say(f"its address is {redacted(done.feed.url)}, found by way of {redacted(wanted.url)}")
    due = f", its next check is {ago(done.first.next_check_at, done.now)}" if done.first.next_check_at else ""
    say(f"{count(done.first.new, 'entry', 'entries')} stored, {done.first.matched} matched{due}")


def _tell_offer(offer: Offer, *, as_json: bool) -> NoReturn:
    """Say what a page offers, on stdout as JSON or on stderr. Raises: nothing was added."""
    problem = offer.problem
    if as_json:
        offers = [{"url": url, "followed_as": offer.known.get(url)} for url in offer.urls]
        print_json({"error": error_json(problem) | {"candidates": list(offer.urls), "offers": offers}})
        raise typer.Exit(1)
    if not offer.urls:
        hint = "it names no feed, and none lies where feeds usually lie"
        raise DocumentError(problem.kind, problem.detail, hint=hint)
    lines = [
        f"{number:>2}  {url}" + (f"  (followed already, as {offer.known[url]})" if url in offer.known else "")
        for number, url in enumerate(offer.urls, 1)
    ]
    take = f"take one with `aggregator feeds add {redacted(offer.page)} --pick N`"
    raise DocumentError(
        problem.kind, problem.detail, hint="\n".join((f"it offers {count(len(lines), 'feed')}; {take}", *lines))
    )
