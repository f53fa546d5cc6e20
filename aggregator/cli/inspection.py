"""`inspect`: what we read in one document, from an address, a file or a pipe. Nothing is stored."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from aggregator.cli.live import Document, NoDocument, open_reader, tell_no_document
from aggregator.cli.opening import start_logging, stoppable
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import Column, count, fields, moment, print_json, print_table, say, warn
from aggregator.core.digests.times import iso
from aggregator.core.errors import UsageError
from aggregator.core.model.feeds import Answer, FailureKind, Feed, Fetched
from aggregator.core.model.plans import KeyedEntry
from aggregator.settings import Settings

app = new_app()

_FETCHED = ("http:", "https:", "feed:")

Source = Annotated[str, typer.Argument(metavar="URL|FILE", help="An http(s) address, a file, or - for standard input.")]
Header = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="'NAME: VALUE'",
        help="A header the document is taken to come with; Content-Type and Content-Location count.",
    ),
]


@app.command(name="inspect")
@everywhere
def inspect_(here: Context, source: Source, *, header: Header = None, as_json: AsJson = False) -> None:
    """Read one document the way a check would, and show the feed and its entries as they would be stored.

    Exit code 1 when it cannot be fetched or is no feed; the reason goes to stderr, or as {"error": ..} to stdout.
    """
    headers = _headers(header or ())
    settings = start_logging(here.settings(), quiet=True)
    # A pipe may keep us waiting: outside of the event loop, Ctrl-C ends that at once.
    body = None if source.lower().startswith(_FETCHED) else _content(source, settings)
    found = stoppable(_look(settings, source, body, headers))
    if isinstance(found, NoDocument):
        tell_no_document(found, as_json=as_json)
    elif as_json:
        print_json(document_json(found))
    else:
        _show(found)


async def _look(settings: Settings, source: str, body: bytes | None, headers: dict[str, str]) -> Document | NoDocument:
    """What is in `body`, or at the address `source` without one."""
    if body is not None and len(body) > settings.max_body:
        return NoDocument(kind=FailureKind.TOO_LARGE, detail=f"it is larger than {settings.max_body:,} bytes")
    async with open_reader(settings) as reader:
        if body is None:
            return await reader.look(Feed(id="document", url=source), content_type=headers.get("content-type"))
        answer = Answer(
            url=headers.get("content-location", ""), status=200, content_type=headers.get("content-type", "")
        )
        return await reader.read(Feed(id="document", url=answer.url), Fetched(answer=answer, body=body))


def _content(source: str, settings: Settings) -> bytes:
    """The bytes of a file or of standard input, at most one more than are read. Raises UsageError."""
    if not source.strip():
        raise UsageError("there is no address and no file to read", hint="give a file, - or an http(s) address")
    try:
        if source == "-":
            return sys.stdin.buffer.read(settings.max_body + 1)
        with Path(source).open("rb") as file:
            return file.read(settings.max_body + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else str(error)
        hint = "give a file, - or an http(s) address"
        if re.match(r"[a-z][a-z0-9+.-]+:", source, re.IGNORECASE):
            hint = "only http and https addresses are fetched; of a file give the path"
        raise UsageError(f"cannot read {source}: {reason.lower()}", hint=hint) from None


def _headers(given: list[str] | tuple[()]) -> dict[str, str]:
    """Header lines by name in lower case. Raises UsageError for a line that is none."""
    headers: dict[str, str] = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"not a header: {line}", hint="write it as 'Content-Type: text/xml; charset=utf-8'")
        headers[name.strip().lower()] = value.strip()
    return headers


def document_json(document: Document) -> dict[str, Any]:
    """The document as `inspect --json` says it; markup is cleaned, as it is whenever it is shown."""
    feed = document.read.feed
    return {
        "feed": {"title": feed.title, "link": feed.link, "language": feed.language},
        "entries": [_entry_json(one, document.answer.url) for one in document.entries],
        "warnings": list(feed.warnings),
    }


def _entry_json(one: KeyedEntry, base: str) -> dict[str, Any]:
    from aggregator.core.reading.markup import clean_html

    entry = one.read.entry
    return {
        "key": one.key,
        "title": entry.title,
        "link": entry.link,
        "published": iso(entry.published),
        "updated": iso(entry.updated),
        "authors": list(entry.authors),
        "tags": list(entry.tags),
        "text": entry.text,
        "html": clean_html(entry.html, entry.link or base),
        "enclosures": [{"url": file.url, "type": file.type, "length": file.length} for file in entry.enclosures],
    }


def _show(document: Document) -> None:
    feed = document.read.feed
    fields(
        {
            "feed": feed.title or "(without a title)",
            "link": feed.link or "",
            "language": feed.language or "",
            "format": feed.format,
            "read from": document.answer.url,
            "entries": count(len(document.entries), "entry", "entries"),
        }
    )
    if document.entries:
        say()
    columns = (Column("published"), Column("title", shrinks=True), Column("link", shrinks=True, wide=True))
    print_table(
        columns,
        [
            (moment(one.read.entry.published), one.read.entry.title or "(untitled)", one.read.entry.link or "-")
            for one in document.entries
        ],
    )
    for warning in feed.warnings:
        warn(warning)
