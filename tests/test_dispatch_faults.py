"""Relays that die and processes that are killed at every point of a mail: real processes, real signals, a real wire."""

import signal
import socketserver
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from aggregator.core.model.plans import LedgerPlan
from aggregator.core.model.subscriptions import LedgerState
from aggregator.store import claims, dialect, feeds, migrate, plans, subscribers, topics
from aggregator.store.database import Store
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic
from tests.farm import Farm
from tests.house import House

VICTIM, OTHER = "desk", "night"
DUE = NOW + timedelta(days=1, hours=2)
PATIENCE = 30.0
LOCK = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE delivery IN EXCLUSIVE MODE"}


@dataclass
class Relay:
    """A relay on loopback. At `fault` the victim's session ends, or with `stalls` waits until `go_on` is set."""

    fault: str | None = None
    stalls: bool = False
    takes: bool = True  # whether a message whose last dot was read is kept though no reply was given
    port: int = 0
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    def at(self, point: str, who: str) -> bool:
        """Whether the session goes on after `point`."""
        if point != self.fault or who != VICTIM:
            return True
        self.reached.set()
        return self.stalls and self.go_on.wait(PATIENCE) and point != "inside"  # there it stops reading for good

    def converse(self, session: socketserver.StreamRequestHandler) -> None:
        def say(line: str) -> None:
            session.wfile.write(line.encode() + b"\r\n")

        if self.fault == "greeting":
            self.reached.set()
            return say("421 4.3.2 not now")
        say("220 relay ready")
        who = ""
        while line := session.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                who = line.decode().partition("<")[2].partition("@")[0]
            if verb == b"DATA":
                if not self.at("before 354", who):
                    return None
                say("354 go on")
                if not self._take(session, who):
                    return None
            say({b"QUIT": "221 bye", b"DATA": "250 2.0.0 queued"}.get(verb, "250 ok"))
            if verb == b"QUIT" and who == VICTIM:
                self.left.set()
        return None

    def _take(self, session: socketserver.StreamRequestHandler, who: str) -> bool:
        if not self.at("inside", who):
            return False
        whole = bytearray()
        while (line := session.rfile.readline()) != b".\r\n":
            if not line:
                return False
            whole += line
        if self.fault != "after dot" or who != VICTIM or self.takes:
            self.accepted.append((who, bytes(whole)))
        return self.at("after dot", who)


@contextmanager
def serving(**script: Any) -> Iterator[Relay]:
    relay = Relay(**script)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # the program was killed
                relay.converse(self)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        relay.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield relay
        finally:
            relay.go_on.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=1, hosts=1) as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, farm: Farm) -> House:
    """Two people, each with two pending matches whose digest is due at `DUE`."""
    database = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    house = House(tmp_path, farm, database, AGGREGATOR_SMTP_HOST="127.0.0.1", AGGREGATOR_SMTP_TLS="none")
    people = "".join(
        f"  - id: {slug}\n    email: {slug}@example.org\n    subscriptions:\n"
        "      - {id: morning, topics: [narcotics], at: '07:30'}\n"
        for slug in (VICTIM, OTHER)
    )
    listed = farm.feed_list().partition("subscribers:")[0]
    (tmp_path / "feeds.yaml").write_text(f"{listed}subscribers:\n{people}", encoding="utf-8")
    migrate.upgrade(house.database, now=NOW)
    store = Store(house.database)
    store.write(seed, farm.url(0))
    store.close()
    return house


def seed(connection: Connection, url: str) -> None:
    wire = make_feed("f0", url)
    feeds.save(connection, [wire], now=NOW)
    topics.save(connection, [make_topic()], now=NOW)
    people = [make_subscriber(slug) for slug in (VICTIM, OTHER)]
    subscribers.save(connection, people, {VICTIM: "p", OTHER: "q"}, now=NOW)
    watching = [one.subscription_id for one in subscribers.watchers(connection)["narcotics"]]
    due = tuple(LedgerPlan(subscription_id=one, state=LedgerState.PENDING) for one in watching)
    claims.claim(connection, now=NOW, lease="a", lasts=timedelta(minutes=2))
    new = tuple(make_entry_plan(f"id:{n}", matches=(make_match(ledger=due),)) for n in range(2))
    plans.apply(connection, [make_plan(wire, "a", new=new)], now=NOW)


