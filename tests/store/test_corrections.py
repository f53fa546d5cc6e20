"""Who was sent an entry learns of each change that matters, once: under every order of changes, mails and failures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, select, update

from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import Change, DueCorrection, DueItem, SourceReport
from aggregator.core.model.plans import LedgerPlan, RevisionPlan
from aggregator.core.model.subscriptions import LedgerState, Phase, Schedule, SubscriberState, Subscription
from aggregator.store import (
    claims,
    corrections,
    deliveries,
    dialect,
    digests,
    feeds,
    migrate,
    plans,
    subscribers,
    topics,
)
from aggregator.store.database import Store
from aggregator.store.schema import correction, delivery, entry
from aggregator.store.subscribers import Member
from tests.factories import (
    NOW,
    make_entry_plan,
    make_feed,
    make_match,
    make_plan,
    make_revision,
    make_subscriber,
    make_topic,
)

WIRE = make_feed("wire")
LASTS = timedelta(days=400)
TITLES = ("Customs seize fentanyl", "Customs seize heroin", "Police seize fentanyl")
SCHEDULES, STEPS = 60, 30


def prepared(connection: Connection) -> Member:
    """One person with a timed and an immediate subscription, and two entries that both were matched for."""
    feeds.save(connection, [WIRE], now=NOW)
    topics.save(connection, [make_topic()], now=NOW)
    one = make_subscriber()
    timed = one.subscriptions[0]
    alerts = replace(timed, slug="alerts", schedule=Schedule(immediate=True))
    subscribers.save(connection, [replace(one, subscriptions=(timed, alerts))], {"desk": "p"}, now=NOW)
    claims.claim(connection, now=NOW, lease="a", lasts=LASTS)
    desk = subscribers.members(connection)[0]
    due = tuple(LedgerPlan(subscription_id=of.id, state=LedgerState.PENDING) for of in desk.subscriptions)
    new = tuple(make_entry_plan(f"id:{n}", matches=(make_match(ledger=due),)) for n in range(2))
    plans.apply(connection, [make_plan(WIRE, "a", new=new)], now=NOW)
    return desk


def change(connection: Connection, entry_id: int, n: int, title: str, now: datetime, *, notable: bool = True) -> None:
    """A feed brings other words for an entry."""
    made = RevisionPlan(
        entry_id=entry_id, key=f"id:{entry_id}", revision=make_revision(n, title=title, at=now), notable=notable
    )
    plans.apply(connection, [make_plan(WIRE, "a", revised=(made,))], now=now)


def freeze(
    connection: Connection,
    desk: Member,
    of: Subscription,
    found: tuple[tuple[DueItem, ...], corrections.Waiting],
    now: datetime,
) -> int | None:
    items, waiting = found
    due = DueDigest(
        owner=desk.subscriber,
        of=of,
        slot_at=now,
        since=NOW,
        items=items,
        sources=SourceReport(),
        corrections=waiting.told,
        undone=waiting.void,
    )
    if not due.says_something:
        digests.pass_over(connection, due, now=now)
        return None

    def seal(digest_id: int) -> Envelope:
        return Envelope(message_id=f"<{digest_id}@x>", sender="a@x", recipient="b@x", channel="mail", message=b"x")

    return digests.freeze(connection, due, subject="new", stories=1, seal=seal, now=now)


def read(connection: Connection, of: Subscription) -> tuple[tuple[DueItem, ...], corrections.Waiting]:
    return digests.due_items(connection, of.id, archive=False), corrections.waiting(connection, of.id)


def arrive(connection: Connection, digest_id: int | None) -> None:
    """The mail of a digest is taken by the relay."""
    assert digest_id is not None
    deliveries._settle(connection, digest_id, LedgerState.DELIVERED)
    connection.execute(update(delivery).where(delivery.c.digest_id == digest_id).values(phase=Phase.SENT.value))


class Corrected(RuleBasedStateMachine):
    """Titles change, entries are withdrawn, digests are read, frozen late, and arrive: what does each reader believe?"""

    connection: Connection
    desk: Member

    def __init__(self) -> None:
        super().__init__()
        self.undo = self.connection.begin_nested()
        self.now = NOW
        ids = self.connection.execute(select(entry.c.id).order_by(entry.c.id)).scalars()
        self.titles = dict.fromkeys(ids, TITLES[0])
        self.revisions = dict.fromkeys(self.titles, 1)
        self.gone: set[int] = set()
        self.readings: list[tuple[int, tuple[tuple[DueItem, ...], corrections.Waiting]]] = []
        self.under_way: list[tuple[int, int, tuple[tuple[DueItem, ...], corrections.Waiting]]] = []
        self.believed: dict[tuple[int, int], str] = {}  # (subscription, entry) -> the title its reader was mailed last
        self.knows_gone: set[tuple[int, int]] = set()
        self.told: list[tuple[int, int, Change, int]] = []

    def teardown(self) -> None:
        """In the end each reader of the timed digest believes what is true."""
        try:
            for _ in range(3):
                self._everything_goes_through()
            timed = self.desk.subscriptions[0].id
            for entry_id, title in self.titles.items():
                assert entry_id in self.gone or self.believed[timed, entry_id] == title
                assert ((timed, entry_id) in self.knows_gone) <= (entry_id in self.gone)
            assert not corrections.with_waiting(self.connection, [timed])
        finally:
            self.undo.rollback()

    @rule()
    def a_quiet_night(self) -> None:
        self._everything_goes_through()

    def _everything_goes_through(self) -> None:
        self.readings.clear()
        for of in (0, 1):
            self.reads(of)
        while self.readings:
            self.freezes()
        while self.under_way:
            self.arrives()

    @rule(which=st.integers(0, 1), title=st.sampled_from(TITLES))
    def changes(self, which: int, title: str) -> None:
        entry_id = sorted(self.titles)[which]
        if title == self.titles[entry_id] or entry_id in self.gone:
            return
        self._tick()
        self.revisions[entry_id] += 1
        self.titles[entry_id] = title
        change(self.connection, entry_id, self.revisions[entry_id], title, self.now)

    @rule(which=st.integers(0, 1))
    def is_withdrawn(self, which: int) -> None:
        entry_id = sorted(self.titles)[which]
        self._tick()
        self.gone.add(entry_id)
        key = self.connection.execute(select(entry.c.key).where(entry.c.id == entry_id)).scalar_one()
        plans.apply(self.connection, [make_plan(WIRE, "a", withdrawn=(key,))], now=self.now)

    @rule(of=st.integers(0, 1))
    def reads(self, of: int) -> None:
        self.readings.append((of, read(self.connection, self.desk.subscriptions[of])))

    @rule()
    def freezes(self) -> None:
        if not self.readings:
            return
        self._tick(minutes=20)
        of, found = self.readings.pop(0)
        made = freeze(self.connection, self.desk, self.desk.subscriptions[of], found, self.now)
        if made is not None:
            self.under_way.append((made, of, found))

    @rule()
    def arrives(self) -> None:
        if not self.under_way:
            return
        digest_id, of, (items, waiting) = self.under_way.pop(0)
        arrive(self.connection, digest_id)
        mine = self.desk.subscriptions[of].id
        for item in items:
            self.believed[mine, item.entry_id] = item.title
        for one in waiting.told:
            self._heard(mine, one)

    def _heard(self, mine: int, one: DueCorrection) -> None:
        assert (mine, one.entry_id) in self.believed
        if one.change is Change.WITHDRAWN:
            self.knows_gone.add((mine, one.entry_id))
        else:
            assert one.title_now != one.title == self.believed[mine, one.entry_id]
            self.believed[mine, one.entry_id] = one.title_now
        self.told.append((mine, one.entry_id, one.change, one.revision))

    @invariant()
    def nothing_is_corrected_twice(self) -> None:
        assert len(set(self.told)) == len(self.told)

    @invariant()
    def each_row_belongs_to_somebody_who_was_sent_the_entry(self) -> None:
        for row in self.connection.execute(select(correction)):
            sent = {item.entry_id for _, of, (items, _) in self.under_way for item in items}
            known = {entry_id for of, entry_id in self.believed if of == row.subscription_id}
            assert row.entry_id in known | sent

    def _tick(self, minutes: int = 1) -> None:
        self.now += timedelta(minutes=minutes)


def search(database: str, *, schedules: int) -> None:
    migrate.upgrade(database, now=NOW)
    engine = dialect.make_engine(database)
    bounds = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Stage.explicit, Stage.generate],  # to shrink a history of many statements takes minutes
        suppress_health_check=list(HealthCheck),
    )
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin() as all_of_it:
            machine = type("Corrected", (Corrected,), {"connection": connection, "desk": prepared(connection)})
            run_state_machine_as_test(machine, settings=bounds)
            all_of_it.rollback()
    finally:
        engine.dispose()


@pytest.mark.timeout(180)
def test_no_order_of_changes_and_mails_leaves_a_reader_with_what_is_not_true(tmp_path: Path) -> None:
    search(f"sqlite:///{tmp_path / 'aggregator.db'}", schedules=SCHEDULES)


@pytest.mark.timeout(180)
def test_no_order_of_changes_and_mails_does_so_on_postgresql(make_database: Callable[[], str]) -> None:
    search(make_database(), schedules=SCHEDULES // 6)


@pytest.fixture
def desk(store: Store) -> Member:
    """A person whose timed digest was mailed the first entry's match; of the second nothing was told yet."""
    found = store.write(prepared)
    first, _ = store.read(digests.due_items, found.subscriptions[0].id, archive=False)
    made = store.write(freeze, found, found.subscriptions[0], ((first,), corrections.Waiting()), NOW)
    store.write(arrive, made)
    return found


