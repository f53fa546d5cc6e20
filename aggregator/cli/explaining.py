"""A trace -> what people read of it, at any width, and what programs do. It evaluates nothing."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aggregator.cli.output import ENDLESS, clean, count, say, width
from aggregator.cli.paragraphs import heading, paragraph

if TYPE_CHECKING:
    from aggregator.core.model.topics import Span
    from aggregator.core.topics.fields import EntryFields
    from aggregator.core.topics.trace import ClauseTrace, NodeTrace, Trace

SHORT = 600  # characters of a text that are shown whole
AROUND = 90  # characters shown on either side of a hit in a longer one
EXCERPTS = 4
NEAREST = 4  # clauses shown that nearly fired
DEEPEST = 12  # levels of a tree that are indented


def trace_json(trace: "Trace", fields: "EntryFields") -> dict[str, Any]:
    """All of a trace; every span with its words."""
    return {
        "topic": trace.topic_id,
        "version": trace.version,
        "flagged": trace.flagged,
        "alert": trace.alert,
        "score": trace.score,
        "flag_at": trace.flag_at,
        "alert_at": trace.alert_at,
        "verdict": trace.verdict,
        "clauses": [
            {
                "clause": one.name,
                "kind": one.kind,
                "weight": one.weight,
                "fired": one.fired,
                "points": one.points,
                "spans": _spans_json(one.spans, fields),
                "tree": _node_json(one.tree, fields),
            }
            for one in trace.clauses
        ],
    }


def _node_json(node: "NodeTrace", fields: "EntryFields") -> dict[str, Any]:
    return {
        "query": node.query,
        "column": node.column,
        "holds": node.holds,
        "note": node.note,
        "spans": _spans_json(node.spans, fields),
        "parts": [_node_json(part, fields) for part in node.parts],
    }


def _spans_json(spans: "Sequence[Span]", fields: "EntryFields") -> list[dict[str, Any]]:
    return [
        {"field": one.field, "start": one.start, "end": one.end, "words": fields.of(one.field)[one.start : one.end]}
        for one in spans
    ]


def print_trace(trace: "Trace", fields: "EntryFields", *, whole: bool) -> None:
    """The verdict, the text with what was found in it, and each clause's tree.

    Of a hit the clauses that fired are shown, of a miss also those that nearly did; all of them when the `whole` is asked
    for, which also shows the alternatives of which nothing is in the text.
    """
    alert = "; worth an alert" if trace.alert else ""
    state = "ok" if trace.flagged else "warning"
    say()
    paragraph(trace.verdict + alert, lead=f"{trace.topic_id}: ", style=state)
    _print_text(trace, fields)
    fired = _fired(trace)
    counted, idle = [one for one in fired if one.points], [one for one in fired if not one.points]
    shown = list(trace.clauses) if whole else [*counted, *_nearest(trace), *idle]
    told: set[str] = set()
    for clause in shown:
        _print_clause(clause, fields, told, whole=whole)
    if silent := len(trace.clauses) - len(shown):
        say()
        said = "did not fire, and is left out here" if silent == 1 else "did not fire, and are left out here"
        say(f"{count(silent, 'other clause' if shown else 'clause')} {said}; --all shows them", style="dim")


def _fired(trace: "Trace") -> "list[ClauseTrace]":
    """What fired, the most points first."""
    return sorted((one for one in trace.clauses if one.fired), key=lambda one: -abs(one.points))


def _nearest(trace: "Trace") -> "list[ClauseTrace]":
    """What could have flagged an entry that was not, and of which something was there: the most of it first."""
    if trace.flagged:
        return []
    wanted = ("signal", "context") if trace.score > 0 else ("signal",)
    near = [one for one in trace.clauses if one.kind in wanted and not one.fired and _stirs(one.tree)]
    return sorted(near, key=lambda one: (-_share(one.tree), -one.weight))[:NEAREST]


def _share(node: "NodeTrace") -> float:
    """How much of a query was met, from 0 to 1; what was met and then excluded counts as nearly all."""
    if node.holds or not node.parts:
        return float(node.holds)
    if node.note:
        return 0.9
    shares = [_share(part) for part in node.parts]
    return max(shares) if node.any_of else 0.9 * sum(shares) / len(shares)


def _stirs(node: "NodeTrace") -> bool:
    """Whether words of it were found although it does not hold. That something is absent is no such sign."""
    return bool(node.spans or node.note) or any(_stirs(part) for part in node.parts)


def _print_clause(clause: "ClauseTrace", fields: "EntryFields", told: set[str], *, whole: bool) -> None:
    points = f"{clause.points:+g}" if clause.points else "0"
    state = "fired" if clause.fired else "did not fire"
    beside = ", but counts only beside a signal" if clause.fired and not clause.points else ""
    heading(f"{points:>5}  {clause.name}: {clause.kind} of weight {clause.weight:g}, {state}{beside}")
    for depth, node, left_out in _lines(clause.tree, 0, told, whole=whole):
        indent = " " * (7 + 2 * min(depth, DEEPEST))
        if left_out:
            say(f"{indent}{left_out}", style="dim")
            continue
        room = ENDLESS if whole else max(24, min(width(), 120) - len(indent) - 6)
        paragraph(_line(node, fields, room), lead=f"{indent}{'yes' if node.holds else 'no '}  ")


def _line(node: "NodeTrace", fields: "EntryFields", room: int) -> str:
    """A node in one line: a long query by its beginning, for its parts stand below it."""
    query = clean(node.query)
    query = query if len(query) <= room else f"{query[: room - 1].rstrip()}…"
    told = [query]
    if node.note:
        told.append(f"<- {node.note}")
    elif node.spans and not node.parts:
        told.append(f"<- {_found(node.spans, fields)}")
    return "  ".join(told)


def _found(spans: "Sequence[Span]", fields: "EntryFields") -> str:
    """The words of spans by field, each once."""
    words: dict[str, None] = {}
    for one in spans:
        words[f"{one.field}: “{clean(fields.of(one.field)[one.start : one.end])}”"] = None
    return ", ".join(words)


def _lines(node: "NodeTrace", depth: int, told: set[str], *, whole: bool) -> "Iterator[tuple[int, NodeTrace, str]]":
    """Depth and node of each line of a tree, or depth and how many silent alternatives stand there instead.

    What stands behind a list's name is told once; `told` remembers the names.
    """
    yield depth, node, ""
    if node.query.startswith("@") and node.parts:
        if node.query in told:
            yield depth + 1, node, "as above"
            return
        told.add(node.query)
    kept = [part for part in node.parts if whole or not node.any_of or _tells(part, node)]
    for part in kept:
        yield from _lines(part, depth + 1, told, whole=whole)
    if silent := len(node.parts) - len(kept):
        yield depth + 1, node, f"no   {count(silent, 'alternative')} not in the text"


def _tells(part: "NodeTrace", node: "NodeTrace") -> bool:
    """Whether one alternative is worth a line: of those that were enough only what holds, else what nearly did."""
    return part.holds or (not node.holds and _stirs(part))


def _print_text(trace: "Trace", fields: "EntryFields") -> None:
    """Title and text with what the clauses found in brackets; of a long text only the places."""
    spans = {span for clause in trace.clauses if clause.fired for span in clause.spans}
    spans |= {span for clause in _nearest(trace) for span in _near(clause.tree)}
    for name in ("title", "text"):
        text = fields.of(name)
        places = _merged([(one.start, one.end) for one in spans if one.field == name])
        lines = [_marked(text, places, 0, len(text))] if len(text) <= SHORT else list(_excerpts(text, places))
        for at, line in enumerate(line for line in lines if line.strip()):
            paragraph(line, lead=f"  {name if not at else '':<7}")


def _near(node: "NodeTrace") -> "Iterator[Span]":
    yield from node.spans
    for part in node.parts:
        yield from _near(part)


def _merged(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _excerpts(text: str, places: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The surroundings of the first places; of a text without any, its beginning."""
    windows = _merged([(max(0, start - AROUND), min(len(text), end + AROUND)) for start, end in places])
    for start, end in windows[:EXCERPTS] or [(0, 2 * AROUND)]:
        before, after = "…" if start else "", "…" if end < len(text) else ""
        yield f"{before}{_marked(text, places, start, end)}{after}"
    if (more := len(windows) - EXCERPTS) > 0:
        yield f"and {count(more, 'further place')}"


def _marked(text: str, places: Sequence[tuple[int, int]], start: int, end: int) -> str:
    parts, at = [], start
    for first, last in places:
        if start <= first and last <= end:
            parts += [text[at:first], f"[{text[first:last]}]"]
            at = last
    return "".join([*parts, text[at:end]])
