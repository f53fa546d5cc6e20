"""What a readable query may still get wrong: a lone NOT, a NEAR of things without a place, an unknown list, a bad pattern."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from aggregator.core.topics import tree
from aggregator.core.topics.mistakes import MAX_PATTERNS, QueryError
from aggregator.core.topics.regexes import BadPattern, compile_pattern


def wrongs(query: tree.Node, lists: Mapping[str, tree.Node]) -> Iterator[QueryError]:
    """Everything wrong with a query, given the topic's lists by name; lists themselves must not run in a circle."""
    if isinstance(query, tree.Not):
        yield _lone_not(query)
    for node in tree.walk(query):
        match node:
            case tree.And(parts) if all(isinstance(part, tree.Not) for part in parts):
                yield _lone_not(parts[0])
            case tree.And():
                pass
            case tree.Near(_, ordered, left, right):
                yield from _placed(left, "ONEAR" if ordered else "NEAR", lists)
                yield from _placed(right, "ONEAR" if ordered else "NEAR", lists)
            case tree.Except(left, right):
                yield from _placed(left, "EXCEPT", lists)
                yield from _placed(right, "EXCEPT", lists)
            case tree.Ref(name) if name not in lists:
                yield _unknown_list(node, lists)
            case _:
                yield from (_lone_not(part) for part in tree.children(node) if isinstance(part, tree.Not))
    yield from _patterns([node for node in tree.walk(query) if isinstance(node, tree.Pattern)])


def circles(lists: Mapping[str, tree.Node]) -> Iterator[tuple[str, QueryError]]:
    """Lists that name themselves, directly or through others, each with the place where they do."""
    reached: dict[str, set[str]] = {}
    for name in lists:
        todo, seen = [name], set[str]()
        while todo:
            refs = {node.name for node in tree.walk(lists[todo.pop()]) if isinstance(node, tree.Ref)}
            todo += [ref for ref in refs - seen if ref in lists]
            seen |= refs
        reached[name] = seen
    for name, query in lists.items():
        for node in tree.walk(query):
            if isinstance(node, tree.Ref) and (node.name == name or name in reached.get(node.name, ())):
                yield (
                    name,
                    QueryError(node.column, f"@{node.name} leads back to @{name}", "a list cannot contain itself"),
                )


def _patterns(nodes: list[tree.Pattern]) -> Iterator[QueryError]:
    if len(nodes) > MAX_PATTERNS:
        message = f"more than {MAX_PATTERNS} regular expressions in one query"
        yield QueryError(nodes[MAX_PATTERNS].column, message, "join them with a |: /one|two/")
        return
    for node in nodes:
        compiled = compile_pattern(node.text, ignore_case=node.ignore_case)
        if isinstance(compiled, BadPattern):
            message = f"/{node.text[:60]}/ cannot be used: {compiled.message}"
            yield QueryError(node.column, message, "RE2 syntax is known")


def _lone_not(node: tree.Node) -> QueryError:
    return QueryError(
        node.column, "NOT alone would match nearly everything", "put what you want beside it: police NOT doping"
    )


def _unknown_list(node: tree.Ref, lists: Mapping[str, tree.Node]) -> QueryError:
    near = get_close_matches(node.name, lists, n=1)
    hint = f"did you mean @{near[0]}?" if near else "define it under `lists:` of the topic"
    return QueryError(node.column, f"there is no list @{node.name}", hint)


def _placed(node: tree.Node, operator: str, lists: Mapping[str, tree.Node]) -> Iterator[QueryError]:
    """What in an operand has no place of its own, so that nothing can be near it or inside it."""
    match node:
        case tree.And() | tree.Not() | tree.AtLeast() | tree.Sentence():
            name = {"And": "AND", "Not": "NOT", "AtLeast": "ATLEAST", "Sentence": "SENT"}[type(node).__name__]
            yield QueryError(
                node.column, f"{name} cannot stand inside {operator}", "use words, phrases, OR, NEAR or @lists there"
            )
        case tree.Ref(name):
            if name in lists and any(_placed(lists[name], operator, {})):
                hint = "only lists of words, phrases, OR and NEAR have places"
                yield QueryError(node.column, f"@{name} cannot stand inside {operator}", hint)
        case tree.Near() | tree.Except():
            pass  # they check their own operands
        case _:
            for part in tree.children(node):
                yield from _placed(part, operator, lists)
