"""The machine an installation stands on: its folders, its secret file, the libraries below it."""

import os
import pyexpat
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from aggregator.doctor.finding import Finding, ok, problem, warning
from aggregator.workers.workers import SAFE_EXPAT

LITTLE_SPACE = 1 << 30  # bytes; a database of a hundred feeds grows by less in a year
NO_SPACE = 100 << 20


def data_folder(path: Path) -> Iterator[Finding]:
    """Whether the data folder, or the nearest folder above it that exists, can be written to and has room."""
    there = existing(path)
    if there.is_dir():
        yield writable("data folder", path)
    else:
        yield problem("data folder", f"{there} is a file", "name a folder in AGGREGATOR_DATA_DIR")
        return
    free = shutil.disk_usage(there).free
    told = f"{free / (1 << 30):,.1f} GiB free"
    if free < NO_SPACE:
        yield problem("disk", told, f"make room where {there} lies: nothing can be stored soon")
    else:
        yield warning("disk", told, f"make room where {there} lies") if free < LITTLE_SPACE else ok("disk", told)


def existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists."""
    return next((folder for folder in (path, *path.absolute().parents) if folder.exists()), Path("/"))


def writable(subject: str, path: Path) -> Finding:
    """Whether `path` can be written to, or made."""
    there = existing(path)
    if not os.access(there, os.W_OK | os.X_OK):
        return problem(subject, f"{there} cannot be written to", "give it to the user that runs the service")
    return ok(subject, str(path) if there == path else f"{path} will be made")


def secret_file(path: Path, *, is_set: bool) -> Iterator[Finding]:
    """Whether the secret that signs our links is there and is the service's alone."""
    if is_set:
        yield ok("secret", "AGGREGATOR_SECRET is set")
    elif not path.exists():
        yield ok("secret", f"{path} is made at the first start")
    elif (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        yield problem("secret", f"others on this machine may read {path} (mode {mode:04o})", f"chmod 600 {path}")
    elif not path.read_bytes().strip():
        yield problem("secret", f"{path} is empty", "remove it: a new one is made at the next start")
    else:
        yield ok("secret", f"{path} is ours alone")


def libraries() -> Iterator[Finding]:
    """Whether the XML parser below us bounds what hostile documents may unfold to."""
    version = ".".join(map(str, pyexpat.version_info))
    if pyexpat.version_info < SAFE_EXPAT:
        yield problem("expat", f"{version} has known holes", "use a Python built with expat 2.4.1 or newer")
    else:
        yield ok("expat", version)
