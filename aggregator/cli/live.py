"""Feeds and documents as they are at this moment, for commands that look and store nothing: fetch > read in a worker > keys."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from aggregator.cli.output import print_json
from aggregator.core.errors import DocumentError
from aggregator.core.model.entries import ReadDone, ReadJob, facts_of
from aggregator.core.model.feeds import Answer, FailureKind, Feed, FeedState, Fetched, FetchFailed, FetchRequest
from aggregator.core.model.plans import Check, KeyedEntry
from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.app import App
    from aggregator.fetch.client import Fetcher
    from aggregator.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDocument:
    """Why a document could not be had or read; `candidates` are the feeds a web page offers instead.

    `url` is where the redirects ended, empty when nothing came.
    """

    kind: FailureKind
    detail: str
    status: int | None = None
    url: str = ""
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as it came and what was read in it; entries are in document order under the keys a check would give."""

    fetched: Fetched
    read: ReadDone
    entries: tuple[KeyedEntry, ...]

    @property
    def answer(self) -> Answer:
        """What its host said beside it."""
        return self.fetched.answer

    @property
    def newest(self) -> datetime | None:
        """When its newest entry was published, None when no entry says."""
        return max((at for one in self.entries if (at := one.read.entry.published)), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What looking needs: a client and worker processes that run, the time, and what `${NAME}` in headers stands for."""

    fetcher: "Fetcher"
    workers: "Workers"
    now: datetime
    secrets: Mapping[str, str]
    max_entries: int

    async def look(self, feed: Feed, *, content_type: str | None = None) -> Document | NoDocument:
        """Fetch a feed, unconditionally, and read it, as `content_type` when its own is not to be believed."""
        from aggregator.feedlist import MissingSecret, expand, fill

        url, headers = expand(feed.url, self.secrets), fill(feed.headers, self.secrets)
        if isinstance(url, MissingSecret):
            return NoDocument(kind=FailureKind.NO_CREDENTIAL, detail=str(url))
        if isinstance(headers, MissingSecret):
            return NoDocument(kind=FailureKind.NO_CREDENTIAL, detail=str(headers))
        fetched = await self.fetch(FetchRequest(url=url, headers=headers, verify_tls=feed.verify_tls))
        if isinstance(fetched, NoDocument):
            return fetched
        if content_type is not None:
            fetched = replace(fetched, answer=replace(fetched.answer, content_type=content_type))
        return await self.read(feed, fetched)

    async def fetch(self, request: FetchRequest) -> Fetched | NoDocument:
        """What one unconditional request brings."""
        fetched = await self.fetcher.fetch(request, now=self.now)
        if isinstance(fetched, FetchFailed):
            return NoDocument(kind=fetched.kind, detail=fetched.detail, status=fetched.status)
        if not isinstance(fetched, Fetched):
            return NoDocument(kind=FailureKind.PROTOCOL, detail="it answered 304 to a request without a condition")
        return fetched

    async def read(self, feed: Feed, fetched: Fetched) -> Document | NoDocument:
        """Read a body that is here already."""
        from aggregator.core.checking.identity import key_document

        read = (await self.workers.read([self._job(feed, fetched)]))[0]
        if not isinstance(read, ReadDone):
            return NoDocument(
                kind=read.kind,
                detail=read.detail,
                status=fetched.answer.status,
                url=fetched.answer.url,
                candidates=read.candidates,
            )
        blank = FeedState(feed_id=feed.id, host="", next_check_at=self.now)
        keyed = key_document(Check(feed=feed, state=blank, lease="", fetched=fetched, read=read))
        return Document(fetched=fetched, read=read, entries=keyed.entries)

    def _job(self, feed: Feed, fetched: Fetched) -> ReadJob:
        return ReadJob(
            facts=facts_of(feed, url=fetched.answer.url),
            body=fetched.body,
            now=self.now,
            content_type=fetched.answer.content_type,
            max_entries=self.max_entries,
            alternates=fetched.answer.alternates,
        )


async def reader_of(app: "App") -> Reader:
    """A Reader that looks with an App's own client and processes, while that App runs; hosts that wait are not asked."""
    from aggregator.settings import secret_lookup
    from aggregator.store import feeds

    now = app.clock()
    for host, until in (await app.store.reading(feeds.holds, now=now)).items():
        app.fetcher.gate.hold(host, (until - now).total_seconds())
    await app.workers.start()
    return Reader(
        fetcher=app.fetcher,
        workers=app.workers,
        now=app.clock(),
        secrets=secret_lookup(os.environ),
        max_entries=app.settings.max_entries,
    )


@asynccontextmanager
async def open_reader(settings: Settings) -> AsyncIterator[Reader]:
    """A Reader whose client and processes run inside the block. It needs no database and leaves nothing on disk."""
    from aggregator.app import make_clock, make_fetcher, make_workers
    from aggregator.settings import secret_lookup

    workers = make_workers(settings)
    async with make_fetcher(settings, None) as fetcher:
        try:
            await workers.start()
            yield Reader(
                fetcher=fetcher,
                workers=workers,
                now=make_clock(settings, runs_on=False)(),
                secrets=secret_lookup(os.environ),
                max_entries=settings.max_entries,
            )
        finally:
            await workers.stop()


def tell_no_document(problem: NoDocument, *, as_json: bool, offer: str = "{}") -> NoReturn:
    """Say on stdout as JSON, or on stderr, why there is no document. Raises: the command has failed.

    `offer` is what to do with an address that a web page names instead, as a pattern.
    """
    if as_json:
        print_json({"error": error_json(problem)})
        raise typer.Exit(1)
    offers = [offer.format(address) for address in problem.candidates]
    hint = "\n".join(("it offers", *offers)) if offers else ""
    if problem.kind is FailureKind.BOT_WALL:
        hint = (
            "that is the host's decision, and nothing here goes around it; ask its publisher, or follow another source"
        )
    raise DocumentError(problem.kind, problem.detail, hint=hint)


def error_json(problem: NoDocument) -> dict[str, Any]:
    """A problem as `error` says it to programs."""
    told: dict[str, Any] = {"kind": problem.kind, "detail": problem.detail}
    return told | ({"candidates": list(problem.candidates)} if problem.candidates else {})
