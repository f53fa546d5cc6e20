"""An HTTP answer's head into an `Answer`: validators byte for byte, freshness, media type and links. Pure."""

import re
from datetime import datetime

import httpx

from aggregator.core.model.feeds import Answer
from aggregator.core.urls import absolute
from aggregator.fetch.failure import one_line
from aggregator.fetch.freshness import freshness_left

MAX_VALIDATOR = 2048  # bytes; sent back, a longer one would only earn a 431
MAX_LINKS = 20

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_PARAMETER = re.compile(r';\s*([\w!#$&+.^`|~-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))')


def read_answer(url: str, status: int, headers: httpx.Headers, *, permanent_url: str | None, now: datetime) -> Answer:
    """What the head of an answer from `url` tells, whatever its status."""
    links = _links(url, ", ".join(headers.get_list("link")))
    return Answer(
        url=url,
        status=status,
        permanent_url=permanent_url,
        etag=_validator(headers, b"etag"),
        last_modified=_validator(headers, b"last-modified"),
        max_age=freshness_left(headers, now),
        content_type=_content_type(headers),
        links=tuple((rel, target) for rel, _, target in links),
        alternates=tuple((kind, target) for rel, kind, target in links if rel == "alternate" and kind),
    )


def first_raw(headers: httpx.Headers, name: bytes) -> bytes | None:
    """The first value of a header as it was on the wire; `name` in lower case."""
    return next((value for key, value in headers.raw if key.lower() == name), None)


def _validator(headers: httpx.Headers, name: bytes) -> bytes | None:
    value = first_raw(headers, name)
    return value if value and len(value) <= MAX_VALIDATOR else None


def _content_type(headers: httpx.Headers) -> str:
    """The first of the media types given: proxies that add a second one also join them with a comma."""
    raw = first_raw(headers, b"content-type") or b""
    return one_line(raw.decode("latin-1").partition(",")[0], limit=200)


def _links(url: str, value: str) -> tuple[tuple[str, str, str], ...]:
    """(rel, media type, absolute URL) of a Link header (RFC 8288 3), once for each relation a link names."""
    found: list[tuple[str, str, str]] = []
    for match in _LINK.finditer(value[:8192]):
        parameters: dict[str, str] = {}
        for each in _PARAMETER.finditer(match[2]):
            parameters.setdefault(each[1].lower(), each[2] or each[3] or "")
        target = absolute(url, match[1])
        # A link with an anchor speaks of another document (RFC 8288 3.2).
        if target is not None and absolute(url, parameters.get("anchor") or url) == absolute(url, url):
            kind = parameters.get("type", "").strip().lower()
            found += [(rel.lower(), kind, target) for rel in parameters.get("rel", "").split()]
    return tuple(found[:MAX_LINKS])
