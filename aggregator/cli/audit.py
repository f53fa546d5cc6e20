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
    """Prove that every match due to every subscription is delivered, suppressed for a reason, pending or failed.

    Exit code 1 when the sum does not close.
    """
    from aggregator.store.audit import audit as weigh

    start = None if since is None else instant_of(here, "--since", since)
    with open_archive(here) as archive:
        found = archive.store.read(weigh, since=start)
    if as_json:
        print_json(_told(found, start))
    else:
        _print(found, start)
    if not found.total.closes:
        off = sum(fault.count for fault in found.total.faults)
        raise AggregatorError(
            f"the ledger does not close: {off:,} of {count(found.total.matches_due, 'match', 'matches')} due are off"
            + ("" if not as_json else "; " + "; ".join(_sentence(fault) for fault in found.total.faults)),
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


def _row(slug: str, one: "Balance") -> tuple[str, ...]:
    numbers = (f"{getattr(one, state):,}" for state in STATES)
    return (slug, f"{one.matches_due:,}", *numbers, "ok" if one.closes else "problem")


def _sentence(fault: "Fault") -> str:
    one, several = WORDS[fault.flaw]
    first = "match" if fault.count == 1 else "first match"
    where = f"{first} {fault.match_id}" + ("" if fault.digest_id is None else f", digest {fault.digest_id}")
    said = one if fault.count == 1 else several
    return f"{fault.subscription}: {count(fault.count, 'match', 'matches')} {said} ({where})"


def _told(found: "Audit", since: "datetime | None") -> dict[str, Any]:
    people = {slug: _balance_told(one) for slug, one in found.subscribers.items()}
    return {**_balance_told(found.total), "since": since, "subscribers": people}


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
