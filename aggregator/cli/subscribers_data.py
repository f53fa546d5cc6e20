"""`subscribers show` and `export`: all that is known of one person, for the operator and for the person."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import Column, ago, fields, moment, print_json, print_table, say
from aggregator.cli.people import Who, find_member, goes_to, next_slot, state_of, told
from aggregator.core.digests.schedules import when_words
from aggregator.core.model.subscriptions import SubscriberState

if TYPE_CHECKING:
    from aggregator.cli.opening import Archive
    from aggregator.core.model.subscriptions import Subscriber
    from aggregator.store.bounces import Day
    from aggregator.store.frozen import FrozenDigest
    from aggregator.store.subscribers import Member

DIGESTS = 5

Secrets = Annotated[
    bool, typer.Option("--secrets", help="Also the reader's own page, and the keys that sign their webhooks.")
]


@everywhere
def show(here: Context, subscriber: Who, *, secrets: Secrets = False, as_json: AsJson = False) -> None:
    """One subscriber: state, subscriptions, what is due next, the last digests, bounces."""
    from aggregator.store import bounces, frozen

    with open_archive(here) as archive:
        member = archive.store.read(find_member, subscriber)
        back = archive.store.read(bounces.of, member.subscriber.id, now=archive.now)
        sent = archive.store.read(frozen.latest, limit=DIGESTS, subscriber_id=member.subscriber.id)
        hidden = _secrets(archive, member) if secrets else {}
    if as_json:
        whole = {
            **told(member, archive.now),
            "listed": member.subscriber.listed,
            "bounces": [_day(one) for one in back],
        }
        print_json({**whole, "digests": [_digest(one) for one in sent], "secrets": hidden})
        return
    fields(_about(member.subscriber))
    _print_subscriptions(member, archive.now)
    _print_bounces(back)
    _print_digests(sent, archive.now)
    if hidden:
        say()
        fields(hidden)


def _about(person: "Subscriber") -> dict[str, str]:
    since = f" since {moment(person.state_at)}" if person.state is not SubscriberState.ACTIVE else ""
    until = f", until {moment(person.paused_until)}" if person.paused_until else ""
    why = f": {person.state_detail}" if since and person.state_detail else ""
    return {
        "id": person.slug,
        "name": person.name or "",
        "address": person.address or "none, digests go to the outbox folder",
        "zone": person.timezone,
        "state": f"{person.state.value}{since}{until}{why}",
        "listed": "" if person.listed else "no: the files dropped them, nothing is mailed",
    }


def _print_subscriptions(member: "Member", now: datetime) -> None:

    say()
    columns = (
        Column("subscription"),
        Column("state", style="state"),
        Column("goes to", shrinks=True),
        Column("topics"),
    )
    rows = []
    for one in member.subscriptions:
        due = next_slot(member.subscriber, one, now)
        topics = ", ".join(f"{topic} (left)" if topic in one.left else topic for topic in one.topics) or "-"
        schedule = when_words(one.in_force) + (" (one a week, as the reader asked)" if one.weekly else "")
        schedule += ", spikes too" if one.spikes_since else ""
        shown = (one.slug, state_of(member.subscriber, one), goes_to(member.subscriber, one), topics)
        rows.append((*shown, schedule, "-" if due is None else ago(due, now)))
    print_table((*columns, Column("when"), Column("next")), rows)
    if not rows:
        say("no subscription")


def _print_bounces(back: "tuple[Day, ...]") -> None:
    if back:
        say()
        columns = (Column("came back"), Column("counts", right=True), Column("code"), Column("answer", shrinks=True))
        print_table(columns, [(f"{one.day}", f"{one.weight:g}", one.code or "-", one.detail) for one in back])


def _print_digests(sent: "tuple[FrozenDigest, ...]", now: datetime) -> None:
    if sent:
        say()
        columns = (Column("digest", right=True), Column("due"), Column("subscription"), Column("state", style="state"))
        rows = [(str(one.id), ago(one.slot_at, now), one.subscription, one.phase, one.subject) for one in sent]
        print_table((*columns, Column("subject", shrinks=True)), rows)


def _secrets(archive: "Archive", member: "Member") -> dict[str, str]:
    """The reader's own pages, and the keys of webhooks, by subscription."""
    from aggregator.app import installation_secrets
    from aggregator.core.digests.tokens import Keyring, Purpose
    from aggregator.core.digests.webhooks import shown_key, webhook_key

    keys = installation_secrets(archive.settings)
    base = archive.settings.base_url
    hidden: dict[str, str] = {}
    for one in member.subscriptions:
        if base:
            token = Keyring(keys).sign(Purpose.UNSUBSCRIBE, member.subscriber.public_id, one.id)
            hidden[f"{one.slug} page"] = f"{base}/u/{token}"
        if one.channel == "webhook":
            hidden[f"{one.slug} key"] = shown_key(webhook_key(keys[0], one.id))
    return hidden


def _day(one: "Day") -> dict[str, Any]:
    day = one.day.isoformat()
    return {"day": day, "weight": one.weight, "code": one.code, "detail": one.detail, "source": one.source}


def _digest(one: "FrozenDigest") -> dict[str, Any]:
    told = {"id": one.id, "subscription": one.subscription, "slot_at": one.slot_at, "subject": one.subject}
    return {**told, "phase": one.phase, "detail": one.detail}


@everywhere
def export(here: Context, subscriber: Who) -> None:
    """All that is stored of a subscriber as one JSON object: what to hand to a person who asks for it."""
    from aggregator.store import erasure

    with open_archive(here) as archive:
        person = archive.store.read(find_member, subscriber).subscriber
        whole = archive.store.read(erasure.export, person.id)
    print_json(whole, indent=2)