def entry_ids(store: Store) -> list[int]:
    return [
        row.id for row in store.read(lambda connection: connection.execute(select(entry.c.id).order_by(entry.c.id)))
    ]


def waiting(store: Store, desk: Member, of: int = 0) -> corrections.Waiting:
    return store.read(corrections.waiting, desk.subscriptions[of].id)


def test_only_who_was_sent_an_entry_hears_of_its_change(store: Store, desk: Member) -> None:
    for entry_id in entry_ids(store):
        store.write(change, entry_id, 2, TITLES[1], NOW + timedelta(hours=1))
    (one,) = waiting(store, desk).told
    assert (one.title, one.title_now, one.change) == (TITLES[0], TITLES[1], Change.CHANGED)
    assert one.told_at == NOW
    assert waiting(store, desk, of=1) == corrections.Waiting()


def test_several_changes_of_one_entry_are_told_as_one(store: Store, desk: Member) -> None:
    first = entry_ids(store)[0]
    store.write(change, first, 2, TITLES[1], NOW + timedelta(hours=1))
    store.write(change, first, 3, TITLES[2], NOW + timedelta(hours=2))
    (one,) = waiting(store, desk).told
    assert (one.title_now, one.revision, len(one.ids)) == (TITLES[2], 3, 2)


def test_a_change_that_went_back_on_itself_is_dropped_without_a_word(store: Store, desk: Member) -> None:
    first = entry_ids(store)[0]
    store.write(change, first, 2, TITLES[1], NOW + timedelta(hours=1))
    store.write(change, first, 3, TITLES[0], NOW + timedelta(hours=2))
    found = waiting(store, desk)
    assert (found.told, len(found.void)) == ((), 2)
    assert store.write(freeze, desk, desk.subscriptions[0], ((), found), NOW + timedelta(hours=3)) is None
    assert waiting(store, desk) == corrections.Waiting()


