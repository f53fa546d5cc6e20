"""`subscribers list`: who receives which digest, and when the next one is due."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, ago, note, print_json, print_table
from aggregator.core.model.subscriptions import WEEKDAYS, Schedule, Subscription

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
            print_json(_told(member, archive.now))
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
            person.state.value,
            (person.address or "outbox folder") if one.channel != "outbox" else "outbox folder",
            ", ".join(one.topics),
            when(one.schedule),
            person.timezone,
            _next_told(person, one, now),
        )
        for one in member.subscriptions
    ]
    return rows or [(person.slug, person.state.value, person.address or "-", "-", "-", person.timezone, "-")]


def when(schedule: Schedule) -> str:
    """A schedule in a few words: `07:30 weekdays`, `at once, quiet 22:00-06:00`."""
    if schedule.immediate:
        return "at once" + (f", quiet {schedule.quiet}" if schedule.quiet else "")
    named = {frozenset(range(7)): "daily", frozenset(range(5)): "weekdays", frozenset({5, 6}): "weekends"}
    days = named.get(schedule.days) or " ".join(WEEKDAYS[day][:3] for day in sorted(schedule.days))
    return f"{' '.join(f'{time:%H:%M}' for time in schedule.at)} {days}"


def next_slot(person: "Subscriber", one: Subscription, now: datetime) -> datetime | None:
    """When a subscription's next mail is due; None when it has no fixed times or its owner takes no mail."""
    from aggregator.core.digests.slots import slots  # noqa: PLC0415 - lazily, as all of the command line
    from aggregator.core.model.subscriptions import SubscriberState  # noqa: PLC0415 - as above

    if person.state is not SubscriberState.ACTIVE or one.schedule.immediate:
        return None
    coming = slots(one.schedule, person.timezone, after=now, until=now + AHEAD)
    return coming[0].at if coming else None


def _next_told(person: "Subscriber", one: Subscription, now: datetime) -> str:
    coming = next_slot(person, one, now)
    return "-" if coming is None else ago(coming, now)


def _told(member: "Member", now: datetime) -> dict[str, Any]:
    person = member.subscriber
    return {
        "id": person.slug,
        "name": person.name,
        "address": person.address,
        "state": person.state,
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
                "channel": one.channel,
                "next": next_slot(person, one, now),
            }
            for one in member.subscriptions
        ],
    }
