"""The subscribers of feeds.yaml and of subscribers.yaml beside it -> `SubscriberSpec` values with resolved addresses."""

import re
from collections.abc import Collection, Mapping

from aggregator.core.model.subscriptions import SubscriberSpec
from aggregator.feedlist.document import Document, Findings, Place
from aggregator.feedlist.problems import check_unique, shaped_list
from aggregator.feedlist.references import resolved
from aggregator.feedlist.shapes import SubscriberShape
from aggregator.feedlist.subscriptions import check_subscription, read_channel, subscription_of

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
        check_subscription(document, at, subscription, topics, findings)
        channel, target = read_channel(document, at, subscription, lookup, findings)
        own = shape.email is None and channel == "mail"
        specs.append(subscription_of(subscription, channel="outbox" if own else channel, target=target))
    if not shape.subscriptions:
        findings.odd(document.where(place), f"the subscriber `{shape.id}` has no subscriptions and gets nothing")
    return SubscriberSpec(
        slug=shape.id, address=address, name=shape.name, timezone=shape.timezone, subscriptions=tuple(specs)
    )


def _address(where: str, email: str | None, lookup: Mapping[str, str], findings: Findings) -> str | None:
    if email is None:
        return None
    otherwise = ", or leave email out to write to the outbox folder"
    address = resolved(where, "email", email, lookup, findings, otherwise=otherwise)
    if address is None:
        return None
    if not _ADDRESS.fullmatch(address.strip()):
        findings.wrong(where, "`email`: expected one mail address such as desk@example.org")
    return address.strip()
