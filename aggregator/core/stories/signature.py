"""An entry's words -> what is compared to tell whether two entries carry one story. It keeps no text and no order of it.

Publisher names, datelines and stock phrases are left out first: they make strangers look alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from aggregator.core.text import fold, is_unspaced, stem, tokens

MAX_POSTED = 12

_TITLE = 1000  # characters
_BODY = 4000  # what tells stories apart stands at the beginning
_LEAD = 300
_OPENING = 200
_POSTED_TITLE = 4
_SUFFIX = re.compile(r"\s+[|\u2013\u2014-]\s+(?=\D+$)[^|\u2013\u2014]{2,40}$")
_PREFIX = re.compile(
    r"^(?:watch|live|exclusive|breaking(?: news)?|just in|alert|video|update \d{1,2}|updated?)\s*[:|\u2013\u2014-]\s*",
    re.IGNORECASE,
)
_DATELINE = re.compile(r"^[^\W\d_a-z][^\n:\u2013\u2014]{1,50}?(?:\s\([A-Za-z ]{2,12}\)\s*(?:--|[\u2013\u2014:-])|:)\s+")
_STOCK = re.compile(
    r"\bcontinue reading\b|\bread (?:more|the full story)\b|\bclick here\b|\bthis is a breaking news story\b"
    r"|\bthe post\b[^\n]{1,200}?\bappeared first on\b[^\n]{0,100}|\bsign up (?:for|to)\b[^\n.]{0,80}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_EXPLAINER = re.compile(
    r"(?:^|: )(?:who|what|why|how|when|where|is|are|can|could|will|would|should|does|do|did)\b|\?\W*$|\b(?:analysis|explainer|opinion)\b",
    re.IGNORECASE,
)
# What stands after these tells of an event already known; the news stands before.
_THEN = re.compile(r"\b(?:after|following|amid|in the wake of)\b", re.IGNORECASE)
_COMMON_WORDS = """
a an the of to in on at for by with from and or but as is are was were be been being has have had it its his her their
they he she this that these those before over under into out up down off about say says said saying will would could may
might not no new who what when where why how than then more most us we you i your our my all also just now el la los las
de del en y que un una por para con se su al es ka ki ke ko me hai
"""
_COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySignature:
    """What of an entry is compared. `tokens` (at most 12) are for finding candidates, hashes are 64-bit numbers.

    `head` are the title's words before an "after ...": its own news. `explains` marks questions and analyses.
    """

    tokens: tuple[str, ...]
    title_tokens: frozenset[str]
    shingles: frozenset[int]  # runs of four words of the text
    lead: frozenset[int]  # runs of three words of title and opening
    numbers: frozenset[str]  # of the title
    head: frozenset[str]
    explains: bool
    exact: bytes  # equal for equal titles and openings


def signature(title: str, text: str, language: str | None = None) -> StorySignature:
    """The signature of a plain-text title and text. `language` (BCP 47) chooses the stems, English when unknown."""
    tongue = language or "en"
    headline = _headline(title)
    body = _STOCK.sub(" ", _DATELINE.sub("", text[:_BODY], count=1))
    title_terms, body_terms = _terms(headline, tongue), _terms(body, tongue)
    opening = _terms(body[:_LEAD], tongue)
    telling = frozenset(term for term in title_terms if term not in _COMMON)
    return StorySignature(
        tokens=_posted(telling, body_terms),
        title_tokens=telling,
        shingles=_shingles(body_terms, 4),
        lead=_shingles([*title_terms, *opening], 3),
        numbers=frozenset(number.rstrip(".,").replace(",", "") for number in _NUMBER.findall(headline)),
        head=frozenset(_terms(_THEN.split(headline, maxsplit=1)[0], tongue)) - _COMMON,
        explains=_EXPLAINER.search(headline) is not None,
        exact=_digest(" ".join(title_terms) + "\n" + fold(" ".join(body.split()))[:_OPENING]),
    )


def _headline(title: str) -> str:
    """`title` without what publishers put around it, as long as a headline is left."""
    line = " ".join(title[:_TITLE].split())
    bare = _PREFIX.sub("", line)
    without = _SUFFIX.sub("", bare)
    return without if len(without.split()) >= 4 and len(bare.split()) - len(without.split()) <= 5 else bare


def _terms(text: str, language: str) -> list[str]:
    """The stems of `text` in order; in scripts without spaces, pairs of neighbouring characters."""
    terms, previous = [], None
    for token in tokens(text):
        if not is_unspaced(token.folded):
            terms.append(stem(token.folded, language))
            previous = None
            continue
        if previous is not None and previous.end == token.start:
            terms.append(previous.folded + token.folded)
        previous = token
    return terms


def _posted(title: frozenset[str], body: Sequence[str]) -> tuple[str, ...]:
    """The words least likely to be everywhere, by length: long words are rare ones."""
    chosen = sorted(title, key=lambda term: (-len(term), term))[:_POSTED_TITLE]
    others = sorted({term for term in body if term not in _COMMON and term not in chosen}, key=lambda t: (-len(t), t))
    return tuple(chosen + others[: MAX_POSTED - _POSTED_TITLE])


def _shingles(terms: Sequence[str], length: int) -> frozenset[int]:
    runs = (" ".join(terms[at : at + length]) for at in range(len(terms) - length + 1))
    return frozenset(int.from_bytes(_digest(run)[:8]) for run in runs)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
