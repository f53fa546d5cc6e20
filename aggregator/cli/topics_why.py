"""`topics why`: one topic and one text, every step of the verdict, for a hit and for a miss. Nothing is stored."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.explaining import print_trace, trace_json
from aggregator.cli.live import Document, NoDocument, open_reader, tell_no_document
from aggregator.cli.opening import open_archive, start_logging, stoppable
from aggregator.cli.options import LARGEST_ID, AsJson, Context, everywhere
from aggregator.cli.output import Column, count, fields, note, print_json, print_table, say
from aggregator.cli.topic_names import InForce, TopicName, find_topic
from aggregator.core.errors import UsageError
from aggregator.core.model.entries import FeedFacts, Unreadable
from aggregator.core.model.feeds import FailureKind, Feed, FetchRequest

if TYPE_CHECKING:
    from aggregator.core.topics.fields import EntryFields
    from aggregator.core.topics.trace import Trace
    from aggregator.store.database import Connection

UrlOption = Annotated[str | None, typer.Option("--url", metavar="URL", help="A page, or a feed: then its entries.")]
EntryOption = Annotated[
    int | None, typer.Option("--entry", metavar="ID", min=1, max=LARGEST_ID, help="A stored entry, by its number.")
]
TextOption = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="A text; - reads standard input.")]
TitleOption = Annotated[
    str | None, typer.Option("--title", metavar="WORDS", help="The title beside --text; of a --url feed, which entry.")
]
Whole = Annotated[bool, typer.Option("--all", help="Also clauses and alternatives of which nothing is in the text.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One thing to explain: what topics may ask of it, where it is from, and what is stored of the topic's verdict."""

    fields: "EntryFields"
    source: dict[str, Any]
    stored: dict[str, Any] | None = None


@everywhere
def why(
    here: Context,
    topic: TopicName,
    *,
    url: UrlOption = None,
    entry: EntryOption = None,
    text: TextOption = None,
    title: TitleOption = None,
    in_force: InForce = False,
    whole: Whole = False,
    as_json: AsJson = False,
) -> None:
    """Why a topic flags an entry, a page or a text, or why not: each clause with its parts, the words, and the sum.

    The topic is the one in the feed list, a pack or a file. Nothing is stored.
    """
    from aggregator.core.topics.trace import explain

    if sum(given is not None for given in (url, entry, text)) != 1 and (url or entry or title is None):
        raise UsageError(
            "say what to explain", hint="one of --url URL, --entry ID, --text TEXT, or --text - for a pipe"
        )
    chosen = find_topic(here, topic, in_force=in_force)
    if url is not None:
        looked = _of_url(here, url, title, as_json=as_json)
    elif entry is not None:
        looked = [_of_entry(here, entry, chosen.id)]
    else:
        looked = [_of_text(text or "", title or "")]
    traced = [(one, explain(chosen, one.fields)) for one in looked]
    if as_json:
        for one, trace in traced:
            told = {**one.source, "title": one.fields.title, **trace_json(trace, one.fields)}
            print_json({**told, "stored": one.stored} if "entry" in one.source else told)
    elif len(traced) == 1:
        _print_one(*traced[0], whole=whole)
    else:
        _print_many(traced)


def _of_text(text: str, title: str) -> Looked:
    from aggregator.core.reading.markup import one_line, tidy_text
    from aggregator.core.topics.fields import EntryFields

    read = sys.stdin.read() if text == "-" else text
    return Looked(fields=EntryFields(title=one_line(title), text=tidy_text(read)), source={})


def _of_entry(here: Context, entry_id: int, topic_id: str) -> Looked:
    with open_archive(here) as archive:
        return archive.store.read(_stored, entry_id, topic_id)


def _stored(connection: "Connection", entry_id: int, topic_id: str) -> Looked:
    from aggregator.core.topics.fields import stored_fields
    from aggregator.store import replay, topics

    found = replay.one(connection, entry_id)
    if found is None:
        raise UsageError(f"no such entry: {entry_id}", hint="`aggregator entries` shows their numbers")
    flagged = {match.topic_id: match for match in topics.matches_of(connection, entry_id)}.get(topic_id)
    told = None
    if flagged is not None:
        proof = flagged.evidence[-1]
        told = {
            "match": flagged.id,
            "origin": flagged.origin,
            "score": proof.score,
            "version": proof.topic_version,
            "revision": proof.revision,
            "first_seen": flagged.first_seen,
        }
    words = stored_fields(found.revision, found.facts)
    return Looked(fields=words, source={"entry": entry_id, "feed": found.facts.feed_id}, stored=told)


def _of_url(here: Context, url: str, title: str | None, *, as_json: bool) -> list[Looked]:
    found = stoppable(_fetch(here, url))
    if isinstance(found, NoDocument):
        tell_no_document(found, as_json=as_json, offer="aggregator topics why TOPIC --url {}")
    wanted = (title or "").casefold()
    chosen = [one for one in found if wanted in one.fields.title.casefold()]
    if not chosen:
        raise UsageError(f"none of its {count(len(found), 'entry', 'entries')} has that in its title: {title}")
    return chosen


async def _fetch(here: Context, url: str) -> list[Looked] | NoDocument:
    """The entries of a feed, or the one page, at `url`."""
    from aggregator.core.reading.webpage import read_webpage
    from aggregator.core.topics.fields import EntryFields

    async with open_reader(start_logging(here.settings(), quiet=True)) as reader:
        fetched = await reader.fetch(FetchRequest(url=url))
        if isinstance(fetched, NoDocument):
            return fetched
        read = await reader.read(Feed(id="document", url=url), fetched)
    if isinstance(read, Document):
        return _of_feed(read)
    if read.kind is not FailureKind.HTML:
        return read
    page = read_webpage(fetched.body, fetched.answer.content_type)
    if isinstance(page, Unreadable):
        return NoDocument(kind=page.kind, detail=page.detail)
    title, text = page
    return [Looked(fields=EntryFields(title=title, text=text, url=fetched.answer.url), source={"url": url})]


def _of_feed(document: Document) -> list[Looked]:
    from aggregator.core.topics.fields import parsed_fields

    unlisted = FeedFacts(feed_id="", url=document.answer.url, tier="", language=document.read.feed.language)
    return [
        Looked(fields=parsed_fields(entry, unlisted), source={"url": entry.link or document.answer.url})
        for entry in (one.read.entry for one in document.entries)
    ]


def _print_one(looked: Looked, trace: "Trace", *, whole: bool) -> None:
    say(looked.fields.title or "(untitled)", style="bold")
    source = {name: str(value) for name, value in looked.source.items()}
    if looked.stored is not None:
        told = looked.stored
        source["stored"] = (
            f"match {told['match']}, {told['origin']}, score {told['score']:g} by version {told['version']} "
            f"on revision {told['revision']}"
        )
    elif "entry" in looked.source:
        source["stored"] = "not flagged"
    fields(source)
    print_trace(trace, looked.fields, whole=whole)


def _print_many(traced: "list[tuple[Looked, Trace]]") -> None:
    columns = (Column("verdict"), Column("score/flag at", right=True), Column("title", shrinks=True))
    rows = [
        ("flagged" if trace.flagged else "left", f"{trace.score:g}/{trace.flag_at:g}", one.fields.title or "(untitled)")
        for one, trace in traced
    ]
    print_table(columns, rows)
    note("add --title WORDS to explain the entry that has them in its title")
