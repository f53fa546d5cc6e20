"""`db upgrade` and `db check`: the tables are made once, and what is wrong with them is found."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import Shell, make_shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return make_shell(tmp_path)


def ask(shell: Shell, statement: str) -> None:
    with sqlite3.connect(shell.folder / "data" / "aggregator.db") as connection:
        connection.execute(statement)
    connection.close()


def test_an_upgrade_makes_the_tables_once(shell: Shell) -> None:
    assert "tables made" in shell.run("db", "upgrade").out
    assert shell.run("db", "upgrade", "--json").line["was"] == "current"


def test_a_sound_database_is_called_sound(shell: Shell) -> None:
    shell.run("db", "upgrade")
    assert shell.run("db", "check").out.endswith("sound\n")
    assert shell.run("db", "check", "--json").line["ok"] is True


def test_a_check_makes_no_database(shell: Shell) -> None:
    ran = shell.run("db", "check")
    assert ran.code == 1
    assert "there is no database" in ran.err
    assert not (shell.folder / "data").exists()


def test_a_column_that_is_missing_is_found(shell: Shell) -> None:
    shell.run("db", "upgrade")
    ask(shell, "ALTER TABLE heartbeat DROP COLUMN detail")
    ran = shell.run("db", "check", "--json")
    assert ran.code == 1
    assert "detail" in ran.line["differences"][0]


def test_a_row_that_points_nowhere_is_found(shell: Shell) -> None:
    shell.run("db", "upgrade")
    ask(shell, "INSERT INTO feed_day (feed_id, day, checks, ok, new, gaps) VALUES ('nobody', '2026-01-27', 1, 1, 0, 0)")
    assert shell.run("db", "check", "--json").line["integrity"] == ["foreign key violated in feed_day"]


def test_a_database_of_somebody_else_is_left_alone(shell: Shell) -> None:
    shell.run("db", "upgrade")
    ask(shell, "DROP TABLE alembic_version")
    assert shell.run("db", "check").code == 1
    ran = shell.run("db", "upgrade")
    assert ran.code == 1
    assert "not aggregator's" in ran.err


def test_a_database_of_a_newer_program_is_refused_with_what_to_do(shell: Shell) -> None:
    shell.run("db", "upgrade")
    ask(shell, "UPDATE alembic_version SET version_num = '9999'")
    for command in (("db", "upgrade"), ("status",), ("plan",)):
        ran = shell.run(*command)
        assert ran.code == 1
        assert "made by a newer aggregator" in ran.err
        assert "hint: upgrade the program" in ran.err


def test_on_postgresql_the_chosen_engine_gets_its_tables_too(shell: Shell, make_database: Callable[[], str]) -> None:
    shell.environ |= {"AGGREGATOR_DATABASE": make_database(), "AGGREGATOR_ENGINE": "procrastinate"}
    assert shell.run("db", "check").code == 1
    assert shell.run("db", "upgrade", "--json").line["engine_changed"] is True
    assert shell.run("db", "upgrade", "--json").line["engine_changed"] is False
    assert shell.run("db", "check").code == 0
