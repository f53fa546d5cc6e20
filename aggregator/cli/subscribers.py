"""`subscribers list`: who receives which digest, and when the next one is due; the group's other commands are its neighbours."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aggregator.cli import subscribers_data, subscribers_state
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, ago, note, print_json, print_table
from aggregator.core.digests.schedules import when_words
from aggregator.core.model.subscriptions import WEEKDAYS, SubscriberState, Subscription, SubscriptionKind
from aggregator.core.urls import shown_target

if TYPE_CHECKING:
    from aggregator.core.model.subscriptions import Subscriber
    from aggregator.store.subscribers import Member

app = new_app("Who receives which digest.")

AHEAD = timedelta(days=8)  # a schedule runs at least once a week


@app.command("list")
@everywhere
def list_(here: Context, *, limit: Limit = 200, as_json: AsJson = False) -> None:
    """Who receives what, when, and when next."""
    from aggregator.store import subscribers  # noqa: PLC0415 - lazily, as all of the command line

    with open_archive(here) as archive:
        members = archive.store.read(subscribers.members)[:limit]
    if as_json:
        for member in members:
            print_json(told(member, archive.now))
        return
    if not members:
        note("no subscribers; write some into feeds.yaml or subscribers.yaml, then `aggregator apply`")
    columns = (
        Column("subscription"),
        Column("state", style="state"),
        Column("goes to", shrinks=True),
        Column("topics", shrinks=True, wide=True),
        Column("when"),
        Column("zone", wide=True),
        Column("next"),
    )
    print_table(columns, [row for member in members for row in _rows(member, archive.now)])


def _rows(member: "Member", now: datetime) -> list[tuple[str, ...]]:
    person = member.subscriber
    rows: list[tuple[str, ...]] = [
        (
            f"{person.slug}/{one.slug}",
            state_of(person, one),
            goes_to(person, one),
            "what the operator must know" if one.kind is SubscriptionKind.OPERATOR else ", ".join(one.told) or "-",
            when_words(one.in_force),
            person.timezone,
            _next_told(person, one, now),
        )
        for one in member.subscriptions
    ]
    return rows or [(person.slug, person.state.value, person.address or "-", "-", "-", person.timezone, "-")]


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
    from aggregator.core.digests.slots import slots  # noqa: PLC0415 - lazily, as all of the command line

    if person.state is not SubscriberState.ACTIVE or one.is_left or one.schedule.immediate:
        return None
    coming = slots(one.in_force, person.timezone, after=now, until=now + AHEAD)
    return coming[0].at if coming else None


def _next_told(person: "Subscriber", one: Subscription, now: datetime) -> str:
    coming = next_slot(person, one, now)
    return "-" if coming is None else ago(coming, now)


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


app.command("show")(subscribers_data.show)
app.command("pause")(subscribers_state.pause)
app.command("resume")(subscribers_state.resume)
app.command("export")(subscribers_data.export)
app.command("erase")(subscribers_state.erase)
