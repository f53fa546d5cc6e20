"""Whatever readers do, in whatever order and beside whatever else, the ledger closes and nothing more is mailed to who left."""

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.core.digests.bounces import HARD, Bounce
from aggregator.core.digests.fate import Fate
from aggregator.core.model.subscriptions import Phase, SubscriberState
from aggregator.store import attention, bounces, deliveries, erasure, optouts, subscribers
from aggregator.store.database import Store
from tests.databases import make_ready
from tests.factories import NOW, make_subscriber
from tests.readers import LASTS, TOPICS, balance, desk, freeze, match_one, morning, populate

HOUR = timedelta(hours=1)
GONE = {SubscriberState.UNSUBSCRIBED, SubscriberState.ERASED}


class Life:
    """One reader's days, an hour a step."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        populate(store)

    @property
    def who(self) -> int:
        return desk(self.store).subscriber.id

    @property
    def which(self) -> int:
        return desk(self.store).subscriptions[0].id

    def match(self) -> None:
        match_one(self.store, f"{self.now}", *TOPICS, now=self.now)

    def freeze(self) -> None:
        if self.store.read(attention.with_pending, [self.which]):
            freeze(self.store, now=self.now)

    def send(self) -> None:
        for one in self.store.write(deliveries.claim, now=self.now, lease="x", lasts=LASTS):
            if self.store.write(deliveries.begin, one, now=self.now):
                person = desk(self.store)
                assert person.subscriber.state is SubscriberState.ACTIVE
                assert not person.subscriptions[0].is_left
                self.store.write(deliveries.record, one, Fate(phase=Phase.SENT, detail="250"), now=self.now)

    def leave_topic(self) -> None:
        self.store.write(optouts.leave, self.which, TOPICS[0], now=self.now)

    def leave(self) -> None:
        self.store.write(optouts.leave, self.which, now=self.now)

    def unsubscribe(self) -> None:
        self.store.write(optouts.unsubscribe, self.who, detail="test", now=self.now)

    def pause(self) -> None:
        self.store.write(optouts.pause, self.who, until=self.now + 3 * HOUR, detail="test", now=self.now)

    def end_pauses(self) -> None:
        self.store.write(optouts.end_pauses, now=self.now)

    def bounce(self) -> None:
        gone = Bounce(weight=HARD, code="5.1.1", detail="no")
        for days in (0, 1):
            self.store.write(bounces.record, self.who, gone, source="smtp", now=self.now + days * 24 * HOUR)

    def resume(self) -> None:
        self.store.write(optouts.resume, self.who, now=self.now)
        assert desk(self.store).subscriber.state is SubscriberState.ACTIVE

    def erase(self) -> None:
        self.store.write(erasure.erase, self.who, now=self.now)

    def read_file(self) -> None:
        self.store.write(subscribers.save, [make_subscriber(subscriptions=(morning(),))], {}, now=self.now)

    def check(self) -> None:
        found, member = balance(self.store), desk(self.store)
        if member.subscriber.state in GONE or member.subscriptions[0].is_left:
            waiting = self.store.read(attention.with_pending, [self.which])
            assert not waiting, found
        if member.subscriber.state is SubscriberState.ERASED:
            assert "example.org" not in str(self.store.read(erasure.export, self.who))


STEPS: tuple[Callable[[Life], None], ...] = (
    Life.match,
    Life.freeze,
    Life.send,
    Life.leave_topic,
    Life.leave,
    Life.unsubscribe,
    Life.pause,
    Life.end_pauses,
    Life.bounce,
    Life.resume,
    Life.erase,
    Life.read_file,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that was made ready and never used."""
    path = tmp_path_factory.mktemp("empty") / "aggregator.db"
    make_ready(f"sqlite:///{path}")
    return path


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(STEPS), max_size=16))
def test_the_sum_closes_in_every_order_of_a_readers_wishes(empty: Path, steps: list[Callable[[Life], None]]) -> None:
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{shutil.copy(empty, folder)}")
        try:
            life = Life(store)
            for step in (Life.match, *steps):
                life.now += HOUR
                step(life)
                life.check()
        finally:
            store.close()


@pytest.mark.parametrize("wish", ["leave", "unsubscribe"])
def test_a_wish_beside_a_digest_that_is_just_made_and_sent_loses_nothing(store: Store, wish: str) -> None:
    life = Life(store)
    for _ in range(4):
        life.now += HOUR
        life.match()
        start = threading.Barrier(2)
        failed: list[BaseException] = []

        def make(start: threading.Barrier = start, failed: list[BaseException] = failed) -> None:
            try:
                start.wait()
                if store.read(attention.with_pending, [life.which]):
                    freeze(store, now=life.now)
            except AssertionError:
                return  # the rows were taken first: no digest was made
            except BaseException as error:  # noqa: BLE001 - told to the test's own thread
                failed.append(error)

        other = threading.Thread(target=make)
        other.start()
        start.wait()
        getattr(life, wish)()
        other.join()
        assert failed == []
        for one in store.write(deliveries.claim, now=life.now, lease="x", lasts=LASTS):
            assert not store.write(deliveries.begin, one, now=life.now)
        life.check()
        life.now += HOUR
        life.resume()
