"""`run` and `worker` are told to stop at any moment, and told to start where they cannot."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.__main__ import is_service
from aggregator.app import App
from aggregator.engine import service as engine_service
from tests.commands import Shell, make_shell
from tests.patience import PATIENCE
from tests.world import listed

CLOCK = "the clock is set: it runs on from 2026-01-27 08:00:00 UTC (AGGREGATOR_CLOCK)"
ROOT = Path(__file__).parents[2]
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = make_shell(tmp_path)
    made.write(listed([]).replace("feeds:\n\n", "feeds: []\n"))
    return made


def told(number: signal.Signals) -> Callable[..., None]:
    """Something that takes long, and during which a signal comes."""

    def work(*_: object, **__: object) -> None:
        os.kill(os.getpid(), number)
        raise AssertionError("the signal was not heard")

    return work


# A finder of modules that is asked first, and finds none: it sends a signal when a certain one is wanted.
TOLD_WHILE_IMPORTING = """
import os, sys
class Telling:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["AT_MODULE"]:
            os.kill(os.getpid(), int(os.environ["WITH_SIGNAL"]))
sys.meta_path.insert(0, Telling())
from aggregator.__main__ import main
main()
"""


@SIGNALS
@pytest.mark.parametrize(
    "module", ["aggregator.cli", "typer", "aggregator.cli.service", "aggregator.app", "sqlalchemy"]
)
@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_signal_while_python_reads_its_modules_ends_a_service_well(
    command: str, module: str, number: signal.Signals
) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    own |= {"AT_MODULE": module, "WITH_SIGNAL": f"{int(number)}"}
    own["AGGREGATOR_DATABASE"] = "postgresql://nobody@localhost/nothing"
    words = [sys.executable, "-c", TOLD_WHILE_IMPORTING, command]
    done = subprocess.run(words, cwd=ROOT, env=own, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def hears_sigterm(pid: int) -> bool:
    """Whether a process has a handler of its own for it (proc_pid_status(5): the mask of signals that are caught)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("command", ["run --no-web", "worker"])
def test_a_signal_at_any_moment_of_a_start_ends_a_service_well(
    request: pytest.FixtureRequest, shell: Shell, command: str
) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    if command == "worker":
        own["AGGREGATOR_DATABASE"] = request.getfixturevalue("make_database")()
    words = [sys.executable, "-m", "aggregator", *command.split(), "--config", str(shell.folder / "feeds.yaml")]
    for delay in (0, 0.05, 0.1, 0.2, 0.4, 0.8):
        places = ["--data-dir", str(shell.folder / f"{delay}")]
        with subprocess.Popen([*words, *places], env=own, stderr=subprocess.PIPE) as process:
            deadline = time.monotonic() + PATIENCE
            while not hears_sigterm(process.pid):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(delay)
            process.send_signal([signal.SIGTERM, signal.SIGINT][int(delay * 20) % 2])
            try:
                _, said = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        assert (process.returncode, b"Traceback" in said) == (0, False), (delay, said)


def test_only_what_runs_until_it_is_stopped_is_well_when_it_is_stopped() -> None:
    assert is_service(["run"])
    assert is_service(["worker", "--config", "x"])
    assert not is_service(["run", "--once"])
    assert not is_service(["poll"])
    assert not is_service([])


@SIGNALS
def test_a_signal_while_the_service_begins_ends_it_in_order(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ended, before = False, signal.getsignal(number)

    async def slowly(_: App) -> None:
        nonlocal ended
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    monkeypatch.setattr(engine_service, "start_following", slowly)
    monkeypatch.setattr(engine_service, "jobs", told(number))  # nothing ticks
    del shell.environ["AGGREGATOR_CLOCK"]
    ran = shell.run("run")
    assert (ran.code, ran.err, ended) == (0, "", True)
    assert signal.getsignal(number) is before


def test_a_folder_that_cannot_hold_the_data_is_named_with_what_to_do(shell: Shell) -> None:
    blocked = shell.folder / "blocked"
    blocked.write_text("a file")
    ran = shell.run("run", "--data-dir", str(blocked))
    hint = "make it one that this user may write to, or name another with AGGREGATOR_DATA_DIR or --data-dir"
    wrong = f"cannot open the database {blocked}/aggregator.db: the folder {blocked} is a file"
    assert (ran.code, ran.err) == (1, f"warning: {CLOCK}\nerror: {wrong}\nhint: {hint}\n")
