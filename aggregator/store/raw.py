"""The last body of each feed, as it came, in a file of its own that only this user may read.

A feed that is asked with secrets has none: what it says is not for other eyes. Losing these files loses nothing else.
"""

import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path

from aggregator.core.errors import StoreError

LARGEST = 10 * 1024 * 1024  # bytes; what is beyond is left out

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def keep(folder: Path, feed_id: str, body: bytes) -> None:
    """Replace the kept body of a feed, at once or not at all. Raises StoreError where the disk refuses."""
    target = _path(folder, feed_id)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - its mode from the first moment
                file.write(body[:LARGEST])
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror}", hint="make the data folder writable") from error


def last(folder: Path, feed_id: str) -> bytes | None:
    """The kept body of a feed; None when there is none. Raises StoreError when it cannot be read."""
    target = _path(folder, feed_id)
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {target}: {error.strerror}") from error


def forget(folder: Path, feed_ids: Collection[str]) -> None:
    """Remove the kept bodies of feeds. Raises StoreError where the disk refuses."""
    for feed_id in feed_ids:
        target = _path(folder, feed_id)
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot remove {target}: {error.strerror}") from error


def _path(folder: Path, feed_id: str) -> Path:
    if _SAFE.fullmatch(feed_id) is None:
        raise StoreError(f"no file can be named after the feed {feed_id!r}")
    return folder / f"{feed_id}.body"
