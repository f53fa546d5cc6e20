"""`entries` and `show`: what was stored, and of one entry its words, its revisions, and the proof of every match."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.feed_names import find_feed
from aggregator.cli.opening import open_archive
from aggregator.cli.options import LARGEST_ID, AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import (
    Column,
    ago,
    count,
    fields,
    moment,
    note,
    print_json,
    print_table,
    say,
)
from aggregator.cli.output import clean as one_line
from aggregator.cli.paragraphs import paragraphs
from aggregator.cli.topic_names import refuse_unknown
from aggregator.core.digests.export.evidence import fired_object, words_of
from aggregator.core.digests.times import iso
from aggregator.core.errors import UsageError
from aggregator.core.model.entries import Entry, Revision
from aggregator.core.model.topics import Evidence, Fired, Match

if TYPE_CHECKING:
    from aggregator.store.database import Connection

app = new_app()

FeedName = Annotated[str | None, typer.Option("--feed", metavar="ID", help="Only entries of this feed.")]
TopicName = Annotated[str | None, typer.Option("--topic", metavar="ID", help="Only entries this topic flagged.")]
EntryId = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="An entry's number, as `aggregator entries` shows it."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One entry with its history."""

    entry: Entry
    revisions: tuple[Revision, ...]
    matches: tuple[Match, ...]
    story: int | None = None


@app.command()
@everywhere
def entries(
    here: Context, *, feed: FeedName = None, topic: TopicName = None, limit: Limit = 20, as_json: AsJson = False
) -> None:
    """What was stored, newest first. The last column names the topics that flagged an entry."""
    with open_archive(here) as archive:
        found = archive.store.read(_find, feed, topic, limit)
    if as_json:
        for entry in found:
            print_json(entry_json(entry))
        return
    if not found:
        note("no entry yet; `aggregator poll` checks the feeds" if feed is topic is None else "no such entry yet")
    columns = (
        Column("id", right=True),
        Column("seen", right=True),
        Column("feed"),
        Column("title", shrinks=True),
        Column("topics", shrinks=True),
    )
    print_table(
        columns,
        [
            (str(one.id), ago(one.first_seen, archive.now), one.feed_id, title_of(one), ", ".join(one.topics))
            for one in found
        ],
    )


def _find(connection: "Connection", feed: str | None, topic: str | None, limit: int) -> tuple[Entry, ...]:
    """Entries of a feed and a topic that exist. Raises UsageError for a name that does not."""
    from aggregator.store import entries as stored

    if feed is not None:
        find_feed(connection, feed)
    if topic is not None:
        refuse_unknown(connection, (topic,))
    return stored.latest(connection, feed_id=feed, topic_id=topic, limit=limit)


@app.command()
@everywhere
def show(here: Context, entry_id: EntryId, *, as_json: AsJson = False) -> None:
    """One entry: what is stored of it, how it changed, and which words made which clause of which topic fire."""
    with open_archive(here) as archive:
        found = archive.store.read(_read, entry_id)
    if as_json:
        print_json(shown_json(found))
    else:
        _show(found)


def _read(connection: "Connection", entry_id: int) -> Shown:
    from aggregator.store import entries as stored
    from aggregator.store import story_views, topics

    entry = stored.one(connection, entry_id)
    if entry is None:
        raise UsageError(f"no such entry: {entry_id}", hint="`aggregator entries` lists them")
    revisions = stored.revisions(connection, entry_id)
    found = story_views.of_entry(connection, entry_id)
    matches = topics.matches_of(connection, entry_id)
    return Shown(entry=entry, revisions=revisions, matches=matches, story=found.id if found else None)


def title_of(entry: Entry) -> str:
    """What people read of an entry that may have no title."""
    return entry.revision.title or entry.revision.text[:200] or "(untitled)"


def entry_json(entry: Entry) -> dict[str, Any]:
    """A line of `entries --json`."""
    return {
        "id": entry.id,
        "feed": entry.feed_id,
        "key": entry.key,
        "title": entry.revision.title,
        "link": entry.revision.link,
        "first_seen": iso(entry.first_seen),
        "published": iso(entry.published),
        "topics": list(entry.topics),
    }


