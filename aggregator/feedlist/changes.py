"""The wanted state and the current one -> what applying the file would change, before anything is changed. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from aggregator.core.digests.address import masked_address
from aggregator.core.digests.schedules import times_words
from aggregator.core.model.feeds import Feed
from aggregator.core.model.subscriptions import (
    WEEKDAYS,
    Schedule,
    SubscriberSpec,
    SubscriberState,
    SubscriptionSpec,
)
from aggregator.core.model.topics import Topic
from aggregator.core.urls import link_hash, redacted, shown_target
from aggregator.feedlist.load import FeedList
from aggregator.feedlist.references import references
from aggregator.feedlist.units import duration_text


class ChangeKind(StrEnum):
    """What happens to one thing. Removing stops the checks or mails; what was stored stays."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field's old and new value, as text for people; None where there is none. Addresses and secrets are masked."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is added, removed or changed. `noun` is feed, topic, subscriber or subscription (`desk/morning`)."""

    kind: ChangeKind
    noun: str
    id: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """All changes in the file's order, removals last, and what a person should know beside them."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentSubscriber:
    """A stored subscriber as it was last written, with the person's own state. Not `listed`: the file dropped them.

    `wishes` says in words what its reader changed of a subscription, by (subscription, words).
    """

    spec: SubscriberSpec
    state: SubscriberState = SubscriberState.ACTIVE
    listed: bool = True
    wishes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What the store holds: the feeds and topics in force, and every subscriber ever listed.

    `moved` are the addresses, by feed id, that permanent redirects led to and that are asked instead of the file's.
    """

    feeds: tuple[Feed, ...] = ()
    topics: tuple[Topic, ...] = ()
    subscribers: tuple[CurrentSubscriber, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)


def plan(wanted: FeedList, current: Current) -> ChangePlan:
    """What `apply` would do. A topic's version is the store's own and no difference."""
    listed = [person.spec for person in current.subscribers if person.listed]
    erased = {one.spec.slug for one in current.subscribers if one.state is SubscriberState.ERASED}
    people = [_bare(person) if person.slug in erased else person for person in wanted.subscribers]
    changes = [
        *_changes("feed", _by_id(wanted.feeds), _by_id(current.feeds), _feed_fields),
        *_changes("topic", _by_id(wanted.topics), _by_id(current.topics), _topic_fields),
        *_changes("subscriber", _by_slug(people), _by_slug(listed), _subscriber_fields),
        *_changes("subscription", _subscriptions(people), _subscriptions(listed), _subscription_fields),
    ]
    changes.sort(key=lambda change: change.kind is ChangeKind.REMOVE)
    notes = (*_renames(wanted, current), *_moves(wanted, current), *_own_states(wanted, current))
    return ChangePlan(changes=tuple(changes), notes=notes)


def _bare(person: SubscriberSpec) -> SubscriberSpec:
    """A subscriber without what is not stored of one who was erased, whatever the file says."""
    subscriptions = tuple(replace(one, target=None) for one in person.subscriptions)
    return replace(person, address=None, name=None, subscriptions=subscriptions)


def _changes(noun: str, wanted: Mapping[str, Any], current: Mapping[str, Any], told: Any) -> Iterator[Change]:
    for name, value in wanted.items():
        if name not in current:
            yield Change(kind=ChangeKind.ADD, noun=noun, id=name)
        elif differing := _differing(told(current[name]), told(value)):
            yield Change(kind=ChangeKind.CHANGE, noun=noun, id=name, fields=differing)
    for name in current:
        if name not in wanted:
            yield Change(kind=ChangeKind.REMOVE, noun=noun, id=name)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(
        _change(name, _shown(name, old.get(name)), _shown(name, new.get(name)))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    )


def _feed_fields(feed: Feed) -> dict[str, Any]:
    return {field.name: getattr(feed, field.name) for field in fields(Feed) if field.name != "id"}


def _topic_fields(topic: Topic) -> dict[str, Any]:
    """A topic's fields, each clause and each list as a field of its own, so that a change of one is told alone."""
    whole = {name: getattr(topic, name) for name in ("name", "languages", "flag_at", "alert_at", "cases", "tests")}
    clauses = {
        f"{clause.kind} `{clause.name}`": f"{clause.query} (weight {clause.weight:g})" for clause in topic.clauses
    }
    return whole | clauses | {f"list @{name}": query for name, query in topic.lists}


