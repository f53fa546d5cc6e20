"""The feeds of a feed list -> `Feed` values, with the rules that no single key can check."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aggregator.core.model.feeds import Feed, Tier
from aggregator.core.urls import host_of, link_hash
from aggregator.feedlist.document import Document, Findings, Place
from aggregator.feedlist.masking import Openness, masked
from aggregator.feedlist.problems import check_unique, shaped, shaped_list
from aggregator.feedlist.references import allowed, note_forbidden, references
from aggregator.feedlist.shapes import DefaultsShape, FeedShape

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 5.6.2
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-modified-since",
        "if-none-match",
        "keep-alive",
        "proxy-authorization",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def read_feeds(document: Document, lookup: Mapping[str, str], findings: Findings) -> tuple[Feed, ...]:
    """The feeds that are as they should be, in the file's order; all else is noted in `findings`."""
    written = document.value.get("defaults")
    defaults = shaped(document, ("defaults",), written if written is not None else {}, DefaultsShape, findings)
    shapes = shaped_list(document, "feeds", FeedShape, findings)
    check_unique(document, ("feeds",), "feed", findings)
    _note_same_addresses(document, shapes, findings)
    for place, shape in shapes:
        _check_url(document, place, shape, lookup, findings)
        _check_headers(document, place, shape, lookup, findings)
    return tuple(_feed(shape, defaults or DefaultsShape()) for _, shape in shapes)


def _feed(shape: FeedShape, defaults: DefaultsShape) -> Feed:
    def chosen(name: str) -> Any:
        return getattr(shape if name in shape.model_fields_set else defaults, name)

    shared = {name: chosen(name) for name in DefaultsShape.model_fields if name != "tier"}
    return Feed(
        id=shape.id,
        url=shape.url.strip(),
        name=shape.name,
        tags=tuple(dict.fromkeys(shape.tags)),
        tier=Tier(chosen("tier")),
        disabled=shape.disabled,
        headers=tuple(shape.headers.items()),
        **shared,
    )


def _note_same_addresses(document: Document, shapes: list[tuple[Place, FeedShape]], findings: Findings) -> None:
    first: dict[bytes, str] = {}
    for place, shape in shapes:
        same = first.setdefault(link_hash(shape.url), shape.id)
        if same != shape.id:
            findings.odd(document.where((*place, "url")), f"the feeds `{same}` and `{shape.id}` have the same address")


def _check_url(
    document: Document, place: Place, shape: FeedShape, lookup: Mapping[str, str], findings: Findings
) -> None:
    where, url = document.where((*place, "url")), shape.url.strip()
    authority = re.match(r"[a-z]+://[^/?#]*", url, re.IGNORECASE)
    if "${" in (authority.group() if authority else url):
        findings.wrong(where, "`url`: ${..} may stand in the path and query only, the host must be written out")
        return
    _check_references(where, url, lookup, findings)
    if not url.lower().startswith(("http://", "https://")) or not host_of(url) or re.search(r"[\x00-\x20\x7f]", url):
        found = masked(url, Openness.ADDRESS)[:80]
        hint = f"write https://{found}" if host_of(f"https://{url}") and "://" not in url else ""
        findings.wrong(where, f"`url`: expected an http or https address, found `{found}`", hint)
    elif urlsplit(url).password:
        hint = 'put it in a variable: headers: {Authorization: "Basic ${AGGREGATOR_NAME}"}'
        findings.odd(where, "`url`: a password stands in the file", hint)


def _check_headers(
    document: Document, place: Place, shape: FeedShape, lookup: Mapping[str, str], findings: Findings
) -> None:
    seen: set[str] = set()
    for name, value in shape.headers.items():
        at = (*place, "headers", name)
        if not _HEADER_NAME.fullmatch(name):
            findings.wrong(document.where(at, key=True), f"`{name}` is no header name")
        elif name.lower() in _OURS:
            findings.wrong(document.where(at, key=True), f"the header `{name}` is set by the program itself")
        elif name.lower() in seen:
            findings.wrong(document.where(at, key=True), f"the header `{name}` is written twice")
        seen.add(name.lower())
        if not re.fullmatch(r"[\x20-\x7e]{0,4000}", value):
            findings.wrong(document.where(at), f"`{name}`: expected plain ASCII text in one line")
        _check_references(document.where(at), value, lookup, findings)


def _check_references(where: str, text: str, lookup: Mapping[str, str], findings: Findings) -> None:
    """A name out of bounds is a problem; one that is not set costs this feed its checks, and is a warning."""
    for name in references(text):
        if not allowed(name):
            note_forbidden(where, name, findings)
        elif not lookup.get(name):
            findings.odd(where, f"{name} is not set, so this feed cannot be fetched", f"set {name} or {name}_FILE")
