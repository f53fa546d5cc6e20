"""Puts finished mails into a folder: as `.eml` and `.html` for people, or as a maildir for a mail reader.

A file appears whole or not at all, and the same mail is the same file however often it is sent.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

from aggregator.core.model.subscriptions import SendResult, Sent
from aggregator.mail.outcome import unwritable
from aggregator.mail.transport import BeforeData

_EPOCH = datetime.fromtimestamp(0, UTC)


class _Folder(ABC):
    """A channel into a folder; what becomes of a message there is for each kind to say."""

    _kind = "folder"

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def send(self, *, sender: str, recipient: str | None, message: bytes, before_data: BeforeData) -> SendResult:
        """Write the message, as `Transport.send` says; nobody's address is needed. `Sent.response` is the path."""
        del sender, recipient
        await before_data()
        return await asyncio.to_thread(_written, partial(self._write, message))

    async def check(self) -> SendResult:
        """Write and remove a file; the folder is made where there is none."""
        return await asyncio.to_thread(_written, self._probe)

    async def aclose(self) -> None:  # noqa: B027 - no kind of folder holds anything open
        """Nothing is held open."""

    def describe(self) -> str:
        """The folder."""
        return f"{self._kind} {self.directory}"

    @abstractmethod
    def _write(self, message: bytes) -> Path:
        """Where the message now is, whole and safe. Raises OSError when it is not."""

    def _probe(self) -> Path:
        """The folder, in which a file was written and removed. Raises OSError where that cannot be."""
        _try_out(self.directory)
        return self.directory


class FileTransport(_Folder):
    """An outbox folder: `2026-01-22-morning-3f9a1c07be.eml` for each mail, and its HTML part beside it."""

    def _write(self, message: bytes) -> Path:
        _make(self.directory)
        stem = _stem(message)
        page = _html(message)
        if page is not None:
            _put(self.directory / f"{stem}.html", page.encode("utf-8", "replace"), self.directory)
        # The mail itself comes last: where it stands, the sending is complete.
        path = self.directory / f"{stem}.eml"
        _put(path, message, self.directory)
        return path


class PayloadFolder(_Folder):
    """An outbox folder for what is no mail: each payload in a file of its own, `webhook-3f9a1c07be.json`."""

    def __init__(self, directory: Path, *, stem: str, suffix: str) -> None:
        super().__init__(directory)
        self._stem, self._suffix = stem, suffix

    def _write(self, message: bytes) -> Path:
        _make(self.directory)
        path = self.directory / f"{self._stem}-{hashlib.sha256(message).hexdigest()[:10]}{self._suffix}"
        _put(path, message, self.directory)
        return path


class MaildirTransport(_Folder):
    """A maildir, which mail readers open as a mailbox: `tmp`, `new` and `cur`. A mail that one moved stays where it is."""

    _kind = "maildir"

    def _write(self, message: bytes) -> Path:
        self._make()
        name = f"{int(_date(message).timestamp())}.{_mark(message)}.aggregator"
        seen = [self.directory / "new" / name, *(self.directory / "cur").glob(f"{name}*")]
        for path in seen:
            if path.exists():
                return path
        # A maildir keeps mails with the system's own line ends, as every local delivery agent writes them.
        path = self.directory / "new" / name
        _put(path, message.replace(b"\r\n", b"\n"), self.directory / "tmp")
        return path

    def _probe(self) -> Path:
        self._make()
        _try_out(self.directory / "tmp")
        return self.directory

    def _make(self) -> None:
        for folder in (self.directory, *(self.directory / name for name in ("tmp", "new", "cur"))):
            _make(folder)


def _written(write: Callable[[], Path]) -> SendResult:
    try:
        return Sent(response=str(write()))
    except OSError as error:
        return unwritable(error)


def _try_out(directory: Path) -> None:
    _make(directory)
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"may we write here?")


def _make(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _put(path: Path, content: bytes, workshop: Path) -> None:
    """Write `content` into a new file in `workshop`, on the same disk, and move it to `path` once it is safe."""
    descriptor, draft = tempfile.mkstemp(dir=workshop, prefix=".draft-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stem(message: bytes) -> str:
    """The date, the list's name and a mark of the Message-ID: readable, harmless, the same on every try."""
    listed = _header(message, "List-Id").strip("<> ").partition(".")[0]
    slug = re.sub(r"[^a-z0-9]+", "-", listed.lower()).strip("-")[:40] or "mail"
    return f"{_date(message):%Y-%m-%d}-{slug}-{_mark(message)[:10]}"


def _mark(message: bytes) -> str:
    identity = _header(message, "Message-ID").encode("utf-8", "replace") or message
    return hashlib.sha256(identity).hexdigest()[:24]


def _date(message: bytes) -> datetime:
    try:
        return parsedate_to_datetime(_header(message, "Date")).astimezone(UTC)
    except (ValueError, OverflowError):
        return _EPOCH


def _header(message: bytes, name: str) -> str:
    return str(BytesHeaderParser(policy=policy.compat32).parsebytes(message).get(name, ""))


def _html(message: bytes) -> str | None:
    """The mail's HTML part as text, or None when it has none."""
    part = message_from_bytes(message, policy=policy.default).get_body(("html",))
    content = part.get_content() if part is not None else None
    return content if isinstance(content, str) else None