def _subscriber_fields(spec: SubscriberSpec) -> dict[str, Any]:
    return {"name": spec.name, "address": spec.address, "timezone": spec.timezone}


def _subscription_fields(spec: SubscriptionSpec) -> dict[str, Any]:
    told = {"topics": spec.topics, "schedule": spec.schedule, "empty": spec.empty, "kind": spec.kind}
    return {**told, "channel": spec.channel, "target": spec.target, "spikes": spec.spikes}


def _change(name: str, old: str | None, new: str | None) -> FieldChange:
    """A change as people read it: where it lies in what is not shown, it says so."""
    hidden = old is not None and old == new
    return FieldChange(name=name, old=old, new=f"{new} (another one)" if hidden else new)


def _by_id(items: Sequence[Feed] | Sequence[Topic]) -> dict[str, Feed | Topic]:
    return {item.id: item for item in items}


def _by_slug(items: Sequence[SubscriberSpec]) -> dict[str, SubscriberSpec]:
    return {item.slug: item for item in items}


def _subscriptions(items: Sequence[SubscriberSpec]) -> dict[str, SubscriptionSpec]:
    return {f"{person.slug}/{one.slug}": one for person in items for one in person.subscriptions}


def _renames(wanted: FeedList, current: Current) -> Iterator[str]:
    """Feeds that only changed their id: history hangs on the id, so this is rarely meant."""
    names = {feed.id for feed in wanted.feeds}
    gone = {link_hash(feed.url): feed.id for feed in current.feeds if feed.id not in names}
    known = {feed.id for feed in current.feeds}
    for feed in wanted.feeds:
        old = gone.get(link_hash(feed.url))
        if feed.id not in known and old:
            yield (
                f"feed {old} looks renamed to {feed.id}: what was stored stays under {old}, and {feed.id} starts anew; "
                f"keep `id: {old}` and change `name` to go on with one history"
            )


def _moves(wanted: FeedList, current: Current) -> Iterator[str]:
    """Feeds whose address in the file is not the one that is asked."""
    before = _by_id(current.feeds)
    for feed in wanted.feeds:
        url = current.moved.get(feed.id)
        # A redirect may repeat the secret of an address that holds one.
        if url and feed.url != url and feed == before.get(feed.id) and not references(feed.url):
            yield f"feed {feed.id} has moved for good to {redacted(url)}: `aggregator feeds fix {feed.id}` proposes the edit"


def _own_states(wanted: FeedList, current: Current) -> Iterator[str]:
    """What people did themselves and the file cannot undo."""
    listed = {person.slug for person in wanted.subscribers}
    for person in current.subscribers:
        slug, state = person.spec.slug, person.state
        back = f"`aggregator subscribers resume {slug}`"
        if slug in listed:
            for subscription, wish in person.wishes:
                yield f"subscription {slug}/{subscription}: {wish}, until {back}"
        if state is SubscriberState.ACTIVE:
            continue
        if state is SubscriberState.ERASED and slug in listed:
            yield f"subscriber {slug} was erased and the file still lists them: nothing of it is stored until {back}"
        elif slug in listed:
            yield f"subscriber {slug} is {state}: nothing is mailed until {back}"
        elif person.listed:
            yield f"subscriber {slug} is {state}: that is remembered should the file list them again"


def _shown(name: str, value: Any) -> str | None:
    """A value as people read it, without what a log must not hold."""
    if value is None or value == ():
        return None
    if name == "headers":
        return ", ".join(f"{key}: {text if references(text) else '***'}" for key, text in value)
    if name == "tests":
        return f"{len(value)} tests"
    masked = _MASKED.get(name)
    return masked(value) if masked else _plain(value)


_MASKED: Mapping[str, Callable[[str], str]] = {"address": masked_address, "url": redacted, "target": shown_target}


def _plain(value: Any) -> str:
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Schedule):
        return _schedule(value)
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _schedule(schedule: Schedule) -> str:
    days = "daily" if len(schedule.days) == 7 else ", ".join(WEEKDAYS[day][:3] for day in sorted(schedule.days))
    when = "at once" if schedule.immediate else times_words(schedule, ", ")
    return f"{when}, {days}" + (f", quiet {schedule.quiet}" if schedule.quiet else "")
