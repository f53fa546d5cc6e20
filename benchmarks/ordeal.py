"""An installation that is to suffer faults: its files, its clock, and the real processes on it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from aggregator.store import dialect
from benchmarks.faulty import FEEDS

ZONES = ("Asia/Kolkata", "America/New_York", "UTC", "Australia/Lord_Howe")
HOURLY = ", ".join(f"'{hour:02}:05'" for hour in range(24))
START = datetime(2026, 1, 26, 9, tzinfo=UTC)
SOON = (
    "UPDATE feed_state SET next_check_at = :at",
    "UPDATE host SET next_due_at = :at, hold_until = NULL",
    "UPDATE delivery SET next_try_at = :at WHERE next_try_at > :at",
    "UPDATE relay SET parked_until = NULL WHERE parked_until > :at",
)
UNFINISHED = (
    "SELECT count(*) FROM ledger WHERE state = 'pending'",
    "SELECT count(*) FROM delivery WHERE ended_at IS NULL AND phase <> 'parked'",
    "SELECT count(*) FROM spike WHERE digest_id IS NULL AND reason IS NULL",
)
READ = "INSERT INTO feed_day (feed_id, day, checks, ok, new, gaps) VALUES (:feed, :day, 24, 24, 0, 0)"
READ_BEFORE = 30  # days on which the feeds were read before anything happened: a new feed makes no unusual day


def readers() -> tuple[str, ...]:
    """Who is written to: each one subscription, so that a name stands for it."""
    return (*(f"timed{number}" for number in range(10)), *(f"prompt{number}" for number in range(4)))


def watchers() -> tuple[str, ...]:
    """Who wishes to be told of unusual days: each one subscription to a topic of their own."""
    return ("watch0", "watch1", "watch2", "watch3")


def feed_list(port: int) -> str:
    """Feeds on loopback, two topics, the readers and the watchers: some hourly, some told at once."""
    feeds = "\n".join(f"  - {{id: f{n}, url: 'http://127.0.0.1:{port}/{n}'}}" for n in range(FEEDS))
    people = ""
    for n, name in enumerate(readers()):
        when = f"at: [{HOURLY}]" if name.startswith("timed") else "immediate: true"
        people += f"  - id: {name}\n    email: {name}@example.org\n    timezone: {ZONES[n % len(ZONES)]}\n"
        people += f"    subscriptions:\n      - {{id: news, topics: [narcotics], {when}}}\n"
    for n, name in enumerate(watchers()):
        when = f"at: [{HOURLY}]" if n % 2 else "immediate: true"
        people += f"  - id: {name}\n    email: {name}@example.org\n    timezone: {ZONES[n % len(ZONES)]}\n"
        people += f"    subscriptions:\n      - {{id: news, topics: [rising], {when}, spikes: true}}\n"
    topics = "topics:\n  - {id: narcotics, keywords: [fentanyl]}\n"
    topics += "  - {id: rising, keywords: [fentanyl], alert_at: 9}\n"
    return f"defaults: {{backlog: 0}}\nfeeds:\n{feeds}\n{topics}subscribers:\n{people}"


@dataclass(slots=True)
class Life:
    """One process of the program, its children, and what it wrote."""

    process: subprocess.Popen[bytes]
    log: Path
    children: set[psutil.Process] = field(default_factory=set)

    def wait(self, patience: float) -> None:
        """Until it works, or has ended, or patience has."""
        deadline = time.monotonic() + patience
        while b"service.started" not in self.log.read_bytes() and self.process.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(self.log.read_text(encoding="utf-8"))
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, when it still is."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once; it may have ended already."""
        with suppress(psutil.Error):
            self.children |= set(psutil.Process(self.process.pid).children(recursive=True))
        self.process.kill()
        self.process.wait()

    def wait_for_end(self) -> None:
        """After a polite word: mails past DATA are waited for."""
        with suppress(psutil.Error):
            self.children |= set(psutil.Process(self.process.pid).children(recursive=True))
        self.process.wait(300)


