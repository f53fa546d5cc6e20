"""A web page -> its headline and its words as plain text, for looking at one page.

It leaves out what surrounds them where the page marks it; it does not look for the article otherwise.
"""

import re
from html import unescape

from aggregator.core.model.entries import Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading.discovery import MAX_PAGE, is_bot_wall, page_text
from aggregator.core.reading.markup import one_line, plain_text, title_text
from aggregator.core.reading.tags import attributes, pieces

_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,1000})", re.IGNORECASE)
# What a page's own frame consists of; its words are nobody's news.
_FRAME = frozenset({"nav", "footer", "aside", "form", "header", "button"})


def read_webpage(body: bytes, content_type: str = "") -> tuple[str, str] | Unreadable:
    """Headline and text of a page: of its `<article>`, else its `<main>`, else its body, without the page's own frame.

    `content_type` is the header as received. Unreadable is BOT_WALL, or EMPTY for a page without words.
    """
    html = page_text(body, content_type)[:MAX_PAGE]
    if is_bot_wall(html):
        return Unreadable(kind=FailureKind.BOT_WALL, detail="the host asks for proof of being human")
    text = plain_text(_without_frame(_inner(html, "article") or _inner(html, "main") or html))
    title = _headline(html)
    if not text and not title:
        return Unreadable(kind=FailureKind.EMPTY, detail="the page has no words")
    first, _, rest = text.partition("\n")
    return title, rest if first == title else text


def _headline(html: str) -> str:
    """What the page calls itself where others link to it, else its title element."""
    for tag, written in pieces(html, unread=frozenset({"script", "style"})):
        if tag == "meta" and (named := attributes(written)).get("property", "").lower() == "og:title":
            return one_line(named.get("content", ""))
        if tag == "body":
            break
    found = _TITLE.search(html)
    return one_line(unescape(found.group(1))) if found else title_text(_inner(html, "h1"))


def _inner(html: str, name: str) -> str:
    """What stands between the first start tag of that name and the last end tag; empty when there is no such pair."""
    start = re.search(rf"<{name}(?=[\s>])[^>]{{0,2000}}>", html, re.IGNORECASE)
    if start is None:
        return ""
    ends = list(re.finditer(rf"</{name}\s*>", html[start.end() :], re.IGNORECASE))
    return html[start.end() :][: ends[-1].start()] if ends else ""


def _without_frame(html: str) -> str:
    """The page's markup without elements that belong to every page of its site, and without what is never read."""
    kept: list[str] = []
    depth = 0
    for tag, text in pieces(html):
        name = tag.removeprefix("/")
        if name in _FRAME:
            depth = depth + 1 if tag == name else max(0, depth - 1)
        elif not depth:
            kept.append(f"<{tag} >" if tag else text)
    # An element that is never closed would swallow the page; then its frame is the lesser evil.
    return "".join(kept) if not depth else html
