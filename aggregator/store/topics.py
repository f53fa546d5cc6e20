"""Topics, their versions, and the matches they made."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from aggregator.core.model.topics import Evidence, Match, Origin, Topic
from aggregator.store.codec import fired_of, topic_json, topic_of
from aggregator.store.schema import evidence, is_in_force, match, revision, topic, topic_version


def listed(connection: Connection) -> tuple[Topic, ...]:
    """Every topic that is watched now, in its latest version."""
    query = select(topic.c.version, topic_version.c.definition).join(topic_version, is_in_force)
    rows = connection.execute(query.where(topic.c.listed).order_by(topic.c.id))
    return tuple(topic_of(row.definition, row.version) for row in rows)


def names(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """The names of those of these topics that are watched now, by id."""
    query = select(topic.c.id, topic.c.name).where(topic.c.listed, topic.c.id.in_(ids))
    return {row.id: row.name for row in connection.execute(query)}


def versions(connection: Connection) -> Mapping[str, int]:
    """The version in force of each topic that is watched now."""
    return {
        row.id: row.version for row in connection.execute(select(topic.c.id, topic.c.version).where(topic.c.listed))
    }


def save(connection: Connection, topics: Sequence[Topic], *, now: datetime, notify: bool = False) -> tuple[Topic, ...]:
    """Add topics, or a new version where a definition changed; the topics with the versions they now have.

    A topic that is new, watched again, or that matches otherwise than before is to be replayed over the archive. What that
    finds is mailed only with `notify`.
    """
    stored = {row.id: row for row in connection.execute(select(topic))}
    saved: list[Topic] = []
    for one in topics:
        definition = topic_json(one)
        before = stored.get(one.id)
        anew = {"replay_after": 0, "replay_since": now, "replay_notify": notify}
        if before is None:
            version, former = 1, None
            connection.execute(topic.insert().values(id=one.id, name=one.name, version=1, listed=True, updated_at=now))
        else:
            former = _version(connection, one.id, before.version)
            version = before.version if former.definition == definition else before.version + 1
            values = {"name": one.name, "version": version, "listed": True, "updated_at": now}
            connection.execute(update(topic).where(topic.c.id == one.id).values(values))
            if before.listed and _rules(former.definition) == _rules(definition):
                anew = {name: getattr(former, name) for name in anew}
        if before is None or version != before.version:
            row = {"topic_id": one.id, "n": version, "definition": definition, "created_at": now, **anew}
            connection.execute(topic_version.insert().values(row))
        elif not before.listed:
            connection.execute(_of_version(update(topic_version), one.id, version).values(anew))
        saved.append(topic_of(definition, version))
    return tuple(saved)


def _version(connection: Connection, topic_id: str, version: int) -> Row[Any]:
    return connection.execute(_of_version(select(topic_version), topic_id, version)).one()


def _of_version(statement: Any, topic_id: str, version: int) -> Any:
    return statement.where(topic_version.c.topic_id == topic_id, topic_version.c.n == version)


def _rules(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a definition decides what matches: not its name, its tests, or how long its stories last."""
    return {name: value for name, value in definition.items() if name not in {"name", "tests", "window"}}


def remove(connection: Connection, ids: Collection[str], *, now: datetime) -> None:
    """Stop watching topics; their matches and versions stay."""
    if ids:
        connection.execute(update(topic).where(topic.c.id.in_(ids)).values(listed=False, updated_at=now))


def matches_of(connection: Connection, entry_id: int) -> tuple[Match, ...]:
    """Every match of an entry with its evidence, oldest first."""
    proofs: dict[int, list[Evidence]] = defaultdict(list)
    query = (
        select(evidence, revision.c.n.label("revision_n"))
        .join(match, match.c.id == evidence.c.match_id)
        .join(revision, revision.c.id == evidence.c.revision_id)
        .where(match.c.entry_id == entry_id)
        .order_by(evidence.c.id)
    )
    for row in connection.execute(query):
        proofs[row.match_id].append(
            Evidence(
                topic_version=row.topic_version,
                revision=row.revision_n,
                score=row.score,
                fired=fired_of(row.fired),
                at=row.at,
            )
        )
    rows = connection.execute(select(match).where(match.c.entry_id == entry_id).order_by(match.c.id))
    return tuple(
        Match(
            id=row.id,
            topic_id=row.topic_id,
            entry_id=row.entry_id,
            origin=Origin(row.origin),
            score=row.score,
            first_seen=row.first_seen,
            evidence=tuple(proofs[row.id]),
        )
        for row in rows
    )


def match_counts(connection: Connection, *, since: datetime | None = None) -> Mapping[str, int]:
    """How many entries each topic matched, of any origin; since an instant when given."""
    query = select(match.c.topic_id, func.count()).group_by(match.c.topic_id)
    if since is not None:
        query = query.where(match.c.first_seen >= since)
    return {row[0]: row[1] for row in connection.execute(query)}
