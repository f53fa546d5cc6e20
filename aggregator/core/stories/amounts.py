"""Words -> the amounts and dates they name: how much of what, and which day of the year.

An amount is a number with its unit, its currency or the thing it counts. A bare number says nothing and is left out.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_MASS = {
    "kg": 1.0, "kgs": 1.0, "kilo": 1.0, "kilos": 1.0, "kilogram": 1.0, "kilograms": 1.0, "kilogramme": 1.0,
    "kilogrammes": 1.0, "g": 0.001, "gram": 0.001, "grams": 0.001, "gm": 0.001, "mg": 0.000001, "ton": 1000.0,
    "tons": 1000.0, "tonne": 1000.0, "tonnes": 1000.0, "metric": 1000.0, "lb": 0.45359237, "lbs": 0.45359237,
    "pound": 0.45359237, "pounds": 0.45359237, "quintal": 100.0, "quintals": 100.0,
    "किलो": 1.0, "किलोग्राम": 1.0, "किग्रा": 1.0, "ग्राम": 0.001, "टन": 1000.0, "क्विंटल": 100.0,
}  # fmt: skip
_VOLUME = {
    "litre": 1.0,
    "litres": 1.0,
    "liter": 1.0,
    "liters": 1.0,
    "gallon": 3.785411784,
    "gallons": 3.785411784,
    "लीटर": 1.0,
}
_LAND = {"hectare": 1.0, "hectares": 1.0, "ha": 1.0, "acre": 0.40468564224, "acres": 0.40468564224}
_SHARE = {"%": 1.0, "percent": 1.0, "pc": 1.0, "प्रतिशत": 1.0, "फीसदी": 1.0}
_MEASURES: Final = {"kg": _MASS, "litres": _VOLUME, "hectares": _LAND, "percent": _SHARE}
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "lakh": 1e5, "lakhs": 1e5, "million": 1e6, "mn": 1e6, "m": 1e6, "crore": 1e7,
    "crores": 1e7, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "k": 1e3,
    "हजार": 1e3, "लाख": 1e5, "करोड": 1e7, "अरब": 1e9,
}  # fmt: skip
_CURRENCIES = {
    "$": "dollars", "us$": "dollars", "usd": "dollars", "dollar": "dollars", "dollars": "dollars", "€": "euros",
    "eur": "euros", "euro": "euros", "euros": "euros", "£": "pounds sterling", "gbp": "pounds sterling", "₹": "rupees",
    "rs": "rupees", "rs.": "rupees", "inr": "rupees", "rupee": "rupees", "rupees": "rupees", "pesos": "pesos",
    "yuan": "yuan", "¥": "yen", "yen": "yen", "रुपये": "rupees", "रुपए": "rupees", "रुपयों": "rupees", "डॉलर": "dollars",
}  # fmt: skip
# What a count is news of. The first word of a line stands for the others.
_THINGS: Final = {
    word: line.split()[0]
    for line in """
        people persons men women suspects others लोग लोगों
        dead deaths killed died fatalities kills
        injured wounded hurt
        arrested arrests detained held accused nabbed गिरफ्तार
        charged indicted convicted sentenced jailed
        victims patients overdoses
        cases raids seizures operations
        pills tablets capsules doses ampoules vials bottles strips
        packets packages bags bricks parcels drums containers
        plants
        vehicles trucks boats vessels
        countries states districts nations
        votes
        years
        months
    """.strip().splitlines()
    for word in line.split()
}
_COUNTED: Final = frozenset(_THINGS.values())
_WORDS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12,
}  # fmt: skip
_BETWEEN = 2  # words that may stand between a count and what it counts
_SIGN = r"us\$|rs\.?(?=\s?\d)|usd(?=\s?\d)|inr(?=\s?\d)|[$€£₹¥]"
_VOWELS = "\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"  # signs of Devanagari that are part of a word
_NUKTA = "\u093c"  # a dot that half of the writers leave out
_TOKEN = re.compile(
    rf"(?P<sign>{_SIGN})?\s?(?P<number>(?<![\w.,])\d{{1,3}}(?:,\d{{2,3}}){{1,4}}(?:\.\d{{1,4}})?(?![\d])"
    r"|(?<![\w.,])\d{1,12}(?:\.\d{1,4})?(?!\d))(?P<tail>%|[a-z]{1,4}\b)?"
    rf"|(?P<word>(?:[^\W\d_][{_VOWELS}]*)+)|(?P<stop>[.;:!?](?=\s|$))",
    re.IGNORECASE,
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=lambda name: -len(name)))
_DATE = re.compile(
    rf"\b(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<m1>{_MONTH})\b\.?(?:,?\s(?P<y1>\d{{4}})\b)?"
    rf"|\b(?P<m2>{_MONTH})\b\.?\s(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s(?P<y2>\d{{4}})\b)?"
    r"|\b(?P<y3>(?:19|20)\d{2})-(?P<m3>\d{2})-(?P<d3>\d{2})\b",
    re.IGNORECASE,
)
_LONGEST_MONTH = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So much of something: `value` in the unit's base (kg, litres, hectares, a currency, percent, or things counted).

    `digits` are the significant ones that were written, `shown` the words as they stood.
    """

    value: float
    unit: str
    digits: int
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the year that is named in full; `year` is None where it was left to the reader."""

    month: int
    day: int
    year: int | None = None

    @property
    def shown(self) -> str:
        """As people write it: 5 March, or 5 March 2026."""
        return f"{self.day} {_MONTH_NAMES[self.month - 1]}{f' {self.year}' if self.year else ''}"


def days(text: str) -> tuple[Day, ...]:
    """The days that `text` names with day and month, in order, each once. Weekdays and bare years are none."""
    return tuple(dict.fromkeys(day for day, _ in dated(text)))


def dated(text: str) -> Iterator[tuple[Day, tuple[int, int]]]:
    """Each place where `text` names a day with day and month, as `[start, end)` in code points, in order."""
    for match in _DATE.finditer(text):
        month = match["m1"] or match["m2"]
        number = _MONTHS[month.lower()] if month else int(match["m3"])
        day, year = int(match["d1"] or match["d2"] or match["d3"]), match["y1"] or match["y2"] or match["y3"]
        if 1 <= number <= len(_MONTH_NAMES) and 1 <= day <= _LONGEST_MONTH:
            end = match.end() - match[0].endswith(".")  # the stop is the sentence's as often as the month's
            yield Day(month=number, day=day, year=int(year) if year else None), (match.start(), end)


def same_day(one: Day, other: Day) -> bool:
    """Whether two days may be one: a year counts only where both name it."""
    years = {one.year, other.year} - {None}
    return (one.month, one.day) == (other.month, other.day) and len(years) <= 1


def amounts(text: str) -> tuple[Amount, ...]:
    """The amounts that `text` names, in order. Days are no amounts, nor are numbers of which nothing says what they are."""
    plain = _DATE.sub(" ; ", text)
    tokens = list(_TOKEN.finditer(plain))
    found = (_amount(plain, tokens, at) for at in range(len(tokens)))
    return tuple(one for one in found if one is not None)


def same_amount(one: Amount, other: Amount) -> bool:
    """Whether two amounts say the same: equal counts of whatever, or measures of which one is the other rounded.

    What is counted has many names: "14 people" and "14 arrested" are no two facts.
    """
    if one.unit in _COUNTED and other.unit in _COUNTED:
        return one.value == other.value
    if one.unit != other.unit:
        return False
    digits = min(one.digits, other.digits)
    return f"{one.value:.{digits - 1}e}" == f"{other.value:.{digits - 1}e}"


def _amount(text: str, tokens: Sequence[re.Match[str]], at: int) -> Amount | None:
    token = tokens[at]
    said = token["number"]
    if said is None:
        value = float(_WORDS.get((token["word"] or "").lower(), 0))
        return _counted(text, tokens, at, value, token.start("word")) if value else None
    value, start = float(said.replace(",", "")), token.start("sign") if token["sign"] else token.start("number")
    # What follows the number, nearest first: a unit written onto it, then words.
    steps = [(token["tail"] or "", at), *((_word(tokens, place), place) for place in range(at + 1, at + 3))]
    steps = steps if token["tail"] else steps[1:]
    end = token.end()
    if (scale := steps[0][0].lower()) in _SCALES and (len(scale) > 1 or token["sign"]):
        value, end, steps = value * _SCALES[scale], tokens[steps[0][1]].end(), steps[1:]
    digits = len(re.sub(r"\D", "", said).strip("0")) or 1
    if token["sign"]:
        unit = _CURRENCIES[token["sign"].lower().strip()]
        return Amount(value=value, unit=unit, digits=digits, shown=text[start:end].strip())
    if steps and (found := _unit(steps[0][0].lower())):
        return Amount(
            value=value * found[1], unit=found[0], digits=digits, shown=text[start : tokens[steps[0][1]].end()]
        )
    return _counted(text, tokens, steps[0][1] - 1, value, start)


def _unit(word: str) -> tuple[str, float] | None:
    """The base unit a word stands for and how much of it; pounds are weighed, unless a sign before them says money."""
    for name, measures in _MEASURES.items():
        if word in measures:
            return name, measures[word]
    return (_CURRENCIES[word], 1.0) if word in _CURRENCIES else None


def _counted(text: str, tokens: Sequence[re.Match[str]], at: int, value: float, start: int) -> Amount | None:
    """A number of things, when what it counts stands within a few words behind the token at `at`."""
    for place in range(at + 1, min(at + 2 + _BETWEEN, len(tokens))):
        word = _word(tokens, place)
        if not word or word in _WORDS:
            break
        if word in _THINGS:
            return Amount(value=value, unit=_THINGS[word], digits=0, shown=text[start : tokens[place].end()])
    return None


def _word(tokens: Sequence[re.Match[str]], at: int) -> str:
    word = (tokens[at]["word"] or "").lower() if at < len(tokens) else ""
    return word if word.isascii() else unicodedata.normalize("NFC", word).replace(_NUKTA, "")
