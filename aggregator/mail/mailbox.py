"""Reads the mailbox into which mail comes back: a Maildir, or a folder behind IMAP over TLS. It deletes nothing.

What was read is marked as seen, what a person must look at is flagged as well, so that any mail program shows it.
"""

import asyncio
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from aggregator.core.digests.display import printable

T = TypeVar("T")

LETTER = 1 << 20  # bytes of one mail that are read
BATCH = 50
IMAPS = 993  # RFC 8314 section 3.2
IMAP_TIME = 20.0  # seconds for one answer of the server
ROUND_TIME = 120.0  # for one reading, or marking, as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that nobody has read. `key` names it until it is marked."""

    key: str
    raw: bytes


class MailboxError(Exception):
    """The mailbox cannot be read; the message is one line for the operator."""


class Mailbox(Protocol):
    """Where mail comes back to. Raises MailboxError."""

    async def unseen(self) -> tuple[Letter, ...]:
        """The oldest mails that were not seen, at most 50."""

    async def mark(self, seen: Collection[str], flagged: Collection[str]) -> None:
        """Mark mails as seen, and those `flagged` for a person as well."""

    async def waiting(self) -> int:
        """How many mails were not seen."""


def open_mailbox(where: str, *, password: str | None) -> Mailbox:
    """The mailbox of a setting that was checked: `maildir:/path` or `imaps://user@host/folder`."""
    parts = urlsplit(where)
    if parts.scheme == "maildir":
        return MaildirMailbox(Path(unquote(parts.path)))
    return ImapMailbox(
        host=parts.hostname or "",
        port=parts.port or IMAPS,
        user=unquote(parts.username or ""),
        password=password or "",
        folder=unquote(parts.path.strip("/")) or "INBOX",
    )


