"""An entry's words -> what is compared to tell whether two entries carry one story. It keeps no text and no order of it.

Publisher names, datelines and stock phrases are left out first: they make strangers look alike.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import blake2b

from aggregator.core.model.stories import Sentence, StorySignature
from aggregator.core.stories.forms import forms
from aggregator.core.stories.headlines import COMMON, headline, without_dateline, without_stock
from aggregator.core.text import fold, is_unspaced, sentences, stem, tokens
from aggregator.core.topics.frequencies import share_of_stem

MAX_POSTED = 12

BODY = 4000  # characters that are read of a text: what tells stories apart stands at the beginning
_OPENING = 200  # characters that two exact copies have in common
_RUN = 4  # words
_OPENING_RUNS = 45
_POSTED_TITLE = 6
_MOST_SENTENCES = 60
_LONGEST = 64  # characters of a word that is kept


def signature(title: str, text: str, language: str | None = None) -> StorySignature:
    """The signature of a plain-text title and text. `language` (BCP 47) chooses the stems, English when unknown."""
    tongue = language or "en"
    line = headline(title)
    body = without_stock(without_dateline(text[:BODY]))
    title_terms = _terms(line.words, tongue)
    said, runs = _read(body, tongue)
    telling = frozenset(term for term in title_terms if term not in COMMON and len(term) <= _LONGEST)
    return StorySignature(
        tokens=_posted(telling, frozenset(term for one in said for term in one), tongue),
        title_tokens=telling,
        shingles=frozenset[int]().union(*(one.shingles for one in runs)),
        opening=_opening(said),
        exact=_digest(" ".join(title_terms) + "\n" + fold(" ".join(body.split()))[:_OPENING]),
        numbers=line.numbers,
        head=frozenset(_terms(line.head, tongue)) - COMMON,
        label=frozenset(_terms(line.label, tongue)) - COMMON,
        fixture=line.fixture,
        stem=_digest(" ".join(_terms(line.stem, tongue)))[:8] if line.stem else b"",
        explains=line.explains,
        live=line.live,
        denies=line.denies,
        sentences=runs,
    )


def signed(title: str, text: str, language: str | None = None) -> StorySignature:
    """`signature`, or that of nothing for words that cannot be read: such an entry stands alone, and costs no other."""
    try:
        return signature(title, text, language)
    except Exception:  # noqa: BLE001 - one poisoned entry must not cost its whole document, or the writer its batch
        return signature("", "")


def without(one: StorySignature, stock: Collection[int]) -> StorySignature:
    """`one` without the sentences whose hashes are `stock`, which its feed prints under everything."""
    kept = [sentence for sentence in one.sentences if sentence.hash not in stock]
    if len(kept) == len(one.sentences):
        return replace(one, sentences=())
    shingles = frozenset[int]().union(*(sentence.shingles for sentence in kept))
    return replace(one, shingles=shingles, opening=one.opening & shingles, sentences=())


def _read(body: str, tongue: str) -> tuple[list[list[str]], tuple[Sentence, ...]]:
    """The stems of each sentence, and its word runs: those that end in it, so that a run may begin in the one before."""
    said, found, before = [], [], list[str]()
    for start, end in sentences(body)[:_MOST_SENTENCES]:
        terms = _terms(body[start:end], tongue)
        runs = _runs([*before, *terms])
        found.append(Sentence(hash=int.from_bytes(_digest(" ".join(terms))[:8], signed=True), shingles=frozenset(runs)))
        said.append(terms)
        before = [*before, *terms][1 - _RUN :]
    return said, tuple(found)


def _opening(said: Sequence[Sequence[str]]) -> frozenset[int]:
    terms = [term for one in said[:_OPENING_RUNS] for term in one][: _OPENING_RUNS + _RUN - 1]
    return frozenset(_runs(terms))


def _terms(text: str, language: str) -> list[str]:
    """The stems of `text` in order; in scripts without spaces, pairs of neighbouring characters."""
    known = forms(language)
    terms, previous = [], None
    for token in tokens(text):
        if not is_unspaced(token.folded):
            term = stem(token.folded, language)
            terms.append(known.get(term, term))
            previous = None
            continue
        if previous is not None and previous.end == token.start:
            terms.append(previous.folded + token.folded)
        previous = token
    return terms


def _posted(title: frozenset[str], body: frozenset[str], language: str) -> tuple[str, ...]:
    """The words least likely to be everywhere, as far as can be told without an archive: rare in news, else long."""

    def rarity(term: str) -> tuple[float, int, str]:
        return share_of_stem(term, language), -len(term), term

    chosen = sorted(title, key=rarity)[:_POSTED_TITLE]
    others = sorted((term for term in body - COMMON - set(chosen) if len(term) <= _LONGEST), key=rarity)
    return tuple(chosen + others[: MAX_POSTED - len(chosen)])


def _runs(terms: Sequence[str]) -> list[int]:
    runs = (" ".join(terms[at : at + _RUN]) for at in range(len(terms) - _RUN + 1))
    return [int.from_bytes(_digest(run)[:4]) for run in runs]


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
