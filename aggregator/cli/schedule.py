"""`schedule SUBSCRIBER`: every coming run, on the reader's clock and in UTC, and what a moved clock does to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, ago, note, print_json, print_table, say, warn
from aggregator.cli.people import Who, find_member
from aggregator.core.digests.schedules import when_words as when
from aggregator.core.model.subscriptions import SubscriberState

if TYPE_CHECKING:
    from aggregator.core.digests.shifts import Shift
    from aggregator.core.digests.slots import Slot
    from aggregator.store.subscribers import Member

app = new_app()

Days = Annotated[int, typer.Option("--days", metavar="N", min=1, max=36_500, help="So many days ahead.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One coming run of a subscription; `local` is what a clock in the reader's zone shows then."""

    subscription: str
    slot: "Slot"
    local: datetime
    shift: "Shift | None"


@app.command()
@everywhere
def schedule(
    here: Context, *, subscriber: Who, days: Days = 14, limit: Limit = 1_000_000, as_json: AsJson = False
) -> None:
    """When each digest of a subscriber is due, in their zone and in UTC, clock changes named."""
    with open_archive(here) as archive:
        member, now = archive.store.read(find_member, subscriber, unlisted=False), archive.now
    _warn_of(member)
    runs = _runs(member, now, now + timedelta(days=days))[:limit]
    if as_json:
        for run in runs:
            print_json(_told(run))
        _tell_unscheduled(member, note)
        return
    columns = (
        Column("subscription"),
        Column("local"),
        Column("offset"),
        Column("utc"),
        Column("in", wide=True),
        Column("clock", shrinks=True),
        Column("moved", wide=True),
    )
    print_table(columns, [_row(run, now) for run in runs])
    _tell_unscheduled(member, say)


def _warn_of(member: "Member") -> None:
    from aggregator.core.digests.slots import zone_problem

    person = member.subscriber
    if problem := zone_problem(person.timezone):
        warn(f"{problem}; it counts as UTC")
    if person.state is not SubscriberState.ACTIVE:
        warn(f"{person.slug} is {person.state.value}: nothing is mailed to them at these times while that is so")


def _tell_unscheduled(member: "Member", tell: Any) -> None:
    """Say which subscriptions run at no set time."""
    if not member.subscriptions:
        tell(f"{member.subscriber.slug} has no subscription")
    for one in member.subscriptions:
        if one.is_left:
            tell(f"{one.slug}: its reader unsubscribed from it")
        elif one.schedule.immediate:
            tell(f"{one.slug}: immediate, no set times: a match is mailed {when(one.schedule)}")


def _runs(member: "Member", now: datetime, until: datetime) -> list[Run]:
    from aggregator.core.digests.shifts import local_of, shift_of
    from aggregator.core.digests.slots import slots

    zone = member.subscriber.timezone
    runs = [
        Run(subscription=one.slug, slot=slot, local=local_of(slot, zone), shift=shift_of(slot, zone))
        for one in member.subscriptions
        if not one.schedule.immediate and not one.is_left
        for slot in slots(one.in_force, zone, after=now, until=until)
    ]
    return sorted(runs, key=lambda run: (run.slot.at, run.subscription, run.slot.local))


def _row(run: Run, now: datetime) -> tuple[str, ...]:
    # An offset is to the minute everywhere today: `+05:30`.
    offset = run.local.isoformat(timespec="minutes")[16:]
    shown = (f"{run.local:%a %Y-%m-%d %H:%M}", offset, f"{run.slot.at:%Y-%m-%d %H:%M}", ago(run.slot.at, now))
    return (run.subscription, *shown, *_clock(run))


def _clock(run: Run) -> tuple[str, str]:
    """What became of the time that was asked for, and from what to what the clock was moved."""
    if run.shift is None:
        return "", ""
    asked = f"{run.slot.local:%H:%M}"
    told = f"gap: no {asked}" if run.shift.turn == "gap" else f"fold: 1st {asked}"
    return told, f"{run.shift.before:%H:%M} becomes {run.shift.after:%H:%M}"


def _told(run: Run) -> dict[str, Any]:
    # A local time keeps its offset: only that tells the two half past twos of an autumn night apart.
    local = run.local.isoformat(timespec="seconds")
    told = {"subscription": run.subscription, "local": local, "utc": run.slot.at}
    shift = run.shift.turn if run.shift else None
    return {**told, "asked": f"{run.slot.local:%Y-%m-%dT%H:%M}", "shift": shift}
