"""`subscribers pause, resume, erase`: people's own state, which outlives the files."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import open_archive, with_app
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import note, print_json, say
from aggregator.cli.people import Who, Yes, find_member, told
from aggregator.core.errors import AggregatorError, UsageError
from aggregator.core.model.subscriptions import SubscriberState

if TYPE_CHECKING:
    from datetime import datetime

    from aggregator.app import App
    from aggregator.store.subscribers import Member

BY_OPERATOR = "by the operator"

Days = Annotated[
    int | None, typer.Option("--days", metavar="N", min=1, max=3650, help="So long; without it until `resume`.")
]


@everywhere
def pause(here: Context, subscriber: Who, *, days: Days = None, as_json: AsJson = False) -> None:
    """Hold a subscriber's mail. What is found meanwhile is kept: the latest 50 of each subscription come afterwards."""
    from aggregator.store import optouts

    with open_archive(here) as archive:
        person = archive.store.read(find_member, subscriber).subscriber
        until = None if days is None else archive.now + timedelta(days=days)
        done = archive.store.write(optouts.pause, person.id, until=until, detail=BY_OPERATOR, now=archive.now)
        if not done:
            raise AggregatorError(f"{subscriber} is {person.state.value}: nothing is mailed to them anyway")
        member = archive.store.read(find_member, subscriber)
    if as_json:
        _print(member, archive.now)
        return
    end = member.subscriber.paused_until
    say(f"{subscriber} is paused {f'until {end:%Y-%m-%d %H:%M} UTC' if end else 'until they are resumed'}")


@everywhere
def resume(here: Context, subscriber: Who, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Lift what holds a subscriber's mail: a pause, bounces, and what they left or asked for themselves."""
    from aggregator.store import optouts

    async def work(one: "App") -> "tuple[Member, Member]":
        before = await one.store.reading(find_member, subscriber)
        if asks := _own_wish(before):
            _confirm(f"{subscriber} {asks}. Mail them again all the same?", yes=yes)
        await one.store.writing(optouts.resume, before.subscriber.id, now=one.clock())
        if before.subscriber.state is SubscriberState.ERASED:
            # Their address is in the files alone.
            await one.configurator.apply(now=one.clock())
        return before, await one.store.reading(find_member, subscriber)

    before, after = with_app(here, work, processes=False)
    if as_json:
        with open_archive(here) as archive:
            _print(after, archive.now)
        return
    was, now = before.subscriber.state, after.subscriber
    say(
        f"{subscriber} gets mail again, as the files say"
        + (f" (was {was.value})" if was.value != now.state.value else "")
    )
    if not now.listed:
        note(f"the files do not list {subscriber}: nothing is mailed to them until they do")


@everywhere
def erase(here: Context, subscriber: Who, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take out a subscriber's address, name, targets and mail. Numbers stay, so that an audit still closes."""
    from aggregator.store import erasure

    with open_archive(here) as archive:
        person = archive.store.read(find_member, subscriber).subscriber
        _confirm(f"Take out what is stored of {subscriber}? This cannot be undone.", yes=yes)
        archive.store.write(erasure.erase, person.id, now=archive.now)
        member = archive.store.read(find_member, subscriber)
    if as_json:
        _print(member, archive.now)
    else:
        say(f"{subscriber} is erased: address, name, targets and the bytes of their mail are gone")
    if member.subscriber.listed:
        note(
            f"the files still list {subscriber}: take them out there; until `subscribers resume` nothing of it is stored"
        )
    note("mail that was sent, or written into the outbox folder, is not taken back")


def _own_wish(member: "Member") -> str:
    """What a person themselves asked for, or what would be lifted against it; empty when nothing was."""
    person = member.subscriber
    if person.state is SubscriberState.UNSUBSCRIBED:
        return f"unsubscribed ({person.state_detail or 'themselves'})"
    if person.state is SubscriberState.ERASED:
        return "was erased"
    wishes = [one.slug for one in member.subscriptions if one.left or one.weekly]
    return f"changed {', '.join(wishes)} themselves" if wishes else ""


def _confirm(question: str, *, yes: bool) -> None:
    """Ask a person. Raises UsageError where nobody can be asked, AggregatorError for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(question, hint="there is nobody to ask: repeat it with --yes")
    if not typer.confirm(question, err=True):
        raise AggregatorError("nothing was changed")


def _print(member: "Member", now: "datetime") -> None:

    print_json(told(member, now))
