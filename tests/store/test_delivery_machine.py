"""The life of deliveries under every order of events that a search can find, against a model of what may have gone out."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Connection, select, update

from aggregator.core.digests.attention import Verdict, verdict
from aggregator.core.digests.fate import after_ambiguity, after_try
from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import Change, DigestKind, DueCorrection, DueItem, SourceReport
from aggregator.core.model.subscriptions import (
    OPEN_PHASES,
    WHOLE,
    Delivery,
    LedgerState,
    Phase,
    Schedule,
    SendFailed,
    SendFailure,
    Sent,
    SubscriberState,
    Subscription,
)
from aggregator.store import (
    attention,
    audience,
    claims,
    corrections,
    deliveries,
    dialect,
    digests,
    erasure,
    feeds,
    migrate,
    optouts,
    plans,
    retries,
    subscribers,
    topics,
)
from aggregator.store.schema import correction, delivery, entry, is_pending, ledger, match, revision
from aggregator.store.subscribers import Member
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic

SCHEDULES = int(os.environ.get("DELIVERY_SCHEDULES", "150"))  # 5,000 when a release is made
STEPS = 40
POOL = "elsewhere"
LEASE = timedelta(seconds=120)
WORKERS = ("a", "b")
TIMES = (timedelta(seconds=50), LEASE, timedelta(minutes=15), timedelta(minutes=31), timedelta(hours=3, minutes=1))
GONE = {"unsubscribed", "opted_out", "paused", "bounced", "erased"}  # why a mail is not wanted any more
PLACES: dict[
    Phase, set[tuple[LedgerState, str | None]]
] = {  # of a row of the ledger, by the phase of its delivery: states and reasons that go with it
    Phase.SENT: {(LedgerState.DELIVERED, None)},
    Phase.DEAD: {(LedgerState.FAILED, "rejected")},
    Phase.CANCELLED: {(LedgerState.SUPPRESSED, reason) for reason in (*GONE, "resume_limit")},
}
ASIDE: set[tuple[LedgerState, str | None]] = {(LedgerState.PENDING, None)} | {
    (LedgerState.SUPPRESSED, reason) for reason in (*GONE, "resume_limit", "known_story", "alert_limit")
}
Key = tuple[str, int]  # Message-ID, and how often a person has put it back into the outbox


@dataclass(eq=False)
class Session:
    """One worker's try at one delivery, as far as it came."""

    one: Delivery
    turn: int = 0
    stage: Phase = Phase.QUEUED

    @property
    def key(self) -> Key:
        return self.one.message_id, self.turn


@dataclass(frozen=True)
class Reading:
    """What a worker found due before it froze it: by then another may have been faster."""

    of: Subscription
    items: tuple[DueItem, ...]
    known: tuple[DueItem, ...]  # what its reader knows
    corrections: tuple[DueCorrection, ...]
    slot_at: datetime


