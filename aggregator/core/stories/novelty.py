"""What a reader was told and what an entry says -> what is new in it, in words a person can check.

Substance is a number, a named body, a date, an official source or a clause that was not there before. Everything else,
other words and other quotations above all, is the same news again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from aggregator.core.stories.amounts import Amount, Day, amounts, days, same_amount, same_day
from aggregator.core.stories.bodies import bodies, initials

OFFICIAL = "official"  # the tier whose joining is news

MOST_TEXT = 4000  # characters: what is news stands at the beginning
_MOST_SHOWN = 3  # of a kind


class Substance(StrEnum):
    """What can be new in an entry, in the order in which it is told."""

    OFFICIAL = "official source"
    NUMBER = "new number"
    BODY = "newly named"
    DATE = "new date"
    CLAUSE = "new clause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What entries say, as far as it can be told from their words. `bodies` maps folded names to names as they stood."""

    amounts: tuple[Amount, ...] = ()
    bodies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    days: tuple[Day, ...] = ()
    official: frozenset[str] = frozenset()  # names of official sources
    clauses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """One thing that is new: its kind and the words for it as they stood, as in `new number: 3.2 tonnes`."""

    kind: Substance
    said: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.said}"


def facts(*, title: str, text: str, tier: str = "other", source: str = "", clauses: Iterable[str] = ()) -> Facts:
    """The facts of one entry, of plain text. `source` is the name of its feed, `clauses` those that speak for it."""
    # A headline ends where its text begins: no number of one counts a thing of the other.
    words = f"{title[:MOST_TEXT]}. {text[:MOST_TEXT]}"
    names = dict(bodies(text[:MOST_TEXT]))
    for key, name in bodies(title).items():
        if not _is_title_case(title) or name.isupper():
            names.setdefault(key, name)
    return Facts(
        amounts=amounts(words),
        bodies=MappingProxyType(names),
        days=days(words),
        official=frozenset({source or OFFICIAL}) if tier == OFFICIAL else frozenset(),
        clauses=frozenset(clauses),
    )


def told(known: Iterable[Facts]) -> Facts:
    """All that several entries said, together: what a reader of all of them was told."""
    every = tuple(known)
    return Facts(
        amounts=tuple(dict.fromkeys(amount for one in every for amount in one.amounts)),
        bodies=MappingProxyType({key: name for one in every for key, name in one.bodies.items()}),
        days=tuple(dict.fromkeys(day for one in every for day in one.days)),
        official=frozenset[str]().union(*(one.official for one in every)),
        clauses=frozenset[str]().union(*(one.clauses for one in every)),
    )


def news(before: Facts, item: Facts) -> tuple[New, ...]:
    """What `item` adds to what was told `before`; nothing when it only repeats. At most three things of a kind.

    One of each kind comes first: a reader who is told a few of them hears of a date beside four numbers.
    An amount is new when none of the same unit was told that it may be a rounding of; a body when it was not named; a
    day when it was not named; an official source when none had spoken; a clause when it had not fired.
    """
    found: list[New] = []
    if item.official and not before.official:
        found += _said(Substance.OFFICIAL, sorted(item.official))
    found += _said(Substance.NUMBER, _new_amounts(before.amounts, item.amounts))
    found += _said(Substance.BODY, [name for key, name in item.bodies.items() if not _is_named(key, before.bodies)])
    fresh = [day for day in item.days if not any(same_day(day, known) for known in before.days)]
    found += _said(Substance.DATE, [day.shown for day in fresh])
    found += _said(Substance.CLAUSE, sorted(item.clauses - before.clauses))
    places: Counter[Substance] = Counter()
    ranked = []
    for one in found:
        ranked.append((places[one.kind], one))
        places[one.kind] += 1
    return tuple(one for _, one in sorted(ranked, key=lambda pair: pair[0]))


def _new_amounts(before: Iterable[Amount], item: Iterable[Amount]) -> list[str]:
    known, fresh = list(before), []
    for amount in item:
        if not any(same_amount(amount, one) for one in known):
            fresh.append(amount.shown)
            known.append(amount)  # told once, however often the text repeats it
    return fresh


def _is_named(key: str, names: Mapping[str, str]) -> bool:
    """Whether a body was named before: in full, by a part of its name ("Supreme Court" of India), by its initials."""
    if key in names or initials(key) in names:
        return True
    words = frozenset(key.split())
    known = [frozenset(name.split()) for name in names]
    return any(words <= one or one <= words for one in known) or key in map(initials, names)


def _said(kind: Substance, words: Iterable[str]) -> list[New]:
    shown = dict.fromkeys(" ".join(word.split()) for word in words)
    return [New(kind=kind, said=word) for word in list(shown)[:_MOST_SHOWN]]


def _is_title_case(title: str) -> bool:
    """Whether a headline writes its words with capitals, so that capitals in it name nobody."""
    words = [word for word in title.split() if len(word) > 3 and word[0].isalpha()]
    return bool(words) and sum(word[0].isupper() for word in words) / len(words) > 0.6
