"""A data folder, its feed list and its database, with real processes of the program on them, and commands between these."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from aggregator.store import dialect
from tests.commands import Shell
from tests.farm import Farm
from tests.patience import PATIENCE


class House:
    """Where one installation lives; `environ` are settings of its own."""

    def __init__(self, folder: Path, farm: Farm, database: str | None = None, **environ: str) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder / 'data' / 'aggregator.db'}"
        (folder / "feeds.yaml").write_text(farm.feed_list(), encoding="utf-8")
        own = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
        self.environ = {
            **own,
            "AGGREGATOR_CONFIG": str(folder / "feeds.yaml"),
            "AGGREGATOR_DATA_DIR": str(folder / "data"),
            "AGGREGATOR_DATABASE": self.database,
            "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8",
            "AGGREGATOR_HOST_GAP": "0s",
            "AGGREGATOR_WORKERS": "1",
            **environ,
        }

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        call = [sys.executable, "-m", "aggregator", *command]
        return subprocess.Popen(call, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def later(self, **by: float) -> None:
        """Let commands live so much later from now on; those that only look at the clock once, stand still in it."""
        then = datetime.now(UTC) + timedelta(**by)  # noqa: TID251 - the program lives by the true time
        self.environ["AGGREGATOR_CLOCK"] = then.isoformat()

    def run(self, *command: str) -> None:
        """A command that nothing happens to: it needs no process of its own."""
        ran = self.shell.run(*command)
        assert ran.code == 0, ran.err

    @property
    def shell(self) -> Shell:
        """For commands in this process, which live in the house's environment."""
        return Shell(folder=self.folder, environ=self.environ)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        engine = create_engine(dialect.parse_url(self.database))
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            engine.dispose()

    def entries(self) -> int:
        try:
            return int(str(self.ask("SELECT count(*) FROM entry")[0][0]))
        except Exception:  # noqa: BLE001 - a process is just making the tables
            return 0

    def wait(self, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < deadline, f"{self.entries()} entries"
            time.sleep(0.05)  # each look costs the machine a connection
