"""What came of a trial by faults: what was offered compared with what the relay took, and what the program says of it."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date

import psutil

from benchmarks.faulty import CODE, Publisher, Relay
from benchmarks.ordeal import Installation, readers, watchers


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures of one arrangement."""

    name: str
    faults: Counter[str]
    lives: int
    items: int
    mails: int
    lost: int
    retried: int  # by hand, after two doubts
    waiting: int  # in mails that still wait for a person, after two doubts
    doubles: int  # without a doubt: a mail taken twice, or an item told in two mails
    events: int  # ambiguous ones
    made_up: int  # mails that were sent again after one
    worst: float  # copies beyond the first, an ambiguous event
    days: int  # unusual days that were told, a watcher and a day
    days_lost: int
    days_twice: int  # told in two mails, or to nobody's wish
    surprises: int  # lives with a traceback in their log
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.days_lost or self.doubles or self.days_twice or self.worst > 1 or self.problems)

    def told(self, *, seconds: float) -> str:
        """The figures in words."""
        kinds = "\n".join(f"    {number:5} {kind}" for kind, number in sorted(self.faults.items()))
        problems = "".join(f"\n  problem: {problem}" for problem in self.problems)
        return (
            f"{self.name}: {self.faults.total()} faults in {self.lives} lives and {seconds:.0f} s; {self.items} items to "
            f"{len(readers())} readers in {self.mails} mails\n{kinds}\n"
            f"  lost {self.lost}, in mails that wait for a person {self.waiting}, "
            f"duplicates outside ambiguous events {self.doubles}\n"
            f"  ambiguous events {self.events}, duplicates after one {self.made_up}, at most {self.worst:g} per event, "
            f"mails retried by hand after two {self.retried}\n"
            f"  unusual days told {self.days}, lost {self.days_lost}, told in two mails {self.days_twice}\n"
            f"  lives with a traceback in their log {self.surprises}"
            f"{problems}"
        )


def judge(
    name: str,
    place: Installation,
    publisher: Publisher,
    relay: Relay,
    *,
    doubts: Counter[str],
    faults: Counter[str],
    lives: int,
    retried: int,
) -> Verdict:
    """Compare, after everything has been given time to heal."""
    copies = Counter(mail.message_id for mail in relay.taken)
    contents = {mail.message_id: (mail.who, mail.codes()) for mail in relay.taken}
    told: dict[str, Counter[int]] = defaultdict(Counter)
    for who, codes in contents.values():
        told[who].update(codes)
    offered = {int(found[1]) for titles in publisher.offered for found in map(CODE.search, titles) if found}
    missing = {who: offered - set(told[who]) for who in readers()}
    waiting = {who: missing[who] & codes_waiting(place, who) for who in readers()}
    events = relay.doubtful + doubts
    beyond = {message_id: number - 1 for message_id, number in copies.items() if number > 1}
    return Verdict(
        name=name,
        faults=faults,
        lives=lives,
        items=len(offered),
        mails=len(copies),
        retried=retried,
        lost=sum(len(missing[who] - waiting[who]) for who in readers()),
        waiting=sum(map(len, waiting.values())),
        doubles=sum(extra for message_id, extra in beyond.items() if not events[message_id])
        + sum(number - 1 for who in readers() for number in told[who].values()),
        events=events.total(),
        made_up=sum(beyond.values()),
        worst=max((extra / max(1, events[message_id]) for message_id, extra in beyond.items()), default=0),
        surprises=surprises(place),
        **_days(place, relay),
        problems=tuple(problems(place, relay)),
    )


WAITING = """SELECT r.title FROM ledger l JOIN delivery d ON d.digest_id = l.digest_id AND d.phase = 'parked'
JOIN subscription s ON s.id = l.subscription_id JOIN subscriber p ON p.id = s.subscriber_id
JOIN match m ON m.id = l.match_id JOIN revision r ON r.entry_id = m.entry_id WHERE p.slug = '{}'"""


def codes_waiting(place: Installation, who: str) -> set[int]:
    """The items in mails to a reader that wait for a person."""
    titles = [title for (title,) in place.ask(WAITING.format(who))]
    return {int(found[1]) for found in map(CODE.search, titles) if found}


DAYS = """SELECT p.slug, k.day, d.phase FROM spike k JOIN subscription s ON s.id = k.subscription_id
JOIN subscriber p ON p.id = s.subscriber_id LEFT JOIN delivery d ON d.digest_id = k.digest_id"""


def _days(place: Installation, relay: Relay) -> dict[str, int]:
    """The unusual days: what was noted for one watcher is due to each, in one mail."""
    mails: dict[tuple[str, str], set[str]] = defaultdict(set)
    for mail in relay.taken:
        for day in mail.days():
            mails[mail.who, day].add(mail.message_id)
    rows = [(who, f"{date.fromisoformat(str(day)):%a %-d %b}", phase) for who, day, phase in place.ask(DAYS)]
    noted = {day for _, day, _ in rows}
    waiting = {(who, day) for who, day, phase in rows if phase == "parked"}
    due = {(who, day) for who in watchers() for day in noted}
    return {
        "days": len(mails),
        "days_lost": len(due - set(mails) - waiting),
        "days_twice": sum(len(ids) - 1 for ids in mails.values()) + len(set(mails) - due),
    }


def problems(place: Installation, relay: Relay) -> list[str]:
    """What else should not be: the program's own proof, the database's, other bytes under one name, what is left over."""
    found = []
    audit = subprocess.run(
        [sys.executable, "-m", "aggregator", "audit", "--json"], env=place.environ, capture_output=True, check=False
    )
    if audit.returncode or not json.loads(audit.stdout or b"{}").get("closes"):
        found.append(f"the audit does not close: {audit.stdout.decode()}{audit.stderr.decode()}")
    if place.database.startswith("sqlite") and place.ask("PRAGMA integrity_check") != [("ok",)]:
        found.append("the database is damaged")
    if leases := place.ask("SELECT message_id FROM delivery WHERE lease IS NOT NULL"):
        found.append(f"leases left over: {leases}")
    if len(set(relay.taken)) != len({mail.message_id for mail in relay.taken}):
        found.append("a mail was sent again with other bytes")
    alive = [child for life in place.lives for child in life.children if child.is_running()]
    if alive := psutil.wait_procs(alive, timeout=10)[1]:
        found.append(f"processes left over: {alive}")
    return found


def surprises(place: Installation) -> int:
    """How many lives told of something unforeseen: libraries do when the database goes away under them."""
    return sum("Traceback" in life.log.read_text(encoding="utf-8") for life in place.lives)
