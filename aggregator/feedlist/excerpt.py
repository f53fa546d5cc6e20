"""One line of a feed list as it may be shown: what `masking` hides is masked, and a column is followed to where it goes.

It reads files that are broken too; in those it shows no more than the keys that it knows, for nobody can tell what the
rest is. The topics of a broken file are shown: a query is where most mistakes are made, and no key of a topic is secret.
"""

import re
from collections import defaultdict
from itertools import pairwise

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from aggregator.feedlist.masking import CLOSED_KEYS, KNOWN_KEYS, Openness, Range, covered, gaps, hidden, under
from aggregator.feedlist.references import ALLOWED

# Where Python ends a line and YAML does not, or not always: such a text has no lines that both agree on.
_ODD_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_STRUCTURE = re.compile(r"[-\s,:?\[\]{}]+|[&*][\w-]+")
_SURE = re.compile(r"(?<!\w)[A-Za-z_]{1,20}(?=[\"']?\s{0,9}:)|\$\{" + ALLOWED + r"\}|[-\s,:?\[\]{}\"'|>]+")
_SECTION = re.compile(r"[\"']?([A-Za-z_]{1,20})[\"']?\s{0,9}:")


class Excerpts:
    """The lines of one text, which is read once."""

    def __init__(self, text: str) -> None:
        self._lines = [] if _ODD_BREAKS.search(text) else text.splitlines()
        self._values = _values(text, self._lines) if self._lines else None

    def line(self, number: int, column: int) -> tuple[str, int] | None:
        """Line `number` as it may be shown, and where its `column` now is, both from 1; None when there is no such place."""
        if not 0 < number <= len(self._lines) or not 0 < column <= len(self._lines[number - 1]) + 1:
            return None
        text = self._lines[number - 1]
        ranges = self._hidden_of_broken(number) if self._values is None else _hidden(text, self._values[number - 1])
        shown, at = covered(text, ranges, column - 1)
        return shown, at + 1

    def _hidden_of_broken(self, number: int) -> list[Range]:
        text = self._lines[number - 1]
        above = (found[1] for line in reversed(self._lines[:number]) if (found := _SECTION.match(line)))
        if next(above, "") == "topics" and not CLOSED_KEYS & set(re.findall(r"\w+", text)):
            return hidden(text, Openness.OPEN)
        sure = [
            (found.start(), found.end())
            for found in _SURE.finditer(text)
            if not found.group()[0].isalpha() or found.group() in KNOWN_KEYS
        ]
        return _joined(text, gaps(sure, len(text)))


def _joined(text: str, ranges: list[Range]) -> list[Range]:
    """`ranges` with those made one between which stand spaces alone, or signs alone: they may be parts of one secret."""
    joined: list[Range] = []
    for start, end in ranges:
        if joined and re.fullmatch(r"\s+|[^\s\w]+", text[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _hidden(text: str, values: "list[tuple[int, int, Openness]]") -> list[Range]:
    """What is hidden of a line with these values in it: what is hidden of them, and all between them but the structure."""
    edges = [(0, 0), *((start, end) for start, end, _ in values), (len(text), len(text))]
    found: list[Range] = []
    for (_, begin), (end, _) in pairwise(edges):
        between = text[begin:end]
        comment = between.find("#") if "#" in between else len(between)
        structure = ((part.start(), part.end()) for part in _STRUCTURE.finditer(between, 0, comment))
        found += [(begin + start, begin + stop) for start, stop in gaps(structure, len(between))]
    for start, end, openness in values:
        quoted = int(end - start > 1 and text[start] in "\"'" and text[end - 1] == text[start])
        inner = text[start + quoted : end - quoted]
        found += [(start + quoted + first, start + quoted + past) for first, past in hidden(inner, openness)]
    return sorted(found)


def _values(text: str, lines: list[str]) -> "defaultdict[int, list[tuple[int, int, Openness]]] | None":
    """The keys and values of each line, from 0, in order; None for what is no YAML. What a line before began is closed."""
    found: defaultdict[int, list[tuple[int, int, Openness]]] = defaultdict(list)
    reader = _Reader()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            openness = reader.read(event)
            if openness is None:
                continue
            first, last = event.start_mark.line, min(event.end_mark.line, len(lines) - 1)
            for line in range(first, last + 1):
                start = event.start_mark.column if line == first else 0
                end = event.end_mark.column if line == event.end_mark.line else len(lines[line])
                if start < end:
                    found[line].append((start, end, openness if line == first else Openness.CLOSED))
    except YAMLError:
        return None
    return found


class _Reader:
    """Follows the events of a file, and knows how open each text is."""

    def __init__(self) -> None:
        self._open: list[tuple[Openness, bool]] = []  # of each collection around the next node; whether it is a mapping
        self._key: list[str | None] = []  # the key whose value is next in each mapping

    def read(self, event: Event) -> Openness | None:
        """How open the text of a scalar is; None for what has no text."""
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._open.pop()
            self._key.pop()
            return None
        if not isinstance(event, NodeEvent):
            return None
        above, in_mapping = self._open[-1] if self._open else (Openness.FILE, False)
        is_key = in_mapping and self._key[-1] is None
        key = self._key[-1] if in_mapping else None
        if is_key:
            openness = (
                Openness.OPEN if isinstance(event, ScalarEvent) and above is not Openness.CLOSED else Openness.CLOSED
            )
        else:
            openness = above if key is None else under(above, key)
        if in_mapping:
            self._key[-1] = (event.value if isinstance(event, ScalarEvent) else "") if is_key else None
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._open.append((openness, isinstance(event, MappingStartEvent)))
            self._key.append(None)
        if not isinstance(event, ScalarEvent):
            return None
        # What an anchor names may be used under another key.
        return openness if event.anchor is None else Openness.CLOSED
