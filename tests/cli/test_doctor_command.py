"""`doctor` on the command line: it tells everything at once, with hints, and leaves a folder as it was."""

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import Shell, make_shell
from tests.world import listed


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = make_shell(tmp_path)
    shell.write(listed([("wire", "https://wire.example/feed")]))
    return shell


def problems(shell: Shell) -> list[tuple[str, str]]:
    return [(line["subject"], line["message"]) for line in shell.run("doctor", "--json").lines if line["level"] != "ok"]


def test_a_fresh_installation_has_nothing_to_mend_and_is_left_as_it_was(shell: Shell) -> None:
    ran = shell.run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("nothing to mend\n")
    assert [path.name for path in shell.folder.iterdir()] == ["feeds.yaml"]


def test_wrong_settings_are_all_told(shell: Shell) -> None:
    shell.environ |= {"AGGREGATOR_ENGINE": "steam", "AGGREGATOR_LISTN": "x"}
    ran = shell.run("doctor", "--json")
    assert ran.code == 1
    assert [line["subject"] for line in ran.lines] == ["settings", "settings"]
    assert "AGGREGATOR_ENGINE" in shell.run("doctor").out


def test_a_broken_feed_list_does_not_hide_what_else_is_wrong(shell: Shell) -> None:
    shell.write("feeds:\n  - {id: a, url: x}\n")
    (shell.folder / "data").write_text("")
    ran = shell.run("doctor")
    assert ran.code == 1
    assert "data is a file" in ran.out
    assert "feeds.yaml:2:" in ran.out


def test_a_relay_that_does_not_answer_is_a_problem(shell: Shell) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    shell.environ |= {
        "AGGREGATOR_SMTP_HOST": "127.0.0.1",
        "AGGREGATOR_SMTP_PORT": str(port),
        "AGGREGATOR_SMTP_TLS": "none",
        "AGGREGATOR_MAIL_FROM": "desk@example.org",
        "AGGREGATOR_BASE_URL": "https://news.example.org",
    }
    (relay, sender) = problems(shell)
    assert (relay[0], f"SMTP 127.0.0.1:{port}" in relay[1]) == ("mail", True)
    assert sender == ("sender", "example.org is a name for examples, which nobody sends from")


def test_hints_stand_below_what_they_mend(shell: Shell) -> None:
    shell.run("apply")
    (shell.folder / "data").mkdir(exist_ok=True)
    secret = shell.folder / "data" / "secret"
    secret.write_text("0123")
    secret.chmod(0o640)
    lines = shell.run("doctor").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("problem  secret"))
    assert lines[at + 1].strip() == "-> chmod 600 data/secret"


def test_the_chosen_engines_missing_tables_are_told(shell: Shell, make_database: Callable[[], str]) -> None:
    shell.environ |= {"AGGREGATOR_DATABASE": make_database(), "AGGREGATOR_ENGINE": "procrastinate"}
    assert problems(shell) == [("engine", "Procrastinate's tables are missing or older")]
    shell.run("db", "upgrade")
    assert problems(shell) == []
