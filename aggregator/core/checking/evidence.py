"""Weighs whether an entry that was read is one that is stored: by date, title, link and words, never by its keys."""

from aggregator.core.checking.revisions import same_title, similarity
from aggregator.core.model.entries import KnownEntry, ParsedEntry
from aggregator.core.text import raw_words

_ALIKE = 0.5  # texts that share half of their words tell of one thing
_TELLING = 20  # words; shorter texts prove nothing


def is_reused(known: KnownEntry, entry: ParsedEntry, link_hash: bytes | None, *, shared: bool) -> bool:
    """Whether the id of `known` was given to another thing.

    Another link and title at once say so, unless date or text say otherwise. An id that several entries of the document
    carry (`shared`) is another thing's unless something says it is the same.
    """
    differs = known.link_hash != link_hash if known.link_hash and link_hash else shared
    if not differs or same_title(known.title, entry.title):
        return False
    return not same_date(known, entry) and alike(known, entry) is not True


def is_same(known: KnownEntry, entry: ParsedEntry) -> bool:
    """Whether an entry with the link of `known` is `known` under a new id: the same title, and no sign against it.

    A bulletin that keeps its link and title from day to day has another date or other words.
    """
    if not same_title(known.title, entry.title):
        return False
    if same_date(known, entry):
        return True
    told = alike(known, entry)
    return told if told is not None else not (known.published and entry.published)


def same_date(known: KnownEntry, entry: ParsedEntry) -> bool:
    """Whether both were published at one instant; a date from the future was stored as the time it was first seen."""
    if known.published is None or entry.published is None:
        return False
    return known.published in {entry.published, min(entry.published, known.first_seen)}


def alike(known: KnownEntry, entry: ParsedEntry) -> bool | None:
    """Whether the texts share half of their words; None when one of them is too short to tell."""
    if min(_length(known.text), _length(entry.text)) < _TELLING:
        return None
    # A stored text may go on with the article behind the entry.
    return known.text.startswith(entry.text) or similarity(known.text, entry.text) >= _ALIKE


def _length(text: str) -> int:
    return len(raw_words(text[:1000]))
