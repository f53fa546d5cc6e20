"""A web page -> the plain text of its article. The only importer of trafilatura, which comes with the extra `fulltext`.

It is pure, but not quick on hostile input: callers run it where it can be killed.
"""

from aggregator.core.model.entries import Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading.discovery import is_bot_wall, page_text
from aggregator.core.reading.markup import MAX_TEXT, tidy_text

LEAST = 200  # characters; in a page without an article the extractor still finds a menu's words


def read_article(body: bytes, content_type: str = "") -> str | Unreadable:
    """The article's own words, a line for each paragraph, at most 64 KiB of characters, without what surrounds it.

    `content_type` is the header as received. Unreadable is BOT_WALL, or EMPTY for a page without an article. Raises
    ImportError where the extra is not installed.
    """
    from trafilatura import extract  # noqa: PLC0415 - an extra, and heavy: only whoever reads articles pays for it

    html = page_text(body, content_type)
    if is_bot_wall(html):
        return Unreadable(kind=FailureKind.BOT_WALL, detail="the host asks for proof of being human")
    text = tidy_text(extract(html, include_comments=False) or "", limit=MAX_TEXT)
    if len(text) < LEAST:
        return Unreadable(kind=FailureKind.EMPTY, detail="no article was found in the page")
    return text
