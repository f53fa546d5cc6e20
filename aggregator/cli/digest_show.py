"""`digest show`: the very bytes that were sent, however long ago."""

import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import open_archive
from aggregator.cli.options import LARGEST_ID, Context
from aggregator.cli.output import clean, moment, note
from aggregator.core.digests.address import shown_recipient
from aggregator.core.errors import AggregatorError, UsageError

if TYPE_CHECKING:
    from enum import StrEnum

    from aggregator.store.frozen import FrozenDigest

MAILED = frozenset({"mail", "outbox"})  # channels whose bytes are a mail; the others' are shown as they are

Number = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="The digest's number, from `digest list`.")
]


def show_frozen(here: Context, digest: int, form: "StrEnum") -> None:
    """Print a digest as it was sent: its words, its page, or every byte of it."""
    from aggregator.store import frozen

    with open_archive(here) as archive:
        found = archive.store.read(frozen.one, digest)
    if found is None:
        raise UsageError(f"no such digest: {digest}", hint="`aggregator digest list` shows them")
    told, message = found
    if message is None:
        raise AggregatorError(
            f"digest {digest} was erased: {told.kind} for {told.subscriber}/{told.subscription}, due "
            f"{moment(told.slot_at)}, {told.item_count} items",
            hint="its numbers stay in `aggregator digest list`, its words are gone for good",
        )
    if form == "eml" or told.channel not in MAILED:
        sys.stdout.flush()
        sys.stdout.buffer.write(message)
        sys.stdout.buffer.flush()
        return
    mail = message_from_bytes(message, policy=policy.default)
    if form == "text":
        _introduce(told, mail)
    part = mail.get_body(("html",) if form == "html" else ("plain",))
    text = "" if part is None else str(part.get_content()).replace("\r\n", "\n")
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def _introduce(told: "FrozenDigest", mail: EmailMessage) -> None:
    """What a reader's mail program shows above the words; it goes to stderr, so that the words alone can be piped."""
    to = shown_recipient(told.channel, told.recipient)
    for name, value in (("subject", mail["Subject"]), ("date", mail["Date"]), ("to", f"{to} ({told.phase})")):
        note(f"{name}: {clean(str(value))}")
    note("")
