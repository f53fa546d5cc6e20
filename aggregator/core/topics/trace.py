"""Why an entry was flagged by a topic, or why not: the topic's clauses as trees of true and false, with the words."""

from dataclasses import dataclass

from aggregator.core.model.topics import Clause, ClauseKind, Span, Topic
from aggregator.core.topics import score, tree
from aggregator.core.topics.definition import CASES
from aggregator.core.topics.document import Document
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import CompiledTopic, TopicIndex
from aggregator.core.topics.leaves import ListMatcher, Matcher
from aggregator.core.topics.operators import (
    AtLeastMatcher,
    ExceptMatcher,
    NearMatcher,
    NotMatcher,
    OrMatcher,
    SentenceMatcher,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTrace:
    """One node of a query: its text, whether it holds, where, and in `note` why it does not although parts do.

    `any_of` says that some of its parts are enough. A list's own tree is among the parts only where it tells why the list
    does not hold.
    """

    query: str
    column: int
    holds: bool
    spans: tuple[Span, ...] = ()
    note: str = ""
    any_of: bool = False
    parts: tuple["NodeTrace", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseTrace:
    """One clause: whether it fired, what it added to the score, where, and its tree.

    A context or lower clause that fired beside no signal has 0 points.
    """

    name: str
    kind: ClauseKind
    weight: float
    fired: bool
    points: float
    spans: tuple[Span, ...]
    tree: NodeTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The whole story of one topic and one entry. `score` is the sum of the clauses' points."""

    topic_id: str
    version: int
    score: float
    flag_at: float
    alert_at: float
    flagged: bool
    alert: bool
    clauses: tuple[ClauseTrace, ...]
    verdict: str


def explain(topic: Topic, fields: EntryFields) -> Trace:
    """Evaluate one topic on one entry and tell every step. Raises ConfigError when the topic cannot be compiled."""
    index = TopicIndex((topic,))
    (compiled,) = index.topics
    document = index.read(fields)
    verdict = compiled.evaluate(document)
    points = {fired.clause: fired.points for fired in verdict.fired}
    clauses = [_clause(clause, matcher, document, points) for clause, matcher in (*compiled.signals, *compiled.others)]
    if compiled.cases is not None:
        clauses.append(_cases(compiled.cases, document, points))
    return Trace(
        topic_id=topic.id,
        version=topic.version,
        score=verdict.score,
        flag_at=topic.flag_at,
        alert_at=topic.alert_at,
        flagged=verdict.flagged,
        alert=verdict.alert,
        clauses=tuple(clauses),
        verdict=_verdict(compiled, clauses, verdict.score),
    )


def _clause(clause: Clause, matcher: Matcher, document: Document, points: dict[str, float]) -> ClauseTrace:
    return _traced(clause.name, clause.kind, clause.weight, points.get(clause.name, 0.0), _node(matcher, document))


def _cases(matcher: Matcher, document: Document, points: dict[str, float]) -> ClauseTrace:
    node = _node(matcher, document)
    taken = points.get(CASES, 0.0) if node.holds else 0.0
    return _traced(CASES, ClauseKind.LOWER, abs(taken), taken, node)


def _traced(name: str, kind: ClauseKind, weight: float, points: float, node: NodeTrace) -> ClauseTrace:
    return ClauseTrace(
        name=name, kind=kind, weight=weight, fired=node.holds, points=points, spans=node.spans, tree=node
    )


def _node(matcher: Matcher, document: Document) -> NodeTrace:
    hits = matcher.match(document)
    return NodeTrace(
        query=tree.show(matcher.source),
        column=matcher.source.column,
        holds=hits is not None,
        spans=score.spans(hits or (), document),
        note="" if hits is not None else _why_not(matcher, document),
        any_of=isinstance(matcher, OrMatcher | AtLeastMatcher),
        parts=tuple(_node(part, document) for part in matcher.parts) or _within_list(matcher, document),
    )


def _within_list(matcher: Matcher, document: Document) -> tuple[NodeTrace, ...]:
    """The tree behind a list's name, when something was found there and then excluded."""
    if not isinstance(matcher, ListMatcher) or matcher.match(document) is not None:
        return ()
    inner = _node(matcher.inner, document)
    return (inner,) if _has_note(inner) else ()


def _has_note(node: NodeTrace) -> bool:
    return bool(node.note) or any(_has_note(part) for part in node.parts)


def _why_not(matcher: Matcher, document: Document) -> str:
    """What killed a node whose parts hold."""
    if isinstance(matcher, NotMatcher):
        return f"it is there: {_words(matcher.parts[0], document)}"
    if not matcher.parts or any(part.match(document) is None for part in matcher.parts):
        return ""
    match matcher:
        case NearMatcher():
            return _too_far(matcher, document)
        case ExceptMatcher():
            return f"every hit lies inside {tree.show(matcher.parts[1].source)}: {_words(matcher.parts[1], document)}"
        case SentenceMatcher():
            return "the parts stand in different sentences"
        case _:
            return ""


def _too_far(matcher: NearMatcher, document: Document) -> str:
    lefts, rights = (part.match(document) or [] for part in matcher.parts)
    gaps = [
        document.fields[left.field].words_between(min(left.end, right.end), max(left.start, right.start))
        for left in lefts[:50]
        for right in rights[:50]
        if left.field == right.field and (left.end <= right.start or right.end <= left.start)
    ]
    if not gaps:
        return "the parts stand in different fields, or are the same words"
    if min(gaps) <= matcher.distance:
        return "the parts stand in the other order"
    return f"{min(gaps):g} words lie between, {matcher.distance} are allowed"


def _words(matcher: Matcher, document: Document) -> str:
    found = score.spans(matcher.match(document) or (), document)
    return ", ".join(sorted({_quoted(span, document) for span in found}))


def _quoted(span: Span, document: Document) -> str:
    return repr(document.fields[span.field].text[span.start : span.end])


def _verdict(compiled: CompiledTopic, clauses: list[ClauseTrace], reached: float) -> str:
    """The sum in one line for people."""
    topic = compiled.topic
    counted = [clause for clause in clauses if clause.points]
    if not counted:
        idle = [clause.name for clause in clauses if clause.fired]
        beside = f" ({', '.join(idle)} held, but counts only beside a signal)" if idle else ""
        return f"not flagged: no signal fired{beside}"
    terms = " ".join(f"{clause.points:+g} {clause.name}" for clause in counted)
    flagged = reached >= topic.flag_at
    relation = "reaches" if flagged else "is below"
    return f"{'flagged' if flagged else 'not flagged'}: {terms} = {reached:g}, which {relation} {topic.flag_at:g}"
