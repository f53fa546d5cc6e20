"""`feeds`: how each followed feed fares, from the store; the commands that look at the web or edit the file are beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aggregator.cli import feeds_add, feeds_check, feeds_edit, feeds_fix, feeds_raw, feeds_value
from aggregator.cli.feed_names import FeedId, find_feed
from aggregator.cli.feed_states import QUIET, STATES, Noted, noted, spoken_state, state_of
from aggregator.cli.manners import COUNTED_DAYS, extras, manners, manners_json
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, LimitOrAll, everywhere, new_app
from aggregator.cli.output import (
    Column,
    ago,
    clean,
    count,
    fields,
    moment,
    note,
    print_json,
    print_table,
    say,
    span,
)
from aggregator.core.digests.times import iso
from aggregator.core.model.feeds import FeedState

if TYPE_CHECKING:
    from aggregator.store.database import Connection
    from aggregator.store.feeds import DayRow, EventRow, FollowedFeed
    from aggregator.store.politeness import Politeness

app = new_app(
    "The feeds that are followed: how they fare, live checks, and edits of feeds.yaml that keep its comments."
)


DAYS = 7
EVENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """One feed with what happened to it."""

    one: "FollowedFeed"
    entries: int
    days: tuple["DayRow", ...]
    events: tuple["EventRow", ...]
    mean_gap: timedelta | None
    politeness: "Politeness"
    note: Noted | None


@app.command("list")
@everywhere
def list_(here: Context, *, limit: LimitOrAll = None, as_json: AsJson = False) -> None:
    """How every followed feed fares, the worst first.

    A feed is degraded after three failures in a row, failing after seven days of them, poisoned when reading it had to
    be stopped three times; it is asked on all the same. It is quiet when it answers and brings nothing for longer than
    its own rhythm makes likely; gapped when it may have dropped entries in the last seven days, and recovered when it
    began to answer again in them. It is disabled by the file, or by its host for good.
    """
    from aggregator.store import feeds

    with open_archive(here) as archive:
        followed = archive.store.read(feeds.followed)
        told = archive.store.read(noted, now=archive.now)
        states = {one.feed.id: spoken_state(one, archive.now, told.get(one.feed.id)) for one in followed}
        shown = sorted(followed, key=lambda one: (STATES.index(states[one.feed.id]), one.feed.id))[:limit]
        if as_json:
            for one in shown:
                print_json(feed_json(one, archive.now, told.get(one.feed.id)))
            return
        gaps = archive.store.read(_mean_gaps, [one.feed.id for one in shown])
    if not followed:
        note(f"no feed is followed yet; `aggregator apply` follows what {archive.settings.config} lists")
        return
    columns = (
        Column("feed"),
        Column("state", style="state"),
        Column("last ok"),
        Column("next"),
        Column("tier", wide=True),
        Column("entry every", wide=True, right=True),
        Column("problem", shrinks=True),
    )
    print_table(columns, [_row(one, states, gaps[one.feed.id], archive.now, told) for one in shown])
    tally = Counter(states.values())
    numbers = ", ".join(f"{tally[state]} {state}" for state in STATES if tally[state])
    say(f"\n{count(len(followed), 'feed')}: {numbers}")


def _mean_gaps(connection: "Connection", feed_ids: Sequence[str]) -> dict[str, timedelta | None]:
    """The average time between the last entries of each feed, as its lists show it."""
    from aggregator.core.checking.cadence import mean_gap
    from aggregator.store import entries

    return {feed_id: mean_gap(entries.latest_times(connection, feed_id)) for feed_id in feed_ids}


def _row(
    one: "FollowedFeed", states: Mapping[str, str], gap: timedelta | None, now: datetime, told: Mapping[str, Noted]
) -> tuple[str, ...]:
    learned, state = one.state, states[one.feed.id]
    due = "-" if state == "disabled" else ago(learned.next_check_at, now) if learned.next_check_at > now else "due"
    every = span(gap) if gap else "-"
    return (
        one.feed.id,
        state,
        ago(learned.succeeded_at, now),
        due,
        one.feed.tier,
        every,
        _known(one, told.get(one.feed.id)),
    )


def _known(one: "FollowedFeed", note: Noted | None) -> str:
    return _problem(one) or (note.detail if note else "")


def _problem(one: "FollowedFeed") -> str:
    """What a person should know in a few words: the typed error with the publisher's own, or why nothing is asked."""
    if one.feed.disabled:
        return "disabled in the file"
    learned = one.state
    return f"{learned.error_kind}: {learned.error_detail}" if learned.error_kind else ""


def feed_json(one: "FollowedFeed", now: datetime, note: Noted | None) -> dict[str, Any]:
    """A line of `feeds list --json`; `url_in_use` is the address that is asked, `quiet` since when it is unusually so."""
    learned = one.state
    return {
        "id": one.feed.id,
        "url": one.feed.url,
        "url_in_use": learned.url_in_use or one.feed.url,
        "state": state_of(one, now),
        "last_success_at": iso(learned.succeeded_at),
        "next_check_at": iso(learned.next_check_at) if one.listed else None,
        "error": _error_json(learned),
        "etag": _text(learned.etag),
        "last_modified": _text(learned.last_modified),
        "gap": iso(one.gap_at),
        "quiet": iso(note.since) if note and note.word == QUIET else None,
    }


def _error_json(learned: FeedState) -> dict[str, Any] | None:
    if learned.error_kind is None:
        return None
    return {"kind": learned.error_kind, "detail": learned.error_detail or ""}


def _text(validator: bytes | None) -> str | None:
    """A validator as text, one character a byte, so that nothing of it is lost."""
    return None if validator is None else validator.decode("latin-1")


