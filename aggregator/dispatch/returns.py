"""The bounce mailbox -> what it says of people: addresses that fail, complaints, and wishes to unsubscribe.

read > parse > find whose mail it was > record > mark. A mail that is read twice, because a process died between the last
two, changes nothing the second time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser

import structlog

from aggregator.core.digests import bounces
from aggregator.core.digests.bounces import Complained, Passed, Report, Returned, Unread, WantsOut, Whose
from aggregator.core.digests.display import printable
from aggregator.core.digests.tokens import Keyring, Purpose
from aggregator.mail.mailbox import Letter, Mailbox, MailboxError
from aggregator.store import bounces as bounced
from aggregator.store import holders, optouts
from aggregator.store.bounces import UnreadMail
from aggregator.store.database import Connection, Store

log = structlog.get_logger(__name__)

_SUBJECT = 120
ROUNDS = 40  # of reading at once, so that a server that forgets its marks does not keep us for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one reading found: mails, and how many of them a person must look at."""

    read: int = 0
    unread: int = 0


class Returns:
    """Reads what came back. `keys` verify the tokens of return paths and of unsubscribing."""

    def __init__(self, *, store: Store, mailbox: Mailbox, keys: Keyring, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._mailbox = mailbox
        self._keys = keys
        self._clock = clock

    async def collect(self) -> Collected:
        """Read all that was not seen yet. A mailbox that cannot be read is written down for the operator."""
        read, unread = 0, 0
        try:
            for _ in range(ROUNDS):
                letters = await self._mailbox.unseen()
                if not letters:
                    break
                missed = await self._heed_all(letters)
                await self._mailbox.mark([one.key for one in letters], list(missed))
                await self._store.writing(bounced.keep_unread, [*missed.values()], problem=None, now=self._clock())
                read, unread = read + len(letters), unread + len(missed)
            if not read:
                await self._store.writing(bounced.keep_unread, (), problem=None, now=self._clock())
        except MailboxError as error:
            log.error("mailbox.not_read", error=str(error), hint="see AGGREGATOR_BOUNCE_MAILBOX")  # noqa: TRY400 - its cause is known
            await self._store.writing(bounced.keep_unread, (), problem=str(error), now=self._clock())
        return Collected(read=read, unread=unread)

    async def _heed_all(self, letters: tuple[Letter, ...]) -> dict[str, UnreadMail]:
        missed: dict[str, UnreadMail] = {}
        for letter in letters:
            report = bounces.read(letter.raw)
            why = await self._store.writing(heed, report, self._keys, now=self._clock())
            log.info("mailbox.read", what=type(report).__name__.lower(), why=why)
            if why is not None:
                missed[letter.key] = UnreadMail(at=self._clock(), subject=_subject(letter.raw), why=why)
        return missed


def heed(connection: Connection, report: Report, keys: Keyring, *, now: datetime) -> str | None:
    """Do what a report asks for; None when that is done, else why a person must look at it."""
    match report:
        case Returned() | Complained():
            return _heed_return(connection, report, keys, now)
        case WantsOut(token=token):
            claim = keys.read(Purpose.UNSUBSCRIBE, token, today=now.date())
            if claim is None or holders.holder(connection, claim.public_id, claim.number) is None:
                return "its unsubscribe token is none of ours"
            optouts.leave(connection, claim.number, now=now)
            return None
        case Unread(why=why):
            return why
        case Passed():
            return None


def _heed_return(connection: Connection, report: Returned | Complained, keys: Keyring, now: datetime) -> str | None:
    subscriber_id = _find(connection, report.whose, keys)
    if subscriber_id is None:
        return "it speaks of a mail that is none of ours"
    if isinstance(report, Complained):
        optouts.unsubscribe(connection, subscriber_id, detail="called a mail spam at their provider", now=now)
    elif report.bounce is not None:
        bounced.record(connection, subscriber_id, report.bounce, source="report", now=now)
    return None


def _find(connection: Connection, whose: Whose, keys: Keyring) -> int | None:
    """Whose mail a report speaks of, by what nobody else can know."""
    for token in whose.tokens:
        digest_id = keys.read_return(token)
        found = None if digest_id is None else bounced.subscriber_of_digest(connection, digest_id)
        if found is not None:
            return found
    for message_id in whose.message_ids:
        found = bounced.subscriber_of_message(connection, message_id)
        if found is not None:
            return found
    return None


def _subject(raw: bytes) -> str:
    value = str(BytesHeaderParser().parsebytes(raw).get("Subject", "(no subject)"))
    return printable(value)[:_SUBJECT]
