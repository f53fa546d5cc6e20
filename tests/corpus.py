"""Reads the documents that `make corpus` unpacks, with feedparser's plain call and with ours, and tells them apart.

The documents are feedparser's own; they stay in an ignored folder and are no part of this repository.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import feedparser  # type: ignore[import-untyped]  # it ships no types

from aggregator.core.model.entries import FeedFacts, ParsedEntry, ReadDone, ReadJob, ReadResult
from aggregator.core.reading.entries import trimmed_id
from aggregator.core.reading.markup import one_line, title_text
from tests.factories import NOW

FOLDER = Path(__file__).parents[1] / ".corpus" / "tests"

_STATED = re.compile(rb"^Header:\s*(Content-(?:Type|Location|Language)):\s*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One document as it would come: `name` is its path, `headers` what it says of itself in its first comment."""

    name: str
    body: bytes
    headers: Mapping[str, str]

    def job(self) -> ReadJob:
        facts = FeedFacts(feed_id="corpus", url=self.headers.get("content-location", ""))
        return ReadJob(facts=facts, body=self.body, now=NOW, content_type=self.headers.get("content-type", ""))


def cases() -> Iterator[Case]:
    """Every document without any header; and once more, those that name headers, with these."""
    for path in sorted(FOLDER.rglob("*.xml")):
        body, name = path.read_bytes(), path.relative_to(FOLDER).as_posix()
        yield Case(name=name, body=body, headers={})
        stated = {key.decode().lower(): value.decode("latin-1").strip() for key, value in _STATED.findall(body)}
        if stated:
            yield Case(name=f"{name} with its headers", body=body, headers=stated)


def plain_call(case: Case) -> Sequence[Mapping[str, Any]]:
    """The entries that feedparser finds by itself, without those that have neither id, link, title nor content."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations
        found = feedparser.parse(BytesIO(case.body), response_headers=dict(case.headers))
    named = ("id", "link", "title", "summary", "content")
    return [entry for entry in found.entries if any(entry.get(name) for name in named)]


def differences(theirs: Sequence[Mapping[str, Any]], ours: ReadResult) -> set[str]:
    """In what the two differ: count, id, link, title. Nothing is compared where feedparser finds no entry."""
    if not theirs:
        return set()
    entries = [each.entry for each in ours.entries] if isinstance(ours, ReadDone) else []
    if len(entries) != len(theirs):
        return {"count"}
    return {what for one, other in zip(theirs, entries, strict=True) for what in _differences(one, other)}


def _differences(theirs: Mapping[str, Any], ours: ParsedEntry) -> Iterator[str]:
    """Ids are compared trimmed, links as they are, titles as the plain text that each kind of title stands for."""
    if trimmed_id(theirs.get("id")) != ours.id:
        yield "id"
    if (theirs.get("link") or None) != ours.link:
        yield "link"
    title, detail = str(theirs.get("title") or ""), theirs.get("title_detail") or {}
    plain = detail.get("type") not in {"text/html", "application/xhtml+xml"}
    if ours.title not in {title_text(title), one_line(title) if plain else None}:
        yield "title"
