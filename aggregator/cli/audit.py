"""`audit`: the ledger's proof for people and programs. It reads, and mends nothing."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.instants import instant_of
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import Column, count, moment, note, print_json, print_table, say
from aggregator.cli.paragraphs import paragraph
from aggregator.core.errors import AggregatorError

if TYPE_CHECKING:
    from datetime import datetime

    from aggregator.store.audit import Audit, Balance, Fault
    from aggregator.store.spike_proof import SpikeBalance, SpikeFault

app = new_app()

STATES = ("delivered", "suppressed", "pending", "failed")

# What is off with some matches of a subscription, by the name of the flaw: with one of them, and with several.
WORDS = {
    "missing": ("has no row in the ledger", "have no row in the ledger"),
    "stray": ("is in a state nobody knows", "are in a state nobody knows"),
    "foreign": ("is in the digest of another subscription", "are in the digest of another subscription"),
    "unsent": (
        "counts as delivered, but no mail with it went out",
        "count as delivered, but no mail with them went out",
    ),
    "stuck": ("waits in a digest that nothing will send", "wait in a digest that nothing will send"),
    "twice": (
        "went out in a mail, but does not count as delivered",
        "went out in a mail, but do not count as delivered",
    ),
    "unexplained": ("was left out without a reason", "were left out without a reason"),
}

Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="D", help="Only matches made since: 48h, 7d, a UTC day, or an instant.", show_default=False
    ),
]


@app.command()
@everywhere
def audit(here: Context, *, since: Since = None, as_json: AsJson = False) -> None:
    """Prove that every match and spike due to a subscription is delivered, suppressed for a reason, pending or failed.

    Exit code 1 when the sum does not close.
    """
    from aggregator.store.audit import audit as weigh
    from aggregator.store.spike_proof import prove

    start = None if since is None else instant_of(here, "--since", since)
    with open_archive(here) as archive:
        found = archive.store.read(weigh, since=start)
        spikes = archive.store.read(prove, since=start)
    if as_json:
        print_json(_told(found, spikes, start))
    else:
        _print(found, start)
        _print_spikes(spikes)
    off = [_sentence(fault) for fault in found.total.faults] + [_lost(fault) for fault in spikes.faults]
    if off or not found.total.closes:
        matches = sum(fault.count for fault in found.total.faults)
        lost = sum(fault.count for fault in spikes.faults)
        raise AggregatorError(
            f"the ledger does not close: {matches:,} of {count(found.total.matches_due, 'match', 'matches')} due are off"
            + (f", and {lost:,} of {count(spikes.due, 'spike', 'spikes')}" if lost else "")
            + ("" if not as_json else "; " + "; ".join(off)),
            hint="keep a copy of the database and report it: nothing that works as it should can cause this",
        )


def _print(found: "Audit", since: "datetime | None") -> None:
    if not found.subscribers:
        note("no subscribers yet, so nothing is due to anybody")
    columns = (
        Column("subscriber", shrinks=True),
        Column("due", right=True),
        *(Column(state, right=True) for state in STATES),
        Column("sum", style="state"),
    )
    print_table(columns, [_row(slug, one) for slug, one in found.subscribers.items()])
    for fault in found.total.faults:
        paragraph(_sentence(fault), lead="problem  ", style="problem")
    total = found.total
    if total.suppressed_by:
        paragraph(", ".join(f"{number:,} {why}" for why, number in total.suppressed_by.items()), lead="suppressed: ")
    if total.closes:
        parts = " + ".join(f"{getattr(total, state):,} {state}" for state in STATES)
        when = "" if since is None else f", of those made since {moment(since)}"
        say(f"the ledger closes: {count(total.matches_due, 'match', 'matches')} due = {parts}{when}", style="ok")


def _print_spikes(found: "SpikeBalance") -> None:
    """The spikes by what became of them, where any was due."""
    for fault in found.faults:
        paragraph(_lost(fault), lead="problem  ", style="problem")
    if found.due:
        parts = " + ".join(f"{getattr(found, state):,} {state}" for state in STATES)
        why = ", ".join(f"{number:,} {reason}" for reason, number in found.suppressed_by.items())
        told = f"{count(found.due, 'spike', 'spikes')} due = {parts}" + (f" ({why})" if why else "")
        say(told, style="problem" if found.faults else "ok")


def _lost(fault: "SpikeFault") -> str:
    said = "is in a digest that nothing will send" if fault.count == 1 else "are in a digest that nothing will send"
    spikes = count(fault.count, "spike", "spikes")
    return f"{fault.subscription}: {spikes} {said} (first spike {fault.spike_id}, digest {fault.digest_id})"


def _row(slug: str, one: "Balance") -> tuple[str, ...]:
    numbers = (f"{getattr(one, state):,}" for state in STATES)
    return (slug, f"{one.matches_due:,}", *numbers, "ok" if one.closes else "problem")


def _sentence(fault: "Fault") -> str:
    one, several = WORDS[fault.flaw]
    first = "match" if fault.count == 1 else "first match"
    where = f"{first} {fault.match_id}" + ("" if fault.digest_id is None else f", digest {fault.digest_id}")
    said = one if fault.count == 1 else several
    return f"{fault.subscription}: {count(fault.count, 'match', 'matches')} {said} ({where})"


def _told(found: "Audit", spikes: "SpikeBalance", since: "datetime | None") -> dict[str, Any]:
    people = {slug: _balance_told(one) for slug, one in found.subscribers.items()}
    whole = {**_balance_told(found.total), "closes": found.total.closes and not spikes.faults}
    return {**whole, "since": since, "subscribers": people, "spikes": _spikes_told(spikes)}


def _spikes_told(found: "SpikeBalance") -> dict[str, Any]:
    faults = [
        {"subscription": one.subscription, "count": one.count, "spike": one.spike_id, "digest": one.digest_id}
        for one in found.faults
    ]
    sums = {state: getattr(found, state) for state in STATES}
    return {**sums, "spikes_due": found.due, "suppressed_by": dict(found.suppressed_by), "faults": faults}


def _balance_told(one: "Balance") -> dict[str, Any]:
    faults = [
        {
            "subscription": fault.subscription,
            "flaw": fault.flaw,
            "count": fault.count,
            "match": fault.match_id,
            "digest": fault.digest_id,
        }
        for fault in one.faults
    ]
    sums = {state: getattr(one, state) for state in STATES}
    more = {"suppressed_by": dict(one.suppressed_by), "faults": faults}
    return {**sums, "matches_due": one.matches_due, "closes": one.closes, **more}
