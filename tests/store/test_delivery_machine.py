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
from sqlalchemy import Connection, select

from aggregator.core.digests.fate import after_ambiguity, after_try
from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import DueItem, SourceReport
from aggregator.core.model.subscriptions import (
    OPEN_PHASES,
    Delivery,
    LedgerState,
    Phase,
    SendFailed,
    SendFailure,
    Sent,
    SubscriberState,
    Subscription,
)
from aggregator.store import claims, deliveries, dialect, digests, feeds, migrate, plans, subscribers, topics
from aggregator.store.schema import delivery, ledger, match
from aggregator.store.subscribers import Member
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic

SCHEDULES = int(os.environ.get("DELIVERY_SCHEDULES", "150"))  # 5,000 when a release is made
STEPS = 40
LEASE = timedelta(seconds=120)
WORKERS = ("a", "b")
TIMES = (timedelta(seconds=50), LEASE, timedelta(minutes=15), timedelta(minutes=31), timedelta(hours=3, minutes=1))
ENDS = {
    Phase.SENT: (LedgerState.DELIVERED, None),
    Phase.DEAD: (LedgerState.FAILED, "rejected"),
    Phase.CANCELLED: (LedgerState.SUPPRESSED, SubscriberState.UNSUBSCRIBED.value),
}


@dataclass(eq=False)
class Session:
    """One worker's try at one delivery, as far as it came."""

    one: Delivery
    stage: Phase = Phase.QUEUED


@dataclass(frozen=True)
class Reading:
    """What a worker found due before it froze it: by then another may have been faster."""

    of: Subscription
    items: tuple[DueItem, ...]
    slot_at: datetime


