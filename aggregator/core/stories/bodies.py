"""Words -> the bodies they name: agencies, ministries, courts, companies and groups, by their names or their acronyms.

It goes by the words alone: a name in capitals that says what kind of body it is, or an acronym that is known or was
spelled out. Names of people and places are none.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aggregator.core.text import fold

# Acronyms that stand for one body wherever they are read, with the name they stand for.
_KNOWN_LINES = """
ANTF Anti Narcotics Task Force
BSF Border Security Force
CBI Central Bureau of Investigation
CBN Central Bureau of Narcotics
CBP Customs and Border Protection
CIA Central Intelligence Agency
CND Commission on Narcotic Drugs
DEA Drug Enforcement Administration
DRI Directorate of Revenue Intelligence
EMCDDA European Monitoring Centre for Drugs and Drug Addiction
EUDA European Union Drugs Agency
FBI Federal Bureau of Investigation
FDA Food and Drug Administration
IAEA International Atomic Energy Agency
ICC International Criminal Court
IMF International Monetary Fund
INCB International Narcotics Control Board
NATO North Atlantic Treaty Organization
NCA National Crime Agency
NDLEA National Drug Law Enforcement Agency
NIA National Investigation Agency
OFAC Office of Foreign Assets Control
ONDCP Office of National Drug Control Policy
PDEA Philippine Drug Enforcement Agency
SEC Securities and Exchange Commission
UNGA United Nations General Assembly
UNHCR United Nations High Commissioner for Refugees
UNODC United Nations Office on Drugs and Crime
WHO World Health Organization
WTO World Trade Organization
"""
_KNOWN: Final = dict(line.split(" ", 1) for line in _KNOWN_LINES.strip().splitlines())
# Short forms that the news prints in capitals and that name one body, whose full name nobody writes.
_ALONE_WORDS = """
NCB ICE UN EU ASEAN BRICS SAARC BIMSTEC SCO OPEC HIDTA CJNG ANF CENTCOM SOUTHCOM
"""
_ALONE: Final = frozenset(_ALONE_WORDS.split())
_CAPITALISED_BODIES: Final = frozenset(
    ["Europol", "Eurojust", "Interpol", "Frontex", "Congress", "Parliament", "Kremlin", "Pentagon"]
)
_KINDS_WORDS = """
administration agency alliance army assembly association authority bank board brigade bureau cabinet cartel centre
center chamber college commission committee company congress consortium constabulary corporation council court customs
department directorate division embassy federation force forces foundation fund gang government group guard house inc
institute intelligence laboratories laboratory league limited ltd ministry mission nations navy network office
organisation organization panel parliament party pharma pharmaceuticals police senate service services squad syndicate
taskforce treasury tribunal union unit university
"""
_KINDS: Final = frozenset(_KINDS_WORDS.split())
_LINKS = r"(?:(?:of|on|for|in|to)(?:\sthe)?|and|de|del|&)"
_CAPITAL = r"[^\W\d_a-z][\w'\u2019.-]{0,40}"
_NAME = re.compile(rf"\b(?:{_CAPITAL})(?:\s(?:(?:{_LINKS}\s)?{_CAPITAL})){{1,7}}")
_ACRONYM = re.compile(r"(?<![\w.-])[A-Z]{2,7}(?![\w-])")
_SPELLED = re.compile(rf"((?:{_CAPITAL})(?:\s(?:(?:{_LINKS}\s)?{_CAPITAL})){{1,7}})\s\(([A-Z]{{2,8}})\)")
_WORD = re.compile(r"[^\W\d_]+")
_OPENING_WORDS = """
a after all also an and as at before but by during earlier following for from he her his if in its last later local
meanwhile new no now of on one our she since some several the their these they this those to two under until we when
where while with
"""
_OPENING: Final = frozenset(_OPENING_WORDS.split())
_SHOUTED = 0.5  # of a text's words: where more are in capitals, capitals say nothing
_LONGEST = 4000  # characters


def bodies(text: str) -> Mapping[str, str]:
    """Folded name -> the name as it stood, of each body that `text` names. A known acronym is filed under its name."""
    text = " ".join(text[:_LONGEST].split())
    if _is_shouted(text):
        return MappingProxyType({})
    found: dict[str, str] = {}
    spelled = {match[2]: match[1] for match in _SPELLED.finditer(text)}
    for match in _NAME.finditer(text):
        for name in _parted(match[0]):
            found.setdefault(_key(name), name)
    for acronym in _ACRONYM.findall(text):
        full = _KNOWN.get(acronym) or _body(spelled.get(acronym, ""))
        if full:
            found[_key(full)] = acronym
        elif acronym in _ALONE:
            found.setdefault(fold(acronym), acronym)
    for word in _WORD.findall(text):
        if word in _CAPITALISED_BODIES:
            found.setdefault(fold(word), word)
    return MappingProxyType(found)


def _parted(run: str) -> list[str]:
    """The bodies in a run of capitalised words: two, where each side of an "and" is one."""
    left, _, right = run.rpartition(" and ")
    sides = [_body(left), _body(right)]
    return sides if all(sides) else [name for name in (_body(run),) if name]


def _body(name: str) -> str:
    """A run of capitalised words without what opens a sentence, if it says what kind of body it names; else empty."""
    words = name.replace("(", "").split()
    while words and fold(words[0]) in _OPENING:
        words = words[1:]
    words = [_bare(word) for word in words]
    telling = [word for word in words if fold(word) not in _OPENING]
    # "Court" alone, and a headline with every word in capitals, name nobody.
    if len(telling) < 2 or not any(fold(word) in _KINDS for word in telling):
        return ""
    return " ".join(words)


def _bare(word: str) -> str:
    """A word of a name without what its sentence hung on it; an abbreviation keeps its dots."""
    plain = word.removesuffix("'s").removesuffix("\u2019s").rstrip("'\u2019-")
    return plain if "." in plain[:-1] else plain.rstrip(".")


def initials(key: str) -> str:
    """The letters that a folded name's words begin with, as its acronym would have them."""
    return "".join(word[0] for word in key.split())


def _key(name: str) -> str:
    """What is compared: the telling words, so that articles and the like make no other body."""
    return " ".join(word for word in fold(name).split() if word not in _OPENING)


def _is_shouted(text: str) -> bool:
    words = _WORD.findall(text)
    return bool(words) and sum(len(word) > 1 and word.isupper() for word in words) / len(words) > _SHOUTED
