"""Titles and texts as publishers print them -> what they say, without what is put around them, and of what kind they are."""

import re
from dataclasses import dataclass

from aggregator.core.text import fold

_TITLE = 1000  # characters
_SUFFIX = re.compile(r"\s+[|\u2013\u2014-]\s+(?=\D+$)[^|\u2013\u2014]{2,40}$")
_PREFIX = re.compile(
    r"^(?:watch|live|exclusive|breaking(?: news)?|just in|alert|video|update \d{1,2}|updated?)\s*[:|\u2013\u2014-]\s*",
    re.IGNORECASE,
)
_DATELINE = re.compile(r"^[^\W\d_a-z][^\n:\u2013\u2014]{1,50}?(?:\s\([A-Za-z ]{2,12}\)\s*(?:--|[\u2013\u2014:-])|:)\s+")
_STOCK = re.compile(
    r"\bcontinue reading\b|\bread (?:more|the full story|full article at)\b|\bclick here\b|\bthis is a breaking news story\b"
    r"|\bthe post\b[^\n]{1,200}?\bappeared first on\b[^\n]{0,100}|\bsign up (?:for|to)\b[^\n.]{0,80}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_EXPLAINER = re.compile(
    r"(?:^|: )(?:who|what|why|how|when|where|is|are|can|could|will|would|should|does|do|did)\b|\?\W*$"
    r"|\b(?:analysis|explainer|opinion|explained|editorial|timeline)\b",
    re.IGNORECASE,
)
_LIVE = re.compile(
    r"^live\b\s*[:|\u2013\u2014-]|[:|\u2013\u2014-]\s*live\b|\blive (?:updates?|blog|coverage|latest)\b|\bas it happened\b"
    r"|\blatest updates\b|\bminute by minute\b",
    re.IGNORECASE,
)
# Not "No 10", which is a house.
_DENIAL = re.compile(
    r"\b(?:not|no(?!\.? ?\d)|never|cannot|\w+n['\u2019]t|nunca|nicht|kein\w*)\b|\u0928\u0939\u0940\u0902", re.IGNORECASE
)
# What stands after these tells of an event already known; the news stands before.
_THEN = re.compile(r"\b(?:after|following|amid|in the wake of)\b", re.IGNORECASE)
_LABEL = re.compile(r"^([^:|?!]{6,60}?)\s?[:|]\s+(?=\S)")
_FIXTURE = re.compile(r"([^\W\d_]\w*)(?: \d{1,3})?\s+(?:v|vs|versus)\.?\s+(?:\d{1,3} )?([^\W\d_]\w*)", re.IGNORECASE)
_SCORE = re.compile(r"([^\W\d_]\w*) \d{1,3}[\u2013-]\d{1,3} ([^\W\d_]\w*)")
# What changes in the title of a column from one day to the next.
_DATED = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:jan|febr)uary|march|april|may|june|july|august|(?:sept|nov|dec)ember"
    r"|october|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?(?=\s\d)|today|tonight|morning|evening|weekend)\b"
    r"|\b\d+(?:st|nd|rd|th)?\b",
    re.IGNORECASE,
)
_COMMON_WORDS = """
a an the of to in on at for by with from and or but as is are was were be been being has have had it its his her their
they he she this that these those before over under into out up down off about say says said saying will would could may
might not no new who what when where why how than then more most us we you i your our my all also just now el la los las
de del en y que un una por para con se su al es ka ki ke ko me hai
"""
COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A title taken apart. `words` is what it says, the others parts of that; `stem` is empty where nothing changes in it."""

    words: str
    head: str
    label: str
    stem: str
    numbers: frozenset[str]
    fixture: frozenset[str]
    explains: bool
    live: bool
    denies: bool


def headline(title: str) -> Headline:
    """A title without what publishers put around it, as long as a headline is left."""
    line = " ".join(title[:_TITLE].split())
    bare = _PREFIX.sub("", line)
    without = _SUFFIX.sub("", bare)
    words = without if len(without.split()) >= 4 and len(bare.split()) - len(without.split()) <= 5 else bare
    label = _LABEL.match(words)
    sides = _FIXTURE.search(words) or _SCORE.search(words)
    return Headline(
        words=words,
        head=_THEN.split(words, maxsplit=1)[0],
        label=label[1] if label and len(label[1].split()) >= 2 else "",
        stem=" ".join(_DATED.sub(" ", words).split()),
        numbers=frozenset(number.rstrip(".,").replace(",", "") for number in _NUMBER.findall(words)),
        fixture=frozenset(fold(side) for side in sides.groups()) if sides else frozenset(),
        explains=_EXPLAINER.search(words) is not None,
        live=_LIVE.search(line) is not None,
        denies=_DENIAL.search(words) is not None,
    )


def without_dateline(text: str) -> str:
    """A text without the place and agency that it begins with."""
    return _DATELINE.sub("", text, count=1)


def without_stock(text: str) -> str:
    """A text without the phrases that publishers hang on every one."""
    return _STOCK.sub(" ", text)
