"""A topic as it was written to trees that are known to be sound, or to everything that is wrong with it, at once."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.core.errors import Problem
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics import tree
from aggregator.core.topics.grammar import parse
from aggregator.core.topics.mistakes import QueryError
from aggregator.core.topics.rules import circles, wrongs

MAX_CLAUSES = 500
CASES = "cases"  # the list that recognises news of a single offender, which `cases: lower` and `cases: no` ask for
TITLE_FACTOR = 1.5

_LIST_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicProblem:
    """One thing wrong with a topic. `clause` names a clause, `@name` a list, or is empty for the topic itself.

    `column` counts from 1 in the query of the clause or list, and is 1 where there is none.
    """

    clause: str
    column: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A sound topic: each clause with its tree, and the lists by name."""

    topic: Topic
    clauses: tuple[tuple[Clause, tree.Node], ...]
    lists: dict[str, tree.Node]


def define(topic: Topic) -> Definition | tuple[TopicProblem, ...]:
    """The topic's trees, or its problems in the order of the topic. Never raises."""
    problems = list(_of_the_whole(topic))
    lists: dict[str, tree.Node] = {}
    for name, query in topic.lists:
        node = _read(query, f"@{name}", problems)
        if node is not None:
            lists[name] = node
    for name, wrong in circles(lists):
        problems.append(_problem(f"@{name}", wrong))
    unread = {name: tree.Or(()) for name, _ in topic.lists if name not in lists}
    for name, node in lists.items():
        problems += [_problem(f"@{name}", wrong) for wrong in wrongs(node, {**lists, **unread})]
    clauses = []
    for clause in topic.clauses:
        root = _read(clause.query, clause.name, problems)
        if root is not None:
            problems += [_problem(clause.name, wrong) for wrong in wrongs(root, {**lists, **unread})]
            clauses.append((clause, root))
    return tuple(problems) if problems else Definition(topic=topic, clauses=tuple(clauses), lists=lists)


def told(topic: Topic, problem: TopicProblem) -> Problem:
    """A problem of a topic for people who know topics, clauses and columns."""
    clause = f", {problem.clause}, column {problem.column}" if problem.clause else ""
    return Problem(where=f"topic {topic.id}{clause}", message=problem.message, hint=problem.hint)


def _read(query: str, name: str, problems: list[TopicProblem]) -> tree.Node | None:
    try:
        return parse(query)
    except QueryError as wrong:
        problems.append(_problem(name, wrong))
        return None


def _problem(clause: str, wrong: QueryError) -> TopicProblem:
    return TopicProblem(clause=clause, column=wrong.column, message=wrong.message, hint=wrong.hint)


def _of_the_whole(topic: Topic) -> Iterator[TopicProblem]:
    """What is wrong beside the queries: names, numbers, and a topic that could never flag anything."""
    names = [clause.name for clause in topic.clauses]
    signals = [clause for clause in topic.clauses if clause.kind is ClauseKind.SIGNAL]
    if not signals:
        yield _whole("the topic has no signal", "a topic needs at least one clause that can flag an entry")
    if len(names) > MAX_CLAUSES:
        yield _whole(f"the topic has {len(names)} clauses", f"at most {MAX_CLAUSES}")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield _whole(
            f"two clauses are named {name!r}", "names are what people read in an explanation: give each its own"
        )
    for clause in topic.clauses:
        if not (math.isfinite(clause.weight) and 0 < clause.weight <= 1000):
            message = f"a weight of {clause.weight:g}"
            hint = "weights lie above 0 and at most 1000; to subtract, write the clause under `lower:`"
            yield TopicProblem(clause=clause.name, column=1, message=message, hint=hint)
    for name, _ in topic.lists:
        if _LIST_NAME.match(name) is None:
            message = f"{name!r} cannot name a list"
            yield TopicProblem(clause=f"@{name}", column=1, message=message, hint="letters, digits, - and _")
    yield from _of_the_numbers(
        topic, sum(clause.weight for clause in topic.clauses if clause.kind is not ClauseKind.LOWER)
    )


def _of_the_numbers(topic: Topic, most: float) -> Iterator[TopicProblem]:
    if not (math.isfinite(topic.flag_at) and topic.flag_at > 0):
        yield _whole(f"flag_at is {topic.flag_at:g}", "it is a number above 0")
    elif (
        topic.clauses
        and most * TITLE_FACTOR < topic.flag_at
        and not any("^" in clause.query for clause in topic.clauses)
    ):
        yield _whole(f"nothing can reach flag_at {topic.flag_at:g}", "lower it, or raise the weights of the signals")
    if not topic.alert_at >= topic.flag_at:
        yield _whole(f"alert_at is {topic.alert_at:g}, below flag_at {topic.flag_at:g}", "an alert is a flag, and more")
    if topic.cases not in {"yes", "lower", "no"}:
        yield _whole(f"cases is {topic.cases!r}", "it is yes, lower or no")
    elif topic.cases != "yes" and CASES not in dict(topic.lists):
        yield _whole(
            f"cases: {topic.cases} needs a list named {CASES}", f"lists: {{{CASES}: 'words of single-offender news'}}"
        )


def _whole(message: str, hint: str) -> TopicProblem:
    return TopicProblem(clause="", column=1, message=message, hint=hint)
