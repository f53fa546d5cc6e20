"""What people said of a topic's matches -> which clause brings the noise, and what an exclusion would do about it, measured.

It is arithmetic on evaluations: taking a clause away takes its points away, and a clause that never fired changes nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Fired, Topic
from aggregator.core.text import fold, raw_words, stem
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex

CANDIDATES = 40  # words that are tried
_SHORTEST = 3  # letters of a word worth excluding
# An exclusion that loses relevant news must be worth it: one item lost weighs as much as these many spared.
_LOSS = 4
_COMMON_WORDS = """
about after again all also and another any are back been before being both but came can could day days did does each
even every few first for four from get give going had has have her here him his how into its just last later least
less like made make many may more most much must near new news next not now off one only other our out over own part
people per put said same saw say says see she should since some still such take ten than that the their them then
there these they this those three through time told too took two under until upon use very was way week were what
when where which while who whose why will with would year years yet you your que los las del una por con para como
"""
_TOO_COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One match that a person judged."""

    fields: EntryFields
    relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseEffect:
    """What one clause does among the reviewed matches that are flagged: where it fired, and what hangs on it alone.

    `noise_dropped` and `relevant_lost` are how many would fall below `flag_at` without it.
    """

    clause: str
    kind: ClauseKind
    noise: int
    relevant: int
    noise_dropped: int
    relevant_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A word that a clause could exclude, `query` NOT `word`, and how many reviewed matches that would end."""

    clause: str
    word: str
    query: str
    noise_dropped: int
    relevant_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A topic by its reviews. `relevant` and `noise` count those still flagged, `silenced` noise that no longer is.

    `clauses` come noisiest first; `missed` are relevant ones that are no longer flagged.
    """

    relevant: int
    noise: int
    silenced: int
    missed: int
    clauses: tuple[ClauseEffect, ...]
    exclusion: Exclusion | None

    @property
    def noisiest(self) -> ClauseEffect | None:
        """The clause that brought the most noise for what it found; None when there is no noise."""
        return self.clauses[0] if self.clauses and self.clauses[0].noise else None


def find_noise(topic: Topic, reviewed: Sequence[Reviewed]) -> Noise:
    """Measure a topic on reviewed matches. Raises ConfigError when it cannot be compiled."""
    index = TopicIndex((topic,))
    judged = [(one, index.evaluate_all(one.fields)[0]) for one in reviewed]
    flagged = [(one, verdict) for one, verdict in judged if verdict.flagged]
    effects = [_effect(topic, clause, flagged) for clause in topic.clauses if clause.kind is not ClauseKind.LOWER]
    effects.sort(key=_how_noisy, reverse=True)
    relevant = sum(one.relevant for one, _ in flagged)
    wanted = sum(one.relevant for one in reviewed)
    return Noise(
        relevant=relevant,
        noise=len(flagged) - relevant,
        silenced=len(reviewed) - wanted - (len(flagged) - relevant),
        missed=wanted - relevant,
        clauses=tuple(effects),
        exclusion=_exclusion(topic, flagged, effects),
    )


Flagged = Sequence[tuple[Reviewed, Evaluation]]


def _how_noisy(effect: ClauseEffect) -> tuple[float, int, int]:
    """Signals by their noise and its share of what they found; context, which flags nothing by itself, after them."""
    found = effect.noise + effect.relevant
    share = effect.noise / found if found else 0.0
    weight = 1.0 if effect.kind is ClauseKind.SIGNAL else 0.1
    return (weight * effect.noise * share, effect.noise_dropped, -effect.relevant_lost)


def _effect(topic: Topic, clause: Clause, flagged: Flagged) -> ClauseEffect:
    fired = [(one, verdict) for one, verdict in flagged if _points(verdict, clause.name)]
    falls = [one for one, verdict in fired if not _flags_without(topic, verdict, clause.name)]
    relevant, lost = sum(one.relevant for one, _ in fired), sum(one.relevant for one in falls)
    return ClauseEffect(
        clause=clause.name,
        kind=clause.kind,
        noise=len(fired) - relevant,
        relevant=relevant,
        noise_dropped=len(falls) - lost,
        relevant_lost=lost,
    )


def _points(verdict: Evaluation, clause: str) -> Fired | None:
    return next((fired for fired in verdict.fired if fired.clause == clause), None)


def _flags_without(topic: Topic, verdict: Evaluation, clause: str) -> bool:
    """Whether the entry would still be flagged: some other signal fired, and what is left of the score is enough."""
    signals = {one.name for one in topic.clauses if one.kind is ClauseKind.SIGNAL}
    rest = [fired for fired in verdict.fired if fired.clause != clause]
    return any(fired.clause in signals for fired in rest) and sum(fired.points for fired in rest) >= topic.flag_at


def _exclusion(topic: Topic, flagged: Flagged, effects: Sequence[ClauseEffect]) -> Exclusion | None:
    """The exclusion that helps most, in the noisiest clauses first; None when none would end more noise than it costs."""
    for effect in effects:
        if effect.kind is ClauseKind.SIGNAL and effect.noise_dropped:
            clause = next(one for one in topic.clauses if one.name == effect.clause)
            if (best := _best_word(topic, clause, flagged)) is not None:
                return best
    return None


def _best_word(topic: Topic, clause: Clause, flagged: Flagged) -> Exclusion | None:
    hanging = [
        (one, _standing(one.fields, topic))
        for one, verdict in flagged
        if _points(verdict, clause.name) and not _flags_without(topic, verdict, clause.name)
    ]
    counted: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for one, words in hanging:
        for root, word in words.items():
            shown[root] = min(shown.get(root, word), word, key=lambda each: (len(each), each))
            counted[root] += -_LOSS if one.relevant else 1
    roots = sorted((root for root, worth in counted.items() if worth > 0), key=lambda root: (-counted[root], root))
    tried = [_exclude(topic, clause, shown[root], [one for one, _ in hanging]) for root in roots[:CANDIDATES]]
    return max(tried, key=lambda one: (one.noise_dropped - _LOSS * one.relevant_lost, one.word), default=None)


def _standing(fields: EntryFields, topic: Topic) -> dict[str, str]:
    """The words of title and text that could be excluded, by their stem."""
    words = dict.fromkeys(fold(raw) for raw in raw_words(f"{fields.title}\n{fields.of('text')}"))
    plain = (word for word in words if len(word) >= _SHORTEST and word.isalpha() and word not in _TOO_COMMON)
    return {stem(word, topic.languages[0]): word for word in plain}


def _exclude(topic: Topic, clause: Clause, word: str, hanging: Sequence[Reviewed]) -> Exclusion:
    """What the exclusion of `word` ends among the matches that hang on the clause, as the language itself finds it."""
    probe = Clause(name="word", kind=ClauseKind.SIGNAL, query=word)
    index = TopicIndex((Topic(id="probe", name="probe", clauses=(probe,), languages=topic.languages),))
    ended = [one for one in hanging if index.evaluate(one.fields)]
    lost = sum(one.relevant for one in ended)
    # The query may end in a comment, which would swallow what is written behind it.
    query = f"({clause.query}{chr(10) if '#' in clause.query else ''}) NOT {word}"
    return Exclusion(clause=clause.name, word=word, query=query, noise_dropped=len(ended) - lost, relevant_lost=lost)
