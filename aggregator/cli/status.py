"""`status`: the service at a glance, for people, for programs and for a container's health check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.feed_states import RETRIED
from aggregator.cli.manners import manners, manners_json
from aggregator.cli.opening import Archive, open_archive, redirected
from aggregator.cli.options import AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, ago, count, print_json, print_table, say
from aggregator.cli.paragraphs import heading, paragraph
from aggregator.cli.unusual import noted_json, print_noted, silent_json, silent_topics
from aggregator.core.errors import AggregatorError

if TYPE_CHECKING:
    from aggregator.cli.glance import Glance
    from aggregator.store.feeds import FollowedFeed

app = new_app()

Check = Annotated[bool, typer.Option("--check", help="Only say whether it does its work; exit code 1 when not.")]


@app.command()
@everywhere
def status(here: Context, *, check: Check = False, limit: Limit = 20, as_json: AsJson = False) -> None:
    """The service at a glance: who runs it, what fails and why, what is stored, what waits to be mailed."""
    from aggregator.cli.glance import look

    with open_archive(here) as archive:
        seen = look(archive)
        if as_json:
            print_json(_told(seen, archive))
        elif not check:
            _print(seen, archive, limit)
    if check and seen.trouble:
        raise AggregatorError(seen.trouble, hint="`aggregator run` starts it, and its log tells why it stopped")
    if check and not as_json:
        say(f"working: last tick {ago(seen.ticked_at, seen.now)}")


def _print(seen: "Glance", archive: Archive, limit: int) -> None:
    state = "stopped" if seen.holder is None else "stalled" if seen.trouble else "running"
    looks = {"running": "ok", "stalled": "problem", "stopped": "warning"}
    say(f"{state}: {seen.holder or 'nobody runs the service'}", style=looks[state])
    lines = {
        "last": ", ".join(f"{kind} {ago(at, seen.now)}" for kind, (at, _) in sorted(seen.beats.items())) or "nothing",
        "feeds": _feeds_line(seen),
        "manners": manners(seen.politeness) or "nothing asked yet",
        "stored": _stored_line(seen),
        "ledger": _numbers(seen.totals.ledger) or "empty",
        "outbox": _numbers(seen.phases) or "empty",
        "database": archive.settings.database_shown + ("" if seen.size is None else f", {_size(seen.size)}"),
        "disk": f"{_size(seen.free)} free",
    }
    for name, text in lines.items():
        for at, line in enumerate(text.splitlines()):
            paragraph(line, lead=f"{'' if at else name:<9} ")
    if archive.settings.redirect_all_to:
        paragraph(redirected(archive.settings), lead="warning   ", style="warning")
    for channel, detail in seen.parked.items():
        paragraph(f"the channel {channel} is parked: {detail}", lead="problem   ", style="problem")
    for line in seen.config_problems:
        paragraph(line, lead="problem   ", style="problem")
    if seen.config_problems:
        paragraph("the last good feed list stays in force until these are mended", lead=" " * 10)
    for line in silent_topics(seen):
        paragraph(line, lead="silent    ", style="warning")
    _print_ill(seen, limit)
    print_noted(seen, limit)


def _feeds_line(seen: "Glance") -> str:
    if not seen.states:
        return "none; `aggregator apply` follows feeds.yaml"
    well = seen.states.get("ok", 0) - seen.unread - seen.retried
    shown = {**seen.states, "ok": well, RETRIED: seen.retried, "not checked yet": seen.unread}
    told = f"{count(sum(seen.states.values()), 'feed')}: {_numbers(shown)}"
    if silent := seen.unanswered - seen.unread:
        told += f"; {silent} never answered"
    due = f"{seen.overdue} due now" if seen.overdue else f"next check {ago(seen.next_check_at, seen.now)}"
    return f"{told}; {due}"


def _stored_line(seen: "Glance") -> str:
    per_topic = ", ".join(f"{topic} {number:,}" for topic, number in sorted(seen.matches.items()))
    matches = count(seen.totals.matches, "match", "matches") + (f" ({per_topic})" if per_topic else "")
    return f"{count(seen.totals.entries, 'entry', 'entries')}, {matches}"


def _numbers(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counted.items()) if number)


def _size(number: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number / (1 << 10):,.0f} KiB"


def _print_ill(seen: "Glance", limit: int) -> None:
    if not seen.ill:
        return
    heading(f"{count(len(seen.ill), 'feed')} with an error at the last check")
    columns = (
        Column("feed"),
        Column("state", style="state"),
        Column("error"),
        Column("since"),
        Column("next", wide=True),
        Column("what was said", shrinks=True),
    )
    print_table(columns, [_ill_row(one, state, seen) for one, state in seen.ill[:limit]])
    if len(seen.ill) > limit:
        say(f"and {len(seen.ill) - limit} more: `aggregator status --limit {len(seen.ill)}`")


def _ill_row(one: "FollowedFeed", state: str, seen: "Glance") -> tuple[str, ...]:
    learned = one.state
    code = f" {learned.status}" if learned.status and learned.status >= 400 else ""
    return (
        one.feed.id,
        RETRIED if state == "ok" else state,
        f"{learned.error_kind}{code}",
        ago(learned.failing_since, seen.now),
        ago(learned.next_check_at, seen.now),
        learned.error_detail or "-",
    )


def _told(seen: "Glance", archive: Archive) -> dict[str, Any]:
    return {
        "running": seen.holder is not None,
        "working": not seen.trouble,
        "trouble": seen.trouble or None,
        "holder": seen.holder,
        "last_tick_at": seen.ticked_at,
        "beats": {kind: {"at": at, **detail} for kind, (at, detail) in sorted(seen.beats.items())},
        "config_problems": seen.config_problems,
        "feeds": {
            "states": dict(seen.states),
            "never_answered": seen.unanswered,
            "due": seen.overdue,
            "next_check_at": seen.next_check_at,
            "errors": [_ill_told(one, state) for one, state in seen.ill],
            **noted_json(seen),
        },
        "silent_topics": silent_json(seen),
        "politeness": manners_json(seen.politeness),
        "entries": seen.totals.entries,
        "matches": dict(seen.matches),
        "ledger": dict(seen.totals.ledger),
        "outbox": {"phases": dict(seen.phases), "parked": dict(seen.parked)},
        "database": {"url": archive.settings.database_shown, "bytes": seen.size},
        "redirect_all_to": archive.settings.redirect_all_to,
        "disk_free_bytes": seen.free,
    }


def _ill_told(one: "FollowedFeed", state: str) -> dict[str, Any]:
    learned = one.state
    return {
        "id": one.feed.id,
        "state": state,
        "error": {"kind": learned.error_kind, "detail": learned.error_detail},
        "status": learned.status,
        "failures": learned.failures,
        "failing_since": learned.failing_since,
        "last_success_at": learned.succeeded_at,
        "next_check_at": learned.next_check_at,
    }
