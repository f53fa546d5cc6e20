"""One command line at a time, as a person would run it, in this process: exit code, stdout and stderr come back."""

import contextlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from aggregator import logs
from aggregator.cli import execute

AT = "2026-01-27T08:00:00Z"  # an hour after the digests of `tests.world.listed` are due, in Kolkata


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Stdout as JSON, an object a line; raises when anything else was mixed in."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (only,) = self.lines
        return only


@dataclass(slots=True)
class Shell:
    """A folder with a feed list, and the environment that commands run in."""

    folder: Path
    environ: dict[str, str]

    def run(self, *args: str) -> Ran:
        """Run `aggregator ARGS` in the folder."""
        out, err = _stream(), _stream()
        before, place = dict(os.environ), Path.cwd()
        os.environ.update(self.environ)
        os.chdir(self.folder)
        loud = logs.configure
        logs.configure = _silent  # loggers that outlive a test must not write to its streams
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = _exit_code(args)
        finally:
            logs.configure = loud
            structlog.reset_defaults()
            os.chdir(place)
            os.environ.clear()
            os.environ.update(before)
        return Ran(code, _said(out), _said(err))

    def write(self, text: str, name: str = "feeds.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path


def make_shell(folder: Path, **environ: str) -> Shell:
    """A shell in `folder`, which may already hold a database; the clock stands at `AT` unless `environ` sets it."""
    given = {
        "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8",
        "AGGREGATOR_HOST_GAP": "0s",
        "AGGREGATOR_WORKERS": "1",
        "AGGREGATOR_CLOCK": AT,
        **environ,
    }
    return Shell(folder=folder, environ={name: value for name, value in given.items() if value})


def _exit_code(args: Sequence[str]) -> int:
    try:
        return execute(args)
    except SystemExit as ended:
        return int(ended.code or 0)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _said(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _silent(*, style: str, level: str) -> None:
    del style, level
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("critical"), cache_logger_on_first_use=False
    )