class Deliveries(RuleBasedStateMachine):
    """Two workers, one relay, one person with a timed and an immediate subscription.

    Each example runs in a transaction that is undone.
    """

    connection: Connection
    desk: Member

    def __init__(self) -> None:
        super().__init__()
        self.undo = self.connection.begin_nested()
        self.now = NOW
        self.tokens = dict.fromkeys(WORKERS, "")
        self.sessions: dict[str, list[Session]] = {worker: [] for worker in WORKERS}
        self.readings: dict[str, list[Reading]] = {worker: [] for worker in WORKERS}
        self.arrived: dict[int, set[int]] = defaultdict(set)  # subscription -> matches
        self.slots: set[tuple[int, datetime]] = set()  # (subscription, slot) that made a digest
        self.frozen: dict[str, bytes] = {}
        self.of: dict[str, int] = {}  # Message-ID -> subscription
        self.contents: dict[str, set[tuple[int, int]]] = {}  # Message-ID -> (subscription, match) it tells
        self.turns: Counter[str] = Counter()  # Message-ID -> how often a person put it back
        self.handed: Counter[Key] = Counter()  # how often the relay took it
        self.doubts: Counter[Key] = Counter()  # ambiguous events
        self.tries: Counter[Key] = Counter()
        self.erased = False
        self.serial = 0

    def teardown(self) -> None:
        """However it went on so far, a time without faults brings every message to an end."""
        try:
            if not self.erased:
                self.comes_back()
            for worker in WORKERS:
                self._dies(worker, took=False)
            for _ in range(4):
                self.now += timedelta(hours=4)
                self.claims("a")
                self._send_all("a")
                self.delivery_and_ledger_agree()
                self.deliveries_are_where_their_tries_left_them()
                self.nothing_goes_out_twice_without_a_doubt()
            phases = {Phase(phase) for phase in self.connection.execute(select(delivery.c.phase)).scalars()}
            assert not phases & {*OPEN_PHASES}
        finally:
            self.undo.rollback()

    def _send_all(self, worker: str) -> None:
        for session in list(self.sessions[worker]):
            if self._begin(worker, session) and self._enter(worker, session):
                self._answer(worker, session, Sent(response="250 ok"), took=True)

    @rule(wanted=st.integers(1, 3))
    def matches_arrive(self, wanted: int) -> None:
        """As the writer of matches does it: a row for each who watches the topic now, held back where mail is."""
        pool = select(match.c.id).where(match.c.topic_id == POOL).order_by(match.c.id).limit(wanted)
        for match_id in list(self.connection.execute(pool).scalars()):
            self.connection.execute(update(match).where(match.c.id == match_id).values(topic_id="narcotics"))
            for watcher in audience.watchers(self.connection, ["narcotics"]).get("narcotics", ()):
                row = {"subscription_id": watcher.subscription_id, "match_id": match_id, "at": self.now}
                state = LedgerState.SUPPRESSED if watcher.held else LedgerState.PENDING
                self.connection.execute(ledger.insert().values(**row, state=state.value, reason=watcher.held or None))
                self.arrived[watcher.subscription_id].add(match_id)

    @rule(worker=st.sampled_from(WORKERS), of=st.integers(0, 1), knows=st.integers(0, 2))
    def reads_what_is_due(self, worker: str, of: int, knows: int) -> None:
        subscription = subscribers.members(self.connection)[0].subscriptions[of]
        items = digests.due_items(self.connection, subscription.id, archive=False)
        found = corrections.waiting(self.connection, subscription.id)
        if (items or found.told) and not subscription.is_left:
            self.readings[worker].append(Reading(subscription, items[knows:], items[:knows], found.told, self.now))

    @precondition(lambda self: any(self.readings.values()))
    @rule(data=st.data())
    def freezes(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([name for name in WORKERS if self.readings[name]]))
        reading = self.readings[worker].pop(0)
        due = DueDigest(
            owner=self.desk.subscriber,
            of=reading.of,
            slot_at=reading.slot_at,
            since=NOW,
            items=reading.items,
            known=reading.known,
            corrections=reading.corrections,
            sources=SourceReport(),
            kind=DigestKind.ALERT if reading.of.schedule.immediate else DigestKind.DIGEST,
        )
        if not (reading.items or reading.corrections):
            digests.pass_over(self.connection, due, now=self.now)
            return
        may = self._may_be_made(due)
        made = digests.freeze(self.connection, due, subject="new", stories=1, seal=self._seal, now=self.now)
        assert (made is not None) == may
        if made is not None:
            self.slots.add((reading.of.id, reading.slot_at))
            self.of[f"<{made}@x>"] = reading.of.id
            self.contents[f"<{made}@x>"] = {(reading.of.id, item.match_id) for item in reading.items}

    def _may_be_made(self, due: DueDigest) -> bool:
        free = select(ledger.c.match_id).where(ledger.c.subscription_id == due.of.id, is_pending)
        waits = set(self.connection.execute(free).scalars())
        if due.kind is DigestKind.ALERT:
            sent = attention.alerts_of(self.connection, due.owner.id, now=self.now)
            if verdict(sent=sent, quiet=None, timezone=due.owner.timezone, now=self.now) is not Verdict.SEND:
                return False
        told = {item.match_id for item in (*due.items, *due.known)}
        open_ones = select(correction.c.id).where(correction.c.digest_id.is_(None))
        corrected = {id_ for one in due.corrections for id_ in one.ids}
        if not corrected <= set(self.connection.execute(open_ones).scalars()):
            return False
        return told <= waits and (due.of.id, due.slot_at) not in self.slots

    @precondition(lambda self: self.contents)
    @rule(data=st.data())
    def an_entry_changes(self, data: st.DataObject) -> None:
        """One that was told, in words that matter."""
        told = sorted({match_id for pairs in self.contents.values() for _, match_id in pairs})
        if not told:
            return
        which = select(match.c.entry_id).where(match.c.id == data.draw(st.sampled_from(told)))
        entry_id: int = self.connection.execute(which).scalar_one()
        newest = select(revision).where(revision.c.entry_id == entry_id).order_by(revision.c.n.desc()).limit(1)
        words = dict(self.connection.execute(newest).mappings().one())
        n = words.pop("n") + 1
        del words["id"]
        fresh = words | {"n": n, "title": f"Court {n}: nothing of it was ever proven, {n * 17} people released"}
        self.connection.execute(revision.insert().values(**fresh))
        self.connection.execute(update(entry).where(entry.c.id == entry_id).values(current_revision=n))
        corrections.note(self.connection, [(entry_id, n)], Change.CHANGED, now=self.now)

    @rule()
    def leaves_alerts_to_the_digest(self) -> None:
        timed, prompt = self.desk.subscriptions
        given = attention.give_to_digests(self.connection, prompt.id, self.desk.subscriber.id, now=self.now)
        both = self.arrived[timed.id] & self.arrived[prompt.id]
        assert given <= len(both)

    def _seal(self, digest_id: int) -> Envelope:
        self.serial += 1
        identifier = f"<{digest_id}@x>"
        message = f"Message-ID: {identifier}\r\n\r\n{self.serial}\r\n".encode()
        self.frozen[identifier] = message
        return Envelope(
            message_id=identifier, sender="a@x", recipient="desk@example.org", channel="mail", message=message
        )

    @rule(worker=st.sampled_from(WORKERS))
    def claims(self, worker: str) -> None:
        """A worker claims only when it holds no lease, as in the service; mails past DATA may still be under way."""
        if any(session.stage is not Phase.DATA for session in self.sessions[worker]):
            return
        self.serial += 1
        lease = f"{worker}{self.serial}"
        found = deliveries.claim(self.connection, now=self.now, lease=lease, lasts=LEASE)
        assert not (found and deliveries.parked(self.connection, now=self.now))
        self.tokens[worker] = lease
        for one in found:
            assert one.message == self.frozen[one.message_id]
            if one.phase is Phase.DATA:
                self._doubt(one)
            else:
                self.sessions[worker].append(Session(one, self.turns[one.message_id]))

    def _doubt(self, one: Delivery) -> None:
        self.doubts[self._key(one.message_id)] += 1
        fate = after_ambiguity(one, "the service ended", now=self.now)
        assert deliveries.record(self.connection, one, fate, now=self.now)

    @precondition(lambda self: self.waiting(Phase.QUEUED))
    @rule(data=st.data())
    def begins(self, data: st.DataObject) -> None:
        self._begin(*data.draw(st.sampled_from(self.waiting(Phase.QUEUED))))

    def _begin(self, worker: str, session: Session) -> bool:
        wanted = self._is_wanted(session.one)
        if deliveries.begin(self.connection, session.one, now=self.now):
            assert wanted
            session.stage = Phase.SENDING
            self.tries[session.key] += 1
            return True
        # A session whose lease is another's by now is turned away too, whatever its reader wants.
        self.sessions[worker].remove(session)
        return False

    def _is_wanted(self, one: Delivery) -> bool:
        (member,) = subscribers.members(self.connection, unlisted=True)
        (of,) = [each for each in member.subscriptions if each.id == self.of[one.message_id]]
        told = select(match.c.topic_id).join(ledger, ledger.c.match_id == match.c.id)
        topics_told = set(self.connection.execute(told.where(ledger.c.digest_id == one.digest_id)).scalars())
        corrects = self.connection.execute(select(correction.c.id).where(correction.c.digest_id == one.digest_id)).all()
        only_left = bool(topics_told) and topics_told <= of.left and not corrects
        return member.subscriber.state is SubscriberState.ACTIVE and not of.is_left and not only_left

    @precondition(lambda self: self.waiting(Phase.SENDING))
    @rule(data=st.data())
    def enters_data(self, data: st.DataObject) -> None:
        self._enter(*data.draw(st.sampled_from(self.waiting(Phase.SENDING))))

    def _enter(self, worker: str, session: Session) -> bool:
        if deliveries.entered_data(self.connection, session.one):
            session.stage = Phase.DATA
            return True
        self.sessions[worker].remove(session)
        return False

    @precondition(lambda self: self.waiting(Phase.SENDING))
    @rule(data=st.data(), failure=st.sampled_from([SendFailure.RETRY, SendFailure.RECIPIENT, SendFailure.CONFIG]))
    def is_refused_before_data(self, data: st.DataObject, failure: SendFailure) -> None:
        worker, session = data.draw(st.sampled_from(self.waiting(Phase.SENDING)))
        self._answer(worker, session, SendFailed(failure=failure, detail="no"), took=False)

    @precondition(lambda self: self.waiting(Phase.DATA))
    @rule(data=st.data())
    def is_accepted(self, data: st.DataObject) -> None:
        worker, session = data.draw(st.sampled_from(self.waiting(Phase.DATA)))
        self._answer(worker, session, Sent(response="250 ok"), took=True)

    @precondition(lambda self: self.waiting(Phase.DATA))
    @rule(data=st.data(), failure=st.sampled_from(SendFailure), took=st.booleans())
    def fails_inside_data(self, data: st.DataObject, failure: SendFailure, *, took: bool) -> None:
        worker, session = data.draw(st.sampled_from(self.waiting(Phase.DATA)))
        ambiguous = failure is SendFailure.AMBIGUOUS
        self._answer(worker, session, SendFailed(failure=failure, detail="no"), took=took and ambiguous)

    def _answer(self, worker: str, session: Session, result: Sent | SendFailed, *, took: bool) -> None:
        one = session.one
        self.handed[session.key] += took
        held = deliveries.record(self.connection, one, after_try(one, result, now=self.now), now=self.now)
        if held and isinstance(result, SendFailed):
            self.doubts[session.key] += result.failure is SendFailure.AMBIGUOUS
            self.tries[session.key] -= result.failure is SendFailure.CONFIG
        self.sessions[worker].remove(session)

    @rule(by=st.sampled_from(TIMES))
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(worker=st.sampled_from(WORKERS))
    def extends(self, worker: str) -> None:
        deliveries.extend(self.connection, lease=self.tokens[worker], until=self.now + LEASE)

    @rule(worker=st.sampled_from(WORKERS))
    def stops_and_releases(self, worker: str) -> None:
        """What is past DATA goes on, and is recorded when the relay answers."""
        self.sessions[worker] = [session for session in self.sessions[worker] if session.stage is Phase.DATA]
        deliveries.release(self.connection, lease=self.tokens[worker])

    @rule(worker=st.sampled_from(WORKERS), took=st.booleans())
    def dies(self, worker: str, *, took: bool) -> None:
        self._dies(worker, took=took)

    def _dies(self, worker: str, *, took: bool) -> None:
        for session in self.sessions[worker]:
            self.handed[session.key] += took and session.stage is Phase.DATA
        self.sessions[worker], self.readings[worker], self.tokens[worker] = [], [], ""

    @rule(of=st.integers(0, 1), topic=st.sampled_from([WHOLE, "narcotics"]))
    def leaves(self, of: int, topic: str) -> None:
        optouts.leave(self.connection, self.desk.subscriptions[of].id, topic, now=self.now)

    @rule()
    def unsubscribes(self) -> None:
        optouts.unsubscribe(self.connection, self.desk.subscriber.id, detail="asked", now=self.now)

    @rule(days=st.sampled_from([1, 30, None]))
    def pauses(self, days: int | None) -> None:
        until = None if days is None else self.now + timedelta(days=days)
        optouts.pause(self.connection, self.desk.subscriber.id, until=until, detail="asked", now=self.now)

    @rule(of=st.booleans())
    def pauses_end(self, *, of: bool) -> None:
        if of:
            optouts.end_pause(self.connection, self.desk.subscriber.id, now=self.now)
        else:
            optouts.end_pauses(self.connection, now=self.now)

    @precondition(lambda self: not self.erased)
    @rule()
    def comes_back(self) -> None:
        optouts.resume(self.connection, self.desk.subscriber.id, now=self.now)
        # What was matched meanwhile is past now, and written down as such.
        every = set(self.connection.execute(select(match.c.id).where(match.c.topic_id != POOL)).scalars())
        self.arrived.update({one.id: set(every) for one in self.desk.subscriptions})

    @precondition(lambda self: not self.erased and len(self.frozen) > 2)
    @rule(sure=st.integers(0, 5))
    def is_erased(self, sure: int) -> None:
        """Seldom: nothing comes after it."""
        if sure == 0:
            erasure.erase(self.connection, self.desk.subscriber.id, now=self.now)
            self.erased = True

    @precondition(lambda self: self.frozen)
    @rule(data=st.data())
    def is_sent_again_by_hand(self, data: st.DataObject) -> None:
        identifier = data.draw(st.sampled_from(sorted(self.frozen)))
        digest_id = int(identifier.strip("<>").partition("@")[0])
        before = Phase(
            self.connection.execute(select(delivery.c.phase).where(delivery.c.digest_id == digest_id)).scalar_one()
        )
        queued = before in {Phase.DEAD, Phase.PARKED} and not self.erased
        assert retries.again(self.connection, digest_id, now=self.now) == (before, queued)
        self.turns[identifier] += queued

    def _key(self, identifier: str) -> Key:
        return identifier, self.turns[identifier]

    def waiting(self, stage: Phase) -> list[tuple[str, Session]]:
        return [(worker, one) for worker in WORKERS for one in self.sessions[worker] if one.stage is stage]

    @invariant()
    def nothing_goes_out_twice_without_a_doubt(self) -> None:
        for key, times in self.handed.items():
            assert times <= 1 + min(1, self._doubts(key))

    def _doubts(self, key: Key) -> int:
        """Ambiguous events so far; one past DATA whose worker is gone or was overtaken will be found as one."""
        phase = self.connection.execute(select(delivery.c.phase).where(delivery.c.message_id == key[0])).scalar_one()
        lost = self.erased or key[1] < self.turns[key[0]]  # who is in DATA then finds nothing to record on
        return self.doubts[key] + int(phase == Phase.DATA.value or lost)

    @invariant()
    def nothing_is_told_twice_without_a_doubt(self) -> None:
        """However a match came from one digest into another, its reader has it once, and once more for each doubt."""
        told: Counter[tuple[int, int]] = Counter()
        may: Counter[tuple[int, int]] = Counter()
        for key, times in self.handed.items():
            for pair in self.contents[key[0]]:
                told[pair] += times
                may[pair] += min(1, self._doubts(key)) + (key[1] > 0)
        assert all(times <= 1 + may[pair] for pair, times in told.items())

    @invariant()
    def a_correction_is_told_once_and_to_whom_it_is_due(self) -> None:
        """Its row is in one digest, of its own subscription, and there is one row for each version of an entry."""
        query = select(
            correction.c.subscription_id, correction.c.entry_id, correction.c.revision, delivery.c.message_id
        )
        rows = self.connection.execute(query.outerjoin(delivery, delivery.c.digest_id == correction.c.digest_id)).all()
        assert all(row.message_id is None or self.of[row.message_id] == row.subscription_id for row in rows)
        assert len({row[:3] for row in rows}) == len(rows)

    @invariant()
    def delivery_and_ledger_agree(self) -> None:
        """Every row of the ledger is where its delivery says, and none that arrived is missing."""
        seen: dict[int, set[int]] = defaultdict(set)
        query = select(ledger, delivery.c.phase, delivery.c.message_id).outerjoin(
            delivery, delivery.c.digest_id == ledger.c.digest_id
        )
        for row in self.connection.execute(query):
            seen[row.subscription_id].add(row.match_id)
            place = (LedgerState(row.state), row.reason)
            if row.phase is None:
                assert place in ASIDE
            else:
                assert (row.subscription_id, row.match_id) in self.contents[row.message_id]
                assert place in PLACES.get(Phase(row.phase), {(LedgerState.PENDING, None)})
        assert seen == {subscription: matches for subscription, matches in self.arrived.items() if matches}

    @invariant()
    def deliveries_are_where_their_tries_left_them(self) -> None:
        rows = self.connection.execute(select(delivery)).all()
        assert {row.message_id for row in rows} == {*self.frozen}
        for row in rows:
            phase, ended = Phase(row.phase), Phase(row.phase) not in OPEN_PHASES
            assert (row.ended_at is not None) == ended
            assert not (ended and row.lease)
            assert row.attempts == self.tries[self._key(row.message_id)]
            assert row.ambiguous == self.doubts[self._key(row.message_id)]
            assert phase is not Phase.SENT or self.handed[self._key(row.message_id)]
            assert not (self.erased and (row.message or row.recipient))