class MaildirMailbox:
    """A Maildir that a mail server delivers into, on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def unseen(self) -> tuple[Letter, ...]:
        """What lies in `new`, oldest first."""
        return await asyncio.to_thread(self._unseen)

    def _unseen(self) -> tuple[Letter, ...]:
        try:
            return tuple(Letter(key=path.name, raw=_start_of(path)) for path in self._new()[:BATCH])
        except OSError as error:
            raise MailboxError(f"cannot read {self._folder}: {error.strerror}") from error

    def _new(self) -> list[Path]:
        found = [path for path in (self._folder / "new").iterdir() if path.is_file()]
        return sorted(found, key=lambda path: (path.stat().st_mtime, path.name))

    async def waiting(self) -> int:
        """How many lie in `new`."""
        try:
            return len(await asyncio.to_thread(self._new))
        except OSError as error:
            raise MailboxError(f"cannot read {self._folder}: {error.strerror}") from error

    async def mark(self, seen: Collection[str], flagged: Collection[str]) -> None:
        """Move mails to `cur`, as a mail program does that shows them."""
        await asyncio.to_thread(self._mark, seen, flagged)

    def _mark(self, seen: Collection[str], flagged: Collection[str]) -> None:
        try:
            (self._folder / "cur").mkdir(exist_ok=True)
            for key in seen:
                flags = "FS" if key in flagged else "S"
                (self._folder / "new" / key).rename(self._folder / "cur" / f"{key.partition(':')[0]}:2,{flags}")
        except OSError as error:
            raise MailboxError(f"cannot mark mails in {self._folder}: {error.strerror}") from error


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LETTER)


class ImapMailbox:
    """A folder of an IMAP account, always over TLS, its certificate checked."""

    def __init__(
        self, *, host: str, port: int, user: str, password: str, folder: str, context: ssl.SSLContext | None = None
    ) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._folder = folder
        self._context = context or ssl.create_default_context()

    async def unseen(self) -> tuple[Letter, ...]:
        """The folder's unseen mails, oldest first."""
        return await self._within(self._unseen)

    async def mark(self, seen: Collection[str], flagged: Collection[str]) -> None:
        """Set the flags of mails by their UIDs."""
        if seen:
            await self._within(lambda session: self._mark(session, seen, flagged))

    async def waiting(self) -> int:
        """How many of the folder's mails are unseen."""
        return len(await self._within(self._found))

    def _found(self, session: imaplib.IMAP4_SSL) -> list[str]:
        (found,) = self._asked(session, "SEARCH", "UNSEEN")[:1] or [b""]
        return [uid.decode() for uid in re.findall(rb"[0-9]{1,10}", found if isinstance(found, bytes) else b"")]

    def _unseen(self, session: imaplib.IMAP4_SSL) -> tuple[Letter, ...]:
        letters: list[Letter] = []
        for uid in self._found(session):
            if len(letters) == BATCH:
                break
            # One that the server cannot give stays unseen, and must not stand before the others for ever.
            told = self._asked(session, "FETCH", uid, f"(BODY.PEEK[]<0.{LETTER}>)")
            raw = next((part[1] for part in told if isinstance(part, tuple)), None)
            if isinstance(raw, bytes):
                letters.append(Letter(key=uid, raw=raw))
        return tuple(letters)

    def _mark(self, session: imaplib.IMAP4_SSL, seen: Collection[str], flagged: Collection[str]) -> None:
        plain = [key for key in seen if key not in flagged]
        for keys, flags in ((plain, r"(\Seen)"), (list(flagged), r"(\Seen \Flagged)")):
            if keys:
                self._asked(session, "STORE", ",".join(keys), "+FLAGS.SILENT", flags)

    def _asked(self, session: imaplib.IMAP4_SSL, *command: str) -> list[bytes | tuple[bytes, bytes] | None]:
        answer, told = session.uid(*command)
        if answer != "OK":
            raise MailboxError(f"{self._host} refused to {command[0].lower()} in {self._folder}")
        return list(told)

    async def _within(self, work: Callable[[imaplib.IMAP4_SSL], T]) -> T:
        """What `work` gives with an open session. Nobody waits for a server that does not answer."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        holder: list[imaplib.IMAP4_SSL] = []

        def tell(value: T | None, error: Exception | None) -> None:
            if not result.done():
                if error is None:
                    result.set_result(value)  # type: ignore[arg-type]  # without an error it is what `work` gave
                else:
                    result.set_exception(error)

        def run() -> None:
            value, error = None, None
            try:
                value = self._session(work, holder)
            except Exception as raised:  # noqa: BLE001 - it is raised again where it is awaited
                error = raised
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, value, error)

        # A daemon: a pool's thread would hold back the end of the service for as long as the server is silent.
        threading.Thread(target=run, name="bounce-mailbox", daemon=True).start()
        try:
            async with asyncio.timeout(ROUND_TIME):
                return await result
        except TimeoutError:
            raise MailboxError(f"{self._host} took longer than {ROUND_TIME:.0f} seconds") from None
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(f"{self._host}: {_words(error)}") from error
        finally:
            for session in holder:
                # It wakes the thread where it still waits; that one closes what it opened.
                with suppress(OSError, ValueError):
                    session.sock.shutdown(socket.SHUT_RDWR)

    def _session(self, work: Callable[[imaplib.IMAP4_SSL], T], holder: list[imaplib.IMAP4_SSL]) -> T:
        session = imaplib.IMAP4_SSL(self._host, self._port, ssl_context=self._context, timeout=IMAP_TIME)
        holder.append(session)
        try:
            session.login(self._user, self._password)
            folder = self._folder.replace("\\", "\\\\").replace('"', '\\"')
            answer, _ = session.select(f'"{folder}"')
            if answer != "OK":
                raise MailboxError(f"{self._host} has no folder {self._folder} that can be written")
            value = work(session)
            session.logout()
            return value
        finally:
            with suppress(OSError, ValueError):
                session.shutdown()


def _words(error: Exception) -> str:
    """An error in one line; what a server says comes as bytes in some of them."""
    told = error.args[0] if error.args and isinstance(error.args[0], bytes) else str(error)
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    return printable(text)[:300]
