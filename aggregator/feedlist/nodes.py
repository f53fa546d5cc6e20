"""YAML events -> a tree of nodes with their positions. It builds no objects, loads no tags and is bounded in depth."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_DEPTH = 20
MAX_ALIASES = 50
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][-+]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Mark:
    """A position from 1. `inner` is the column of a one-line text's first character, 0 when it cannot be told."""

    line: int
    column: int
    inner: int = 0


@dataclass(slots=True)
class Node:
    """One value: a scalar, a list of nodes, or pairs of nodes. An alias is the very node it names."""

    mark: Mark
    scalar: Any = None
    items: "list[Node] | None" = None
    pairs: "list[tuple[Node, Node]] | None" = None


class BrokenError(Exception):
    """The text cannot be read any further than `mark`."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark


def tree(text: str) -> Node:
    """The root node of the one document in `text`. Raises BrokenError, and ruamel's YAMLError for broken syntax."""
    return _Builder(text).build(YAML(typ="safe", pure=True).parse(text))


class _Builder:
    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Node, list[Node]]] = []
        self._root = Node(Mark(1, 1))
        self._aliases = 0
        self._documents = 0

    def build(self, events: Iterator[Event]) -> Node:
        for event in events:
            if isinstance(event, MappingEndEvent | SequenceEndEvent):
                self._close(event)
            elif isinstance(event, AliasEvent):
                self._add(self._named(event))
            elif isinstance(event, ScalarEvent):
                self._add(self._scalar_node(event))
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._enter(event)
            elif isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise BrokenError(_mark(event), "a second document begins here, expected one only")
        return self._root

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._root = node

    def _enter(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        node = self._new(event, _mark(event))
        self._add(node)
        self._open.append((node, []))
        if len(self._open) > MAX_DEPTH:
            raise BrokenError(node.mark, f"nested deeper than {MAX_DEPTH} levels")

    def _close(self, event: Event) -> None:
        node, children = self._open.pop()
        if isinstance(event, MappingEndEvent):
            node.pairs = list(zip(children[::2], children[1::2], strict=True))
        else:
            node.items = children

    def _named(self, event: AliasEvent) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise BrokenError(_mark(event), f"more than {MAX_ALIASES} aliases")
        if event.anchor not in self._anchors:
            raise BrokenError(_mark(event), f"the alias *{event.anchor} names nothing above it")
        return self._anchors[event.anchor]

    def _scalar_node(self, event: ScalarEvent) -> Node:
        mark = _mark(event)
        quoted = event.style in {"'", '"'}
        inner = mark.column + quoted
        if event.value and self._stands_at(mark.line, inner, event.value):
            mark = Mark(mark.line, mark.column, inner)
        node = self._new(event, mark)
        node.scalar = event.value if event.style else scalar(event.value)
        return node

    def _stands_at(self, line: int, column: int, text: str) -> bool:
        return line <= len(self._lines) and self._lines[line - 1].startswith(text, column - 1)

    def _new(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, mark: Mark) -> Node:
        if event.tag is not None and str(event.tag) != "!":
            raise BrokenError(mark, f"the tag {event.tag} is not allowed")
        node = Node(mark)
        if event.anchor is not None:
            if event.anchor in self._anchors:
                raise BrokenError(mark, f"the anchor &{event.anchor} is defined twice")
            self._anchors[event.anchor] = node
        return node


def _mark(event: Event) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def scalar(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2 (10.3.2), in decimal: `no`, `0x1f` and `07:30` stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
