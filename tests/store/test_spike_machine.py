"""A spike is told once, or left out for a reason, under every order of looks, mails, crashes and changes of mind."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select

from aggregator.core.digests.fate import after_ambiguity, after_try
from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import SourceReport
from aggregator.core.model.subscriptions import (
    OPEN_PHASES,
    Delivery,
    Phase,
    Schedule,
    SendFailed,
    SendFailure,
    Sent,
    SubscriberSpec,
    SubscriberState,
    Subscription,
)
from aggregator.core.model.trends import DueSpike, Spike
from aggregator.store import (
    deliveries,
    dialect,
    digests,
    feeds,
    optouts,
    spike_checks,
    spike_proof,
    spikes,
    subscribers,
    topics,
)
from aggregator.store.schema import delivery, is_untold, spike
from tests.databases import make_ready
from tests.factories import NOW, make_feed, make_subscriber, make_topic

SCHEDULES, STEPS = 24, 40
LEASE = timedelta(seconds=120)
TIMES = (LEASE, timedelta(minutes=31), timedelta(minutes=75), timedelta(hours=26))
Key = tuple[int, date]  # subscription and day
Reading = tuple[Subscription, tuple[DueSpike, ...]]
LEFT = {"opted_out", "unwished", "unsubscribed"}


def wishing(*, wished: bool = True) -> SubscriberSpec:
    """One person with a timed and an immediate subscription."""
    one = make_subscriber()
    timed = replace(one.subscriptions[0], spikes=wished)
    return replace(one, subscriptions=(timed, replace(timed, slug="prompt", schedule=Schedule(immediate=True))))


class Spikes(RuleBasedStateMachine):
    """Two processes look, make digests and send; their one reader comes, goes, and wishes otherwise."""

    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        self.undo = self.connection.begin_nested()
        self.now = NOW
        self.counted = 4
        self.readings: list[Reading] = []
        self.tells: dict[str, tuple[Key, ...]] = {}  # Message-ID -> what it tells
        self.under_way: list[Delivery] = []
        self.taken: Counter[str] = Counter()  # by the relay, by Message-ID
        self.doubts: Counter[str] = Counter()
        self.serial = 0

    def teardown(self) -> None:
        """In a time without faults, with a reader who takes mail, nothing waits on."""
        try:
            self.under_way.clear()
            self.takes_all_back()
            for _ in range(3):
                self.now += timedelta(hours=9)
                self._make_all()
                self.claims()
                while self.under_way:
                    self.begins_and_is(Sent(response="250 ok"), took=True)
            assert not self.connection.execute(select(spike.c.id).where(is_untold)).all()
            phases = {Phase(phase) for phase in self.connection.execute(select(delivery.c.phase)).scalars()}
            assert not phases & {*OPEN_PHASES}  # what is parked waits for a person
            self.every_spike_is_where_its_digest_is()
            self.nothing_is_told_twice()
        finally:
            self.undo.rollback()

    @initialize(twin=st.booleans())
    def something_has_risen(self, *, twin: bool) -> None:
        """And its mails are to be sent: before that, nothing can go wrong."""
        self.a_round(news=True, twin=twin)

    @rule(risen=st.sampled_from([{0, 1}, {1}, {0}, set()]), later=st.booleans())
    def looks(self, risen: set[int], *, later: bool = False) -> None:
        """A look, at once or when it is due, finds these of the last two days, each a little higher than before."""
        self.now += TIMES[2] if later else timedelta()
        self.counted += 1
        days = spike_checks.days_told(self.now)
        found = [Spike(day=days[at], counted=self.counted, expected=1.0, chance=1e-4, entries=()) for at in risen]
        before = self._untouchable()
        if spike_checks.note(self.connection, "narcotics", found, now=self.now):
            waits = {row.day: row.counted for row in self._rows() if row.digest_id is None and row.reason is None}
            assert all(waits.get(day, self.counted) == self.counted for day in (days[at] for at in risen))
            assert not {days[at] for at in (0, 1) if at not in risen} & set(waits)
        assert before == self._untouchable()

    def _untouchable(self) -> set[tuple[object, ...]]:
        """What is told or left out, which no look may change."""
        rows = [row for row in self._rows() if row.digest_id is not None or row.reason is not None]
        return {(row.id, row.counted, row.digest_id, row.reason) for row in rows}

    def _rows(self) -> list[Any]:
        return list(self.connection.execute(select(spike).order_by(spike.c.id)))

    @rule(by=st.sampled_from(TIMES))
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(news=st.booleans(), twin=st.booleans())
    def a_round(self, *, news: bool, twin: bool) -> None:
        """One as far as to the mails that are to be sent; of another day when there is news; a slower twin read the same."""
        if news:
            self.now += timedelta(hours=20)
            self.looks({0, 1})
        read = self._make_all()
        self.readings += read if twin else []
        if not self.under_way:
            self.claims()

    def _make_all(self) -> list[Reading]:
        for of in (0, 1):
            self.reads(of)
        read = list(self.readings)
        while self.readings:
            self.freezes()
        return read

    @rule(of=st.integers(0, 1))
    def reads(self, of: int) -> None:
        (desk,) = subscribers.members(self.connection)
        mine = desk.subscriptions[of]
        found = spikes.waiting(self.connection, mine.id)
        if found and not mine.is_left and desk.subscriber.state is SubscriberState.ACTIVE:
            self.readings.append((mine, found))

    @precondition(lambda self: self.readings)
    @rule()
    def freezes(self) -> None:
        """By then another may have been faster, or the reader gone: then nothing is written."""
        self.now += timedelta(minutes=1)
        of, found = self.readings.pop(0)
        (desk,) = subscribers.members(self.connection)
        due = DueDigest(
            owner=desk.subscriber, of=of, slot_at=self.now, since=NOW, items=(), sources=SourceReport(), spikes=found
        )
        made = digests.freeze(self.connection, due, subject="", stories=0, seal=self._seal, now=self.now)
        waited = {row.id for row in self._rows() if row.digest_id in (None, made) and row.reason is None}
        assert (made is not None) == ({one.id for one in found} <= waited)
        if made is not None:
            self.tells[f"<{made}@x>"] = tuple((of.id, one.day) for one in found)

    def _seal(self, digest_id: int) -> Envelope:
        return Envelope(message_id=f"<{digest_id}@x>", sender="a@x", recipient="b@x", channel="mail", message=b"x")

    @precondition(lambda self: not self.under_way)
    @rule()
    def claims(self) -> None:
        self.serial += 1
        found = deliveries.claim(self.connection, now=self.now, lease=f"l{self.serial}", lasts=LEASE)
        for one in found:
            if one.phase is Phase.DATA:
                self.doubts[one.message_id] += 1
                fate = after_ambiguity(one, "the service ended", now=self.now)
                assert deliveries.record(self.connection, one, fate, now=self.now)
            else:
                self.under_way.append(one)

    @precondition(lambda self: self.under_way)
    @rule(
        result=st.sampled_from(
            [Sent(response="250 ok"), *(SendFailed(failure=one, detail="no") for one in SendFailure)]
        ),
        took=st.booleans(),
        dies=st.booleans(),
    )
    def begins_and_is(self, result: Sent | SendFailed, *, took: bool, dies: bool = False) -> None:
        """A try at one mail; the process may die after it gave the message, and before it wrote down what came of it."""
        one = self.under_way.pop(0)
        if not deliveries.begin(self.connection, one, now=self.now):
            return
        if not deliveries.entered_data(self.connection, one):
            return
        ambiguous = isinstance(result, SendFailed) and result.failure is SendFailure.AMBIGUOUS
        self.taken[one.message_id] += isinstance(result, Sent) or (took and (ambiguous or dies))
        self.doubts[one.message_id] += ambiguous and not dies
        if not dies:
            deliveries.record(self.connection, one, after_try(one, result, now=self.now), now=self.now)

    @rule(mind=st.sampled_from(["pause", "leave", "leave", "unsubscribe", "unwish"]), of=st.integers(0, 1))
    def wants_less(self, mind: str, of: int) -> None:
        (desk,) = subscribers.members(self.connection)
        if mind == "pause":
            optouts.pause(self.connection, desk.subscriber.id, until=None, detail="", now=self.now)
        elif mind == "leave":
            optouts.leave(self.connection, desk.subscriptions[of].id, "narcotics", now=self.now)
        elif mind == "unsubscribe":
            optouts.unsubscribe(self.connection, desk.subscriber.id, detail="", now=self.now)
        else:
            subscribers.save(self.connection, [wishing(wished=False)], {}, now=self.now)

    @rule()
    def takes_all_back(self) -> None:
        optouts.resume(self.connection, self._me(), now=self.now)
        subscribers.save(self.connection, [wishing()], {}, now=self.now)

    def _me(self) -> int:
        return subscribers.members(self.connection)[0].subscriber.id

    @invariant()
    def nothing_is_told_twice(self) -> None:
        """A mail comes twice only for a doubt, and no two mails tell the same day to the same subscription."""
        told: dict[Key, set[str]] = {}
        for identifier, times in self.taken.items():
            assert times <= 1 + self.doubts[identifier]
            for key in self.tells[identifier] if times else ():
                told.setdefault(key, set()).add(identifier)
        assert all(len(mails) == 1 for mails in told.values())

    @invariant()
    def every_spike_is_where_its_digest_is(self) -> None:
        found = spike_proof.prove(self.connection)
        assert found.faults == ()
        assert set(found.suppressed_by) <= LEFT
        assert found.due == len(self._rows())


def search(database: str, *, schedules: int) -> None:
    make_ready(database)
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
            feeds.save(connection, [make_feed()], now=NOW)
            topics.save(connection, [make_topic()], now=NOW)
            subscribers.save(connection, [wishing()], {"desk": "p"}, now=NOW)
            run_state_machine_as_test(type("Spikes", (Spikes,), {"connection": connection}), settings=bounds)
            all_of_it.rollback()
    finally:
        engine.dispose()


@pytest.mark.timeout(180)
def test_no_order_of_events_tells_a_spike_twice_or_loses_it(tmp_path: Path) -> None:
    search(f"sqlite:///{tmp_path / 'aggregator.db'}", schedules=SCHEDULES)


@pytest.mark.timeout(180)
def test_no_order_of_events_does_so_on_postgresql(make_database: Callable[[], str]) -> None:
    search(make_database(), schedules=SCHEDULES // 3)
