"""A YAML file -> plain values that remember the line and column they came from, with every oddity noted.

Bounded against hostile text: size, depth, aliases and the number of values they unfold to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from aggregator.core.errors import Problem
from aggregator.feedlist.nodes import MAX_DEPTH, BrokenError, Mark, Node, tree

MAX_BYTES = 1 << 20
MAX_VALUES = 200_000

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's plain values, with the marks of each value and of each mapping key by its path."""

    name: str
    value: Any
    values: Mapping[Place, Mark]
    keys: Mapping[Place, Mark]

    def where(self, place: Place, *, key: bool = False, offset: int = 0) -> str:
        """`file:line:column` of a value or its key; of the nearest enclosing value when `place` is not in the file.

        `offset` counts characters into a text and is left out where the text spans lines or holds escapes.
        """
        marks = self.keys if key else self.values
        while place and place not in marks:
            place, marks = place[:-1], self.values
        mark = marks.get(place, Mark(1, 1))
        column = mark.inner + offset if offset and mark.inner else mark.column
        return f"{self.name}:{mark.line}:{column}"

    def under(self, place: Place, value: Any) -> "Document":
        """The same document as if it stood at `place` of `value`, so that what is wrong is still told where it is written."""
        values = {(*place, *at): mark for at, mark in self.values.items()}
        keys = {(*place, *at): mark for at, mark in self.keys.items()}
        return replace(self, value=value, values=values, keys=keys)

    def at(self, place: Place) -> Any:
        """The value at `place`, None when there is none."""
        value = self.value
        for part in place:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value


@dataclass(slots=True)
class Findings:
    """What is wrong (`problems`) and what is odd (`warnings`), collected over all files of one load."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def wrong(self, where: str, message: str, hint: str = "") -> None:
        """Note a problem, once: two rules may find the same one."""
        problem = Problem(where=where, message=message, hint=hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def odd(self, where: str, message: str, hint: str = "") -> None:
        """Note a warning."""
        self.warnings.append(Problem(where=where, message=message, hint=hint))


def read_file(path: Path, findings: Findings) -> Document | None:
    """The document in `path`, None when it cannot be used; every reason is noted in `findings`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = (
            "name the file with --config or AGGREGATOR_CONFIG"
            if isinstance(error, FileNotFoundError | IsADirectoryError)
            else ""
        )
        findings.wrong(str(path), f"cannot be read: {error.strerror}", hint)
        return None
    if len(content) > MAX_BYTES:
        findings.wrong(str(path), f"is larger than {MAX_BYTES >> 20} MiB")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        findings.wrong(f"{path}:{line}:1", "is not UTF-8 text")
        return None
    return read_text(text, str(path), findings)


def read_text(text: str, name: str, findings: Findings) -> Document | None:
    """As read_file, for text at hand; `name` is what messages call it."""
    flat = _Flat(name, findings)
    try:
        value = flat.plain(tree(text), ())
    except BrokenError as broken:
        findings.wrong(f"{name}:{broken.mark.line}:{broken.mark.column}", str(broken))
        return None
    except MarkedYAMLError as error:
        _note_syntax(error, text, name, findings)
        return None
    except YAMLError as error:
        findings.wrong(f"{name}:1:1", f"is not YAML: {str(error).splitlines()[0]}")
        return None
    return Document(name=name, value=value, values=flat.values, keys=flat.keys)


def _note_syntax(error: MarkedYAMLError, text: str, name: str, findings: Findings) -> None:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    written = lines[line] if line < len(lines) else ""
    hint = 'inside { } write the reference in quotes: "${NAME}"' if "${" in written else ""
    if "\t" in written[: column + 1]:
        hint = "indent with spaces, not tabs"
    findings.wrong(f"{name}:{line + 1}:{column + 1}", f"is not YAML: {error.problem or error.context}", hint)


class _Flat:
    """Unfolds nodes into plain values, noting marks, duplicate keys and unusable keys."""

    def __init__(self, name: str, findings: Findings) -> None:
        self.values: dict[Place, Mark] = {}
        self.keys: dict[Place, Mark] = {}
        self._name = name
        self._findings = findings

    def plain(self, node: Node, place: Place) -> Any:
        """The value of `node`, with everything in it noted under `place`. Raises BrokenError when it has no end."""
        self.values[place] = node.mark
        if len(place) > MAX_DEPTH or len(self.values) > MAX_VALUES:
            raise BrokenError(node.mark, "aliases unfold to more than a file may hold")
        if node.pairs is not None:
            return self._mapping(node.pairs, place)
        if node.items is not None:
            return [self.plain(item, (*place, index)) for index, item in enumerate(node.items)]
        return node.scalar

    def _mapping(self, pairs: list[tuple[Node, Node]], place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key.scalar == "<<":
                continue
            if not isinstance(key.scalar, str):
                self._wrong(key, "a key must be text", "put it in quotes")
            elif key.scalar in found:
                self._wrong(key, f"the key `{key.scalar}` is written twice")
            else:
                self._take(key, value, found, place)
        for key, value in pairs:
            if key.scalar == "<<":
                self._merge(value, found, place)
        return found

    def _merge(self, value: Node, found: dict[str, Any], place: Place) -> None:
        """The pairs of `<<`: what the mapping itself writes wins, then the first source that has a key."""
        for source in [value] if value.items is None else value.items:
            if source.pairs is None:
                self._wrong(source, "<< takes a mapping, or a list of mappings")
                continue
            for key, part in source.pairs:
                if isinstance(key.scalar, str) and key.scalar not in {*found, "<<"}:
                    self._take(key, part, found, place)

    def _take(self, key: Node, value: Node, found: dict[str, Any], place: Place) -> None:
        self.keys[*place, key.scalar] = key.mark
        found[key.scalar] = self.plain(value, (*place, key.scalar))

    def _wrong(self, node: Node, message: str, hint: str = "") -> None:
        self._findings.wrong(f"{self._name}:{node.mark.line}:{node.mark.column}", message, hint)
