"""A real service under real faults: is every item told to every reader, and none told twice without a doubt?

`python -m benchmarks.faults 1000` (or `make faults N=1000`) lets that many faults happen at random times, a third each
on SQLite, on PostgreSQL and on PostgreSQL with workers, side by side. `SEED=7` plans the very same faults again. It compares what the
publisher offered with what the relay took, and exits 1 when a mail is lost, or doubled where nobody was in doubt, and when
an unusual day is not told to each who wishes to hear of such days, or is told them in two mails.
"""

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.faulty import FEEDS, FeedFault, Publisher, Relay, RelayFault, serving
from benchmarks.ordeal import Installation, Life, readers
from benchmarks.verdict import Verdict, judge
from tests.cluster import Cluster

ARRANGEMENTS = ("sqlite", "postgresql", "workers")
LEASE = 12.0  # seconds; longer than a busy machine may keep a living process from extending it
RELAY_FAULTS = tuple(kind for kind in RelayFault if kind is not RelayFault.POLICY) * 6 + (RelayFault.POLICY,)
POINTS = ("before 354", "after dot", "replied", "")
HEALING = 12  # rounds without faults, at the end
READY = 300.0
PATIENCE = 15.0  # for mail to come as far as wished, and for news to be stored: more than an idle machine needs
STOPPED = threading.Event()
SERVICE = ("run", "--no-web")


@dataclass(slots=True)
class Trial:
    """One arrangement and its faults."""

    name: str
    randomly: random.Random
    place: Installation
    publisher: Publisher
    relay: Relay
    cluster: Cluster | None
    done: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)  # Message-ID -> a process ended or slept while it was given
    lives: int = 0
    retried: int = 0  # by a person, at the end

    def faults(self) -> Counter[str]:
        """What has happened so far, by kind."""
        return self.done + self.publisher.faults.happened + self.relay.faults.happened

    def episode(self) -> None:
        """Some hours later: the service starts, meets some faults, and ends, mostly by force."""
        roll = self.randomly
        self.place.later(timedelta(minutes=roll.uniform(61, 240)))
        self.publisher.faults.waiting = roll.choices(list(FeedFault), k=roll.randint(1, 6))
        self.relay.faults.waiting = roll.choices(RELAY_FAULTS, k=roll.randint(8, 20))
        point, moment, early = roll.choice(POINTS), roll.uniform(0, 2.0), roll.random() < 0.1
        hit = self._watch(point, roll.randint(1, 8), roll.uniform(0, 0.05))
        commands = (SERVICE, ("worker",)) if self.name == "workers" else (SERVICE,)
        lives = [self.place.start(*command) for command in commands]
        self.lives += len(lives)
        try:
            if early:
                time.sleep(moment)
            else:
                self._live(lives, hit, point, moment)
            self._end(lives, "while it starts" if early else point)
        finally:
            for life in lives:
                life.kill()

    def _watch(self, point: str, times: int, pause: float) -> threading.Event:
        """Rings when a mail reaches `point` for the `times`-th time, and holds that mail for `pause` seconds."""
        hit, reaching = threading.Event(), count(1)

        def at(reached: str) -> None:
            if reached == (point or POINTS[0]) and next(reaching) == times:
                hit.set()
                time.sleep(pause)  # so that a signal may come before and after what is next

        self.relay.at = at
        return hit

    def _live(self, lives: list[Life], hit: threading.Event, point: str, moment: float) -> None:
        roll = self.randomly
        for life in lives:
            life.wait(READY)
        for _ in range(roll.randint(1, 4)):
            self._go_on()
        kind = roll.random()
        hit.wait(PATIENCE)
        time.sleep(roll.uniform(0, 0.04) if point else moment)
        if kind < 0.12:
            self._sleeps(roll.choice(lives), alone=len(lives) == 1)
        elif kind < 0.25 and self.cluster is not None:
            self._power_cut(self.cluster)

    def _go_on(self) -> None:
        """Some news, mostly until a part of it is stored, and what failed is tried again."""
        before = self.place.entries()
        for feed in range(FEEDS):
            if self.randomly.random() < 0.6:
                self.publisher.publish(feed)
        self.place.make_due()
        if self.randomly.random() < 0.7:
            self.place.stored(before + 1, patience=PATIENCE)
        else:
            time.sleep(self.randomly.uniform(0, 1))

    def _sleeps(self, life: Life, *, alone: bool) -> None:
        """Stopped past its lease while another takes over, and then it goes on."""
        life.signal(signal.SIGSTOP)
        self._note_doubts()
        self.done["process: stopped past its lease"] += 1
        time.sleep(LEASE + 1)
        if alone:
            self.place.run("digest", "run")
        life.signal(signal.SIGCONT)
        time.sleep(1)

    def _power_cut(self, cluster: Cluster) -> None:
        cluster.fail()
        self.done["database: stopped at once and started"] += 1
        time.sleep(self.randomly.uniform(0, 1))
        cluster.recover()
        self._note_doubts()
        time.sleep(1)

    def _end(self, lives: list[Life], point: str) -> None:
        self.randomly.shuffle(lives)
        if self.randomly.random() < 0.15:
            for life in lives:
                life.signal(signal.SIGTERM)
            for life in lives:
                life.wait_for_end()
            return
        for life in lives:
            life.kill()
            self.done[f"process: killed, {point or 'at any time'}"] += 1
            point = ""
            self._note_doubts()

    def _note_doubts(self) -> None:
        self.doubts.update(message_id for (message_id,) in self.place.ask(IN_DATA))

    def heal(self) -> None:
        """A time without faults, which must bring every item to every reader."""
        self.relay.faults.waiting, self.publisher.faults.waiting = [], []
        self.relay.at = lambda _: None
        for _ in range(HEALING):
            self.place.later(timedelta(hours=13))
            self.place.make_due()
            self._retry_what_is_parked()
            self.place.run("run", "--once")
            if not self.place.unfinished(self.publisher.count + FEEDS):
                break

    def _retry_what_is_parked(self) -> None:
        """As a person does who looked into the mailbox: what was in doubt twice, and is not there, goes out again."""
        there = {mail.message_id for mail in self.relay.taken}
        for digest, message_id in self.place.ask(PARKED):
            if message_id not in there:
                self.place.run("digest", "retry", str(digest))
                self.retried += 1