def send(house: House, relay: Relay, *command: str, after: timedelta = timedelta()) -> subprocess.Popen[bytes]:
    house.environ["AGGREGATOR_SMTP_PORT"] = str(relay.port)
    house.environ["AGGREGATOR_CLOCK"] = (DUE + after).isoformat().replace("+00:00", "Z")
    return house.start(*(command or ("digest", "run")))


def killed(house: House, relay: Relay) -> None:
    """Kill the program when the victim's session is at the point where the relay stalls."""
    process = send(house, relay)
    try:
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: sent(house) == 1)  # so that only the victim's session is in question
    finally:
        process.kill()
        process.communicate()
    relay.go_on.set()


def sent(house: House) -> int:
    return len(house.ask("SELECT id FROM delivery WHERE phase = 'sent'"))


def made_up_for(house: House, broken: Relay, *, doubles: int) -> None:
    """With a healthy relay everybody has everything: at most `doubles` more than once, with the same bytes."""
    with serving() as relay:
        for minutes in (5, 45, 300):
            if sent(house) < 2:
                process = send(house, relay, after=timedelta(minutes=minutes))
                _, errors = process.communicate(timeout=PATIENCE)
                assert b"Traceback" not in errors, errors.decode()
    taken = broken.accepted + relay.accepted
    times = Counter(who for who, _ in taken)
    assert times == {VICTIM: 1 + doubles, OTHER: 1}
    assert len(set(taken)) == 2
    assert len({message_from_bytes(message)["Message-ID"] for _, message in taken}) == 2
    assert set(house.ask("SELECT state, count(*) FROM ledger WHERE digest_id IS NOT NULL GROUP BY state")) == {
        ("delivered", 4)
    }
    assert house.ask("SELECT count(*) FROM ledger WHERE state = 'pending'") == [(0,)]
    assert house.ask("SELECT phase, count(*) FROM delivery WHERE lease IS NULL GROUP BY phase") == [("sent", 2)]


@pytest.mark.parametrize(("point", "doubles"), [("before 354", 0), ("inside", 0), ("after dot", 1)])
def test_a_program_killed_in_the_middle_of_a_mail_is_made_up_for(house: House, point: str, doubles: int) -> None:
    with serving(fault=point, stalls=True) as relay:
        killed(house, relay)
    made_up_for(house, relay, doubles=doubles)


def test_a_program_killed_between_the_reply_and_its_record_sends_the_same_mail_once_more(house: House) -> None:
    engine = create_engine(dialect.parse_url(house.database), isolation_level="AUTOCOMMIT")
    with serving(fault="after dot", stalls=True) as relay, engine.connect() as connection:
        process = send(house, relay)
        try:
            assert relay.reached.wait(PATIENCE)
            house.wait(lambda: sent(house) == 1)
            if connection.dialect.name == "postgresql":
                connection.execute(text("BEGIN"))
            connection.execute(text(LOCK[connection.dialect.name]))
            relay.go_on.set()
            assert relay.left.wait(PATIENCE)
        finally:
            process.kill()
            process.communicate()
        connection.execute(text("ROLLBACK"))
    engine.dispose()
    assert house.ask("SELECT phase FROM delivery WHERE phase <> 'sent'") == [("data",)]
    made_up_for(house, relay, doubles=1)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # what a relay does is nothing to the database
@pytest.mark.parametrize(
    ("point", "takes", "doubles"),
    [("greeting", False, 0), ("before 354", False, 0), ("after dot", False, 0), ("after dot", True, 1)],
)
def test_a_relay_that_dies_in_the_middle_of_a_mail_is_made_up_for(
    house: House, point: str, doubles: int, *, takes: bool
) -> None:
    with serving(fault=point, takes=takes) as relay:
        process = send(house, relay)
        _, errors = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in errors, errors.decode()
    assert relay.reached.is_set()
    assert process.returncode == 1
    made_up_for(house, relay, doubles=doubles)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # as little is what a signal does
@pytest.mark.parametrize("command", [("digest", "run"), ("run",)])
def test_a_program_told_to_stop_waits_for_the_reply_to_a_mail(house: House, command: tuple[str, ...]) -> None:
    with serving(fault="after dot", stalls=True) as relay:
        process = send(house, relay, *command)
        try:
            assert relay.reached.wait(PATIENCE)
            house.wait(lambda: sent(house) == 1)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            relay.go_on.set()
            process.wait(PATIENCE)
        finally:
            process.kill()
            _, errors = process.communicate()
    assert b"Traceback" not in errors, errors.decode()
    assert sent(house) == 2
    made_up_for(house, relay, doubles=0)
