"""What a reader's own page says: what they get now, what they can do about it, and what they just did. Words only."""

from datetime import datetime
from typing import Any

from aggregator.core.digests.address import masked_address
from aggregator.core.digests.schedules import when_words
from aggregator.core.digests.times import zone_or_utc
from aggregator.core.model.subscriptions import WEEKDAYS, SubscriberState, Subscription, SubscriptionKind
from aggregator.store.holders import Holder
from aggregator.store.optouts import CAUGHT_UP

PAUSE_DAYS = 30
BY_LINK = "by the link in a mail"  # why somebody is paused or unsubscribed

_GONE = {
    SubscriberState.UNSUBSCRIBED: "You are unsubscribed from everything: nothing is mailed to you.",
    SubscriberState.ERASED: "What was stored of you here was erased: nothing is mailed to you.",
}


def standing(holder: Holder, *, done: str | None, contact: str | None) -> dict[str, Any]:
    """The words of the page, by the names that its template knows; what cannot be done now is None or empty."""
    of, person = holder.subscription, holder.subscriber
    gone = person.state in _GONE
    getting = not gone and not of.is_left and of.listed and person.listed
    paused = person.state is SubscriberState.PAUSED
    timed = getting and not of.schedule.immediate
    topics = [{"id": topic_id, "name": name} for topic_id, name in holder.topics if topic_id in of.told]
    return {
        "title": f"Your mail \u201c{of.slug}\u201d",
        "about": [*_about(holder, getting=getting), *_state(holder)],
        "done": done,
        "unpause": paused and person.state_detail == BY_LINK,
        "leave": f"Unsubscribe from \u201c{of.slug}\u201d" if getting else None,
        "weekly": _weekly_offer(of) if timed and _more_than_weekly(of) else None,
        "daily": f"Back to {when_words(of.schedule)}" if timed and of.weekly else None,
        "pause": f"Pause all my mail for {PAUSE_DAYS} days" if getting and not paused else None,
        "caught_up": CAUGHT_UP,
        "topics": topics if getting and len(topics) > 1 else [],
        "everything": _everything(holder) if not gone else None,
        "back": _back(contact) if gone or of.left else None,
    }


def _about(holder: Holder, *, getting: bool) -> list[str]:
    of, person = holder.subscription, holder.subscriber
    if person.state in _GONE:
        return [_GONE[person.state]]
    if not getting:
        return [f"You are unsubscribed from \u201c{of.slug}\u201d: it is not mailed to you any more."]
    names = [name for topic_id, name in holder.topics if topic_id in of.told]
    what = (
        "what whoever runs this service must look after" if of.kind is SubscriptionKind.OPERATOR else ", ".join(names)
    )
    zone = "" if of.schedule.immediate else f" ({person.timezone} time)"
    # Whoever a mail was forwarded to needs no more of the address than its owner does.
    to = f" to {masked_address(person.address)}" if person.address else ""
    what += "; also days on which one of them has far more stories than usual" if of.spikes_since else ""
    return [f"{what}.", f"It comes {when_words(of.in_force)}{zone}{to}."]


def _state(holder: Holder) -> list[str]:
    person = holder.subscriber
    if person.state is SubscriberState.PAUSED:
        return [f"All your mail is paused{until_words(person.paused_until, person.timezone)}."]
    if person.state is SubscriberState.BOUNCED:
        return ["Mail to your address came back, so none is sent until whoever runs this service tries again."]
    return []


def until_words(until: datetime | None, timezone: str) -> str:
    """` until 26 February 2026` on the reader's calendar; empty for a pause without an end."""
    return "" if until is None else f" until {until.astimezone(zone_or_utc(timezone)):%-d %B %Y}"


def _more_than_weekly(of: Subscription) -> bool:
    return not of.weekly and (len(of.schedule.days) > 1 or len(of.schedule.at) > 1)


def _weekly_offer(of: Subscription) -> str:
    day = WEEKDAYS[min(of.schedule.days)].title()
    return f"Once a week instead, on {day} at {of.schedule.at[0]:%H:%M}"


def _everything(holder: Holder) -> str:
    others = holder.others
    more = f"You get {others} more {'subscription' if others == 1 else 'subscriptions'} from here. " if others else ""
    return f"{more}This ends all mail from here, alerts too."


def _back(contact: str | None) -> str:
    who = f"write to {contact}" if contact else "reply to one of its mails"
    return f"To get it again, {who}: whoever runs this service can switch it back on, so that no forwarded mail can."
