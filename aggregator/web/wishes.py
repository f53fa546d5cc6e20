"""What a reader may ask for on their own page, done in one transaction, and told in one sentence."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from aggregator.store import optouts
from aggregator.store.database import Connection
from aggregator.store.holders import Holder
from aggregator.web.standing import BY_LINK, PAUSE_DAYS, until_words


def grant(connection: Connection, found: Holder, wish: str, topic_id: str, *, now: datetime) -> str | None:
    """Do what is asked for, and say what was done; None for what nobody offered, and then nothing was.

    To ask twice is to ask once. Nothing here gives back what its reader left: a forwarded mail could do that too.
    """
    if wish == "topic":
        return _leave_topic(connection, found, topic_id, now)
    granted = _WISHES.get(wish)
    return None if granted is None else granted(connection, found, now)


def _leave_topic(connection: Connection, found: Holder, topic_id: str, now: datetime) -> str | None:
    of = found.subscription
    if topic_id not in of.topics:
        return None
    optouts.leave(connection, of.id, topic_id, now=now)
    name = dict(found.topics).get(topic_id, topic_id)
    return f"Done. \u201c{of.slug}\u201d tells you nothing more on {name}."


def _leave(connection: Connection, found: Holder, now: datetime) -> str | None:
    optouts.leave(connection, found.subscription.id, now=now)
    return f"Done. You are unsubscribed from \u201c{found.subscription.slug}\u201d."


def _everything(connection: Connection, found: Holder, now: datetime) -> str | None:
    optouts.unsubscribe(connection, found.subscriber.id, detail=BY_LINK, now=now)
    return "Done. You are unsubscribed from everything."


def _pause(connection: Connection, found: Holder, now: datetime) -> str | None:
    person, until = found.subscriber, now + timedelta(days=PAUSE_DAYS)
    if not optouts.pause(connection, person.id, until=until, detail=BY_LINK, now=now):
        return None
    return f"Done. All your mail is paused{until_words(until, person.timezone)}."


def _unpause(connection: Connection, found: Holder, now: datetime) -> str | None:
    # Only the pause that a reader asked for is theirs to end.
    if found.subscriber.state_detail != BY_LINK or not optouts.end_pause(connection, found.subscriber.id, now=now):
        return None
    return "Done. You get mail again."


def _weekly(connection: Connection, found: Holder, _: datetime) -> str | None:
    return _ask_weekly(connection, found, weekly=True)


def _unweekly(connection: Connection, found: Holder, _: datetime) -> str | None:
    return _ask_weekly(connection, found, weekly=False)


def _ask_weekly(connection: Connection, found: Holder, *, weekly: bool) -> str | None:
    of = found.subscription
    if of.schedule.immediate:
        return None
    optouts.ask_weekly(connection, of.id, weekly=weekly)
    how = "once a week" if weekly else "as it was set up"
    return f"Done. From now on \u201c{of.slug}\u201d comes {how}."


_WISHES: Mapping[str, Callable[[Connection, Holder, datetime], str | None]] = {
    "leave": _leave,
    "everything": _everything,
    "pause": _pause,
    "unpause": _unpause,
    "weekly": _weekly,
    "unweekly": _unweekly,
}
