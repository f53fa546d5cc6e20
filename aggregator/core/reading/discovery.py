"""A web page -> its markup as text, the feeds it offers, and what sort of page it is.

It never probes: it only reads what is there.
"""

import re
from collections.abc import Iterator, Sequence
from html import unescape

from aggregator.core.reading.decode import decode
from aggregator.core.reading.markup import one_line
from aggregator.core.reading.tags import attributes, pieces
from aggregator.core.urls import absolute

MAX_PAGE = 1024 * 1024  # characters
MAX_CANDIDATES = 10

_CHARSET = re.compile(rb"<meta\b[^>]{0,200}?\bcharset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HEAD = 4096  # bytes; a page names its charset within the first kilobyte (HTML Standard, 4.2.5.4)
_FEED_TYPES = re.compile(r"(?:application|text)/(?:rss|atom|rdf|feed)\+(?:xml|json)", re.IGNORECASE)
_FEED_PATH = re.compile(
    r"(?:/(?:feed|rss|atom)/?|\.(?:rss|atom|rdf)|(?:feed|rss|atom|index)\.(?:xml|json))$", re.IGNORECASE
)
_COMMENTS = re.compile(r"comment", re.IGNORECASE)
_WALL = re.compile(
    r"<title>\s*(?:just a moment|attention required!? \| cloudflare|access denied|are you a robot|ddos-guard"
    r"|pardon our interruption|robot or human)|/cdn-cgi/challenge-platform/|_incapsula_resource|captcha-delivery\.com"
    r"|window\._cf_chl_opt|id=\"sec-if-cpt-container\"",
    re.IGNORECASE,
)
# Links stand in the head, so unlike in entries it must be read here.
_UNREAD = frozenset({"script", "style", "template", "svg", "math", "noscript", "iframe", "textarea"})


def feed_candidates(html: str, url: str, alternates: Sequence[tuple[str, str]] = ()) -> tuple[str, ...]:
    """Absolute URLs of the feeds that the page at `url` offers, best first, at most 10.

    In the page's order: `<link rel=alternate>` with a feed's type, then `alternates` of one (media types and absolute
    URLs, of the Link header), then links to addresses that look like one. Comment feeds come last.
    """
    base, declared, linked = url, list[str](), list[str]()
    for tag, values in _tags(html[:MAX_PAGE]):
        href = values.get("href", "")
        if tag == "base" and href and base == url:
            base = absolute(url, href) or url
        elif tag == "link" and "alternate" in values.get("rel", "").lower().split() and _is_feed(values):
            declared.append(f"{href}\n{values.get('title', '')}")
        elif tag == "a" and _FEED_PATH.search(href.split("?")[0].split("#")[0]):
            linked.append(href)
    headed = [target for kind, target in alternates if _FEED_TYPES.match(kind)]
    ranked = sorted((*declared, *headed, *linked), key=lambda each: _COMMENTS.search(each) is not None)
    found = (absolute(base, each.partition("\n")[0]) for each in ranked)
    return tuple(dict.fromkeys(each for each in found if each and each != url))[:MAX_CANDIDATES]


def page_text(body: bytes, content_type: str = "") -> str:
    """The page's markup, by the charset of `content_type` (the header as received), else by the one the page names."""
    named = _CHARSET.search(body[:_HEAD])
    if named is not None and "charset" not in content_type.lower():
        content_type = f"{content_type or 'text/html'}; charset={named.group(1).decode('ascii', 'replace')}"
    return decode(body, content_type).body.decode()


def page_title(html: str) -> str:
    """The page's title as one line of at most 80 characters, empty when it has none."""
    found = re.search(r"<title[^>]{0,200}>([^<]{0,1000})", html[:MAX_PAGE], re.IGNORECASE)
    return one_line(unescape(found.group(1)), limit=80) if found else ""


def is_bot_wall(html: str) -> bool:
    """Whether the page only asks who is calling: a challenge or a refusal of the host's guard."""
    return _WALL.search(html[: 64 * 1024]) is not None


def _tags(html: str) -> Iterator[tuple[str, dict[str, str]]]:
    for tag, written in pieces(html, unread=_UNREAD):
        if tag in {"base", "link", "a"}:
            yield tag, attributes(written)


def _is_feed(values: dict[str, str]) -> bool:
    return bool(values.get("href")) and _FEED_TYPES.match(values.get("type", "").strip()) is not None