@app.command()
@everywhere
def show(here: Context, feed: FeedId, *, as_json: AsJson = False) -> None:
    """All that is known of one feed: what the file says, what checking learned, and what happened to it."""
    with open_archive(here) as archive:
        portrait = archive.store.read(_portrait, feed, archive.now)
    if as_json:
        print_json(portrait_json(portrait, archive.now))
    else:
        _show(portrait, archive.now)


def _portrait(connection: "Connection", feed_id: str, now: datetime) -> Portrait:
    from aggregator.store import feeds
    from aggregator.store.politeness import politeness

    return Portrait(
        one=find_feed(connection, feed_id),
        entries=feeds.entry_counts(connection, (feed_id,)).get(feed_id, 0),
        days=feeds.days(connection, feed_id, limit=DAYS),
        events=feeds.events(connection, feed_id=feed_id, limit=EVENTS),
        mean_gap=_mean_gaps(connection, (feed_id,))[feed_id],
        politeness=politeness(connection, since=now.date() - timedelta(days=COUNTED_DAYS - 1), feed_id=feed_id),
        note=noted(connection, now=now, names=(feed_id,)).get(feed_id),
    )


def portrait_json(portrait: Portrait, now: datetime) -> dict[str, Any]:
    """What `feeds show --json` says: the line of the list, and the rest."""
    one = portrait.one
    return feed_json(one, now, portrait.note) | {
        "name": one.feed.name,
        "title": one.state.title,
        "site": one.state.site,
        "self_link": one.state.self_link,
        "tier": one.feed.tier,
        "tags": list(one.feed.tags),
        "followed": one.listed,
        "checked_at": iso(one.state.checked_at),
        "failures": one.state.failures,
        "failing_since": iso(one.state.failing_since),
        "identity": one.state.identity,
        "entries": portrait.entries,
        "mean_gap_seconds": round(portrait.mean_gap.total_seconds()) if portrait.mean_gap else None,
        "politeness": manners_json(portrait.politeness),
        "days": [_day_json(day) for day in portrait.days],
        "events": [{"at": iso(event.at), "kind": event.kind, "detail": event.detail} for event in portrait.events],
    }


def _day_json(day: "DayRow") -> dict[str, Any]:
    told = asdict(day) | {"day": day.day.isoformat()}
    del told["feed_id"]
    return told


def _show(portrait: Portrait, now: datetime) -> None:
    one, learned = portrait.one, portrait.one.state
    state = spoken_state(one, now, portrait.note) if one.listed else "removed"
    say(one.feed.name or learned.title or one.feed.id, style="bold")
    fields(_said(portrait) | _learned(portrait, state, now))
    if portrait.days:
        say("\nits last days", style="bold")
        numbers = tuple(Column(title, right=True) for title in ("checks", "ok", "new", "gaps"))
        rows = [(str(day.day), str(day.checks), str(day.ok), str(day.new), str(day.gaps)) for day in portrait.days]
        print_table((Column("day"), *numbers), rows)
    if portrait.events:
        say("\nwhat happened", style="bold")
        columns = (Column("when"), Column("what"), Column("detail", shrinks=True))
        print_table(columns, [(moment(event.at), event.kind, event.detail) for event in portrait.events])


def _said(portrait: Portrait) -> dict[str, str]:
    """What the file says."""
    feed = portrait.one.feed
    return {
        "id": feed.id,
        "url": feed.url,
        "tags": ", ".join(feed.tags),
        "tier": feed.tier,
        "interval": span(feed.interval) if feed.interval else "",
    }


def _learned(portrait: Portrait, state: str, now: datetime) -> dict[str, str]:
    """What checking learned."""
    learned = portrait.one.state
    asked = learned.url_in_use if learned.url_in_use != portrait.one.feed.url else None
    since = f", since {moment(learned.failing_since)}" if learned.failing_since else ""
    validators = [
        f"{name} {clean(value)}"
        for name, value in (("ETag", _text(learned.etag)), ("Last-Modified", _text(learned.last_modified)))
        if value
    ]
    every = f", one every {span(portrait.mean_gap)} on average" if portrait.mean_gap else ""
    return {
        "asked at": asked or "",
        "calls itself": learned.self_link or "",
        "state": state,
        "problem": _known(portrait.one, portrait.note),
        "failures": f"{learned.failures} in a row{since}" if learned.failures else "",
        "last ok": _when(learned.succeeded_at, now),
        "last check": _when(learned.checked_at, now),
        "next check": _when(learned.next_check_at, now) if state not in {"disabled", "removed"} else "",
        "last gap": _when(portrait.one.gap_at, now) if portrait.one.gap_at else "",
        "validators": ", ".join(validators) or ("none" if learned.succeeded_at else ""),
        "slowed until": _when(learned.slow_until, now) if learned.slow_until and learned.slow_until > now else "",
        "entries": f"{portrait.entries:,}{every}, known by {learned.identity}",
        "politeness": manners(portrait.politeness),
        "besides": extras(portrait.politeness),
    }


def _when(at: datetime | None, now: datetime) -> str:
    return f"{moment(at)} ({ago(at, now)})" if at else "never"


# Below the others, as the help lists commands in this order.
app.command("check")(feeds_check.check)
app.command("raw")(feeds_raw.raw)
app.command("value")(feeds_value.value)
app.command("add")(feeds_add.add)
app.command("fix")(feeds_fix.fix)
app.command("remove")(feeds_edit.remove)
app.command("import")(feeds_edit.import_)
app.command("export")(feeds_edit.export)