@dataclass(slots=True)
class Installation:
    """A folder with a feed list, a database, and a clock that jumps between lives."""

    folder: Path
    database: str
    environ: dict[str, str]
    now: datetime = START
    since: float = field(default_factory=time.monotonic)
    lives: list[Life] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __init__(self, folder: Path, database: str | None, *, smtp: int, http: int, lease: float) -> None:
        self.folder, self.now, self.since, self.lives, self.problems = folder, START, time.monotonic(), [], []
        self.database = database or f"sqlite:///{folder / 'data' / 'aggregator.db'}"
        (folder / "feeds.yaml").write_text(feed_list(http), encoding="utf-8")
        own = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
        self.environ = own | {
            "AGGREGATOR_CONFIG": str(folder / "feeds.yaml"),
            "AGGREGATOR_DATA_DIR": str(folder / "data"),
            "AGGREGATOR_DATABASE": self.database,
            "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8",
            "AGGREGATOR_HOST_GAP": "0s",
            "AGGREGATOR_WORKERS": "1",
            "AGGREGATOR_TICK": "1s",
            "AGGREGATOR_LEASE": f"{lease:g}s",
            "AGGREGATOR_SMTP_HOST": "127.0.0.1",
            "AGGREGATOR_SMTP_PORT": str(smtp),
            "AGGREGATOR_SMTP_TLS": "none",
        }

    def clock(self) -> datetime:
        """What a process that starts now takes for the time."""
        return self.now + timedelta(seconds=time.monotonic() - self.since)

    def later(self, by: timedelta) -> None:
        """Let time pass, as if the machine had been off."""
        self.now, self.since = self.clock() + by, time.monotonic()

    def start(self, *command: str) -> Life:
        """A process of the program."""
        log = self.folder / f"{len(self.lives)}.log"
        environ = {**self.environ, "AGGREGATOR_CLOCK": self.clock().isoformat().replace("+00:00", "Z")}
        with log.open("wb") as out:
            call = [sys.executable, "-m", "aggregator", *command]
            life = Life(subprocess.Popen(call, env=environ, stdout=out, stderr=subprocess.STDOUT), log)
        self.lives.append(life)
        return life

    def run(self, *command: str) -> int:
        """A command to its end: its exit code."""
        life = self.start(*command)
        life.process.wait(300)
        return int(life.process.returncode)

    def ask(self, query: str) -> list[tuple[str, ...]]:
        """What the database answers, asked past the program."""
        engine = create_engine(dialect.parse_url(self.database))
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            engine.dispose()

    def make_due(self) -> None:
        """Let every feed be due for its next check, and every mail for its next try, so that nobody need wait an hour."""
        engine = dialect.make_engine(self.database)
        at = {"at": self._stored(self.clock())}
        try:
            with engine.begin() as connection:
                for statement in SOON:
                    connection.execute(text(statement), at)
        except OperationalError:
            pass  # a process holds the lock, or the database is away: the next life will find them due
        finally:
            engine.dispose()

    def _stored(self, instant: datetime) -> datetime:
        """An instant as the database's driver takes it."""
        return instant.replace(tzinfo=None) if self.database.startswith("sqlite") else instant

    def read_before(self) -> None:
        """Let the feeds have been read for a month, and have been quiet."""
        first = self.clock() - timedelta(days=READ_BEFORE)
        days = [(first + timedelta(days=n)).date() for n in range(READ_BEFORE)]
        rows = [{"feed": f"f{n}", "day": day.isoformat()} for n in range(FEEDS) for day in days]
        engine = dialect.make_engine(self.database)
        try:
            with engine.begin() as connection:
                connection.execute(text(READ), rows)
                connection.execute(text("UPDATE feed_state SET baseline_at = :at"), {"at": self._stored(first)})
        finally:
            engine.dispose()

    def entries(self) -> int:
        """How many entries are stored."""
        return int(self.ask("SELECT count(*) FROM entry")[0][0])

    def stored(self, entries: int, *, patience: float) -> bool:
        """Whether so many entries are stored, at the latest after `patience` seconds."""
        deadline = time.monotonic() + patience
        while self.entries() < entries:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def unfinished(self, entries: int) -> bool:
        """Whether something is still to be stored, told or sent."""
        return not self.stored(entries, patience=0) or any(int(self.ask(query)[0][0]) for query in UNFINISHED)
