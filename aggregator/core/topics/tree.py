"""A query as a tree of values, and back into its text. It knows nothing of how a query is read or evaluated.

`column` counts from 1 in the text of the query and takes no part in equality.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Word(_At):
    """A folded word, compared by its stem."""

    text: str


@dataclass(frozen=True, slots=True)
class Exact(_At):
    """A folded word, compared as it is: `+word`."""

    text: str


@dataclass(frozen=True, slots=True)
class Cased(_At):
    """A word in just this case: `=DEA`."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix(_At):
    """The folded beginning of a word: `traffick*`."""

    text: str


Leaf = Word | Exact | Cased | Prefix


@dataclass(frozen=True, slots=True)
class Phrase(_At):
    """Words side by side, in this order."""

    parts: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Pattern(_At):
    """A regular expression in RE2's syntax: `/../`, or `/../i` when case does not matter."""

    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Ref(_At):
    """A list of the topic by its name: `@pharma`."""

    name: str


@dataclass(frozen=True, slots=True)
class Or(_At):
    """True when a part is."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class And(_At):
    """True when every part is, anywhere in the entry."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not(_At):
    """True when its part is not; stands only beside something positive."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Near(_At):
    """Both in one field with at most `distance` words between; `ordered` asks for left before right."""

    distance: int
    ordered: bool
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Except(_At):
    """Hits of `left` that do not lie inside a hit of `right`."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class AtLeast(_At):
    """True when at least `count` parts are."""

    count: int
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sentence(_At):
    """True when one sentence alone satisfies the part."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Within(_At):
    """The part, looked for in one field only."""

    field: str
    part: "Node"


@dataclass(frozen=True, slots=True)
class Boost(_At):
    """The part, whose hits count `factor` times the clause's weight."""

    factor: float
    part: "Node"


Node = Leaf | Phrase | Pattern | Ref | Or | And | Not | Near | Except | AtLeast | Sentence | Within | Boost


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node in the order they were written."""
    match node:
        case Phrase(parts) | Or(parts) | And(parts):
            return parts
        case AtLeast(_, parts):
            return parts
        case Near(_, _, left, right) | Except(left, right):
            return (left, right)
        case Not(part) | Sentence(part) | Within(_, part) | Boost(_, part):
            return (part,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def show(node: Node) -> str:  # noqa: PLR0911 - one line for each kind of node
    """The query text of a tree. Reading it again gives an equal tree."""
    match node:
        case Word() | Exact() | Cased() | Prefix():
            return _show_leaf(node)
        case Phrase(parts):
            return _show_phrase(parts)
        case Pattern(text, ignore_case):
            return f"/{text}/{'i' * ignore_case}"
        case Ref(name):
            return f"@{name}"
        case AtLeast(count, parts):
            return f"ATLEAST {count}({', '.join(show(part) for part in parts)})"
        case Sentence(part):
            return f"SENT({show(part)})"
        case Within(name, part):
            return f"{name}:{_primary(part)}"
        case Boost(factor, part):
            return f"{_scoped(part)}^{factor:g}"
        case _:
            return _show_operator(node)


def _show_operator(node: Or | And | Not | Near | Except) -> str:
    match node:
        case Or(parts):
            return " OR ".join(f"({show(part)})" if isinstance(part, Or) else show(part) for part in parts)
        case And(parts):
            return " AND ".join(f"({show(part)})" if isinstance(part, Or | And) else show(part) for part in parts)
        case Not(part):
            return f"NOT {f'({show(part)})' if isinstance(part, Or | And | Not) else show(part)}"
        case Near(distance, ordered, left, right):
            before = show(left) if isinstance(left, Near) else _operand(left)
            return f"{before} {'ONEAR' if ordered else 'NEAR'}/{distance} {_operand(right)}"
        case Except(left, right):
            return f"{_scoped(left, boost=True)} EXCEPT {_scoped(right, boost=True)}"


def _show_leaf(leaf: Leaf) -> str:
    match leaf:
        case Word(text):
            return text
        case Exact(text):
            return f"+{text}"
        case Cased(text):
            return f"={text}"
        case Prefix(text):
            return f"{text}*"


def _show_phrase(parts: tuple[Leaf, ...]) -> str:
    words = " ".join(f"{part.text}*" if isinstance(part, Prefix) else part.text for part in parts)
    if all(isinstance(part, Cased) for part in parts):
        return f'="{words}"'
    return f'+"{words}"' if any(isinstance(part, Exact) for part in parts) else f'"{words}"'


def _operand(node: Node) -> str:
    return f"({show(node)})" if isinstance(node, Or | And | Not | Near) else show(node)


def _scoped(node: Node, *, boost: bool = False) -> str:
    if isinstance(node, Within) or (boost and isinstance(node, Boost)):
        return show(node)
    return _primary(node)


def _primary(node: Node) -> str:
    loose = Or | And | Not | Near | Except | Within | Boost
    return f"({show(node)})" if isinstance(node, loose) else show(node)
