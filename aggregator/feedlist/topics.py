"""The topics of a feed list -> `Topic` values, however they were written: a pack, keywords, a query, weighted clauses.

A query that does not compile is reported where it stands in the file.
"""

from dataclasses import replace

from aggregator.core.model.topics import Clause, ClauseKind, Topic, TopicTest
from aggregator.core.topics.check import problems
from aggregator.feedlist.document import Document, Findings, Place
from aggregator.feedlist.packs import pack_names, read_pack
from aggregator.feedlist.problems import check_unique, shaped, shaped_list
from aggregator.feedlist.shapes import ClausesShape, TopicShape
from aggregator.feedlist.units import nearest

_WAYS = ("pack", "keywords", "query", "signal")
_QUOTES = '"\u201c\u201d\u201e'


def read_topics(document: Document, findings: Findings) -> tuple[Topic, ...]:
    """The topics that are as they should be, in the file's order; all else is noted in `findings`."""
    shapes = shaped_list(document, "topics", TopicShape, findings)
    check_unique(document, ("topics",), "topic", findings)
    read = [_topic(document, place, shape, findings) for place, shape in shapes]
    return tuple(topic for topic in read if topic is not None)


def _topic(document: Document, place: Place, shape: TopicShape, findings: Findings) -> Topic | None:
    ways = [way for way in _WAYS if document.at((*place, way))]
    if not ways:
        findings.wrong(document.where(place), f"the topic `{shape.id}` needs one of pack, keywords, query or signal")
        return None
    if len(ways) > 1 and ways != ["pack", "signal"]:
        message = f"the topic `{shape.id}` has both {ways[0]} and {ways[1]}, expected one of them"
        findings.wrong(document.where((*place, ways[1]), key=True), message)
        return None
    before = len(findings.problems)
    base = _base(document, place, shape, findings)
    if base is None:
        return None
    _check_names(document, place, shape, base, findings)
    topic = replace(_with_own(base, shape), window=shape.window)
    if topic.alert_at < topic.flag_at:
        message = f"`alert_at`: {topic.alert_at:g} is less than flag_at, {topic.flag_at:g}"
        findings.wrong(document.where((*place, "alert_at")), message, "an alert is a flag that matters more")
    sound = len(findings.problems) == before and _is_whole(document, place)
    _check_queries(document, place, shape, topic, findings, judge_whole=sound)
    return topic


def _base(document: Document, place: Place, shape: TopicShape, findings: Findings) -> Topic | None:
    """The topic before the operator's own clauses: the pack, the one clause of keywords or query, or nothing yet."""
    if shape.pack:
        return _from_pack(document, place, shape.id, shape.pack, findings)
    empty = Topic(id=shape.id, name=shape.name or shape.id)
    if shape.query:
        return replace(empty, clauses=(Clause(name="query", kind=ClauseKind.SIGNAL, query=shape.query),))
    query = _any_of(document, place, shape.keywords or [], findings)
    clause = Clause(name="keywords", kind=ClauseKind.SIGNAL, query=query)
    return replace(empty, clauses=(clause,)) if query else empty


def _any_of(document: Document, place: Place, keywords: list[str], findings: Findings) -> str:
    """Keywords as one query: each a phrase, so that no word of them is taken for an operator."""
    phrases = []
    for index, keyword in enumerate(keywords):
        words = keyword.strip().strip(_QUOTES).strip()
        if not words or any(quote in words for quote in _QUOTES):
            message = f"`keywords`: expected a word or a phrase without quotes inside, found `{keyword}`"
            findings.wrong(document.where((*place, "keywords", index)), message)
        else:
            phrases.append(f'"{words}"')
    return " OR ".join(dict.fromkeys(phrases))


def _from_pack(document: Document, place: Place, topic_id: str, name: str, findings: Findings) -> Topic | None:
    where = document.where((*place, "pack"))
    if name not in pack_names():
        near = nearest(name, pack_names())
        findings.wrong(where, f"there is no pack `{name}`", f"did you mean `{near}`?" if near else "")
        return None
    pack, faults = read_pack(name)
    findings.problems.extend(faults.problems)
    if pack is None:
        return None
    return _with_own(Topic(id=topic_id, name=pack.name), pack)


def _with_own(base: Topic, shape: ClausesShape) -> Topic:
    """`base` with what `shape` writes added or, for single values, put in its place."""
    flag_at = base.flag_at if shape.flag_at is None else shape.flag_at
    alert_at = max(base.alert_at, flag_at) if shape.alert_at is None else shape.alert_at
    name = getattr(shape, "name", None)
    return replace(
        base,
        name=name or base.name,
        clauses=base.clauses + _clauses(shape),
        lists=tuple({**dict(base.lists), **shape.lists}.items()),
        languages=tuple(shape.languages) if shape.languages else base.languages,
        flag_at=flag_at,
        alert_at=alert_at,
        cases=shape.cases or base.cases,
        tests=base.tests + tuple(TopicTest(flag=t.flag, title=t.title, text=t.text) for t in shape.tests),
    )


def _clauses(shape: ClausesShape) -> tuple[Clause, ...]:
    return tuple(
        Clause(name=clause.name, kind=kind, query=clause.query, weight=clause.weight)
        for kind in ClauseKind
        for clause in getattr(shape, kind.value)
    )


def _check_names(document: Document, place: Place, shape: TopicShape, base: Topic, findings: Findings) -> None:
    seen = {clause.name for clause in base.clauses}
    for name, at in _clause_places(place, shape):
        if name in seen:
            findings.wrong(document.where((*at, "name")), f"the topic `{shape.id}` already has a clause `{name}`")
        seen.add(name)


def _clause_places(place: Place, shape: TopicShape) -> list[tuple[str, Place]]:
    return [
        (clause.name, (*place, kind.value, index))
        for kind in ClauseKind
        for index, clause in enumerate(getattr(shape, kind.value))
    ]


def _check_queries(
    document: Document, place: Place, shape: TopicShape, topic: Topic, findings: Findings, *, judge_whole: bool
) -> None:
    """Report what does not compile; a clause of a pack is reported at the topic's `pack:`."""
    places: dict[str, Place] = {way: (*place, way) for way in ("keywords", "query") if getattr(shape, way)}
    places |= {f"@{name}": (*place, "lists", name) for name in shape.lists}
    places |= {name: (*at, "query") for name, at in _clause_places(place, shape)}
    for fault in problems(topic):
        if not fault.clause and not judge_whole:
            continue
        at = places.get(fault.clause, (*place, "pack"))
        # The column of a keyword is that of the query made of all keywords, which nobody wrote.
        offset = fault.column - 1 if fault.clause in places and fault.clause != "keywords" else 0
        message = f"`{fault.clause}`, column {fault.column} of the query: {fault.message}"
        findings.wrong(document.where(at, offset=offset), message if fault.clause else fault.message, fault.hint)


def _is_whole(document: Document, place: Place) -> bool:
    """Whether nothing of the topic was left out: then what is said of it as a whole can be trusted."""
    faults = Findings()
    shaped(document, place, document.at(place), TopicShape, faults)
    return not faults.problems
