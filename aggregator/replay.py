"""Station 3, from a new or changed topic to the matches it has in the archive.

Read a page > evaluate in a worker > write, again and again, in small batches: each is a transaction that remembers how
far it is, so that it can end and go on anywhere.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.core.checking.matches import ledger_row
from aggregator.core.model.plans import MatchPlan, Watcher
from aggregator.core.model.topics import Evaluation, Origin, Topic
from aggregator.core.topics.fields import stored_fields
from aggregator.store import audience, dialect, replay
from aggregator.store.database import Connection, Store
from aggregator.store.replay import Replay, Replayed, StoredEntry
from aggregator.workers import Workers

BATCH = 128  # entries; checks that wait for a worker process wait for one such batch at most
# A check that began before the topic changed matches with what it began with: so long are its entries looked for.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a topic would match in the archive: entries, and how many of those it never matched before."""

    entries: int = 0
    new: int = 0


class Replayer:
    """Replays topics in force. `workers` must match with them by then; `clock` gives the time."""

    def __init__(self, *, store: Store, workers: Workers, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._workers = workers
        self._clock = clock

    async def run(self, *, report: Callable[[int], None] = lambda _: None) -> Mapping[str, int]:
        """Go on until every replay has reached the newest entry; how many new matches each topic got.

        `report` hears how many entries each batch had. Cancelling loses no more than the batch under way. Ends early when
        the workers match with other topics than those in force: then there is more to do at the next call.
        """
        made: Counter[str] = Counter()
        while True:
            replays = await self._next()
            if not replays:
                return made
            page = await self._store.reading(replay.page, after=replays[0].after, limit=BATCH)
            found = await self._flagged(replays, page)
            if found is None:
                return made
            written = await self._store.writing(write, replays, page, found, now=self._clock())
            if written is None or not page:
                return made
            made.update(written)
            report(len(page))

    async def _next(self) -> tuple[Replay, ...]:
        """The replays that are least far, all at the same entry, as far as the workers know their topics."""
        known = {topic.id: topic.version for topic in self._workers.topics}
        due = [one for one in await self._store.reading(replay.due) if known.get(one.topic.id) == one.topic.version]
        ahead = await self._store.reading(replay.newest)
        behind = [one for one in due if one.after < ahead or self._clock() >= one.since + GRACE]
        return tuple(one for one in behind if one.after == behind[0].after)

    async def _flagged(
        self, replays: Sequence[Replay], page: Sequence[StoredEntry]
    ) -> dict[tuple[str, int], Evaluation] | None:
        """What the topics flag of a page, by topic and entry; None when the workers' topics changed meanwhile."""
        before = self._workers.topics
        verdicts = await self._workers.evaluate([stored_fields(one.revision, one.facts) for one in page])
        if self._workers.topics is not before:
            return None
        wanted = {(one.topic.id, one.topic.version) for one in replays}
        return {
            (flag.topic_id, one.id): flag
            for one, flags in zip(page, verdicts, strict=True)
            for flag in flags
            if (flag.topic_id, flag.version) in wanted
        }


async def count(
    store: Store, workers: Workers, topics: Sequence[Topic], *, report: Callable[[int], None] = lambda _: None
) -> Mapping[str, Count]:
    """What `topics`, which are those that the workers match with, would match of all that is stored. Writes nothing."""
    entries: Counter[str] = Counter()
    new: Counter[str] = Counter()
    names, after = [topic.id for topic in topics], 0
    while page := await store.reading(replay.page, after=after, limit=BATCH):
        verdicts = await workers.evaluate([stored_fields(one.revision, one.facts) for one in page])
        known = await store.reading(replay.matched, names, [one.id for one in page])
        for one, flags in zip(page, verdicts, strict=True):
            entries.update(flag.topic_id for flag in flags)
            new.update(flag.topic_id for flag in flags if (flag.topic_id, one.id) not in known)
        after = page[-1].id
        report(len(page))
    return {name: Count(entries=entries[name], new=new[name]) for name in names}


def write(
    connection: Connection,
    replays: Sequence[Replay],
    page: Sequence[StoredEntry],
    flags: Mapping[tuple[str, int], Evaluation],
    *,
    now: datetime,
) -> Mapping[str, int] | None:
    """Write what a page gave; how many new matches each topic got. None when somebody else replayed it.

    An empty page ends the replays.
    """
    dialect.lock_subscriptions(connection, exclusive=False)
    watchers = audience.watchers(connection, {topic_id for topic_id, _ in flags})
    known = replay.matched(connection, [one.topic.id for one in replays], [one.id for one in page]) if flags else {}
    found: list[Replayed] = []
    made: Counter[str] = Counter()
    for one in replays:
        for entry in page:
            flag = flags.get((one.topic.id, entry.id))
            proofs = known.get((one.topic.id, entry.id))
            if flag is None or (proofs is not None and (flag.version, entry.revision.n) in proofs):
                continue
            earned = flag if proofs is not None else match_of(one, entry, flag, watchers.get(one.topic.id, ()))
            found.append(Replayed(entry_id=entry.id, revision=entry.revision.n, found=earned))
            if proofs is None:
                made[one.topic.id] += 1
    upto = page[-1].id if page else None
    return made if replay.advance(connection, replays, found, upto=upto, now=now) else None


def match_of(one: Replay, entry: StoredEntry, flag: Evaluation, watchers: Sequence[Watcher]) -> MatchPlan:
    """A match found in the archive: suppressed, unless people are to be told, or it was missed as news meanwhile."""
    missed = entry.first_seen >= one.since and not entry.archived
    origin = Origin.LIVE if missed else Origin.REPLAY
    due = Origin.LIVE if missed or one.notify else Origin.REPLAY
    return MatchPlan(
        origin=origin, evaluation=flag, ledger=tuple(ledger_row(flag, due, watcher) for watcher in watchers)
    )
