"""A match's proof -> the words that made it, as every form of an export tells them."""

from typing import Any

from aggregator.core.model.entries import Revision
from aggregator.core.model.topics import Fired


def words_of(fired: Fired, said: Revision) -> tuple[str, ...]:
    """The words of each span of a clause; empty where they stand in no stored text, as a feed's own name does."""
    texts = {
        "title": said.title,
        "text": said.text,
        "author": "\n".join(said.authors),
        "tag": "\n".join(said.tags),
        "url": said.link or "",
    }
    return tuple(texts.get(span.field, "")[span.start : span.end] for span in fired.spans)


def fired_object(fired: Fired, said: Revision) -> dict[str, Any]:
    """A clause that fired as one JSON object: its points, and each span with the words that stand there."""
    return {
        "clause": fired.clause,
        "points": fired.points,
        "spans": [
            {"field": span.field, "start": span.start, "end": span.end, "words": words}
            for span, words in zip(fired.spans, words_of(fired, said), strict=True)
        ],
    }


def quoted(fired: Fired, said: Revision) -> str:
    """The distinct words of a clause, in the order they stand."""
    return ", ".join(dict.fromkeys(word for word in words_of(fired, said) if word))