def test_a_correction_is_told_once_and_the_next_starts_from_what_it_told(store: Store, desk: Member) -> None:
    first = entry_ids(store)[0]
    store.write(change, first, 2, TITLES[1], NOW + timedelta(hours=1))
    made = store.write(freeze, desk, desk.subscriptions[0], ((), waiting(store, desk)), NOW + timedelta(hours=2))
    assert made is not None
    assert waiting(store, desk) == corrections.Waiting()
    store.write(arrive, made)
    store.write(change, first, 3, TITLES[2], NOW + timedelta(hours=3))
    (one,) = waiting(store, desk).told
    assert (one.title, one.title_now) == (TITLES[1], TITLES[2])


def test_a_correction_whose_mail_was_called_off_waits_for_the_next(store: Store, desk: Member) -> None:
    store.write(change, entry_ids(store)[0], 2, TITLES[1], NOW + timedelta(hours=1))
    found = waiting(store, desk)
    later = NOW + timedelta(hours=2)
    assert store.write(freeze, desk, desk.subscriptions[0], ((), found), later) is not None
    store.write(subscribers.set_state, desk.subscriber.id, SubscriberState.PAUSED, detail=None, now=later)
    (one,) = store.write(deliveries.claim, now=later, lease="x", lasts=LASTS)
    assert not store.write(deliveries.begin, one, now=later)
    assert waiting(store, desk).told == found.told


