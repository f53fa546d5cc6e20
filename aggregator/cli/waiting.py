"""Work of unknown length -> a moving word on stderr while it lasts, when that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Say what is being done until the block ends; nothing stays on the screen."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status(label):
        yield
