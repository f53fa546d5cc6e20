"""The subscribers of feeds.yaml and of subscribers.yaml beside it -> `SubscriberSpec` values with resolved addresses."""

import re
from collections.abc import Collection, Mapping

from aggregator.core.model.subscriptions import Empty, Schedule, SubscriberSpec, SubscriptionSpec
from aggregator.feedlist.document import Document, Findings, Place
from aggregator.feedlist.problems import check_unique, shaped_list
from aggregator.feedlist.references import MissingSecret, allowed, expand, references
from aggregator.feedlist.shapes import SubscriberShape, SubscriptionShape
from aggregator.feedlist.units import nearest

# RFC 5321 4.1.2 without quoted local parts, which no mail service hands out.
_ADDRESS = re.compile(
    r"[^\s@<>(),;:\"\\\[\]]{1,64}@[A-Za-z0-9.-]{1,253}|[^\s@<>(),;:\"\\\[\]]{1,64}@[^\W_][\w.-]{1,252}"
)


def read_subscribers(
    documents: Collection[Document], topics: Collection[str], lookup: Mapping[str, str], findings: Findings
) -> tuple[SubscriberSpec, ...]:
    """The subscribers that are as they should be, file by file; all else is noted. `topics` are the known topics' ids."""
    specs: list[SubscriberSpec] = []
    for document in documents:
        shapes = shaped_list(document, "subscribers", SubscriberShape, findings)
        check_unique(document, ("subscribers",), "subscriber", findings)
        elsewhere = {spec.slug for spec in specs}
        for place, shape in shapes:
            if shape.id in elsewhere:
                findings.wrong(
                    document.where((*place, "id")), f"the subscriber `{shape.id}` stands in another file too"
                )
            specs.append(_subscriber(document, place, shape, topics, lookup, findings))
    return tuple(specs)


def _subscriber(
    document: Document,
    place: Place,
    shape: SubscriberShape,
    topics: Collection[str],
    lookup: Mapping[str, str],
    findings: Findings,
) -> SubscriberSpec:
    address = _address(document.where((*place, "email")), shape.email, lookup, findings)
    check_unique(document, (*place, "subscriptions"), "subscription", findings)
    specs = []
    for index, subscription in enumerate(shape.subscriptions):
        at: Place = (*place, "subscriptions", index)
        _check_subscription(document, at, subscription, topics, findings)
        specs.append(_subscription(subscription, has_address=shape.email is not None))
    if not shape.subscriptions:
        findings.odd(document.where(place), f"the subscriber `{shape.id}` has no subscriptions and gets nothing")
    return SubscriberSpec(
        slug=shape.id, address=address, name=shape.name, timezone=shape.timezone, subscriptions=tuple(specs)
    )


def _address(where: str, email: str | None, lookup: Mapping[str, str], findings: Findings) -> str | None:
    if email is None:
        return None
    for name in references(email):
        if not allowed(name):
            findings.wrong(where, f"`${{{name}}}` may not be used", "name a variable that begins with AGGREGATOR_")
            return None
    address = expand(email, lookup)
    if isinstance(address, MissingSecret):
        hint = f"set {address.name} or {address.name}_FILE, or leave email out to write to the outbox folder"
        findings.wrong(where, f"`email`: {address}", hint)
        return None
    if not _ADDRESS.fullmatch(address.strip()):
        found = "" if references(email) else f", found `{address}`"
        findings.wrong(where, f"`email`: expected one mail address such as desk@example.org{found}")
    return address.strip()


def _check_subscription(
    document: Document, place: Place, shape: SubscriptionShape, topics: Collection[str], findings: Findings
) -> None:
    for index, topic in enumerate(shape.topics):
        if topic not in topics:
            near = nearest(topic, topics)
            hint = f"did you mean `{near}`?" if near else "define it under topics"
            findings.wrong(document.where((*place, "topics", index)), f"there is no topic `{topic}`", hint)
    if shape.immediate and shape.at:
        message = f"the subscription `{shape.id}` has both at and immediate, expected one of them"
        findings.wrong(document.where((*place, "at"), key=True), message, "make two subscriptions of it")
    elif document.at((*place, "at")) is None and document.at((*place, "immediate")) in [None, False]:
        findings.wrong(document.where(place), f'the subscription `{shape.id}` needs at: "07:30", or immediate: true')
    if shape.quiet and not shape.immediate:
        message = "`quiet` holds immediate mail only, this subscription has fixed times"
        findings.wrong(document.where((*place, "quiet"), key=True), message)
    if shape.immediate and "empty" in shape.model_fields_set:
        message = "`empty` is for digests with fixed times, an immediate one is never empty"
        findings.wrong(document.where((*place, "empty"), key=True), message)


def _subscription(shape: SubscriptionShape, *, has_address: bool) -> SubscriptionSpec:
    schedule = Schedule(at=tuple(shape.at or ()), days=shape.days, immediate=shape.immediate, quiet=shape.quiet)
    return SubscriptionSpec(
        slug=shape.id,
        topics=tuple(dict.fromkeys(shape.topics)),
        schedule=schedule,
        empty=Empty(shape.empty),
        channel=shape.channel if has_address else "outbox",
    )
