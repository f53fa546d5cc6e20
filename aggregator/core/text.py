"""Words of any script, from text as it was published: tokens with offsets, folding, stems and sentences.

It turns a text into values that point back into that very text; it never changes what is stored or shown.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import regex  # type: ignore[import-untyped]  # ships no types; this file is its only importer
import snowballstemmer  # type: ignore[import-untyped]  # as regex

# Characters that are drawn as nothing or merely stretch a word. Spammers and editors put them inside words.
JOINERS = "\u00ad\u034f\u061c\u0640\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
# Scripts written without spaces, and Hangul, whose particles hang on the noun: each character is a token.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc"

_LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{UNSPACED}]]"
_ANY_WORD = regex.compile(
    rf"""(?V1)(
        \p{{L}}(?:\.\p{{L}})+(?![\p{{L}}\p{{M}}\p{{N}}])\.?                       # U.S., D.E.A.
        | [{UNSPACED}][\p{{M}}{JOINERS}]*+
        | {_LETTER}++(?:[{JOINERS}]++{_LETTER}++|['\u2019\u02bc](?![sS]\b){_LETTER}++)*+
    )(?:['\u2019\u02bc][sS]\b)?                                                   # a possessive is no part of the word
    """,
    regex.VERBOSE,
)
# The same rule for text without marks, joiners or unspaced scripts: the standard library is three times as fast.
_PLAIN_LETTER = r"[^\W\d_\xb2\xb3\xb9\xbc-\xbe]"
_PLAIN_WORD = re.compile(
    rf"({_PLAIN_LETTER}(?:\.{_PLAIN_LETTER})+(?![^\W_])\.?|[^\W_]+(?:['\u2019](?![sS]\b)[^\W_]+)*)(?:['\u2019][sS]\b)?",
)
_NOT_PLAIN = re.compile(r"[^\x00-\xac\xae-\u024f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]")

_UNSPACED_CHARACTER = regex.compile(rf"[{UNSPACED}]")
_FOLDED_MARKS = regex.compile(r"(?V1)([\p{Latin}\p{Greek}\p{Cyrillic}])\p{M}+")
_JOINER = regex.compile(rf"[{JOINERS}]+")
# Letters that no normalisation takes apart, but that people leave out or write in two letters.
_LETTERS = str.maketrans(
    {"\u0131": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'"})

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_LONGEST_WORD = 64  # longer ones are no words: they are neither stemmed nor remembered
_stemming = threading.Lock()  # the stemmers keep their word in themselves


class Token(NamedTuple):
    """One word. `[start, end)` are code points of the text it was read from.

    `surface` is the word as written, without dots of an acronym and characters that are drawn as nothing; `folded` is
    what is compared.
    """

    start: int
    end: int
    surface: str
    folded: str


def tokens(text: str) -> tuple[Token, ...]:
    """The words of `text` in order. Hyphens split, apostrophes join, a possessive 's is left out, "U.S." is one word.

    In scripts that are written without spaces each character with its marks is a token, so that a run of tokens is a
    substring.
    """
    found = []
    for start, end in word_spans(text):
        surface = surface_of(text[start:end])
        found.append(Token(start, end, surface, fold(surface)))
    return tuple(found)


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the words of `text` begin and end: `tokens` without the words."""
    for match in _word_pattern(text).finditer(text):
        yield match.span(1)


def raw_words(text: str) -> list[str]:
    """The words as they stand in `text`, one for each of `tokens`; the fastest way to learn that none is of interest."""
    words: list[str] = _word_pattern(text).findall(text)
    return words


def is_unspaced(word: str) -> bool:
    """Whether `word` begins in a script whose characters are tokens of their own."""
    return _UNSPACED_CHARACTER.match(word) is not None


def has_unspaced(text: str) -> bool:
    """Whether `text` holds a character of such a script."""
    return not text.isascii() and _UNSPACED_CHARACTER.search(text) is not None


def surface_of(raw: str) -> str:
    """A raw word as people read it: compatibility forms unified, dots and invisible characters left out."""
    if raw.isalnum() and raw.isascii():
        return raw
    surface = unicodedata.normalize("NFKC", _JOINER.sub("", raw)).translate(_APOSTROPHES)
    return surface.replace(".", "")


def fold(text: str) -> str:
    """`text` as it is compared: no case, no invisible characters, no accents on Latin, Greek and Cyrillic letters.

    Marks of other scripts are letters in all but name and stay: Hindi keeps its vowels. Folding twice changes nothing.
    """
    if text.isascii():
        return text.lower()
    return _fold_word(text) if len(text) <= _LONGEST_WORD else _fold(text)


def primary(language: str) -> str:
    """The language itself of a tag (BCP 47), in lower case, without script and region."""
    return language.partition("-")[0].lower()


def stem(folded: str, language: str) -> str:
    """The stem of a folded word by the Snowball rules of `language` (BCP 47); the word itself where there are none."""
    name = _STEMMERS.get(primary(language))
    return folded if name is None or len(folded) > _LONGEST_WORD else _stem(folded, name)


def has_stems(language: str) -> bool:
    """Whether `stem` knows rules for `language` (BCP 47)."""
    return primary(language) in _STEMMERS


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Where the sentences of `text` begin and end, in code points, without the white space around them.

    An empty line ends one. Initials, acronyms and common abbreviations end none.
    """
    found, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if not _is_abbreviation(text, match):
            found.append((start, match.end("end")))
            start = match.end()
    found.append((start, len(text)))
    return tuple(trimmed for span in found if (trimmed := _trim(text, span)))


_CLOSERS = "\"'\u201d\u2019\u00bb\u300d\u300f)\\]"
_OPENERS = "\"'\u201c\u2018\u00ab(\\[\u00bf\u00a1"
# The look-behinds let a run of stops or spaces be tried once, not once for each of its characters.
_SENTENCE_END = regex.compile(
    rf"""(?V1)
    (?P<end>) (?<![^\S\n]) [^\S\n]*+ \n [^\S\n]*+ \n \s*+
    | (?<![.!?\u2026]) (?P<end>[.!?\u2026]++[{_CLOSERS}]*+) \s++ (?=[{_OPENERS}]*+[\p{{Lu}}\p{{Lo}}\p{{N}}])
    | (?P<end>[\u0964\u0965\u3002\uff01\uff1f\uff61\u061f]++[{_CLOSERS}]*+) \s*+
    """,
    regex.VERBOSE,
)
_ABBREVIATION = regex.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|sr|jr|vs|gen|gov|sen|rep|col|lt|sgt|capt|dept|inc|ltd|co|corp|fig|art"
    r"|jan|feb|mar|apr|aug|sept|sep|oct|nov|dec|sra|smt|shri|u\.s|u\.k|u\.n|e\.g|i\.e)|\b\p{L})$",
    regex.IGNORECASE,
)


def _word_pattern(text: str) -> re.Pattern[str]:
    if _NOT_PLAIN.search(text) is None:
        return _PLAIN_WORD
    pattern: re.Pattern[str] = _ANY_WORD
    return pattern


@lru_cache(maxsize=1 << 16)
def _fold_word(word: str) -> str:
    return _fold(word)


def _fold(text: str) -> str:
    folded = _fold_once(text)
    # A letter may become one that folds again (a ligature with a mark); few texts need a second round.
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def _fold_once(text: str) -> str:
    plain = unicodedata.normalize("NFKC", _JOINER.sub("", text)).translate(_APOSTROPHES).casefold().translate(_LETTERS)
    bare: str = _FOLDED_MARKS.sub(r"\1", unicodedata.normalize("NFD", plain))
    return unicodedata.normalize("NFC", bare)


@cache
def _stemmer(name: str) -> Callable[[str], str]:
    stem_word: Callable[[str], str] = snowballstemmer.stemmer(name).stemWord
    return stem_word


@lru_cache(maxsize=1 << 16)
def _stem(folded: str, name: str) -> str:
    with _stemming:
        return _stemmer(name)(folded)


def _is_abbreviation(text: str, match: re.Match[str]) -> bool:
    stop = match.start()
    return (
        match["end"] == "." and "\n" not in match[0] and _ABBREVIATION.search(text, max(0, stop - 12), stop) is not None
    )


def _trim(text: str, span: tuple[int, int]) -> tuple[int, int] | None:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
