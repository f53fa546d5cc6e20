"""One topic from where a person keeps it while working on it: a pack, a feed list, or a file with nothing but the topic."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from aggregator.core.errors import ConfigError, UsageError
from aggregator.core.model.topics import Topic
from aggregator.feedlist.document import Document, Findings, Place, read_file
from aggregator.feedlist.topics import read_topics

_NO_ID = re.compile(r"[^a-z0-9._-]+")


def pack_topic(name: str) -> Topic:
    """The topic that a pack is, under the pack's name, which is one of `pack_names()`. Raises ConfigError."""
    return _only(_listing(f"pack {name}", {"id": name, "pack": name}))


def topic_ids(path: Path) -> tuple[str, ...]:
    """The ids of the topics that a feed list writes, sound or not, in its order. Raises ConfigError for no feed list."""
    findings = Findings()
    document = read_file(path, findings)
    if document is None:
        raise ConfigError(findings.problems)
    items = document.value.get("topics") if isinstance(document.value, dict) else None
    named = [one.get("id") for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    return tuple(name for name in named if isinstance(name, str))


def load_draft(path: Path, topic_id: str = "") -> Topic:
    """The topic in a YAML file: written there alone, as in a pack or below `topics:`, or one of a feed list's.

    `topic_id` chooses among a feed list's topics and names one that has no id. Raises ConfigError with its problems,
    UsageError when the file holds several topics and none is of that id.
    """
    findings = Findings()
    document = read_file(path, findings)
    if document is None:
        raise ConfigError(findings.problems)
    value = document.value
    if isinstance(value, dict) and "topics" in value:
        return _of_list(document, path, topic_id)
    if isinstance(value, list) and len(value) == 1:
        return _only(document.under(("topics",), {"topics": value}))
    if not isinstance(value, dict):
        findings.wrong(document.where(()), "expected a topic: a mapping with keywords, query or signal")
        raise ConfigError(findings.problems)
    name = topic_id or _NO_ID.sub("-", path.stem.lower()).strip("-._") or "draft"
    own = {"id": name, **{key: part for key, part in value.items() if key != "description"}}
    return _only(document.under(("topics", 0), {"topics": [own]}))


def _of_list(document: Document, path: Path, topic_id: str) -> Topic:
    """The topic of that id, or the only one. A problem of another topic is none of this one's."""
    items = document.value["topics"]
    named = [one.get("id") for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    if len(named) != 1 and topic_id not in named:
        there = ", ".join(map(str, named)) or "none"
        raise UsageError(
            f"{path} holds {len(named)} topics, none of them {topic_id or 'named'}", hint=f"there are: {there}"
        )
    place = named.index(topic_id) if topic_id in named else 0
    shifted: Place = ("topics", place)
    values = {("topics", 0, *at[2:]): mark for at, mark in document.values.items() if at[:2] == shifted}
    keys = {("topics", 0, *at[2:]): mark for at, mark in document.keys.items() if at[:2] == shifted}
    return _only(replace(document, value={"topics": [items[place]]}, values=values, keys=keys))


def _listing(name: str, topic: dict[str, Any]) -> Document:
    return Document(name=name, value={"topics": [topic]}, values={}, keys={})


def _only(document: Document) -> Topic:
    findings = Findings()
    topics = read_topics(document, findings)
    if findings.problems:
        raise ConfigError(findings.problems)
    return topics[0]
