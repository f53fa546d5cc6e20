"""`digest send-test`: a small mail, or a payload, that goes the way of digests and is remembered nowhere."""

import asyncio
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import open_archive, start_logging
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import clean, print_json, say
from aggregator.cli.people import find_member
from aggregator.cli.waiting import waiting
from aggregator.core.digests.address import domain_of, shown_recipient, split_sender
from aggregator.core.errors import AggregatorError, UsageError
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import SendFailed, SubscriberState

if TYPE_CHECKING:
    from datetime import datetime

    from aggregator.core.model.subscriptions import SendResult, Subscription
    from aggregator.settings import Settings
    from aggregator.store.subscribers import Member

SUBJECT = "Test from aggregator"

Subscriber = Annotated[str | None, typer.Argument(metavar="[SUBSCRIBER]", help="The subscriber's id.")]
Which = Annotated[
    str | None,
    typer.Option("--subscription", "-s", metavar="ID", help="The way of this one: its webhook, its service."),
]
To = Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help="Any address instead.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where a test goes: by which channel, to whom; `number` and `names` are those of the subscription, if it is one's."""

    channel: str
    recipient: str | None
    number: int = 0
    names: tuple[str, str] = ("", "")


@everywhere
def send_test(
    here: Context,
    *,
    subscriber: Subscriber = None,
    subscription: Which = None,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """Send a small mail the way digests go. Tells the server's answer; exit code 1 when it was not taken."""
    if (subscriber is None) == (to is None) or (subscription is not None and subscriber is None):
        raise UsageError("name a subscriber, or an address with --to, and not both")
    settings = start_logging(here.settings(), quiet=True)
    aim = Aim(channel="mail", recipient=to) if subscriber is None else _aim(here, subscriber, subscription)
    with waiting("sending"):
        way, result = asyncio.run(send(settings, aim))
    _tell(aim, way, result, as_json=as_json)


def _tell(aim: Aim, way: str, result: "SendResult", *, as_json: bool) -> None:
    failed = isinstance(result, SendFailed)
    answer = result.detail if isinstance(result, SendFailed) else result.response
    to = None if aim.recipient is None else shown_recipient(aim.channel, aim.recipient)
    if as_json:
        print_json({"sent": not failed, "recipient": to, "through": way, "answer": answer})
        raise typer.Exit(int(failed))
    if failed:
        raise AggregatorError(f"{way} did not take it: {answer}", hint="`aggregator doctor` examines the mail settings")
    say(f"sent to {to} by {way}: {clean(answer)}" if to else f"written to {clean(answer)}")


def _aim(here: Context, slug: str, subscription: str | None) -> Aim:
    """Where a subscriber's digests go. Raises UsageError, or AggregatorError for one who takes no mail."""
    with open_archive(here) as archive:
        member = archive.store.read(find_member, slug, unlisted=False)
    person = member.subscriber
    if person.state is not SubscriberState.ACTIVE:
        raise AggregatorError(f"{slug} is {person.state.value}: nothing is mailed to them")
    chosen = _chosen(member, subscription) if subscription is not None else None
    if chosen is not None and chosen.target is not None:
        return Aim(channel=chosen.channel, recipient=chosen.target, number=chosen.id, names=(slug, chosen.slug))
    kept = person.address is None or (chosen is not None and chosen.channel == "outbox")
    return Aim(channel="outbox", recipient=None) if kept else Aim(channel="mail", recipient=person.address)


def _chosen(member: "Member", slug: str) -> "Subscription":
    for one in member.subscriptions:
        if one.slug == slug:
            return one
    there = ", ".join(one.slug for one in member.subscriptions) or "none"
    raise UsageError(f"{member.subscriber.slug} has no subscription {slug}", hint=f"there are: {there}")


async def send(settings: "Settings", aim: Aim) -> "tuple[str, SendResult]":
    """Send it; by which way it went, and what came of it. Raises UsageError for an address that is none."""
    from aggregator.app import installation_secrets, make_clock, make_fetcher
    from aggregator.channels import make_channels, make_transports

    clock = make_clock(settings, runs_on=False)
    if aim.channel in {"mail", "outbox"}:
        transport = make_transports(settings)[aim.channel]
        message = _mail(settings, aim.recipient, transport.describe(), clock())
    else:
        keys, fetcher = installation_secrets(settings), make_fetcher(settings, None)
        transport = make_channels(settings, fetcher, secrets=keys, clock=clock)[aim.channel]
        message = _payload(settings, aim, transport.describe(), clock())
    sender = split_sender(settings.mail_from)[1]
    try:
        result = await transport.send(
            sender=sender, recipient=aim.recipient, message=message, before_data=_nothing_to_record
        )
    finally:
        await transport.aclose()
    return transport.describe(), result


def _mail(settings: "Settings", address: str | None, way: str, now: "datetime") -> bytes:
    from aggregator.channels import make_signer
    from aggregator.core.digests.headers import build_message

    try:
        message = build_message(
            rendered=words(way),
            sender=settings.mail_from,
            recipient=address,
            message_id=f"<{_new_id(settings)}>",
            date=now,
        )
    except ValueError as error:
        raise UsageError(f"no mail can go there: {error}") from None
    signer = make_signer(settings)
    return signer.sign(message, now) if signer else message


def _payload(settings: "Settings", aim: Aim, way: str, now: "datetime") -> bytes:
    from aggregator.core.digests.payload import Stamp, payload

    told = words(way)
    if aim.channel != "webhook":
        return f"{told.subject}\n\n{told.text}".encode()
    stamp = Stamp(
        message_id=_new_id(settings),
        digest_id=0,
        subscriber=aim.names[0],
        subscription=aim.names[1],
        subscription_id=aim.number,
        kind="test",
        slot_at=now,
        made_at=now,
    )
    return payload(stamp, told, None)


def _new_id(settings: "Settings") -> str:
    from aggregator.app import new_token

    return f"test.{new_token()}@{domain_of(settings.mail_from)}"


def words(way: str) -> Rendered:
    """What it says."""
    lines = (
        "This is a test: digests can reach you here.",
        f"It was sent with `aggregator digest send-test`, by {way}.",
        "There is nothing to do, and no reply is read.",
    )
    page = "".join(f"<p>{escape(line)}</p>" for line in lines)
    html = f'<!doctype html><html lang="en"><head><title>{SUBJECT}</title></head><body>{page}</body></html>'
    return Rendered(subject=SUBJECT, text="\n\n".join(lines) + "\n", html=html)


async def _nothing_to_record() -> None:
    """A test has no delivery row: an ambiguous end is simply told."""