def settled(connection: Connection) -> Member:
    """One person with two subscriptions, and twelve matches that have not come yet: they are of another topic."""
    wire = make_feed("wire")
    feeds.save(connection, [wire], now=NOW)
    topics.save(connection, [make_topic(), make_topic(POOL)], now=NOW)
    one = make_subscriber()
    at_once = replace(one.subscriptions[0], slug="prompt", schedule=Schedule(immediate=True))
    pair = (one.subscriptions[0], at_once)
    subscribers.save(connection, [replace(one, subscriptions=pair)], {"desk": "p"}, now=NOW)
    claims.claim(connection, now=NOW, lease="a", lasts=LEASE)
    new = tuple(make_entry_plan(f"id:{n}", matches=(make_match(POOL),)) for n in range(12))
    plans.apply(connection, [make_plan(wire, "a", new=new)], now=NOW)
    return subscribers.members(connection)[0]


@contextmanager
def machine(database: str) -> Iterator[type[Deliveries]]:
    """The machine on a database that is ready; its examples leave nothing behind."""
    migrate.upgrade(database, now=NOW)
    engine = dialect.make_engine(database)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin() as all_of_it:
            yield type("Deliveries", (Deliveries,), {"connection": connection, "desk": settled(connection)})
            all_of_it.rollback()
    finally:
        engine.dispose()


def search(database: str, *, schedules: int) -> None:
    bounds = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Stage.explicit, Stage.generate],  # to shrink a history of many statements takes minutes
        suppress_health_check=list(HealthCheck),
    )
    with machine(database) as one:
        run_state_machine_as_test(one, settings=bounds)


@pytest.mark.timeout(120 + SCHEDULES)
def test_no_order_of_events_loses_or_doubles_a_message(tmp_path: Path) -> None:
    search(f"sqlite:///{tmp_path / 'aggregator.db'}", schedules=SCHEDULES)


@pytest.mark.timeout(120 + SCHEDULES)
def test_no_order_of_events_loses_or_doubles_a_message_on_postgresql(make_database: Callable[[], str]) -> None:
    search(make_database(), schedules=max(SCHEDULES // 10, 1))
