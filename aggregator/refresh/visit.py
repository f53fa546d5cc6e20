"""One claimed feed -> its ended check: fetched, read and matched in a worker, with older pages and articles where due.

Whatever a feed provokes costs that feed its turn. Nothing is stored here but the last body, for people to look at.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import structlog

from aggregator.core.checking.gaps import may_be_gap
from aggregator.core.checking.identity import key_document
from aggregator.core.checking.novelty import live_entries
from aggregator.core.checking.plan import plan_check
from aggregator.core.checking.recognise import recognise
from aggregator.core.errors import StoreError
from aggregator.core.model.entries import (
    ArticleJob,
    FeedFacts,
    ParsedEntry,
    ReadDone,
    ReadEntry,
    ReadJob,
    ReadResult,
    Unreadable,
    facts_of,
)
from aggregator.core.model.feeds import FailureKind, Feed, FeedState, Fetched, FetchFailed, FetchRequest, FetchResult
from aggregator.core.model.plans import Check, Keyed, Known
from aggregator.feedlist.references import MissingSecret, expand, fill
from aggregator.fetch.client import Fetcher
from aggregator.refresh.articles import with_articles
from aggregator.refresh.backfill import walk_back
from aggregator.refresh.settle import know_one
from aggregator.store import raw
from aggregator.store.claims import ClaimedFeed
from aggregator.store.database import Store
from aggregator.workers import Workers

log = structlog.get_logger(__name__)

BODY_HASH = 16  # bytes


class Visitor:
    """Asks feeds, one host's after another. `secrets` fill what feeds.yaml calls `${NAME}`.

    `page_pause` lies before each older page after a gap, `raw` is the folder of last bodies, `full_text` whether
    articles can be read here.
    """

    def __init__(
        self,
        *,
        store: Store,
        fetcher: Fetcher,
        workers: Workers,
        clock: Callable[[], datetime],
        secrets: Mapping[str, str],
        max_entries: int,
        page_pause: timedelta,
        raw: Path,
        full_text: bool,
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._workers = workers
        self._clock = clock
        self._secrets = secrets
        self._max_entries = max_entries
        self._page_pause = page_pause
        self._raw = raw
        self._full_text = full_text

    def pause_of(self, host: str) -> timedelta:
        """How long `host` still wants to be left alone by this process; zero when it may be asked."""
        return timedelta(seconds=self._fetcher.gate.held(host))

    async def check(self, one: ClaimedFeed, *, brought: Fetched | None = None) -> Check:
        """The check of one feed, ready to be planned and stored. A document `brought` along is not asked for again."""
        request = self._request(one.feed, one.state)
        if isinstance(request, MissingSecret):
            failed = FetchFailed(kind=FailureKind.NO_CREDENTIAL, detail=str(request))
            return Check(feed=one.feed, state=one.state, lease=one.lease, fetched=failed)
        asked_at = self._clock()
        fetched = brought or await self.fetch(request)
        check = Check(feed=one.feed, state=one.state, lease=one.lease, fetched=fetched)
        check = replace(check, asked_at=asked_at, held_until=one.held_until)
        if not isinstance(fetched, Fetched):
            return check
        check = replace(check, body_hash=blake2b(fetched.body, digest_size=BODY_HASH).digest())
        if check.body_hash == one.state.body_hash:
            return check
        await self._keep(one.feed, fetched.body)
        return await self._completed(replace(check, read=await self.read(check, fetched)), request)

    def _request(self, feed: Feed, state: FeedState) -> FetchRequest | MissingSecret:
        headers, url = fill(feed.headers, self._secrets), expand(state.url_in_use or feed.url, self._secrets)
        if isinstance(headers, MissingSecret):
            return headers
        if isinstance(url, MissingSecret):
            return url
        return FetchRequest(
            url=url,
            etag=state.etag,
            last_modified=state.last_modified,
            headers=headers,
            verify_tls=feed.verify_tls,
            validators_from=state.validators_from,
            plain=state.hints.plain,
            paused=state.paused_on_the_way,
        )

    async def _completed(self, check: Check, request: FetchRequest) -> Check:
        """`check` with what lies behind its document: older pages after a gap, the articles of news."""
        if not isinstance(check.read, ReadDone):
            return check
        keyed = key_document(check)
        if check.feed.politeness != "strict" and may_be_gap(check, keyed):
            known = await self.know(check, keyed)
            if plan_check(check, keyed, known, now=self._clock()).gap:
                check = await walk_back(check, request, self, pause=self._page_pause)
        if not (check.feed.full_text and self._full_text):
            return check
        keyed = key_document(check)
        recognition = recognise(check, keyed, await self.know(check, keyed))
        return await with_articles(check, live_entries(check, recognition, self._clock()), self)

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """What one request brings; never raises."""
        try:
            return await self._fetcher.fetch(request, now=self._clock())
        except Exception as error:  # whatever a feed provokes costs that feed its turn
            log.exception("fetch.surprise", url=request.url)
            return FetchFailed(kind=FailureKind.INTERNAL, detail=f"{type(error).__name__}: {error}"[:300])

    async def read(self, check: Check, fetched: Fetched) -> ReadResult:
        """What a document of the feed says, but for the entries whose spans the last check saw."""
        job = ReadJob(
            facts=self.facts(check, fetched.answer.url),
            body=fetched.body,
            now=self._clock(),
            content_type=fetched.answer.content_type,
            known_spans=frozenset(check.state.spans),
            max_entries=self._max_entries,
            alternates=fetched.answer.alternates,
        )
        return (await self._workers.read([job]))[0]

    async def extract(self, facts: FeedFacts, entry: ParsedEntry, page: Fetched) -> ReadEntry | Unreadable:
        """`entry` with the article that `page` holds, and what topics say of both."""
        job = ArticleJob(facts=facts, entry=entry, body=page.body, content_type=page.answer.content_type)
        return await self._workers.extract(job)

    async def know(self, check: Check, keyed: Keyed) -> Known:
        """What the store knows of a document, on the way to the check's end."""
        return await self._store.reading(know_one, check, keyed)

    def facts(self, check: Check, url: str) -> FeedFacts:
        """What topics and dates may ask of the feed found at `url`."""
        return facts_of(check.feed, url=url, language=check.state.language)

    async def _keep(self, feed: Feed, body: bytes) -> None:
        """Put the body where `feeds raw` finds it. A full disk is the store's to report."""
        try:
            if feed.is_private:
                await asyncio.to_thread(raw.forget, self._raw, (feed.id,))
            else:
                await asyncio.to_thread(raw.keep, self._raw, feed.id, body)
        except StoreError as error:
            log.warning("raw.not_kept", feed=feed.id, error=str(error))
