"""`subscribers list`: who receives which digest, and when the next one is due; the group's other commands are its neighbours."""

from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.cli import subscribers_data, subscribers_state
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, ago, note, print_json, print_table
from aggregator.cli.people import goes_to, next_slot, state_of, told
from aggregator.core.digests.schedules import when_words
from aggregator.core.model.subscriptions import Subscription, SubscriptionKind

if TYPE_CHECKING:
    from aggregator.core.model.subscriptions import Subscriber
    from aggregator.store.subscribers import Member

app = new_app("Who receives which digest.")


@app.command("list")
@everywhere
def list_(here: Context, *, limit: Limit = 200, as_json: AsJson = False) -> None:
    """Who receives what, when, and when next."""
    from aggregator.store import subscribers

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


def _next_told(person: "Subscriber", one: Subscription, now: datetime) -> str:
    coming = next_slot(person, one, now)
    return "-" if coming is None else ago(coming, now)


app.command("show")(subscribers_data.show)
app.command("pause")(subscribers_state.pause)
app.command("resume")(subscribers_state.resume)
app.command("export")(subscribers_data.export)
app.command("erase")(subscribers_state.erase)
