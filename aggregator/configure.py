"""Station 0, from feeds.yaml to what the store follows: read > compare with what is stored > write the difference, whole."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from aggregator.core.model.subscriptions import SubscriberSpec, SubscriptionSpec
from aggregator.feedlist import changes
from aggregator.feedlist.changes import ChangePlan, Current, CurrentSubscriber
from aggregator.feedlist.load import FeedList, load
from aggregator.store import dialect, feeds, raw, subscribers, topics
from aggregator.store.database import Connection, Store
from aggregator.store.subscribers import Member


class Configurator:
    """Follows the file at `path`. `environ` fills in addresses, `public_id` names a new subscriber unguessably.

    `bodies` is the folder of the feeds' last bodies: those of feeds that are followed no more are removed.
    """

    def __init__(
        self, *, store: Store, path: Path, environ: Mapping[str, str], public_id: Callable[[], str], bodies: Path
    ) -> None:
        self._store = store
        self._path = path
        self._environ = environ
        self._public_id = public_id
        self._bodies = bodies

    def load(self) -> FeedList:
        """What the file wants. Raises ConfigError with all its problems."""
        return load(self._path, self._environ)

    async def plan(self) -> ChangePlan:
        """What `apply` would change, without changing it. Raises ConfigError."""
        wanted = await asyncio.to_thread(self.load)
        return changes.plan(wanted, await self._store.reading(current))

    async def apply(self, *, now: datetime, notify: bool = False) -> ChangePlan:
        """Make the store follow the file; what changed. Raises ConfigError, and then nothing did.

        With `notify`, people are mailed what new and changed topics find in the archive.
        """
        wanted = await asyncio.to_thread(self.load)
        found = await self._store.reading(current)
        planned = changes.plan(wanted, found)
        if planned.changes:
            fresh = {person.slug: self._public_id() for person in wanted.subscribers}
            await self._store.writing(write, wanted, found, fresh, now=now, notify=notify)
            kept = {feed.id for feed in wanted.feeds if not feed.is_private}
            await asyncio.to_thread(raw.forget, self._bodies, {feed.id for feed in found.feeds} - kept)
        return planned


def current(connection: Connection) -> Current:
    """What the store follows now, in the words of the file."""
    people = subscribers.members(connection, unlisted=True)
    return Current(
        feeds=feeds.definitions(connection),
        topics=topics.listed(connection),
        moved=feeds.moved(connection),
        subscribers=tuple(
            CurrentSubscriber(
                spec=spec_of(one), state=one.subscriber.state, listed=one.subscriber.listed, wishes=wishes_of(one)
            )
            for one in people
        ),
    )


def spec_of(member: Member) -> SubscriberSpec:
    """A stored subscriber as a person would have written it."""
    person = member.subscriber
    return SubscriberSpec(
        slug=person.slug,
        address=person.address,
        name=person.name,
        timezone=person.timezone,
        subscriptions=tuple(
            SubscriptionSpec(
                slug=one.slug,
                topics=one.topics,
                schedule=one.schedule,
                empty=one.empty,
                kind=one.kind,
                channel=one.channel,
                target=one.target,
                spikes=one.spikes_since is not None,
            )
            for one in member.subscriptions
        ),
    )


def wishes_of(member: Member) -> tuple[tuple[str, str], ...]:
    """What a person changed of their subscriptions, in words, by subscription."""
    wishes = []
    for one in member.subscriptions:
        if one.is_left:
            wishes.append((one.slug, "its reader unsubscribed from it"))
            continue
        gone = [topic for topic in one.topics if topic in one.left]
        wishes += [(one.slug, f"its reader left {', '.join(gone)}")] if gone else []
        wishes += [(one.slug, "its reader asked for one mail a week")] if one.weekly else []
    return tuple(wishes)


def write(
    connection: Connection,
    wanted: FeedList,
    found: Current,
    public_ids: Mapping[str, str],
    *,
    now: datetime,
    notify: bool = False,
) -> None:
    """Everything the file changes, in one transaction: topics before the subscriptions that watch them."""
    # First of all: a check that is being written holds its hosts, and this is about to touch every host.
    dialect.lock_subscriptions(connection, exclusive=True)
    before = {feed.id: feed for feed in found.feeds}
    feeds.save(connection, [feed for feed in wanted.feeds if before.get(feed.id) != feed], now=now)
    feeds.remove(connection, set(before) - {feed.id for feed in wanted.feeds}, now=now)
    topics.save(connection, wanted.topics, now=now, notify=notify)
    topics.remove(connection, {topic.id for topic in found.topics} - {topic.id for topic in wanted.topics}, now=now)
    subscribers.save(connection, wanted.subscribers, public_ids, now=now)
