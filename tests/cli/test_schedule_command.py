"""`schedule`: the runs that come, as a reader's clock shows them and in UTC."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.commands import Ran, Shell, make_shell

LIST = """
feeds:
  - {{id: wire, url: "https://wire.example/feed.xml"}}
topics:
  - {{id: narcotics, keywords: [fentanyl]}}
subscribers:
  - id: desk
    email: desk@example.org
    timezone: {zone}
    subscriptions:
{subscriptions}
  - {{id: bare, email: bare@example.org, timezone: UTC, subscriptions: []}}
"""
MORNING = "      - {id: morning, topics: [narcotics], at: '%s'%s}"
ALERTS = "      - {id: alerts, topics: [narcotics], immediate: true, quiet: '22:00-06:00'}"


def shell_of(folder: Path, *subscriptions: str, zone: str, at: str = "2026-03-27T12:00:00Z") -> Shell:
    shell = make_shell(folder, AGGREGATOR_CLOCK=at)
    shell.write(LIST.format(zone=zone, subscriptions="\n".join(subscriptions)))
    assert shell.run("db", "upgrade").code == 0
    ran = shell.run("apply")
    assert ran.code == 0, ran.err
    return shell


@pytest.fixture
def berlin(tmp_path: Path) -> Shell:
    """A reader in Berlin, two days before the clock goes forward, with a mail at half past two and alerts."""
    return shell_of(tmp_path, MORNING % ("02:30", ""), ALERTS, zone="Europe/Berlin")


def pairs(ran: Ran) -> list[tuple[str, str]]:
    return [(line["local"], line["utc"]) for line in ran.lines]


def test_each_run_is_a_line_and_one_in_a_gap_is_at_the_first_valid_instant(berlin: Shell) -> None:
    ran = berlin.run("schedule", "desk", "--days", "3", "--json")
    assert ran.code == 0
    assert pairs(ran) == [
        ("2026-03-28T02:30:00+01:00", "2026-03-28T01:30:00Z"),
        ("2026-03-29T03:00:00+02:00", "2026-03-29T01:00:00Z"),
        ("2026-03-30T02:30:00+02:00", "2026-03-30T00:30:00Z"),
    ]
    assert [line["shift"] for line in ran.lines] == [None, "gap", None]
    assert {line["subscription"] for line in ran.lines} == {"morning"}
    assert ran.lines[1]["asked"] == "2026-03-29T02:30"


def test_a_time_that_comes_twice_has_one_run(tmp_path: Path) -> None:
    shell = shell_of(tmp_path, MORNING % ("02:30", ""), zone="Europe/Berlin", at="2026-10-24T12:00:00Z")
    ran = shell.run("schedule", "desk", "--days", "2", "--json")
    assert pairs(ran) == [
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-26T02:30:00+01:00", "2026-10-26T01:30:00Z"),
    ]
    assert ran.lines[0]["shift"] == "fold"
    assert "fold: 1st 02:30  03:00 becomes 02:00" in shell.run("schedule", "desk").out


def test_people_read_what_the_clock_does(berlin: Shell) -> None:
    shown = berlin.run("schedule", "desk")
    assert shown.code == 0
    assert "Sun 2026-03-29 03:00  +02:00  2026-03-29 01:00" in shown.out
    assert "gap: no 02:30  02:00 becomes 03:00" in shown.out
    assert len([line for line in shown.out.splitlines() if line.startswith("morning")]) == 14


def test_an_immediate_subscription_says_that_it_has_no_times(berlin: Shell) -> None:
    said = "alerts: immediate, no set times: a match is mailed at once, quiet 22:00-06:00"
    assert said in berlin.run("schedule", "desk").out
    ran = berlin.run("schedule", "desk", "--json")
    assert said in ran.err
    assert len(ran.lines) == 14


def test_a_year_ahead_has_each_day_once_for_every_subscription(tmp_path: Path) -> None:
    weekly = MORNING.replace("morning", "weekly") % ("09:00", ", days: [monday]")
    shell = shell_of(tmp_path, MORNING % ("07:30", ""), weekly, zone="America/New_York")
    ran = shell.run("schedule", "desk", "--days", "400", "--json")
    daily = [line["local"][:10] for line in ran.lines if line["subscription"] == "morning"]
    mondays = [line["local"] for line in ran.lines if line["subscription"] == "weekly"]
    assert len(daily) == len(set(daily)) == 400
    assert {datetime.fromisoformat(one).weekday() for one in mondays} == {0}
    assert [line["utc"] for line in ran.lines] == sorted(line["utc"] for line in ran.lines)
    for line in ran.lines:
        assert datetime.fromisoformat(line["local"]).astimezone(UTC) == datetime.fromisoformat(line["utc"])
    assert len(shell.run("schedule", "desk", "--json", "--limit", "5").lines) == 5


def test_who_has_no_subscription_and_who_does_not_exist_are_told_apart(berlin: Shell) -> None:
    bare = berlin.run("schedule", "bare")
    assert (bare.code, bare.out) == (0, "bare has no subscription\n")
    nobody = berlin.run("schedule", "nobody", "--json")
    assert (nobody.code, nobody.out) == (2, "")
    assert "no such subscriber: nobody" in nobody.err
    assert berlin.run("schedule", "desk", "--days", "0").code == 2
