"""`plan` and `apply`: what feeds.yaml would change, and making it so."""

import asyncio
import os
from typing import TYPE_CHECKING

from aggregator.cli.opening import open_archive, with_app
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import count, print_json, say, warn
from aggregator.cli.paragraphs import paragraph

if TYPE_CHECKING:
    from aggregator.app import App
    from aggregator.configure import Configurator
    from aggregator.feedlist.changes import Change, ChangePlan

app = new_app()

_WORDS = {"add": ("to add", "added"), "change": ("to change", "changed"), "remove": ("to remove", "removed")}
_MARKS = {"add": "+", "change": "~", "remove": "-"}
_LOOKS = {"add": "green", "change": "yellow", "remove": "red"}


@app.command()
@everywhere
def plan(here: Context, *, as_json: AsJson = False) -> None:
    """What feeds.yaml and subscribers.yaml would change, field by field. Changes nothing."""
    from aggregator.app import make_configurator  # noqa: PLC0415 - lazily, as all of the command line
    from aggregator.settings import secret_lookup  # noqa: PLC0415 - as above

    with open_archive(here) as archive:
        configurator = make_configurator(archive.settings, archive.store, secrets=secret_lookup(os.environ))
        _warn_of_oddities(configurator)
        planned = asyncio.run(configurator.plan())
    _print(planned, as_json=as_json, done=False)


@app.command("apply")
@everywhere
def apply_(here: Context, *, as_json: AsJson = False) -> None:
    """Follow feeds.yaml and subscribers.yaml as they now are. The running service does so by itself."""

    async def work(one: "App") -> "ChangePlan":
        _warn_of_oddities(one.configurator)
        return await one.configurator.apply(now=one.clock())

    _print(with_app(here, work, processes=False), as_json=as_json, done=True)


def _warn_of_oddities(configurator: "Configurator") -> None:
    for odd in configurator.load().warnings:
        warn(str(odd))


def _print(planned: "ChangePlan", *, as_json: bool, done: bool) -> None:
    if as_json:
        for change in planned.changes:
            differing = {one.name: {"old": one.old, "new": one.new} for one in change.fields}
            print_json({"kind": change.kind, "noun": change.noun, "id": change.id, "fields": differing})
        for text in planned.notes:
            print_json({"kind": "note", "message": text})
        return
    for change in planned.changes:
        _print_change(change)
    for text in planned.notes:
        paragraph(text, lead="note: ")
    say(_sum(planned, done=done))


def _print_change(change: "Change") -> None:
    say(f"{_MARKS[change.kind]} {change.noun} {change.id}", style=_LOOKS[change.kind])
    for one in change.fields:
        paragraph(f"{one.old or 'nothing'} -> {one.new or 'nothing'}", lead=f"    {one.name}: ")


def _sum(planned: "ChangePlan", *, done: bool) -> str:
    kinds = [change.kind.value for change in planned.changes]
    if not kinds:
        return "nothing to change: what is followed is what the file says"
    told = [f"{kinds.count(kind)} {_WORDS[kind][done]}" for kind in _WORDS if kind in kinds]
    whole = f"{count(len(kinds), 'change')}: {', '.join(told)}"
    return whole if done else f"{whole}; `aggregator apply` makes it so"
