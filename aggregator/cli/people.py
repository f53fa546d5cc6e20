"""A subscriber by the id that a person typed, and what is said of one: the state, where mail goes, when the next is due."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.core.errors import UsageError
from aggregator.core.model.subscriptions import WEEKDAYS, SubscriberState, Subscription
from aggregator.core.urls import shown_target

if TYPE_CHECKING:
    from aggregator.core.model.subscriptions import Subscriber
    from aggregator.store.database import Connection
    from aggregator.store.subscribers import Member

AHEAD = timedelta(days=8)  # a schedule runs at least once a week

Who = Annotated[str, typer.Argument(metavar="SUBSCRIBER", help="The subscriber's id.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def find_member(connection: "Connection", slug: str, *, unlisted: bool = True) -> "Member":
    """The subscriber of that id; one that the files dropped too, when `unlisted`. Raises UsageError."""
    from aggregator.store import subscribers

    found = subscribers.member(connection, slug, unlisted=unlisted)
    if found is None:
        hint = "`aggregator subscribers list` shows them, `aggregator apply` takes in what the files say"
        raise UsageError(f"no such subscriber: {slug}", hint=hint)
    return found


def state_of(person: "Subscriber", one: Subscription) -> str:
    """The state that keeps a subscription from being mailed, else `active`; `left` is its reader's own wish."""
    return "left" if one.is_left and person.state is SubscriberState.ACTIVE else person.state.value


def goes_to(person: "Subscriber", one: Subscription) -> str:
    """Where a subscription leads to, a secret left out."""
    if person.state is SubscriberState.ERASED:
        return "-"
    if one.target is not None:
        return shown_target(one.target)
    return (person.address or "outbox folder") if one.channel == "mail" else "outbox folder"


def next_slot(person: "Subscriber", one: Subscription, now: datetime) -> datetime | None:
    """When a subscription's next mail is due; None when it has no fixed times or its owner takes no mail."""
    from aggregator.core.digests.slots import slots

    if person.state is not SubscriberState.ACTIVE or one.is_left or one.schedule.immediate:
        return None
    coming = slots(one.in_force, person.timezone, after=now, until=now + AHEAD)
    return coming[0].at if coming else None


def told(member: "Member", now: datetime) -> dict[str, Any]:
    """A subscriber as one JSON object; where a webhook or an Apprise service leads to is shown without its secret."""
    person = member.subscriber
    return {
        "id": person.slug,
        "name": person.name,
        "address": person.address,
        "state": person.state,
        "state_since": person.state_at,
        "state_detail": person.state_detail,
        "paused_until": person.paused_until,
        "timezone": person.timezone,
        "subscriptions": [
            {
                "id": one.slug,
                "topics": one.topics,
                "at": [f"{time:%H:%M}" for time in one.schedule.at],
                "days": [WEEKDAYS[day] for day in sorted(one.schedule.days)],
                "immediate": one.schedule.immediate,
                "quiet": str(one.schedule.quiet) if one.schedule.quiet else None,
                "spikes": one.spikes_since is not None,
                "empty": one.empty,
                "kind": one.kind,
                "channel": one.channel,
                "target": shown_target(one.target) if one.target else None,
                "left": one.is_left,
                "topics_left": sorted(topic for topic in one.left if topic),
                "weekly": one.weekly,
                "next": next_slot(person, one, now),
            }
            for one in member.subscriptions
        ],
    }
