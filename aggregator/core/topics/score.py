"""Fired clauses to a score and a verdict. It never looks at a text itself."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aggregator.core.model.topics import Clause, ClauseKind, Evaluation, Fired, Span, Topic
from aggregator.core.topics.definition import CASES, TITLE_FACTOR
from aggregator.core.topics.document import Document, Hit, Mark
from aggregator.core.topics.fields import TITLE

MAX_SPANS = 20  # of one clause: enough for any highlight
_FIELD_ORDER = {"title": 0, "text": 1}


class Held(NamedTuple):
    """A clause that holds in a document, where, and what it adds."""

    clause: Clause
    hits: Sequence[Hit]
    points: float

    def fired(self, document: Document) -> Fired:
        """The clause with its proof."""
        return Fired(clause=self.clause.name, points=self.points, spans=spans(self.hits, document))


def held(clause: Clause, hits: Sequence[Hit]) -> Held:
    """What a clause that holds adds: its weight times the highest boost, a signal in the title half as much again."""
    boost = max((hit.boost for hit in hits), default=1.0)
    points = clause.weight * boost
    if clause.kind is ClauseKind.SIGNAL and any(hit.field == TITLE for hit in hits):
        points *= TITLE_FACTOR
    if clause.kind is ClauseKind.LOWER:
        points = -points
    return Held(clause, hits, round(points, 4))


def most_points(clause: Clause, most_boost: float) -> float:
    """The most that a clause can add whose hits have at most `most_boost`."""
    return clause.weight * most_boost * (TITLE_FACTOR if clause.kind is ClauseKind.SIGNAL else 1.0)


def least_sum(topic: Topic) -> float:
    """A sum of points below which the topic cannot flag, however the points of its clauses are rounded."""
    return topic.flag_at - 1e-4 * (len(topic.clauses) + 2)


def single_case(topic: Topic, score: float, hits: Sequence[Hit], document: Document) -> Fired:
    """What `cases: lower` or `cases: no` takes away from news of a single offender: half of flag_at, or all of the score."""
    points = -topic.flag_at / 2 if topic.cases == "lower" else -max(score, 0.0)
    return Fired(clause=CASES, points=round(points, 4), spans=spans(hits, document))


def evaluation(topic: Topic, clauses: Sequence[Fired]) -> Evaluation:
    """The topic's verdict. `clauses` are empty when no signal fired: then nothing else counts, and the score is 0."""
    score = round(sum(clause.points for clause in clauses), 4)
    return Evaluation(
        topic_id=topic.id,
        version=topic.version,
        score=score,
        flagged=bool(clauses) and score >= topic.flag_at,
        alert=bool(clauses) and score >= topic.alert_at,
        fired=tuple(clauses),
    )


def spans(hits: Iterable[Hit], document: Document) -> tuple[Span, ...]:
    """The places that prove the hits, each once, title first, in reading order, at most `MAX_SPANS`."""
    marks: set[tuple[str, Mark]] = {(hit.field, mark) for hit in hits for mark in hit.marks}
    found = {document.span(field, mark) for field, mark in marks}
    ordered = sorted(found, key=lambda span: (_FIELD_ORDER.get(span.field, 2), span.field, span.start, span.end))
    return tuple(ordered[:MAX_SPANS])