PARKED = "SELECT digest_id, message_id FROM delivery WHERE phase = 'parked'"
IN_DATA = "SELECT message_id FROM delivery WHERE phase = 'data'"


def trial(name: str, faults: int, *, seed: str, say: Callable[[str], None]) -> Verdict:
    """Let `faults` faults happen to one arrangement; say and give back what came of it."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aggregator-faults-")))
        cluster = None
        if name != "sqlite":
            cluster = Cluster(folder / "postgresql")
            stack.callback(cluster.close)
        relay, publisher = Relay(), Publisher(random.Random(f"{seed}/words"))
        smtp, http = stack.enter_context(serving(relay.converse)), stack.enter_context(serving(publisher.answer))
        place = Installation(folder, cluster.url if cluster else None, smtp=smtp, http=http, lease=LEASE)
        if name == "workers":
            place.environ["AGGREGATOR_ENGINE"] = "procrastinate"
        if place.run("run", "--once"):  # the first import is no news
            raise SystemExit(place.lives[-1].log.read_text(encoding="utf-8"))
        place.read_before()
        one = Trial(name, random.Random(f"{seed}/{name}"), place, publisher, relay, cluster)
        told = time.monotonic()
        while one.faults().total() < faults and not STOPPED.is_set():
            one.episode()
            if time.monotonic() > told + 60:
                told = time.monotonic()
                say(f"  {name}: {one.faults().total()} of {faults} faults")
        one.heal()
        found = judge(
            name,
            place,
            publisher,
            relay,
            doubts=one.doubts,
            faults=one.faults(),
            lives=one.lives,
            retried=one.retried,
        )
        say(found.told(seconds=time.monotonic() - began))
        return found


def main() -> None:
    """Try every arrangement, or those that are named, and print what came of it."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: STOPPED.set())  # it heals and judges what it has so far
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    names = sys.argv[2:] or list(ARRANGEMENTS)
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))
    say(f"SEED={seed}: {wanted} faults, {len(readers())} readers")
    shares = [wanted * (place + 1) // len(names) - wanted * place // len(names) for place in range(len(names))]
    with ThreadPoolExecutor(len(names)) as side_by_side:
        judged = side_by_side.map(partial(trial, seed=seed, say=say), names, shares)
        holds = [verdict.holds for verdict in judged]
    sys.exit(int(not all(holds)))


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
