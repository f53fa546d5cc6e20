"""OPML 2.0 <-> feeds, the way other readers exchange their lists. Import is defused: no entities, bounded in all sizes.

https://opml.org/spec2.opml; folders become tags, as other readers do.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import chain, count
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

from aggregator.core.digests.display import printable
from aggregator.core.errors import DocumentError, UsageError
from aggregator.core.model.feeds import Feed
from aggregator.core.urls import host_of, link_hash

MAX_BYTES = 2 << 20
MAX_OUTLINES = 5_000
MAX_DEPTH = 10
_KIND = "parse"


def import_opml(source: Path | bytes) -> tuple[Feed, ...]:
    """The feeds of an OPML file in its order, each address once, with ids made of their names.

    Raises DocumentError when it is no OPML, is too large, or declares entities, and UsageError when it cannot be read.
    """
    reader = _Reader()
    try:
        reader.read(_content(source))
    except expat.ExpatError as error:
        raise DocumentError(
            _KIND, f"not well-formed XML: {expat.ErrorString(error.code)}, line {error.lineno}"
        ) from None
    return tuple(reader.feeds)


def export_opml(feeds: Sequence[Feed], *, title: str = "Feeds") -> str:
    """The feeds as OPML 2.0, grouped by their first tag; all tags stand in `category`. Headers are left out."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = title
    body = ET.SubElement(root, "body")
    folders: dict[str, ET.Element] = {}
    for feed in feeds:
        parent = body
        if feed.tags:
            folder = feed.tags[0]
            if folder not in folders:
                folders[folder] = ET.SubElement(body, "outline", text=folder, title=folder)
            parent = folders[folder]
        outline = ET.SubElement(parent, "outline", type="rss", text=feed.label, title=feed.label, xmlUrl=feed.url)
        if feed.tags:
            outline.set("category", ",".join(feed.tags))
        if feed.language:
            outline.set("language", feed.language)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _content(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            with source.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            reason = (error.strerror or "").lower()
            raise UsageError(f"cannot read {source}: {reason}", hint="give an OPML file, or - for a pipe") from None
    if len(content) > MAX_BYTES:
        raise DocumentError("too_large", f"OPML is read up to {MAX_BYTES >> 20} MiB")
    return content


class _Reader:
    """Collects the outlines with an xmlUrl while expat reads; folders are the outlines around them."""

    def __init__(self) -> None:
        self.feeds: list[Feed] = []
        self._open: list[str] = []
        self._depth = 0
        self._outlines = 0
        self._ids: set[str] = set()
        self._links: set[bytes] = set()

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.Parse(content, True)

    def _entity(self, name: str, *_: object) -> None:
        raise DocumentError(_KIND, f"OPML may not declare entities, found `{name[:40]}`")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name.lower() != "opml":
            raise DocumentError(_KIND, f"expected OPML, found <{name[:40]}>")
        if name.lower() != "outline":
            return
        self._outlines += 1
        if self._outlines > MAX_OUTLINES or len(self._open) >= MAX_DEPTH:
            raise DocumentError("too_large", f"OPML is read up to {MAX_OUTLINES} outlines, {MAX_DEPTH} deep")
        given = {key.lower(): _line(value) for key, value in attributes.items()}
        label = given.get("title") or given.get("text") or ""
        self._open.append("" if given.get("xmlurl") else label)
        if given.get("xmlurl"):
            self._add(given["xmlurl"], label, given)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name.lower() == "outline":
            self._open.pop()

    def _add(self, url: str, label: str, given: dict[str, str]) -> None:
        url = re.sub(r"^feed:(?://)?(?=https?:)|^feed:(?=//)", "", url, flags=re.IGNORECASE)
        url = f"https:{url}" if url.startswith("//") else url
        if not re.match(r"https?://", url, re.IGNORECASE) or not host_of(url) or link_hash(url) in self._links:
            return
        self._links.add(link_hash(url))
        language = given.get("language", "")
        self.feeds.append(
            Feed(
                id=self._new_id(label or host_of(url), url),
                url=url,
                name=label or None,
                tags=self._tags(given.get("category", "")),
                language=language if re.fullmatch(r"[a-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}", language) else None,
            )
        )

    def _tags(self, category: str) -> tuple[str, ...]:
        """Folders, then categories: a comma-separated list whose items may be paths (`/news/drugs`)."""
        named = [part.strip(" /") for part in category.split(",")]
        return tuple(dict.fromkeys(tag[:60] for tag in [*self._open, *named] if tag))

    def _new_id(self, label: str, url: str) -> str:
        name = free_id(slug(label) or host_of(url), self._ids)
        self._ids.add(name)
        return name


def slug(label: str) -> str:
    """An id out of a name: accents dropped, small letters and digits joined by `-`, at most 48; empty when none is left."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-")


def free_id(label: str, taken: Collection[str]) -> str:
    """An id made of a name, with a number behind it where that is taken."""
    base = slug(label) or "feed"
    numbered = (f"{base}-{number}" for number in count(2))
    return next(name for name in chain((base,), numbered) if name not in taken)


def _line(text: str) -> str:
    return printable(text)[:2000]
