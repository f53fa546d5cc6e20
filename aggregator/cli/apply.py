"""`plan` and `apply`: what feeds.yaml would change, and making it so."""

import asyncio
import os
import sys
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import open_archive, stoppable, with_app
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import count, print_json, say, warn
from aggregator.cli.paragraphs import paragraph
from aggregator.cli.replaying import replay_now, tell_counts, to_replay, would_match

if TYPE_CHECKING:
    from aggregator.app import App
    from aggregator.configure import Configurator
    from aggregator.feedlist.changes import Change, ChangePlan
    from aggregator.replay import Count

app = new_app()

Notify = Annotated[
    bool, typer.Option("--notify", help="Mail what new and changed topics find in the archive, with what is due next.")
]

LONG = 160  # characters of a text of which only what differs is shown
AROUND = 4  # words shown on either side of that

_WORDS = {"add": ("to add", "added"), "change": ("to change", "changed"), "remove": ("to remove", "removed")}
_MARKS = {"add": "+", "change": "~", "remove": "-"}
_LOOKS = {"add": "green", "change": "yellow", "remove": "red"}


@app.command()
@everywhere
def plan(here: Context, *, as_json: AsJson = False) -> None:
    """What feeds.yaml and subscribers.yaml would change, field by field. Changes nothing."""
    from aggregator.app import make_configurator
    from aggregator.settings import secret_lookup

    with open_archive(here) as archive:
        configurator = make_configurator(archive.settings, archive.store, secrets=secret_lookup(os.environ))
        _warn_of_oddities(configurator)
        planned = asyncio.run(configurator.plan())
        topics = to_replay(planned, configurator.load())
        counts = stoppable(would_match(archive.settings, archive.store, topics))
    _print(planned, counts, as_json=as_json, done=False)


@app.command("apply")
@everywhere
def apply_(here: Context, *, notify: Notify = False, as_json: AsJson = False) -> None:
    """Follow feeds.yaml and subscribers.yaml as they now are. The running service does so by itself.

    New and changed topics are tried on what is stored: first counted, then written. Interrupted, that goes on later.
    """

    async def work(one: "App") -> None:
        _warn_of_oddities(one.configurator)
        topics = to_replay(await one.configurator.plan(), one.configurator.load())
        counts = await would_match(one.settings, one.store, topics)
        planned = await one.configurator.apply(now=one.clock(), notify=notify)
        _print(planned, counts, as_json=as_json, done=True, notify=notify)
        sys.stdout.flush()
        await replay_now(one.settings, one.store, one.clock)

    with_app(here, work, processes=False)


def _warn_of_oddities(configurator: "Configurator") -> None:
    for odd in configurator.load().warnings:
        warn(str(odd))


def _print(
    planned: "ChangePlan", counts: "Mapping[str, Count]", *, as_json: bool, done: bool, notify: bool = False
) -> None:
    if as_json:
        for change in planned.changes:
            differing = {one.name: {"old": one.old, "new": one.new} for one in change.fields}
            print_json({"kind": change.kind, "noun": change.noun, "id": change.id, "fields": differing})
        for text in planned.notes:
            print_json({"kind": "note", "message": text})
        tell_counts(counts, as_json=True, done=done, notify=notify)
        return
    for change in planned.changes:
        _print_change(change)
    for text in planned.notes:
        paragraph(text, lead="note: ")
    tell_counts(counts, as_json=False, done=done, notify=notify)
    say(_sum(planned, done=done))


def _print_change(change: "Change") -> None:
    say(f"{_MARKS[change.kind]} {change.noun} {change.id}", style=_LOOKS[change.kind])
    for one in change.fields:
        old, new = one.old or "nothing", one.new or "nothing"
        long = min(len(old), len(new)) > LONG
        paragraph(_difference(old, new) if long else f"{old} -> {new}", lead=f"    {one.name}: ")


def _difference(old: str, new: str) -> str:
    """What differs between two long texts, each place with some words around it: `… a OR [-old words-] {+new+} OR b …`."""
    before, after = old.split(), new.split()
    told: list[str] = []
    for group in SequenceMatcher(a=before, b=after, autojunk=False).get_grouped_opcodes(AROUND):
        told.append("…")
        for kind, start, end, first, last in group:
            if kind == "equal":
                told += before[start:end]
                continue
            # A query has its own + and - : brackets tell what comes and goes.
            told += [f"[-{' '.join(before[start:end])}-]"] if start < end else []
            told += [f"{{+{' '.join(after[first:last])}+}}"] if first < last else []
    return " ".join([*told, "…"])


def _sum(planned: "ChangePlan", *, done: bool) -> str:
    kinds = [change.kind.value for change in planned.changes]
    if not kinds:
        return "nothing to change: what is followed is what the file says"
    told = [f"{kinds.count(kind)} {_WORDS[kind][done]}" for kind in _WORDS if kind in kinds]
    whole = f"{count(len(kinds), 'change')}: {', '.join(told)}"
    return whole if done else f"{whole}; `aggregator apply` makes it so"
