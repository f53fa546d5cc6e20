"""`stories list, show, split, join, pairs`: what was told once for many outlets, why, and a person's better knowledge."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import stories_pairs
from aggregator.cli.instants import instant_of
from aggregator.cli.opening import open_archive
from aggregator.cli.options import LARGEST_ID, AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, ago, count, fields, moment, note, print_json, print_table, say, span
from aggregator.cli.output import clean as one_line
from aggregator.cli.paragraphs import heading, paragraph
from aggregator.cli.topic_names import refuse_unknown
from aggregator.core.digests.times import iso
from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.store.story_views import Member, StoryView

app = new_app("One event, one line: the stories that matched entries tell, who carries them, and why.")
app.command(name="pairs")(stories_pairs.pairs)

TopicName = Annotated[str | None, typer.Option("--topic", metavar="ID", help="Only stories this topic flagged.")]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="D", help="Only stories begun since: 48h, 7d, a UTC day, or an instant.", show_default=False
    ),
]
StoryId = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="A story's number, as `stories list` shows it.")
]
StoryIds = Annotated[
    list[int], typer.Argument(metavar="STORY STORY..", min=1, max=LARGEST_ID, help="The stories that are one.")
]
EntryIds = Annotated[
    list[int],
    typer.Argument(metavar="ENTRY..", min=1, max=LARGEST_ID, help="Entries of one story that tell another one."),
]


@app.command(name="list")
@everywhere
def list_(
    here: Context, *, topic: TopicName = None, since: Since = None, limit: Limit = 20, as_json: AsJson = False
) -> None:
    """Stories, the last begun first, each with the source that leads it."""
    from aggregator.store import story_views

    begun = None if since is None else instant_of(here, "--since", since)
    with open_archive(here) as archive:
        if topic is not None:
            archive.store.read(refuse_unknown, (topic,))
        found = archive.store.read(story_views.latest, topic_id=topic, since=begun, limit=limit)
    if as_json:
        for story in found:
            print_json(story_json(story))
        return
    if not found:
        note(
            "no story yet; entries that a topic flags begin them" if topic is since is None else "no story is like that"
        )
    columns = (
        Column("id", right=True),
        Column("began", right=True),
        Column("outlets", right=True),
        Column("lead"),
        Column("title", shrinks=True),
        Column("topics", shrinks=True),
    )
    print_table(columns, [_row(story, archive.now) for story in found])


@app.command()
@everywhere
def show(here: Context, story: StoryId, *, as_json: AsJson = False) -> None:
    """One story: who leads it and why, who had it first, what makes each entry a member, and what is related."""
    from aggregator.store import story_views

    with open_archive(here) as archive:
        found = archive.store.read(story_views.one, story)
    if found is None:
        raise UsageError(f"no such story: {story}", hint="`aggregator stories list` shows their numbers")
    if as_json:
        print_json(story_json(found))
    else:
        _show(found)


@app.command()
@everywhere
def split(here: Context, entries: EntryIds, *, as_json: AsJson = False) -> None:
    """Take entries out of their story, for ever: together they become a story of their own."""
    from aggregator.store import story_views, story_wishes

    with open_archive(here) as archive:
        number = archive.store.write(story_wishes.split, entries, now=archive.now)
        made = archive.store.read(story_views.one, number)
    _tell(made, f"story {number} is now {count(len(entries), 'entry', 'entries')} of its own", as_json=as_json)


@app.command()
@everywhere
def join(here: Context, stories: StoryIds, *, as_json: AsJson = False) -> None:
    """Make several stories one, for ever. It keeps the lowest number."""
    from aggregator.store import story_views, story_wishes

    with open_archive(here) as archive:
        number = archive.store.write(story_wishes.join, stories, now=archive.now)
        made = archive.store.read(story_views.one, number)
    _tell(made, f"story {number} now holds them all", as_json=as_json)


def _tell(made: "StoryView | None", done: str, *, as_json: bool) -> None:
    if made is None:
        return  # another process joined it elsewhere meanwhile
    if as_json:
        print_json(story_json(made))
        return
    say(done, style="ok")
    _show(made)


def _row(story: "StoryView", now: datetime) -> tuple[str, ...]:
    lead = story.lead
    outlets = len({one.feed_id for one in story.members})
    return (
        str(story.id),
        ago(story.first_seen, now),
        str(outlets),
        lead.feed_id,
        lead.title or "(untitled)",
        ", ".join(story.topics),
    )


def _why(story: "StoryView") -> str:
    """Why its lead leads."""
    from aggregator.core.stories.lead import lead_reason

    ranked = [(one.tier, one.length) for one in story.members]
    return lead_reason(ranked[0], ranked[1:])


def story_json(story: "StoryView") -> dict[str, Any]:
    """A line of `stories list --json`, and all of `stories show --json`."""
    from aggregator.core.stories.lead import carriers

    carried = carriers([(one.feed_id, one.at) for one in story.members])
    return {
        "id": story.id,
        "began": iso(story.first_seen),
        "title": story.lead.title,
        "topics": list(story.topics),
        "lead": {
            "entry": story.lead.entry_id,
            "feed": story.lead.feed_id,
            "why": _why(story),
        },
        "first": {"feed": carried[0].feed_id, "at": iso(carried[0].at)},
        "outlets": [
            {"feed": one.feed_id, "at": iso(one.at), "behind_seconds": int(one.behind.total_seconds())}
            for one in carried
        ],
        "members": [_member_json(one) for one in story.members],
        "related": [
            {
                "story": one.story_id,
                "title": one.title,
                "entry": one.entry_id,
                "to": one.to,
                "reasons": list(one.reasons),
            }
            for one in story.beside
        ],
    }


def _member_json(one: "Member") -> dict[str, Any]:
    return {
        "entry": one.entry_id,
        "feed": one.feed_id,
        "tier": one.tier,
        "title": one.title,
        "link": one.link,
        "at": iso(one.at),
        "first_seen": iso(one.first_seen),
        "relation": one.relation,
        "reasons": list(one.reasons),
    }


def _show(story: "StoryView") -> None:
    from aggregator.core.stories.lead import carriers

    lead, carried = story.lead, carriers([(one.feed_id, one.at) for one in story.members])
    behind = [f"{one.feed_id} {span(one.behind)} later" for one in carried[1:]]
    say(one_line(lead.title) or "(untitled)", style="bold")
    fields(
        {
            "story": str(story.id),
            "topics": ", ".join(story.topics),
            "lead": f"{lead.feed_name} ({_why(story)})",
            "link": lead.link or "",
            "first": f"{carried[0].feed_id}, {moment(carried[0].at)}",
            "then": ", ".join(behind),
        }
    )
    heading(count(len(story.members), "entry", "entries"))
    columns = (
        Column("entry", right=True),
        Column("feed"),
        Column("tier"),
        Column("relation"),
        Column("title", shrinks=True),
    )
    rows = [
        (str(one.entry_id), one.feed_id, one.tier, one.relation, one.title or "(untitled)") for one in story.members
    ]
    print_table(columns, rows)
    _tell_why("why they are one story", [(one.entry_id, one.reasons) for one in story.members])
    if story.beside:
        heading(f"related, shown beside it: {len(story.beside):,}")
        beside = (Column("story", right=True), Column("title", shrinks=True))
        print_table(beside, [(str(one.story_id), one.title or "(untitled)") for one in story.beside])
        _tell_why("why they are related, and not one story", [(one.story_id, one.reasons) for one in story.beside])


def _tell_why(why: str, numbered: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Reasons in full: they are what a person comes here for, and would be cut in a table."""
    told = [(number, "; ".join(reasons)) for number, reasons in numbered if reasons]
    if not told:
        return
    heading(why)
    room = max(len(f"{number}") for number, _ in numbered)
    for number, reasons in told:
        paragraph(one_line(reasons), lead=f"{number:>{room}}  ")
