"""Made-up news and made-up topics for measuring: as many different words, as often, as in real news; no meaning.

Words are the project's own table of common words and a long tail of pronounceable ones. Their frequency falls with their
rank (Zipf and Mandelbrot), as in any language. The same seed gives the same text.
"""

import random
from collections.abc import Iterator
from itertools import accumulate

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.frequencies import listed

_TAIL = 40_000
_ONSETS = ["b", "br", "c", "ch", "cr", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "pr", "r", "s", "sh", "sl", "st", "str", "t", "tr", "v", "w"]  # fmt: skip
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "io", "ou"]  # fmt: skip
_CODAS = ["b", "ck", "d", "g", "l", "ll", "m", "n", "nd", "ng", "nt", "p", "r", "rd", "rk", "rm", "rt", "s", "sh", "st", "t", "x"]  # fmt: skip
_ENDINGS = ["", "", "", "s", "s", "ed", "ing", "er", "ers", "ation", "ations", "ly", "ment", "al", "ist", "ists"]


class News:
    """A source of entries and topics over one vocabulary."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(0)  # all sources share one vocabulary
        common = listed()
        tail: dict[str, None] = {}
        while len(tail) < _TAIL:
            word = self._made_up()
            if word not in common:
                tail[word] = None
        self.vocabulary = (*common, *tail)
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self.vocabulary))))
        self._random = random.Random(seed)

    def _made_up(self) -> str:
        choose = self._random.choice
        syllables = "".join(choose(_ONSETS) + choose(_VOWELS) for _ in range(self._random.choice((0, 1, 1, 2))))
        return syllables + choose(_ONSETS) + choose(_VOWELS) + choose(_CODAS) + choose(_ENDINGS)

    def entries(self, count: int, *, characters: int = 2000) -> list[EntryFields]:
        """Entries with a title and a text of about so many characters."""
        return [
            EntryFields(title=self._sentence(9)[:-1], text=self._text(characters), feed="made-up") for _ in range(count)
        ]

    def _text(self, characters: int) -> str:
        sentences: list[str] = []
        length = 0
        while length < characters:
            sentences.append(self._sentence(self._random.randint(8, 28)))
            length += len(sentences[-1]) + 1
            if self._random.random() < 0.2:
                sentences.append("\n\n")
        return " ".join(sentences)[:characters]

    def _sentence(self, words: int) -> str:
        chosen = self._random.choices(self.vocabulary, cum_weights=self._weights, k=words)
        written = [word.capitalize() if self._random.random() < 0.12 else word for word in chosen]
        written[self._random.randrange(words)] += ","
        if self._random.random() < 0.15:
            written[0] = f"“{written[0]}"
            written[-1] += "”"
        return " ".join(written).capitalize() + "."

    def topics(self, count: int, *, ranks: tuple[int, int] = (300, 20_000)) -> Iterator[Topic]:
        """Topics of twelve clauses: six signals, four context, two lower, of every operator people use.

        Their words are drawn evenly from these ranks of the vocabulary, as people choose words that mean something.
        """
        for number in range(count):
            kinds = [ClauseKind.SIGNAL] * 6 + [ClauseKind.CONTEXT] * 4 + [ClauseKind.LOWER] * 2
            clauses = tuple(
                Clause(
                    name=f"clause {place}", kind=kind, query=self._query(ranks), weight=self._random.choice((1.5, 2, 4))
                )
                for place, kind in enumerate(kinds)
            )
            yield Topic(id=f"topic-{number}", name=f"Topic {number}", clauses=clauses, flag_at=4.5, alert_at=9)

    def _query(self, ranks: tuple[int, int]) -> str:
        words = [self._word(ranks) for _ in range(8)]
        either, other = f"({' OR '.join(words[:3])})", f"({' OR '.join(words[3:6])})"
        phrase = f'"{words[6]} {words[7]}"'
        return self._random.choice(
            (
                f"{either} NEAR/5 {other}",
                f"{either} NEAR/8 {other}",
                f"{' OR '.join(words[:5])} OR {phrase}",
                f"{phrase} OR {words[0]}",
                f"{words[0]} AND {other}",
                f"(({words[0]} OR {words[1]}) EXCEPT {phrase}) ONEAR/3 {other}",
                f"={words[0].rstrip('*').upper()} AND {either}",
                f"ATLEAST 2({', '.join(words[:4])})",
                f"SENT({words[0]}, {words[1]} OR {words[2]})",
            )
        )

    def _word(self, ranks: tuple[int, int]) -> str:
        word = self.vocabulary[self._random.randrange(*ranks)]
        return f"{word}*" if len(word) >= 3 and self._random.random() < 0.2 else word
