"""What holds for every command line: lazy, explained, and wrong words answered in one clear line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from aggregator import __version__
from aggregator.cli import COMMANDS, LazyGroup, errors, execute
from aggregator.core.errors import ConfigError, Problem, StoreError
from tests.commands import Shell, make_shell
from tests.patience import PATIENCE

HEAVY = {"sqlalchemy", "alembic", "httpx", "httpcore", "feedparser", "pebble", "apscheduler", "lark", "pydantic_core"}
PLACES = {"--config", "--database", "--data-dir"}
# They print no data but a document, a log, or what they did.
WITHOUT_JSON = {
    "feeds raw",
    "run",
    "worker",
    "demo",
    "feeds remove",
    "feeds export",
    "digest preview",
    "digest show",
    "subscribers export",
}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return make_shell(tmp_path)


def leaves() -> dict[str, Any]:
    """Every command by its words."""
    root = LazyGroup(name="aggregator")
    found: dict[str, Any] = {}
    for name in COMMANDS:
        command: Any = root.get_command(None, name)
        inner = getattr(command, "commands", None)
        found |= {f"{name} {one}": each for one, each in inner.items()} if inner else {name: command}
    return found


def options(command: Any) -> set[str]:
    return {flag for parameter in command.params for flag in parameter.opts}


def test_the_help_is_given_without_importing_anything_heavy() -> None:
    code = "import sys; from aggregator.cli import execute; execute(['--help']); print(*sys.modules, file=sys.stderr)"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    imported = set(told.stderr.split())
    assert "aggregator.cli" in imported
    assert not HEAVY & imported
    assert not {f"aggregator.cli.{listed.module}" for listed in COMMANDS.values()} & imported


def test_the_help_names_every_command_with_a_line(shell: Shell) -> None:
    told = shell.run("--help").out
    for name, listed in COMMANDS.items():
        assert any(line.split(maxsplit=1) == [name, listed.help] for line in told.splitlines())


def test_every_command_takes_the_places_and_prints_json_where_it_prints_data() -> None:
    found = leaves()
    assert len(found) > len(COMMANDS)
    assert {name for name, command in found.items() if not options(command) >= PLACES} == set()
    assert {name for name, command in found.items() if "--json" not in options(command)} <= WITHOUT_JSON


def test_every_list_can_be_limited() -> None:
    lists = {name: command for name, command in leaves().items() if name.endswith(" list") or name == "entries"}
    assert {name for name, command in lists.items() if "--limit" not in options(command)} == set()


def test_every_command_explains_itself(shell: Shell) -> None:
    for name in leaves():
        ran = shell.run(*name.split(), "--help")
        assert ran.code == 0, name
        assert ran.out.startswith(f"Usage: aggregator {name}"), name
        assert "--config FILE" in ran.out


def test_the_version_is_told(shell: Shell) -> None:
    assert shell.run("--version").out == f"aggregator {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pol"], "error: no such command: pol\nhint: did you mean `poll`?\n"),
        (["xyzzy"], "error: no such command: xyzzy\nhint: `aggregator --help` lists the commands\n"),
        (["poll", "--nope"], "error: no such option: --nope\nhint: `aggregator poll --help` explains it\n"),
        (
            ["show", "x"],
            "error: invalid value for 'ID': expected a whole number\nhint: `aggregator show --help` explains it\n",
        ),
        (["show"], "error: missing "),
        (["entries", "--limit", "0"], "error: invalid value for '--limit' / '-n': expected at least 1\n"),
        (["schedule", "desk", "--days", "99999"], "error: invalid value for '--days': expected at most 36500\n"),
        (
            ["feeds", "import", "no.opml"],
            "error: cannot read no.opml: no such file or directory\nhint: give an OPML file",
        ),
        (["feeds", "import", "."], "error: cannot read .: is a directory\nhint: give an OPML file"),
        (["plan", "--config", "."], "error: .: cannot be read: Is a directory\nhint: name the file with --config"),
        (["feeds", "lst"], "error: no such command 'lst'"),
    ],
)
def test_a_wrong_word_is_wrong_usage_and_gets_an_answer(shell: Shell, words: list[str], said: str) -> None:
    ran = shell.run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(said)
    assert "Traceback" not in ran.err


def test_a_feed_list_that_cannot_be_edited_is_one_line_with_what_to_do(shell: Shell) -> None:
    ran = shell.run("feeds", "remove", "x", "--config", "/")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: cannot read /: is a directory\nhint: name the file with --config")


@pytest.mark.parametrize("words", [[], ["feeds"], ["topics"]])
def test_a_word_that_needs_another_explains_itself_on_stderr(shell: Shell, words: list[str]) -> None:
    ran = shell.run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Commands:" in ran.err or "The service:" in ran.err


def test_every_wrong_setting_is_told_on_a_line_of_its_own(shell: Shell) -> None:
    shell.environ |= {"AGGREGATOR_ENGINE": "steam", "AGGREGATOR_MAX_BODY": "lots", "AGGREGATOR_DATABSE": "x"}
    ran = shell.run("entries")
    assert ran.code == 2
    assert [line for line in ran.err.splitlines() if line.startswith("error: AGGREGATOR_")] == [
        "error: AGGREGATOR_ENGINE: expected embedded or procrastinate, found 'steam'",
        "error: AGGREGATOR_MAX_BODY: expected a size in bytes such as 512M, 10M or 65536, found 'lots'",
        "error: AGGREGATOR_DATABSE: no such setting",
    ]


def test_a_database_that_cannot_be_opened_is_one_line(shell: Shell) -> None:
    ran = shell.run("entries", "--database", str(shell.folder))
    assert ran.code == 1
    assert ran.err.startswith(f"error: cannot open the database {shell.folder}: ")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", ["entries", "db upgrade", "plan"])
def test_a_device_in_the_place_of_a_database_is_one_line(shell: Shell, command: str) -> None:
    (shell.folder / "feeds.yaml").write_text("feeds: []\n", encoding="utf-8")
    ran = shell.run(*command.split(), "--database", "/dev/null")
    assert ran.code == 1
    assert ran.err.startswith("error: cannot open the database /dev/null: it is not a file\nhint: ")


def test_the_options_win_over_the_environment(shell: Shell) -> None:
    shell.environ["AGGREGATOR_DATABASE"] = "sqlite:////nowhere/at/all.db"
    assert shell.run("entries", "--database", "own.db").code == 0
    assert (shell.folder / "own.db").exists()


def test_a_failure_is_told_with_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert errors.tell(StoreError("the disk is full", hint="make room")) == 1
    assert errors.tell(ConfigError([Problem(where="a.yaml:1:2", message="odd", hint="mend it")])) == 2
    assert errors.tell(StoreError("two\nlines")) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the disk is full",
        "hint: make room",
        "error: a.yaml:1:2: odd",
        "hint: mend it",
        "error: two",
        "       lines",
    ]


def test_a_surprise_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()

    @app.command()
    def poll() -> None:
        raise ZeroDivisionError

    @app.command()
    def other() -> None:
        pass

    monkeypatch.setattr("aggregator.cli.poll.app", app)
    with pytest.raises(ZeroDivisionError):
        execute(["poll"])


def test_ctrl_c_ends_a_command_as_shells_count_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()

    @app.command()
    def poll() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aggregator.cli.poll.app", app)
    assert execute(["poll"]) == 130


def test_a_reader_that_has_enough_is_no_error() -> None:
    told = subprocess.run(
        f"{sys.executable} -m aggregator --help | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert told.stderr == ""
    assert told.stdout.strip() in {"0", "1"}
