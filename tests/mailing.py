"""A house whose mail is due to two people, and what must hold of it after whatever happened on the way."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import psutil
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from aggregator.core.model.plans import LedgerPlan
from aggregator.core.model.subscriptions import LedgerState
from aggregator.store import audience, claims, dialect, feeds, plans, subscribers, topics
from aggregator.store.database import Store
from tests.commands import Ran
from tests.databases import make_ready
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic
from tests.farm import Farm
from tests.house import House
from tests.patience import PATIENCE
from tests.relays import OTHER, VICTIM, Relay, serving

DUE = NOW + timedelta(days=1, hours=2)
WAITS = {
    "sqlite": "SELECT count(*) FROM sqlite_master a, sqlite_master b, sqlite_master c, sqlite_master d, sqlite_master e",
    "postgresql": "PERFORM pg_sleep(300)",
}
REFUSES = {
    "sqlite": "SELECT RAISE(ABORT, 'no room')",
    "postgresql": "RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'",
}
HOLDS = 20  # looks in a row that find SQLite locked mean that a transaction is held, and not just slow


class Mailing(House):
    """Two people, each with two pending matches whose digest is due at `DUE`."""

    def __init__(self, folder: Path, farm: Farm, database: str | None = None) -> None:
        super().__init__(folder, farm, database, AGGREGATOR_SMTP_HOST="127.0.0.1", AGGREGATOR_SMTP_TLS="none")
        people = "".join(
            f"  - id: {slug}\n    email: {slug}@example.org\n    subscriptions:\n"
            "      - {id: morning, topics: [narcotics], at: '07:30'}\n"
            for slug in (VICTIM, OTHER)
        )
        listed = farm.feed_list().partition("subscribers:")[0]
        (folder / "feeds.yaml").write_text(f"{listed}subscribers:\n{people}", encoding="utf-8")
        make_ready(self.database)
        store = Store(self.database)
        store.write(seed, farm.url(0))
        store.close()

    def prepare(self, relay: Relay, *, after: timedelta = timedelta()) -> None:
        """Let commands mail over `relay`, `after` the digests were due."""
        self.environ["AGGREGATOR_SMTP_PORT"] = str(relay.port)
        self.environ["AGGREGATOR_CLOCK"] = (DUE + after).isoformat().replace("+00:00", "Z")

    def send(self, relay: Relay, *command: str, after: timedelta = timedelta()) -> subprocess.Popen[bytes]:
        """Start a command that mails over `relay`, `after` the digests were due."""
        self.prepare(relay, after=after)
        return self.start(*(command or ("digest", "run")))

    def mail(self, relay: Relay, *, after: timedelta = timedelta()) -> Ran:
        """Mail over `relay` from this process, to which nothing happens meanwhile."""
        self.prepare(relay, after=after)
        ran = self.shell.run("digest", "run")
        assert ran.code in {0, 1}, ran.err
        assert "Traceback" not in ran.err, ran.err
        return ran

    def sent(self) -> int:
        """How many mails are recorded as sent."""
        return len(self.ask("SELECT id FROM delivery WHERE phase = 'sent'"))

    def doubted(self) -> set[str]:
        """Whose mail was being given when the process ended."""
        return {
            str(who).partition("@")[0] for (who,) in self.ask("SELECT recipient FROM delivery WHERE phase = 'data'")
        }

    def holding(self, event: str, condition: str = "") -> AbstractContextManager[None]:
        """Within the block, who does `event` to the victim's row of the outbox is held inside its transaction."""
        return self._with_trigger(event, condition, WAITS)

    def refusing(self, event: str, condition: str = "") -> AbstractContextManager[None]:
        """Within the block, who does `event` to the victim's row of the outbox is told that there is no room."""
        return self._with_trigger(event, condition, REFUSES)

    @contextmanager
    def _with_trigger(self, event: str, condition: str, does: Mapping[str, str]) -> Iterator[None]:
        engine = create_engine(dialect.parse_url(self.database), isolation_level="AUTOCOMMIT")
        name, when = engine.dialect.name, f"NEW.recipient = '{VICTIM}@example.org' {condition}"
        with engine.connect() as connection:
            for statement in TRIGGERS[name]:
                connection.execute(text(statement.format(event=event, when=when, does=does[name])))
        try:
            yield
        finally:
            with engine.connect() as connection:
                for statement in RELEASES[name]:
                    connection.execute(text(statement))
            engine.dispose()

    def wait_until_held(self) -> None:
        """Until a process is where `holding` holds it."""
        if not self.database.startswith("sqlite"):
            return self.wait(lambda: self.ask(SLEEPERS) != [(0,)])
        looks, deadline = 0, time.monotonic() + PATIENCE
        while looks < HOLDS:
            assert time.monotonic() < deadline, "nothing is held"
            looks = looks + 1 if self._locked() else 0
            time.sleep(0.05)
        return None

    def _locked(self) -> bool:
        engine = create_engine(dialect.parse_url(self.database), connect_args={"timeout": 0.0})
        try:
            with engine.connect() as connection:
                connection.execute(text("BEGIN IMMEDIATE"))
        except OperationalError:
            return True
        finally:
            engine.dispose()
        return False

    def made_up_for(self, broken: Relay, *, doubles: int | None = None) -> None:
        """With a healthy relay everybody has everything, once; who was in doubt and had the mail, twice, the same bytes.

        `doubles` is how many copies the victim has too many; None for what the doubts make of it.
        """
        again = Counter(self.doubted() & {who for who, _ in broken.accepted})
        with serving() as relay:
            for minutes in (5, 45, 300):
                if self.sent() < 2:
                    self.mail(relay, after=timedelta(minutes=minutes))
        taken = broken.accepted + relay.accepted
        expected = Counter({VICTIM: 1, OTHER: 1}) + (again if doubles is None else Counter({VICTIM: doubles}))
        assert Counter(who for who, _ in taken) == expected
        assert len(set(taken)) == 2
        assert len({message_from_bytes(message)["Message-ID"] for _, message in taken}) == 2
        self.everything_is_settled()

    def everything_is_settled(self) -> None:
        """Every match is delivered by a mail that was sent, and the program's own proof says so."""
        assert self.ask("SELECT state, count(*) FROM ledger WHERE digest_id IS NOT NULL GROUP BY state") == [
            ("delivered", 4)
        ]
        assert self.ask("SELECT count(*) FROM ledger WHERE state = 'pending'") == [(0,)]
        assert self.ask("SELECT phase, count(*) FROM delivery WHERE lease IS NULL GROUP BY phase") == [("sent", 2)]
        assert self.ask("SELECT count(*) FROM digest") == [(2,)]
        self.run("audit")
        if self.database.startswith("sqlite"):
            assert self.ask("PRAGMA integrity_check") == [("ok",)]


SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
TRIGGERS = {
    "sqlite": ("CREATE TRIGGER held BEFORE {event} ON delivery WHEN {when} BEGIN {does}; END",),
    "postgresql": (
        "CREATE FUNCTION hold() RETURNS trigger AS $$ BEGIN {does}; RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER held BEFORE {event} ON delivery FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION hold()",
    ),
}
RELEASES = {
    "sqlite": ("DROP TRIGGER held",),
    "postgresql": (
        # A server does not notice that its guest is gone while it is busy.
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
        "DROP TRIGGER held ON delivery",
        "DROP FUNCTION hold",
    ),
}


def seed(connection: Connection, url: str) -> None:
    """Two matches, pending for both."""
    wire = make_feed("f0", url)
    feeds.save(connection, [wire], now=NOW)
    topics.save(connection, [make_topic()], now=NOW)
    people = [make_subscriber(slug) for slug in (VICTIM, OTHER)]
    subscribers.save(connection, people, {VICTIM: "p", OTHER: "q"}, now=NOW)
    watching = [one.subscription_id for one in audience.watchers(connection, ["narcotics"])["narcotics"]]
    due = tuple(LedgerPlan(subscription_id=one, state=LedgerState.PENDING) for one in watching)
    claims.claim(connection, now=NOW, lease="a", lasts=timedelta(minutes=2))
    new = tuple(make_entry_plan(f"id:{n}", matches=(make_match(ledger=due),)) for n in range(2))
    plans.apply(connection, [make_plan(wire, "a", new=new)], now=NOW)


@contextmanager
def killed_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Kill `process` when the block ends, however it does; none of its children may outlive it."""
    children: list[psutil.Process] = []
    try:
        yield process
    finally:
        if process.poll() is None:
            children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
