"""`run` and `worker` are told to stop at any moment, and told to start where they cannot."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.app import App
from aggregator.cli import service
from aggregator.engine import service as engine_service
from tests.commands import Shell, make_shell
from tests.world import listed

CLOCK = "the clock is set: it runs on from 2026-01-27 08:00:00 UTC (AGGREGATOR_CLOCK)"
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


@SIGNALS
@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_signal_before_anything_is_under_way_ends_the_program_well(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(service, "build_app", told(number))
    shell.environ["AGGREGATOR_DATABASE"] = "postgresql://nobody@localhost/nothing"
    ran = shell.run(command)
    assert (ran.code, ran.err) == (0, "")
    assert signal.getsignal(number) is before


@SIGNALS
def test_a_signal_while_the_service_begins_ends_it_in_order(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ended = False

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


def test_a_folder_that_cannot_hold_the_data_is_named_with_what_to_do(shell: Shell) -> None:
    blocked = shell.folder / "blocked"
    blocked.write_text("a file")
    ran = shell.run("run", "--data-dir", str(blocked))
    hint = "make it one that this user may write to, or name another with AGGREGATOR_DATA_DIR or --data-dir"
    wrong = f"cannot open the database {blocked}/aggregator.db: the folder {blocked} is a file"
    assert (ran.code, ran.err) == (1, f"warning: {CLOCK}\nerror: {wrong}\nhint: {hint}\n")
