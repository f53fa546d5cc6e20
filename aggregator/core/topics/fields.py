"""What a topic may ask of an entry: named texts, as they were stored, with the publisher's boilerplate masked."""

import re
from dataclasses import dataclass

from aggregator.core.model.entries import FeedFacts, ParsedEntry, Revision

TITLE = "title"
TEXT = "text"
WORDS = (TITLE, TEXT)  # where a word without a field is looked for

# What people may write before a colon, and the field it means.
FIELD_NAMES = {
    "title": TITLE,
    "body": TEXT,
    "text": TEXT,
    "summary": TEXT,
    "author": "author",
    "tag": "tag",
    "feed": "feed",
    "source": "feed",
    "tier": "tier",
    "lang": "lang",
    "url": "url",
}

_BOILERPLATE = re.compile(
    r"The post .{1,300}? (?:appeared first on|first appeared on) .{1,80}"
    r"|(?:Continue reading|Read more|Read the full story|Click here to read)\b.{0,80}\Z"
    r"|Scroll to top|\[(?:\u2026|\.\.\.)\]|\[\+\d+ chars\]",
)
_BOILERPLATE_SIGN = re.compile(r"The post |Continue reading|Read more|Read the full|Click here|Scroll to top|\[")


@dataclass(frozen=True, slots=True)
class EntryFields:
    """One entry as topics see it. `title` and `text` are the stored plain texts, `feed` is the feed's id.

    Spans into `author` and `tag` count in the values joined by a line break.
    """

    title: str = ""
    text: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    feed: str = ""
    tier: str = ""
    language: str | None = None
    url: str | None = None

    def of(self, field: str) -> str:
        """The text of one field, one of the values of `FIELD_NAMES`."""
        texts = {
            "author": "\n".join(self.authors),
            "tag": "\n".join(self.tags),
            "feed": self.feed,
            "tier": self.tier,
            "lang": self.language or "",
            "url": self.url or "",
        }
        if field == TITLE:
            return self.title
        return without_boilerplate(self.text) if field == TEXT else texts[field]


def stored_fields(revision: Revision, facts: FeedFacts) -> EntryFields:
    """What topics may ask of a stored entry: the words of a revision, and what is known of its feed."""
    return _fields(revision, revision.text, facts)


def parsed_fields(entry: ParsedEntry, facts: FeedFacts) -> EntryFields:
    """The same of an entry that was just read."""
    return _fields(entry, entry.words, facts)


def _fields(one: Revision | ParsedEntry, text: str, facts: FeedFacts) -> EntryFields:
    return EntryFields(
        title=one.title,
        text=text,
        authors=one.authors,
        tags=(*one.tags, *facts.tags),
        feed=facts.feed_id,
        tier=facts.tier,
        language=one.language or facts.language,
        url=one.link,
    )


def without_boilerplate(text: str) -> str:
    """`text` with what publishers' software adds to every entry replaced by as many spaces, so offsets stay true."""
    if _BOILERPLATE_SIGN.search(text) is None:
        return text
    return _BOILERPLATE.sub(lambda match: " " * len(match[0]), text)
