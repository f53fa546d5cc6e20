"""`poll`: checks due feeds, or the named ones, now, beside a running service or without one."""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.opening import with_app
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import Column, ago, count, note, print_json, print_table, progress, say
from aggregator.core.digests.times import iso
from aggregator.core.model.plans import CheckResult, Outcome

if TYPE_CHECKING:
    from aggregator.app import App

app = new_app()

Names = Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="Ids of feeds; all that are due without.")]


@app.command()
@everywhere
def poll(here: Context, names: Names = None, *, as_json: AsJson = False) -> None:
    """Apply feeds.yaml, then check every feed that is due, or the named ones whether due or not.

    A feed that fails is told, and is no failure of this command: the exit code is 1 only when nothing could be checked.
    """

    async def work(app: "App") -> tuple[tuple[CheckResult, ...], datetime, datetime | None]:
        from aggregator.store import feeds, search

        await app.follow()
        results = await _check(app, tuple(dict.fromkeys(names or ())), as_json=as_json)
        await app.replayer.run()
        await search.catch_up(app.store)
        return results, app.clock(), await app.store.reading(feeds.next_due)

    results, now, next_due = with_app(here, work)
    if not as_json:
        _tell(results, now, next_due)
    if results and all(result.outcome is Outcome.SKIPPED for result in results):
        raise typer.Exit(1)


async def _check(app: "App", names: Sequence[str], *, as_json: bool) -> tuple[CheckResult, ...]:
    """Check, with a bar for people and a line a feed, as it ends, for programs."""
    from aggregator.store import health

    total = len(names) or await app.store.reading(health.overdue, now=app.clock())
    with progress(total, "checking feeds", beside_output=as_json) as step:

        def report(result: CheckResult) -> None:
            step()
            if as_json:
                print_json(result_json(result))
                sys.stdout.flush()

        return await app.refresher.check(only=names, report=report)


def result_json(result: CheckResult) -> dict[str, Any]:
    """A line of `poll --json`. A skipped feed's error says why it was not asked."""
    kind = result.error_kind or (result.outcome if result.error_detail else None)
    return {
        "id": result.feed_id,
        "outcome": result.outcome,
        "status": result.status,
        "new": result.new,
        "updated": result.updated,
        "matched": result.matched,
        "error": {"kind": kind, "detail": result.error_detail or ""} if kind else None,
        "next_check_at": iso(result.next_check_at),
    }


def _tell(results: Sequence[CheckResult], now: datetime, next_due: datetime | None) -> None:
    if not results:
        if next_due is None:
            note("no feed is followed")
        elif next_due <= now:
            note(
                "nothing is free: the hosts of all due feeds are being checked by another process, or asked us to wait"
            )
        else:
            note(f"nothing is due; the next check is {ago(next_due, now)}")
        return
    ordered = sorted(results, key=lambda result: result.feed_id)
    troubled = [result for result in ordered if result.outcome in {Outcome.FAILED, Outcome.SKIPPED}]
    troubled.sort(key=lambda result: result.outcome is Outcome.SKIPPED)
    columns = (Column("feed"), Column("outcome", style="state"), Column("next"), Column("reason", shrinks=True))
    print_table(
        columns,
        [(result.feed_id, result.outcome, ago(result.next_check_at, now), reason(result)) for result in troubled],
    )
    news = [result for result in ordered if result.new or result.updated]
    if troubled and news:
        say()
    numbers = (Column("new", right=True), Column("updated", right=True), Column("matches", right=True))
    print_table(
        (Column("feed"), *numbers, Column("next")),
        [
            (result.feed_id, str(result.new), str(result.updated), str(result.matched), ago(result.next_check_at, now))
            for result in news
        ],
    )
    if troubled or news:
        say()
    say(summary(results))


def reason(result: CheckResult) -> str:
    """Why a check brought nothing: the typed error and its words."""
    detail = result.error_detail or ""
    return f"{result.error_kind}: {detail}" if result.error_kind else detail


def summary(results: Sequence[CheckResult]) -> str:
    """What all checks brought, in one line; what did not happen is left out."""
    ended = Counter(result.outcome for result in results)
    quiet = sum(
        result.outcome is Outcome.NOT_MODIFIED
        or (result.outcome is Outcome.FETCHED and not result.new + result.updated)
        for result in results
    )
    told = {
        "with news": len(results) - quiet - ended[Outcome.FAILED] - ended[Outcome.SKIPPED],
        "unchanged": quiet,
        "failed": ended[Outcome.FAILED],
        "skipped": ended[Outcome.SKIPPED],
    }
    feeds = ", ".join(f"{number:,} {word}" for word, number in told.items() if number)
    if len(results) == ended[Outcome.FAILED] + ended[Outcome.SKIPPED]:
        return f"{count(len(results), 'feed')}: {feeds}."
    new, updated, matched = (sum(getattr(one, name) for one in results) for name in ("new", "updated", "matched"))
    brought = f"{count(new, 'new entry', 'new entries')}, {updated:,} updated, {count(matched, 'match', 'matches')}"
    return f"{count(len(results), 'feed')}: {feeds}. {brought}."