def test_two_processes_do_not_tell_one_correction_twice(store: Store, desk: Member) -> None:
    store.write(change, entry_ids(store)[0], 2, TITLES[1], NOW + timedelta(hours=1))
    found = waiting(store, desk)
    assert store.write(freeze, desk, desk.subscriptions[0], ((), found), NOW + timedelta(hours=2)) is not None
    assert store.write(freeze, desk, desk.subscriptions[0], ((), found), NOW + timedelta(hours=3)) is None


def test_what_the_publisher_takes_back_is_told_as_withdrawn(store: Store, desk: Member) -> None:
    store.write(plans.apply, [make_plan(WIRE, "a", withdrawn=("id:0",))], now=NOW + timedelta(hours=1))
    store.write(plans.apply, [make_plan(WIRE, "a", withdrawn=("id:0",))], now=NOW + timedelta(hours=2))
    (one,) = waiting(store, desk).told
    assert (one.change, one.title) == (Change.WITHDRAWN, TITLES[0])


def test_a_change_between_reading_and_freezing_is_corrected_by_the_next_digest(store: Store, desk: Member) -> None:
    timed = desk.subscriptions[0]
    found = store.read(read, timed)
    second = entry_ids(store)[1]
    store.write(change, second, 2, TITLES[1], NOW + timedelta(minutes=1))
    made = store.write(freeze, desk, timed, found, NOW + timedelta(minutes=2))
    assert waiting(store, desk).told == ()  # its reader has nothing yet that could be wrong
    store.write(arrive, made)
    (one,) = waiting(store, desk).told
    assert (one.title, one.title_now) == (TITLES[0], TITLES[1])


def test_who_was_alerted_hears_it_at_once_only_where_no_digest_will_say_it(store: Store, desk: Member) -> None:
    alerts = desk.subscriptions[1]
    items = store.read(digests.due_items, alerts.id, archive=False)
    store.write(arrive, store.write(freeze, desk, alerts, (items, corrections.Waiting()), NOW))
    for entry_id in entry_ids(store):
        store.write(change, entry_id, 2, TITLES[1], NOW + timedelta(hours=1))
    by_digest, by_alert = waiting(store, desk), waiting(store, desk, of=1)
    assert [one.entry_id for one in by_digest.told] == entry_ids(store)[:1]
    assert [one.entry_id for one in by_alert.told] == entry_ids(store)[1:]


def test_a_change_of_little_worth_is_no_correction(store: Store, desk: Member) -> None:
    first = entry_ids(store)[0]
    store.write(partial(change, notable=False), first, 2, TITLES[0].upper(), NOW + timedelta(hours=1))
    assert waiting(store, desk) == corrections.Waiting()
