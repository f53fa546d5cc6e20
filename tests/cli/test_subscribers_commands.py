"""People's own state from the command line: shown, paused, resumed, given out and taken out."""

import json
from pathlib import Path

import pytest

from tests.commands import Shell, make_shell

FILE = """
feeds: []
topics:
  - {id: narcotics, keywords: [fentanyl]}
  - {id: us-india, keywords: [India]}
subscribers:
  - id: desk
    name: News desk
    email: desk@example.org
    subscriptions:
      - {id: morning, topics: [narcotics, us-india], at: "07:30", days: weekdays}
      - {id: hook, topics: [narcotics], at: hourly, webhook: "https://hooks.example/in?key=secret"}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = make_shell(tmp_path)
    made.write(FILE)
    assert made.run("apply").code == 0
    return made


def test_one_subscriber_is_shown_with_what_they_get_and_no_secret(shell: Shell) -> None:
    ran = shell.run("subscribers", "show", "desk")
    assert ran.code == 0
    for words in ("News desk", "desk@example.org", "07:30 weekdays", "  hourly  ", "https://hooks.example/"):
        assert words in ran.out
    assert "secret" not in ran.out
    assert "whsec_" not in ran.out
    assert "whsec_" in shell.run("subscribers", "show", "desk", "--secrets").out
    (told,) = shell.run("subscribers", "show", "desk", "--json").lines
    assert told["subscriptions"][1]["target"] == "https://hooks.example/"
    assert (told["state"], told["bounces"], told["secrets"]) == ("active", [], {})


def test_a_pause_holds_until_its_day_and_resume_ends_it(shell: Shell) -> None:
    ran = shell.run("subscribers", "pause", "desk", "--days", "30")
    assert ran.out == "desk is paused until 2026-02-26 08:00 UTC\n"
    assert "subscriber desk is paused" in shell.run("plan").out + shell.run("plan").err
    assert shell.run("subscribers", "list", "--json").line["paused_until"] == "2026-02-26T08:00:00Z"
    ran = shell.run("subscribers", "resume", "desk", "--json")
    assert (ran.code, ran.line["state"]) == (0, "active")


def test_nobody_is_mailed_again_or_erased_without_a_person_who_says_so(shell: Shell) -> None:
    ran = shell.run("subscribers", "erase", "desk")
    assert (ran.code, "--yes" in ran.err) == (2, True)
    assert shell.run("subscribers", "show", "desk", "--json").line["address"] == "desk@example.org"
    assert shell.run("subscribers", "erase", "desk", "--yes").code == 0
    ran = shell.run("subscribers", "resume", "desk")
    assert (ran.code, "was erased" in ran.err) == (2, True)


def test_who_is_erased_stays_so_whatever_the_file_says_until_they_are_resumed(shell: Shell) -> None:
    ran = shell.run("subscribers", "erase", "desk", "--yes")
    assert "the files still list desk" in ran.err
    assert shell.run("apply").code == 0
    told = shell.run("subscribers", "show", "desk", "--json").line
    assert (told["state"], told["address"], told["name"], told["subscriptions"][1]["target"]) == (
        "erased",
        None,
        None,
        None,
    )
    assert "was erased and the file still lists them" in shell.run("plan").out + shell.run("plan").err
    assert "desk@example.org" not in shell.run("subscribers", "export", "desk").out
    assert shell.run("subscribers", "pause", "desk").code == 1
    assert shell.run("subscribers", "resume", "desk", "--yes").code == 0
    told = shell.run("subscribers", "show", "desk", "--json").line
    assert (told["state"], told["address"]) == ("active", "desk@example.org")
    assert told["subscriptions"][1]["target"] == "https://hooks.example/"


def test_an_export_is_all_that_is_stored_of_a_person(shell: Shell) -> None:
    ran = shell.run("subscribers", "export", "desk")
    whole = json.loads(ran.out)
    assert whole["subscriber"]["address"] == "desk@example.org"
    assert [one["slug"] for one in whole["subscriptions"]] == ["morning", "hook"]
    assert whole["subscriptions"][1]["target"] == "https://hooks.example/in?key=secret"


@pytest.mark.parametrize("command", ["show", "pause", "resume", "export", "erase"])
def test_a_subscriber_who_does_not_exist_is_said_to(shell: Shell, command: str) -> None:
    ran = shell.run("subscribers", command, "nobody")
    assert (ran.code, "no such subscriber: nobody" in ran.err) == (2, True)