def shown_json(shown: Shown) -> dict[str, Any]:
    """All that `show` knows; markup is cleaned, as it is whenever it is shown."""
    from aggregator.core.reading.markup import clean_html

    entry, now = shown.entry, shown.entry.revision
    words = {revision.n: revision for revision in shown.revisions}
    return entry_json(entry) | {
        "published_raw": entry.published_raw,
        "date_suspect": entry.date_suspect,
        "updated": iso(entry.updated),
        "withdrawn": entry.withdrawn,
        "story": shown.story,
        "authors": list(now.authors),
        "tags": list(now.tags),
        "language": now.language,
        "text": now.text,
        "html": clean_html(now.html, now.link or ""),
        "enclosures": [{"url": file.url, "type": file.type, "length": file.length} for file in now.enclosures],
        "revisions": [
            {"n": one.n, "seen_at": iso(one.seen_at), "title": one.title, "text": one.text} for one in shown.revisions
        ],
        "matches": [
            {
                "id": match.id,
                "topic": match.topic_id,
                "origin": match.origin,
                "score": match.score,
                "first_seen": iso(match.first_seen),
                "evidence": [_evidence_json(proof, words[proof.revision]) for proof in match.evidence],
            }
            for match in shown.matches
        ],
    }


def _evidence_json(proof: Evidence, revision: Revision) -> dict[str, Any]:
    return {
        "topic_version": proof.topic_version,
        "revision": proof.revision,
        "score": proof.score,
        "at": iso(proof.at),
        "fired": [fired_object(fired, revision) for fired in proof.fired],
    }


def _show(shown: Shown) -> None:
    entry, now = shown.entry, shown.entry.revision
    say(one_line(title_of(entry)), style="bold")
    doubt = " (doubtful)" if entry.date_suspect else ""
    published = f"{moment(entry.published)}{doubt}" if entry.published else one_line(entry.published_raw or "")
    fields(
        {
            "link": now.link or "",
            "feed": entry.feed_id,
            "by": ", ".join(now.authors),
            "tags": ", ".join(now.tags),
            "language": now.language or "",
            "published": published,
            "first seen": moment(entry.first_seen),
            "key": entry.key,
            "story": f"{shown.story} (`aggregator stories show {shown.story}`)" if shown.story else "",
            "withdrawn": "the publisher took it back" if entry.withdrawn else "",
            "files": "\n".join(file.url for file in now.enclosures),
        }
    )
    if now.text:
        say()
        paragraphs(now.text)
    if len(shown.revisions) > 1:
        say(f"\n{count(len(shown.revisions), 'revision')}", style="bold")
        columns = (Column("n", right=True), Column("seen"), Column("title", shrinks=True))
        print_table(columns, [(str(one.n), moment(one.seen_at), one.title) for one in shown.revisions])
    _show_matches(shown)


def _show_matches(shown: Shown) -> None:
    words = {revision.n: revision for revision in shown.revisions}
    if not shown.matches:
        say("\nno topic flagged it", style="dim")
    for match in shown.matches:
        proof = match.evidence[-1]
        say(f"\nflagged by {match.topic_id}, match {match.id}", style="bold")
        versions = f"topic version {proof.topic_version}, revision {proof.revision}"
        say(f"score {proof.score:g}, {match.origin}, since {moment(match.first_seen)}; {versions}", style="dim")
        columns = (Column("points", right=True), Column("clause"), Column("words", shrinks=True))
        print_table(columns, [_fired_row(fired, words[proof.revision]) for fired in proof.fired])


def _fired_row(fired: Fired, revision: Revision) -> tuple[str, str, str]:
    quoted: Sequence[str] = [
        f"{span.field}: {words}" if words else span.field
        for span, words in zip(fired.spans, words_of(fired, revision), strict=True)
    ]
    return f"{fired.points:+g}", fired.clause, " | ".join(dict.fromkeys(quoted))
