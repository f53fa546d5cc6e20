"""`feeds fix`: feeds that moved, died or became a web page -> a proposed patch of feeds.yaml, and the edit when it is wanted."""

import asyncio
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.opening import with_app
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import count, fields, note, print_json, progress, say
from aggregator.core.checking.mending import Ailment, Confidence, Likeness, ailment
from aggregator.core.errors import UsageError
from aggregator.core.model.feeds import Feed, FeedState
from aggregator.core.urls import host_of, link_hash

if TYPE_CHECKING:
    from aggregator.app import App
    from aggregator.cli.successors import Diagnosis, Patient, Successor
    from aggregator.feedlist.edit import Rewrite
    from aggregator.store.database import Connection

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[FEED]...", help="Ids of feeds; those that need it without.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Edit the file as proposed, and make it so.")]

COMPARED = 500  # newest stored entries that a successor is compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found. `chosen` are the ids whose proposal the patch holds, `patches` each one's own diff."""

    found: tuple["Diagnosis", ...]
    chosen: frozenset[str]
    patch: str
    patches: Mapping[str, str]
    applied: bool


@everywhere
def fix(here: Context, names: Names = None, *, apply: Apply = False, as_json: AsJson = False) -> None:
    """Look for what became of feeds that moved, died or turned into a web page, and propose a patch of the file.

    A successor is read and compared with what is stored before it is proposed. Nothing is changed without --apply. One
    that has nothing in common with what is stored is only taken over for a feed that is named.
    """

    async def work(app: "App") -> Report:
        patients = await _patients(app, names or ())
        found = await _diagnose(app, patients)
        return await _report(app, found, named=frozenset(names or ()), apply=apply)

    report = with_app(here, work)
    if as_json:
        for one in report.found:
            print_json(fix_json(one, report))
    else:
        _tell(report, str(here.settings().config))


async def _patients(app: "App", names: Collection[str]) -> tuple["Patient", ...]:
    """The named feeds of the file, or all that ail. Raises ConfigError, UsageError."""
    listed = {feed.id: feed for feed in app.configurator.load().feeds}
    if missing := [name for name in names if name not in listed]:
        raise UsageError(
            f"{app.settings.config} lists no feed {', '.join(missing)}", hint="`aggregator feeds list` shows their ids"
        )
    return await app.store.reading(_examined, listed, tuple(dict.fromkeys(names)), now=app.clock())


def _examined(
    connection: "Connection", listed: Mapping[str, Feed], names: Sequence[str], *, now: datetime
) -> tuple["Patient", ...]:
    from aggregator.cli.successors import Patient
    from aggregator.store import entries, feeds

    learned = {one.feed.id: one for one in feeds.followed(connection)}
    found = []
    for feed in [listed[name] for name in names] or listed.values():
        known = learned.get(feed.id)
        # What was learned at another address says nothing of this one.
        state = known.state if known and known.feed.url == feed.url else None
        state = state or FeedState(feed_id=feed.id, host=host_of(feed.url), next_check_at=now)
        what = ailment(feed, state, now)
        if names or what is not None:
            stored = entries.latest(connection, feed_id=feed.id, limit=COMPARED)
            found.append(Patient(feed=feed, state=state, stored=stored, ailment=what))
    return tuple(found)


async def _diagnose(app: "App", patients: Sequence["Patient"]) -> tuple["Diagnosis", ...]:
    from aggregator.cli.live import reader_of
    from aggregator.cli.successors import diagnose

    if not patients:
        return ()
    listed = app.configurator.load().feeds
    reader = await reader_of(app)
    with progress(len(patients), "looking for feeds") as step:

        async def one(patient: "Patient") -> "Diagnosis":
            found = await diagnose(reader, patient, listed)
            step()
            return found

        return _one_each(await asyncio.gather(*(one(patient) for patient in patients)))


def _one_each(found: Sequence["Diagnosis"]) -> tuple["Diagnosis", ...]:
    """The same, but a successor that is another feed's already is no edit to make."""
    taken: dict[bytes, str] = {}
    each = []
    for one in found:
        successor = one.successor
        if successor and not successor.obstacle:
            holder = taken.setdefault(link_hash(successor.url), one.patient.feed.id)
            if holder != one.patient.feed.id:
                successor = replace(successor, obstacle=f"it is proposed for {holder}")
        each.append(replace(one, successor=successor))
    return tuple(each)


