"""All that a digest of one slot would tell, read from the store in one consistent view."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aggregator.core.digests import slots
from aggregator.core.digests.compose.flood import AT_LEAST, flood_of
from aggregator.core.digests.letter import DueDigest
from aggregator.core.digests.render.trendbar import silence_words
from aggregator.core.model.digests import DigestKind, DueItem, Flood, SourceReport, ToldItem
from aggregator.core.model.subscriptions import Subscriber, Subscription, SubscriptionKind
from aggregator.dispatch.surroundings import Surroundings
from aggregator.store import attention, corrections, digests, operator, optouts, spikes, story_views, told, topics
from aggregator.store.database import Connection

DAY = timedelta(days=1)


def gather(
    connection: Connection,
    owner: Subscriber,
    of: Subscription,
    slot: slots.Due,
    around: Surroundings,
    *,
    as_of: datetime | None = None,
    warnings: Sequence[str] = (),
) -> DueDigest:
    """What a digest of this slot tells; with `as_of`, what it would have told if it had been made at that instant."""
    last = digests.last_digest_at(connection, of.id, as_of=as_of)
    since = min(last or of.created_at, slot.slot_at)  # a preview may look to before there was anything
    if of.kind is SubscriptionKind.OPERATOR:
        return _for_operator(connection, owner, of, slot, since, warnings)
    immediate = of.schedule.immediate
    items = digests.due_items(connection, of.id, archive=last is None and not immediate, as_of=as_of)
    before = told.told_before(connection, of, items, as_of=as_of)
    changed = corrections.waiting(connection, of.id, as_of=as_of)
    due = DueDigest(
        owner=owner,
        of=of,
        kind=DigestKind.ALERT if immediate else DigestKind.DIGEST,
        slot_at=slot.slot_at,
        since=since,
        items=items,
        sources=SourceReport(),
        archive=any(item.archive for item in items),
        coalesced=slot.coalesced,
        topics=_watched(connection, of),
        told=before,
        known_before=told.left_out_since(connection, of, since),
        floods=_floods(connection, items, around),
        notes=_notes(connection, owner, of, since),
        corrections=changed.told,
        corrections_waiting=changed.more,
        undone=changed.void,
        spikes=spikes.waiting(connection, of.id, as_of=as_of),
    )
    return _with_surroundings(connection, due, around)


def _watched(connection: Connection, of: Subscription) -> tuple[tuple[str, str], ...]:
    """The topics (id, name) that a subscription tells, in its own order."""
    names = topics.names(connection, of.told)
    return tuple((topic_id, names.get(topic_id, topic_id)) for topic_id in of.told)


def _with_surroundings(connection: Connection, due: DueDigest, around: Surroundings) -> DueDigest:
    """A digest with what its reader should know beside the stories: of an alert, which alerts came before.

    What sources are like now is all that is known of them, also for the past.
    """
    stories = {item.story_id for item in due.items if item.story_id is not None}
    due = replace(due, links=story_views.links(connection, stories))
    if due.kind is DigestKind.ALERT:
        return replace(due, first_alerts=first_alerts(connection, due.of, due.told))
    yesterday = due.slot_at.astimezone(UTC).date() - DAY
    weekly = due.of.weekly or len(due.of.schedule.days) == 1
    return replace(
        due,
        sources=around.sources(connection, since=due.since),
        late_alerts=attention.late_alerts(connection, due.owner.id, due.items),
        notes=(*due.notes, *_silences(connection, due, around)),
        bars=around.bars(connection, due.topics, until=yesterday) if weekly else (),
    )


def _silences(connection: Connection, due: DueDigest, around: Surroundings) -> tuple[str, ...]:
    """The topics that went silent while their feeds are read: nothing is broken, and nothing was missed."""
    until = due.slot_at.astimezone(UTC).date()
    found = [(name, around.silence(connection, topic_id, until=until)) for topic_id, name in due.topics]
    return tuple(silence_words(name, one) for name, one in found if one is not None and one.healthy)


def _for_operator(
    connection: Connection,
    owner: Subscriber,
    of: Subscription,
    slot: slots.Due,
    since: datetime,
    warnings: Sequence[str],
) -> DueDigest:
    looked_at = of.slot_at or since
    found = operator.report(connection, of.id, since=since, looked_at=looked_at, now=slot.slot_at, warnings=warnings)
    return DueDigest(
        owner=owner,
        of=of,
        kind=DigestKind.OPERATOR,
        slot_at=slot.slot_at,
        since=since,
        items=(),
        sources=SourceReport(),
        coalesced=slot.coalesced,
        report=found,
    )


def _floods(connection: Connection, items: Sequence[DueItem], around: Surroundings) -> Mapping[str, Flood]:
    """The topics of these items that are flooded, by id."""
    due: dict[str, list[datetime]] = defaultdict(list)
    for item in items:
        if not item.archive:
            due[item.topic_id].append(item.first_seen)
    found: dict[str, Flood] = {}
    for topic_id, seen in due.items():
        if len(seen) > AT_LEAST:
            first = min(seen)
            daily = around.daily_matches(connection, topic_id, until=first)
            if flood := flood_of(len(seen), daily, days=(max(seen) - first) / DAY):
                found[topic_id] = flood
    return found


def first_alerts(
    connection: Connection, of: Subscription, before: Mapping[int, Sequence[ToldItem]]
) -> Mapping[int, str]:
    """The Message-ID of the alert that first told of a story, for each story that an alert told of."""
    found = {story_id: told.first_alert(connection, of, members) for story_id, members in before.items()}
    return {story_id: identifier for story_id, identifier in found.items() if identifier is not None}


def _notes(connection: Connection, owner: Subscriber, of: Subscription, since: datetime) -> tuple[str, ...]:
    """What a pause that ended since the last digest did to this one."""
    back = optouts.resumed(connection, owner, of.id, since=since)
    return () if back is None else (resumed_words(back.back, back.left_out),)


def resumed_words(back: int, left_out: int) -> str:
    """What the first digest after a pause says of the time between."""
    came = f"{back:,} matches of your pause are" if back != 1 else "1 match of your pause is"
    rest = f"; {left_out:,} older ones are not told" if left_out else ""
    return f"You are back: {came} in this mail{rest}."
