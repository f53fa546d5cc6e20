"""Tells an edit from a repeat: a hash over what readers see of an entry, and whether a changed one earns a revision.

What publishers change without saying anything new (tracking parameters, signed media URLs, counters) is not compared.
"""

import re
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from aggregator.core.model.entries import KnownEntry, ParsedEntry, Revision
from aggregator.core.text import fold, raw_words
from aggregator.core.urls import canonical, link_hash

SAME_WORDS = 0.9  # texts that share more of their words say the same
MAX_SILENT = 24  # revisions of an entry whose title never changes
MAX_TITLED = 100  # revisions of an entry whose title changes too: nothing grows without end
_PAUSE = timedelta(hours=1)

# Bounded, and with one starting point a number: these run over whatever a publisher sends.
_COUNTER = re.compile(
    r"(?<![\w.,])\d[\d.,]{0,11}[km]? (?:comments?|replies|views?|likes?|reads|claps)\b"
    r"|\b(?:\d{1,3}|an?|one) (?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?) ago\b",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s<>\"']+")


class Change(StrEnum):
    """What becomes of an entry that was read again."""

    NONE = "none"
    REVISED = "revised"
    TOO_SOON = "too_soon"  # an edit within an hour of the last one: it must be looked at again
    FROZEN = "frozen"  # it changes all the time: no further revision is kept


def content_hash(entry: ParsedEntry) -> bytes:
    """SHA-256 over title, link, authors, text, enclosures and tags as readers see them; `updated` has no part in it."""
    media = sorted(canonical(one.url).partition("?")[0] for one in entry.enclosures)
    link = link_hash(entry.link).hex() if entry.link else ""
    parts = (
        _plain(entry.title),
        link,
        "\x1f".join(sorted(entry.authors)),
        _plain(entry.text),
        "\x1f".join(media),
        "\x1f".join(sorted(entry.tags)),
    )
    return sha256("\x1e".join(parts).encode("utf-8", "replace")).digest()


def same_title(one: str, other: str) -> bool:
    """Whether two titles differ in no more than case, accents and spacing."""
    return _folded(one) == _folded(other)


def similarity(one: str, other: str) -> float:
    """The share of their words that two texts have in common, 0 to 1 (Dice, each word as often as it stands)."""
    left, right = Counter(raw_words(fold(_plain(one)))), Counter(raw_words(fold(_plain(other))))
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 1.0


def change(known: KnownEntry, entry: ParsedEntry, now: datetime) -> Change:
    """What an entry that was read again deserves, at `now` (aware).

    A changed title always counts, up to a hundred revisions. Anything else counts once an hour and 24 times.
    """
    if content_hash(entry) == known.hash:
        return Change.NONE
    made = known.revisions - 1
    if not same_title(known.title, entry.title):
        return Change.REVISED if made < MAX_TITLED else Change.FROZEN
    if made >= MAX_SILENT:
        return Change.FROZEN
    return Change.REVISED if now - known.revised_at >= _PAUSE else Change.TOO_SOON


def compare(known: KnownEntry, entry: ParsedEntry, now: datetime) -> Revision | None:
    """The next revision of `known`, or None when nothing changed that may be kept now."""
    if change(known, entry, now) is not Change.REVISED:
        return None
    return revision_of(entry, n=known.revisions + 1, now=now)


def notable(known: KnownEntry, entry: ParsedEntry) -> bool:
    """Whether a reader should be told that a stored entry changed; see `is_notable`."""
    return is_notable(known.title, known.text, entry.title, entry.text)


def is_notable(title: str, text: str, title_now: str, text_now: str) -> bool:
    """Whether two versions say different things: another title, or less than nine tenths of the words are the same."""
    return not same_title(title, title_now) or similarity(text, text_now) < SAME_WORDS


def revision_of(entry: ParsedEntry, *, n: int, now: datetime) -> Revision:
    """The words of `entry` as its revision number `n`, seen at `now`."""
    return Revision(
        n=n,
        title=entry.title,
        text=entry.words,
        html=entry.html,
        link=entry.link,
        authors=entry.authors,
        tags=entry.tags,
        language=entry.language,
        enclosures=entry.enclosures,
        hash=content_hash(entry),
        seen_at=now,
    )


def _plain(text: str) -> str:
    """`text` on one line, without counters and tracking parameters."""
    still = _URL.sub(lambda found: canonical(found.group()), " ".join(text.split()))
    return " ".join(_COUNTER.sub(" ", still).split())


def _folded(title: str) -> str:
    return " ".join(fold(title).split())