def _is_proposed(successor: "Successor", *, named: bool) -> bool:
    return not successor.obstacle and (named or successor.confidence is not Confidence.LOW)


async def _report(app: "App", found: Sequence["Diagnosis"], *, named: Collection[str], apply: bool) -> Report:
    """The patch that the proposals make, applied when that is wanted."""
    from aggregator.feedlist.edit import readdressed, rewrite

    path = app.settings.config
    urls = {
        one.patient.feed.id: one.successor.url
        for one in found
        if one.successor and _is_proposed(one.successor, named=one.patient.feed.id in named)
    }
    patches = {id_: _diff(readdressed(path, {id_: url}), str(path)) for id_, url in urls.items()}
    edit = readdressed(path, urls) if urls else None
    if edit and apply:
        rewrite(path, edit)
        await app.configurator.apply(now=app.clock())
    return Report(
        found=tuple(found),
        chosen=frozenset(urls),
        patch=_diff(edit, str(path)) if edit else "",
        patches=patches,
        applied=bool(edit and apply),
    )


def _diff(edit: "Rewrite", name: str) -> str:
    before, after = edit.before.splitlines(keepends=True), edit.after.splitlines(keepends=True)
    told = difflib.unified_diff(before, after, fromfile=name, tofile=name)
    # A last line without its end would run into what follows.
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in told)


def fix_json(one: "Diagnosis", report: Report) -> dict[str, Any]:
    """A line of `feeds fix --json`; `patch` is the unified diff of this proposal alone, null when none is proposed."""
    feed = one.patient.feed
    return {
        "id": feed.id,
        "url": feed.url,
        "ailment": one.patient.ailment,
        "error": _error_json(one),
        "note": one.note,
        "successor": _successor_json(one.successor) if one.successor else None,
        "patch": report.patches.get(feed.id),
        "applied": report.applied and feed.id in report.chosen,
    }


def _error_json(one: "Diagnosis") -> dict[str, str] | None:
    state = one.patient.state
    return {"kind": state.error_kind, "detail": state.error_detail or ""} if state.error_kind else None


def _successor_json(successor: "Successor") -> dict[str, Any]:
    return {
        "url": successor.url,
        "title": successor.title,
        "reason": successor.reason,
        "confidence": successor.confidence,
        "entries": successor.likeness.entries,
        "known": successor.likeness.known,
        "obstacle": successor.obstacle or None,
    }


def _tell(report: Report, config: str) -> None:
    if not report.found:
        say("no feed has moved, died or become a web page; `aggregator status` shows other errors")
        return
    for one in report.found:
        _tell_one(one, proposed=one.patient.feed.id in report.chosen)
        say()
    if report.patch:
        say(report.patch.rstrip("\n"))
    proposals = count(len(report.chosen), "edit")
    if report.applied:
        note(f"{proposals} made in {config}, and applied")
    elif report.chosen:
        note(f"{proposals} proposed; nothing is changed yet: `aggregator feeds fix --apply` makes what is proposed")


def _tell_one(one: "Diagnosis", *, proposed: bool) -> None:
    say(f"{one.patient.feed.id}: {_AILING[one.patient.ailment]}", style="bold")
    error, _, _ = (one.patient.state.error_detail or "").partition(" (it offers ")
    found = one.successor
    lines = {"error": error, "note": one.note}
    if found:
        look = f"look at it, then `aggregator feeds fix {one.patient.feed.id} --apply` takes it"
        lines |= {
            "found": f"{found.url}\n{found.title or '(without a title)'}, {_compared(found.likeness)}",
            "because": f"{found.reason}; {found.confidence} confidence",
            "but": found.obstacle or ("" if proposed else f"it is not proposed: {look}"),
        }
    fields({f"  {name}": text for name, text in lines.items() if text})


_AILING = {
    Ailment.MOVED: "moved for good",
    Ailment.DEAD: "nothing is there any more",
    Ailment.PAGE: "a web page is where the feed was",
    Ailment.BOT_WALL: "behind a bot check",
    None: "looked at, as you asked",
}


def _compared(seen: Likeness) -> str:
    entries = count(seen.entries, "entry", "entries")
    return f"{entries}, {seen.known} of them known" if seen.stored else f"{entries}, and none stored to compare with"
