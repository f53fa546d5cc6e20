"""A wish for spikes from the command line: planned, applied, shown, previewed, sent, and weighed by the audit."""

import contextlib
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

from aggregator.core.stories.trends import LOOKBACK
from aggregator.store.database import Store
from aggregator.store.schema import topic_version
from tests.commands import Shell, make_shell
from tests.databases import make_ready
from tests.factories import make_feed, make_topic
from tests.history import at, came, checked, days_before, follow

TODAY = date(2026, 1, 27)
DAYS = days_before(TODAY, 2 + LOOKBACK)
FILE = """
feeds:
  - {id: wire, url: "https://wire.example/feed.xml"}
topics:
  - {id: narcotics, name: Narcotics, query: fentanyl}
subscribers:
  - id: desk
    email: desk@example.org
    subscriptions:
      - {id: alerts, topics: [narcotics], immediate: true%s}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Seventy days of a feed with a story a day, and today with twelve that came after the reader's wish."""
    database = f"sqlite:///{tmp_path / 'data' / 'aggregator.db'}"
    make_ready(database)
    store = Store(database)
    follow(store, [make_feed("wire")], topic=make_topic(), since=at(DAYS[0], 0))
    store.write(lambda connection: connection.execute(update(topic_version).values(replay_after=None)))
    checked(store, "wire", DAYS)
    came(store, "wire", [at(day, 5) for day in DAYS[1:]], title="=Seizure {n}")
    made = make_shell(tmp_path)
    made.write(FILE % "")
    assert made.run("apply").code == 0
    made.write(FILE % ", spikes: true")
    planned = made.run("plan")
    assert planned.out.startswith("~ subscription desk/alerts\n    spikes: false -> true\n")
    assert made.run("apply").code == 0
    came(store, "wire", [at(TODAY, 7 + n / 20) for n in range(12)], title="Raid {n}")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "aggregator.db")) as connection:
        connection.execute(
            "INSERT INTO ledger (subscription_id, match_id, state, reason, at) SELECT 1, id, 'suppressed', 'below_alert', "
            "first_seen FROM match WHERE id NOT IN (SELECT match_id FROM ledger)"
        )
        connection.commit()
    store.close()
    return made


def test_a_wish_is_planned_shown_and_kept(shell: Shell) -> None:
    assert "at once, spikes too" in " ".join(shell.run("subscribers", "show", "desk").out.split())
    (of,) = shell.run("subscribers", "show", "desk", "--json").line["subscriptions"]
    assert of["spikes"] is True
    assert "spikes" not in shell.run("plan").out


def test_a_spike_is_mailed_listed_and_counted_by_the_audit(shell: Shell) -> None:
    foreseen = shell.run("digest", "preview", "desk")
    assert "13 stories so far on Tue 27 Jan (UTC); usually about 1." in foreseen.out
    assert shell.run("audit", "--json").line["spikes"]["spikes_due"] == 0
    assert shell.run("digest", "run").code == 0
    (mail,) = shell.run("digest", "list", "--json").lines
    assert mail["subject"] == "[Narcotics] 1 unusual day: 13 stories on Tue 27 Jan, usually about 1"
    spikes = shell.run("audit", "--json").line["spikes"]
    assert sum(spikes[state] for state in ("delivered", "pending", "failed")) == spikes["spikes_due"] == 1
    shown = shell.run("audit")
    assert shown.code == 0
    assert "1 spike due = " in shown.out
    assert "Raid 0" in shell.run("digest", "show", "1").out
    assert "unusual day" not in shell.run("digest", "preview", "desk").out
    assert '"counted": 13' in shell.run("subscribers", "export", "desk").out


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "DELETE FROM delivery",
            "desk/alerts: 1 spike is in a digest that nothing will send (first spike 1, digest 1)",
        ),
        ("UPDATE spike SET reason = 'unwished'", "desk/alerts: 1 spike is in a digest that nothing will send"),
    ],
)
def test_a_spike_that_is_lost_is_named_and_fails_the_audit(shell: Shell, statement: str, words: str) -> None:
    assert shell.run("digest", "run").code == 0
    with contextlib.closing(sqlite3.connect(shell.folder / "data" / "aggregator.db")) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()
    ran = shell.run("audit", "--json")
    assert ran.code == 1
    assert (ran.line["closes"], ran.line["spikes"]["faults"][0]["count"]) == (False, 1)
    assert words in ran.err
    shown = shell.run("audit")
    assert (shown.code, words in shown.out, "and 1 of 1 spike" in shown.err) == (1, True, True)
