"""feeds.yaml, and subscribers.yaml beside it -> the wanted state, or every problem in both at once."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aggregator.core.errors import ConfigError, Problem
from aggregator.core.model.feeds import Feed
from aggregator.core.model.subscriptions import SubscriberSpec
from aggregator.core.model.topics import Topic
from aggregator.feedlist.document import Document, Findings, read_file
from aggregator.feedlist.feeds import read_feeds
from aggregator.feedlist.problems import check_keys
from aggregator.feedlist.shapes import FileShape, SubscribersShape
from aggregator.feedlist.subscribers import read_subscribers
from aggregator.feedlist.topics import read_topics

SUBSCRIBERS_FILE = "subscribers.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """What an operator wants. `files` are the files it was read from, `warnings` what is odd but no reason to stop."""

    feeds: tuple[Feed, ...] = ()
    topics: tuple[Topic, ...] = ()
    subscribers: tuple[SubscriberSpec, ...] = ()
    warnings: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()


def load(path: Path, environ: Mapping[str, str]) -> FeedList:
    """The feed list at `path`, with the addresses of `${AGGREGATOR_..}` emails filled in from `environ`.

    `environ` is what `settings.secret_lookup` gives, so that `NAME_FILE` variables count. Feeds keep their references.
    Raises ConfigError with all problems, each with file, line and column.
    """
    findings = Findings()
    document = read_file(path, findings)
    beside = path.parent / SUBSCRIBERS_FILE
    people = _people(beside, findings) if beside.exists() else None
    if document is None or not check_keys(document, FileShape, findings):
        raise ConfigError(findings.problems)
    feeds = read_feeds(document, environ, findings)
    topics = read_topics(document, findings)
    documents = [document] if people is None else [document, people]
    subscribers = read_subscribers(documents, _topic_ids(document), environ, findings)
    if findings.problems:
        raise ConfigError(sorted(findings.problems, key=_position))
    if not feeds:
        findings.odd(document.where(()), "no feeds are listed", "add one with `aggregator feeds add URL`")
    files = (path,) if people is None else (path, beside)
    return FeedList(feeds=feeds, topics=topics, subscribers=subscribers, warnings=tuple(findings.warnings), files=files)


def load_topics(path: Path) -> tuple[Topic, ...]:
    """Only the topics of the feed list at `path`. Raises ConfigError with their problems; others are passed over."""
    findings = Findings()
    document = read_file(path, findings)
    if document is not None and not isinstance(document.value, dict):
        check_keys(document, FileShape, findings)
        document = None
    topics = read_topics(document, findings) if document is not None else ()
    if findings.problems:
        raise ConfigError(sorted(findings.problems, key=_position))
    return topics


def _people(path: Path, findings: Findings) -> Document | None:
    """subscribers.yaml, whose list may also stand without the key `subscribers`."""
    document = read_file(path, findings)
    if document is None:
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        findings.odd(str(path), f"others on this machine may read the addresses (mode {mode:04o})", f"chmod 600 {path}")
    if isinstance(document.value, list):
        return document.under(("subscribers",), {"subscribers": document.value})
    return document if check_keys(document, SubscribersShape, findings) else None


def _topic_ids(document: Document) -> frozenset[str]:
    """The ids as written, of broken topics too, so that one mistake is not told twice."""
    topics = document.value.get("topics")
    items = topics if isinstance(topics, list) else []
    return frozenset(item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str))


def _position(problem: Problem) -> tuple[str, int, int]:
    file, line, column = [*problem.where.rsplit(":", 2), "0", "0"][:3]
    return (file, int(line), int(column)) if line.isdigit() and column.isdigit() else (problem.where, 0, 0)