class Deliveries(RuleBasedStateMachine):
    """Two workers, one relay, one person with two subscriptions. Each example runs in a transaction that is undone."""

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
        self.told: dict[int, set[int]] = defaultdict(set)  # subscription -> matches in a frozen digest
        self.slots: set[tuple[int, datetime]] = set()  # (subscription, slot) that made a digest
        self.frozen: dict[str, bytes] = {}
        self.handed: Counter[str] = Counter()  # Message-ID -> how often the relay took it
        self.doubts: Counter[str] = Counter()  # Message-ID -> ambiguous events
        self.tries: Counter[str] = Counter()
        self.left = False
        self.serial = 0

    def teardown(self) -> None:
        """However it went on so far, a time without faults brings every message to an end."""
        try:
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

    @rule(of=st.integers(0, 1), wanted=st.integers(1, 3))
    def matches_arrive(self, of: int, wanted: int) -> None:
        subscription_id = self.desk.subscriptions[of].id
        every = set(self.connection.execute(select(match.c.id)).scalars())
        for match_id in sorted(every - self.arrived[subscription_id])[:wanted]:
            row = {"subscription_id": subscription_id, "match_id": match_id, "state": "pending", "at": self.now}
            self.connection.execute(ledger.insert().values(row))
            self.arrived[subscription_id].add(match_id)

    @rule(worker=st.sampled_from(WORKERS), of=st.integers(0, 1))
    def reads_what_is_due(self, worker: str, of: int) -> None:
        subscription = self.desk.subscriptions[of]
        items = digests.due_items(self.connection, subscription.id, archive=False)
        if items:
            self.readings[worker].append(Reading(subscription, items, self.now))

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
            sources=SourceReport(),
        )
        ids = {item.match_id for item in reading.items}
        made = digests.freeze(self.connection, due, subject="new", stories=1, seal=self._seal, now=self.now)
        slot = (reading.of.id, reading.slot_at)
        assert (made is None) == (bool(ids & self.told[reading.of.id]) or slot in self.slots)
        if made is not None:
            self.slots.add(slot)
            self.told[reading.of.id] |= ids

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
                self.sessions[worker].append(Session(one))

    def _doubt(self, one: Delivery) -> None:
        self.doubts[one.message_id] += 1
        fate = after_ambiguity(one, "the service ended", now=self.now)
        assert deliveries.record(self.connection, one, fate, now=self.now)

    @precondition(lambda self: self.waiting(Phase.QUEUED))
    @rule(data=st.data())
    def begins(self, data: st.DataObject) -> None:
        self._begin(*data.draw(st.sampled_from(self.waiting(Phase.QUEUED))))

    def _begin(self, worker: str, session: Session) -> bool:
        if deliveries.begin(self.connection, session.one, now=self.now):
            assert not self.left
            session.stage = Phase.SENDING
            self.tries[session.one.message_id] += 1
            return True
        self.sessions[worker].remove(session)
        return False

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
        self.handed[one.message_id] += took
        held = deliveries.record(self.connection, one, after_try(one, result, now=self.now), now=self.now)
        if held and isinstance(result, SendFailed):
            self.doubts[one.message_id] += result.failure is SendFailure.AMBIGUOUS
            self.tries[one.message_id] -= result.failure is SendFailure.CONFIG
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
            self.handed[session.one.message_id] += took and session.stage is Phase.DATA
        self.sessions[worker], self.readings[worker], self.tokens[worker] = [], [], ""

    @rule()
    def unsubscribes(self) -> None:
        self._become(SubscriberState.UNSUBSCRIBED)

    @rule()
    def comes_back(self) -> None:
        self._become(SubscriberState.ACTIVE)

    def _become(self, state: SubscriberState) -> None:
        self.left = state is not SubscriberState.ACTIVE
        subscribers.set_state(self.connection, self.desk.subscriber.id, state, detail=None, now=self.now)

    def waiting(self, stage: Phase) -> list[tuple[str, Session]]:
        return [(worker, one) for worker in WORKERS for one in self.sessions[worker] if one.stage is stage]

    @invariant()
    def nothing_goes_out_twice_without_a_doubt(self) -> None:
        for identifier, times in self.handed.items():
            assert times <= 1 + min(1, self._doubts(identifier))

    def _doubts(self, identifier: str) -> int:
        """Ambiguous events so far; one past DATA whose worker is gone or was overtaken will be found as one."""
        phase = self.connection.execute(
            select(delivery.c.phase).where(delivery.c.message_id == identifier)
        ).scalar_one()
        return self.doubts[identifier] + int(phase == Phase.DATA.value)

    @invariant()
    def delivery_and_ledger_agree(self) -> None:
        """Every row of the ledger is where its delivery says, and every delivery is where its tries left it."""
        seen: dict[int, set[int]] = defaultdict(set)
        query = select(ledger, delivery.c.phase).outerjoin(delivery, delivery.c.digest_id == ledger.c.digest_id)
        for row in self.connection.execute(query):
            seen[row.subscription_id].add(row.match_id)
            assert (row.digest_id is not None) == (row.match_id in self.told[row.subscription_id])
            state, reason = ENDS.get(Phase(row.phase or "queued"), (LedgerState.PENDING, None))
            assert (row.state, row.reason) == (state.value, reason)
        assert seen == {subscription: matches for subscription, matches in self.arrived.items() if matches}

    @invariant()
    def deliveries_are_where_their_tries_left_them(self) -> None:
        rows = self.connection.execute(select(delivery)).all()
        assert {row.message_id for row in rows} == {*self.frozen}
        for row in rows:
            phase, ended = Phase(row.phase), Phase(row.phase) not in OPEN_PHASES
            assert (row.ended_at is not None) == ended
            assert not (ended and row.lease)
            assert row.attempts == self.tries[row.message_id]
            assert row.ambiguous == self.doubts[row.message_id]
            assert phase is not Phase.SENT or self.handed[row.message_id]


def settled(connection: Connection) -> Member:
    """One person with two subscriptions, and eight matches that no ledger knows yet."""
    wire = make_feed("wire")
    feeds.save(connection, [wire], now=NOW)
    topics.save(connection, [make_topic()], now=NOW)
    one = make_subscriber()
    pair = (one.subscriptions[0], replace(one.subscriptions[0], slug="second"))
    subscribers.save(connection, [replace(one, subscriptions=pair)], {"desk": "p"}, now=NOW)
    claims.claim(connection, now=NOW, lease="a", lasts=LEASE)
    new = tuple(make_entry_plan(f"id:{n}", matches=(make_match(),)) for n in range(8))
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
