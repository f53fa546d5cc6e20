"""An empty folder -> everything the demo plays with: its feed list, its settings, its database and a wired App.

It touches that folder only, and removes nothing from it that another demo did not leave.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from aggregator.app import App, build, prepare_database
from aggregator.core.errors import StoreError, UsageError
from aggregator.demo.clock import StoryClock
from aggregator.demo.server import Newsstand, resolve, serving
from aggregator.fetch.gate import HostGate
from aggregator.settings import load

_MARK = "# Written by `aggregator demo`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a demo holds in its hands; `app` is not entered yet."""

    app: App
    clock: StoryClock
    folder: Path
    stand: Newsstand


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A fresh demo in `folder`, its feeds served from this machine meanwhile.

    Raises UsageError when the folder holds something else, StoreError when it cannot be written.
    """
    with serving() as stand:
        try:
            _clear(folder)
            (folder / "feeds.yaml").write_text(feed_list(stand.port), encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"cannot write {folder}: {error.strerror}", hint="name another place: --data-dir"
            ) from error
        environ = {
            "AGGREGATOR_DATA_DIR": str(folder),
            "AGGREGATOR_CONFIG": str(folder / "feeds.yaml"),
            "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8",
            "AGGREGATOR_HOST_GAP": "0",
            "AGGREGATOR_CONCURRENCY": "1",  # one feed after another, so that the story is the same each time
        }
        settings, clock = load(environ), StoryClock()
        prepare_database(settings, now=clock(), upgrade=False)
        app = build(settings, environ, clock=clock, resolve=resolve)
        # Hosts that ask for patience are left alone for as long as it takes in the story, not in this room.
        app.fetcher.gate = HostGate(gap=0, monotonic=lambda: clock().timestamp())
        try:
            yield Stage(app=app, clock=clock, folder=folder, stand=stand)
        finally:
            app.store.close()


def feed_list(port: int) -> str:
    """The demo's feeds.yaml, its outlets at `port`."""
    text = files(__package__).joinpath("feeds.yaml").read_text(encoding="utf-8")
    return text.replace(".example:PORT/", f".example:{port}/")


def _clear(folder: Path) -> None:
    """Leave `folder` there and empty."""
    if folder.exists() and any(folder.iterdir()) and not _is_ours(folder / "feeds.yaml"):
        raise UsageError(
            f"{folder} holds something that is not the demo's", hint="move it away, or name another place: --data-dir"
        )
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace").startswith(_MARK)
