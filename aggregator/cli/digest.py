"""`digest`: what the next one would say, what was made and what became of it, and mail that is tried out."""

import sys
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.digest_retry import retry
from aggregator.cli.digest_show import Number, show_frozen
from aggregator.cli.instants import instant_of
from aggregator.cli.opening import open_archive, with_app
from aggregator.cli.options import AsJson, Context, Limit, RedirectAllTo, everywhere, new_app
from aggregator.cli.output import Column, ago, clean, count, note, print_json, print_table, say
from aggregator.cli.people import Who
from aggregator.cli.testmail import send_test
from aggregator.cli.waiting import waiting
from aggregator.core.digests.address import shown_recipient

if TYPE_CHECKING:
    from aggregator.app import App
    from aggregator.core.model.digests import Rendered
    from aggregator.core.model.subscriptions import Phase
    from aggregator.dispatch import Dispatched
    from aggregator.store.frozen import FrozenDigest

app = new_app("Digests: what each will say, what was made, where it went.")


class Form(StrEnum):
    """What a preview is shown as; `eml` is the whole mail."""

    TEXT = "text"
    HTML = "html"
    EML = "eml"


Which = Annotated[
    str | None, typer.Option("--subscription", "-s", metavar="ID", help="Which of several; else the first.")
]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="As it would be then: 2026-01-22T07:30Z.")]
Shown = Annotated[Form, typer.Option("--format", "-f", help="The words, the page, or the whole mail.")]


@app.command()
@everywhere
def preview(
    here: Context, *, subscriber: Who, subscription: Which = None, as_of: AsOf = None, format_: Shown = Form.TEXT
) -> None:
    """What the next digest would say now, or at a moment. Nothing is made, sent or ticked off."""
    at = None if as_of is None else instant_of(here, "--as-of", as_of)

    async def work(one: "App") -> "tuple[Rendered, bytes]":
        return await one.dispatcher.preview(subscriber, subscription=subscription, as_of=at)

    rendered, message = with_app(here, work, processes=False)
    if format_ is Form.EML:
        sys.stdout.flush()
        sys.stdout.buffer.write(message)
        return
    if format_ is Form.TEXT:
        note(f"subject: {clean(rendered.subject)}\n")
    text = rendered.html if format_ is Form.HTML else rendered.text
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


@app.command()
@everywhere
def run(here: Context, *, redirect_all_to: RedirectAllTo = None, as_json: AsJson = False) -> None:
    """Make what is due and send what waits, now. Exit code 1 when a mail did not go out."""

    async def work(one: "App") -> "tuple[Dispatched, tuple[FrozenDigest, ...]]":
        from aggregator.store import frozen

        await one.configurator.apply(now=one.clock())
        with waiting("making and sending digests"):
            done = await _dispatch(one)
        told = await one.store.reading(frozen.latest, limit=10_000, message_ids=set(done.deliveries))
        return done, told

    done, told = with_app(replace(here, redirect_all_to=redirect_all_to), work, processes=False)
    if as_json:
        for one in told:
            print_json(_line(one))
    else:
        _print_run(done, told)
    raise typer.Exit(int(any(one.phase not in {"sent", "cancelled"} for one in told)))


async def _dispatch(one: "App") -> "Dispatched":
    """All that is due, batch by batch."""
    from aggregator.dispatch import Dispatched

    made = await one.dispatcher.open_due()
    sent: dict[str, Phase] = {}
    try:
        while more := await one.dispatcher.send_due():
            sent |= more
    finally:
        await one.dispatcher.drain()  # a mail past DATA is waited for: to hang up on it would leave it in doubt
    return Dispatched(digests=made, deliveries=sent)


def _print_run(done: "Dispatched", told: "tuple[FrozenDigest, ...]") -> None:
    if not told:
        say("no digest is due, and none waits; `aggregator subscribers list` tells when the next is")
        return
    columns = (
        Column("subscription"),
        Column("state", style="state"),
        Column("stories", right=True),
        Column("to", shrinks=True, wide=True),
        Column("answer", shrinks=True),
    )
    rows = [
        (
            f"{one.subscriber}/{one.subscription}",
            one.phase,
            str(one.story_count),
            shown_recipient(one.channel, one.recipient),
            one.detail or "-",
        )
        for one in told
    ]
    print_table(columns, rows)
    sent = sum(one.phase == "sent" for one in told)
    failed = f", {count(len(told) - sent, 'mail')} did not go out" if sent < len(told) else ""
    say(f"{count(len(done.digests), 'digest')} made, {count(sent, 'mail')} sent{failed}")


@app.command("list")
@everywhere
def list_(here: Context, *, limit: Limit = 20, as_json: AsJson = False) -> None:
    """What was made, newest first, and what became of it."""
    from aggregator.store import frozen

    with open_archive(here) as archive:
        made = archive.store.read(frozen.latest, limit=limit)
        now = archive.now
    if as_json:
        for one in made:
            print_json(_line(one))
        return
    if not made:
        note("no digest was made yet; `aggregator digest run` makes what is due")
    columns = (
        Column("id", right=True),
        Column("due"),
        Column("kind", wide=True),
        Column("subscription"),
        Column("state", style="state"),
        Column("stories", right=True),
        Column("tries", right=True, wide=True),
        Column("subject", shrinks=True),
        Column("answer", shrinks=True, wide=True),
    )
    rows = [
        (
            str(one.id),
            ago(one.slot_at, now),
            one.kind,
            f"{one.subscriber}/{one.subscription}",
            one.phase,
            str(one.story_count),
            str(one.attempts),
            one.subject,
            one.detail or "-",
        )
        for one in made
    ]
    print_table(columns, rows)


def _line(one: "FrozenDigest") -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "subscription": f"{one.subscriber}/{one.subscription}",
        "slot_at": one.slot_at,
        "subject": one.subject,
        "items": one.item_count,
        "stories": one.story_count,
        "phase": one.phase,
        "attempts": one.attempts,
        "channel": one.channel,
        "recipient": one.recipient and shown_recipient(one.channel, one.recipient),
        "detail": one.detail,
        "next_try_at": one.next_try_at,
    }


app.command()(retry)


@app.command()
@everywhere
def show(here: Context, digest: Number, *, format_: Shown = Form.TEXT) -> None:
    """A digest as it was sent, the same bytes years later; what went to no mailbox is shown as it is."""
    show_frozen(here, digest, format_)


app.command("send-test")(send_test)
