"""`plan` and `apply`: what an edit of the files would change is told first, then done, and never done by half."""

from pathlib import Path

import pytest

from tests.commands import Shell, make_shell
from tests.world import listed

ONE = listed([("wire", "https://wire.example/feed")])
TWO = listed([("wire", "https://wire.example/feed"), ("un", "https://un.example/feed")])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = make_shell(tmp_path)
    shell.write(ONE)
    return shell


def test_a_plan_says_what_would_change_and_changes_nothing(shell: Shell) -> None:
    first, second = shell.run("plan"), shell.run("plan")
    assert first.code == 0
    assert "+ feed wire" in first.out
    assert "4 changes: 4 to add; `aggregator apply` makes it so" in first.out
    assert second.out == first.out


def test_what_is_applied_is_no_change_any_more(shell: Shell) -> None:
    assert "4 changes: 4 added" in shell.run("apply").out
    assert "nothing to change" in shell.run("plan").out


def test_a_change_is_told_field_by_field(shell: Shell) -> None:
    shell.run("apply")
    shell.write(TWO.replace('at: "12:30"', 'at: "08:00"').replace("keywords: [fentanyl,", "keywords: [heroin,"))
    ran = shell.run("plan")
    assert "12:30, daily -> 08:00, daily" in ran.out
    lines = shell.run("plan", "--json").lines
    assert [(line["kind"], line["noun"], line["id"]) for line in lines] == [
        ("add", "feed", "un"),
        ("change", "topic", "narcotics"),
        ("change", "subscription", "desk/morning"),
    ]
    assert lines[2]["fields"]["schedule"] == {"old": "12:30, daily", "new": "08:00, daily"}


def test_an_address_is_masked_in_what_a_log_may_keep(shell: Shell) -> None:
    shell.run("apply")
    shell.write(ONE.replace("desk@example.org", "office@example.org"))
    assert "office@" not in shell.run("apply").out


def test_a_broken_file_changes_nothing_and_tells_every_problem(shell: Shell) -> None:
    shell.run("apply")
    shell.write(ONE.replace("12:30", "25:30").replace("https://wire", "ftp://wire"))
    ran = shell.run("apply")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("error: feeds.yaml:") == 2
    shell.write(ONE)
    assert "nothing to change" in shell.run("plan").out


def test_what_is_odd_is_a_warning_beside_the_plan(shell: Shell) -> None:
    shell.write("feeds: []\n")
    ran = shell.run("plan")
    assert ran.code == 0
    assert "warning: feeds.yaml:1:1: no feeds are listed" in ran.err


def test_subscribers_are_listed_with_their_next_digest(shell: Shell) -> None:
    shell.run("apply")
    line = shell.run("subscribers", "list", "--json").line
    assert (line["id"], line["state"]) == ("desk", "active")
    assert line["subscriptions"][0]["next"] == "2026-01-28T07:00:00Z"  # 12:30 in Kolkata, which was an hour ago today
    assert "desk/morning" in (table := shell.run("subscribers", "list").out)
    assert "in 23h" in table


def test_without_subscribers_the_list_says_how_to_get_some(shell: Shell) -> None:
    ran = shell.run("subscribers", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "subscribers.yaml" in ran.err
