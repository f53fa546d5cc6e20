"""One subscription of a feed list -> its `SubscriptionSpec`: what it tells, when, and by which one channel."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from aggregator.core.model.subscriptions import Empty, Schedule, SubscriptionKind, SubscriptionSpec
from aggregator.core.urls import is_loopback
from aggregator.feedlist.document import Document, Findings, Place
from aggregator.feedlist.references import references, resolved
from aggregator.feedlist.shapes import SubscriptionShape
from aggregator.feedlist.units import nearest


def subscription_of(shape: SubscriptionShape, *, channel: str, target: str | None) -> SubscriptionSpec:
    """The subscription that a shape describes, on a channel that was read already."""
    schedule = Schedule(at=tuple(shape.at or ()), days=shape.days, immediate=shape.immediate, quiet=shape.quiet)
    return SubscriptionSpec(
        slug=shape.id,
        topics=tuple(dict.fromkeys(shape.topics or ())),
        schedule=schedule,
        empty=Empty(shape.empty),
        kind=SubscriptionKind.OPERATOR if shape.operator else SubscriptionKind.TOPICS,
        channel=channel,
        target=target,
        spikes=shape.spikes,
    )


def check_subscription(
    document: Document, place: Place, shape: SubscriptionShape, topics: Collection[str], findings: Findings
) -> None:
    """Note what in a subscription contradicts itself or names a topic that is not there."""
    for index, topic in enumerate(shape.topics or ()):
        if topic not in topics:
            near = nearest(topic, topics)
            hint = f"did you mean `{near}`?" if near else "define it under topics"
            findings.wrong(document.where((*place, "topics", index)), f"there is no topic `{topic}`", hint)
    if shape.operator:
        _check_operator(document, place, shape, findings)
    elif document.at((*place, "topics")) is None:
        findings.wrong(document.where(place), f"the subscription `{shape.id}` needs topics, or operator: true")
    _check_times(document, place, shape, findings)


def _check_operator(document: Document, place: Place, shape: SubscriptionShape, findings: Findings) -> None:
    if shape.topics:
        message = "a subscription with operator: true has no topics: it tells what the operator must look after"
        findings.wrong(document.where((*place, "topics"), key=True), message, "make two subscriptions of it")
    if shape.spikes:
        message = "`spikes` is for topics, a subscription with operator: true has none"
        findings.wrong(document.where((*place, "spikes"), key=True), message)
    if shape.immediate:
        message = "`immediate` is for topics, a subscription with operator: true comes at one time of a day"
        findings.wrong(document.where((*place, "immediate"), key=True), message)
    elif shape.at and len(shape.at) > 1:
        message = "a subscription with operator: true comes once a day, expected one time"
        findings.wrong(document.where((*place, "at")), message)


def _check_times(document: Document, place: Place, shape: SubscriptionShape, findings: Findings) -> None:
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


def read_channel(
    document: Document, place: Place, shape: SubscriptionShape, lookup: Mapping[str, str], findings: Findings
) -> tuple[str, str | None]:
    """The channel, and for a webhook or Apprise where it leads to, its references replaced; what is wrong is noted."""
    written = [name for name in ("channel", "webhook", "apprise") if name in shape.model_fields_set]
    if len(written) > 1:
        message = f"the subscription `{shape.id}` has both {written[0]} and {written[1]}, expected one channel"
        findings.wrong(
            document.where((*place, written[1]), key=True), message, "each subscription leaves by one channel"
        )
    if shape.webhook is not None:
        return "webhook", _webhook(document.where((*place, "webhook")), shape.webhook, lookup, findings)
    if shape.apprise is not None:
        return "apprise", _apprise(document.where((*place, "apprise")), shape.apprise, lookup, findings)
    return shape.channel, None


def _webhook(where: str, text: str, lookup: Mapping[str, str], findings: Findings) -> str | None:
    url = resolved(where, "webhook", text, lookup, findings)
    if url is None:
        return None
    parts = urlsplit(url) if url.isprintable() and " " not in url else None
    if parts is None or parts.scheme not in {"https", "http"} or not parts.hostname:
        findings.wrong(where, "`webhook`: expected an address such as https://hooks.example.org/news")
        return None
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        findings.odd(where, "`webhook`: what is posted crosses the network in the clear", "use https")
    return url


def _apprise(where: str, text: str, lookup: Mapping[str, str], findings: Findings) -> str | None:
    if not references(text):
        hint = "set AGGREGATOR_DESK_APPRISE to it and write apprise: ${AGGREGATOR_DESK_APPRISE}"
        findings.wrong(where, "`apprise`: the URL of a service holds its password, so it stands in a variable", hint)
        return None
    url = resolved(where, "apprise", text, lookup, findings)
    if url is not None and ("://" not in url or not url.isprintable()):
        findings.wrong(where, "`apprise`: expected the URL of a service, such as ntfy://topic or slack://...")
        return None
    return url
