"""The database, and what it tells of feeds, mail and its clock."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime

from aggregator.core.checking.notices import notices
from aggregator.core.errors import AggregatorError
from aggregator.core.model.subscriptions import Phase, SubscriberState
from aggregator.doctor.files import zones
from aggregator.doctor.finding import Finding, ok, problem, warning
from aggregator.store import clock, deliveries, dialect, feeds, health, migrate, subscribers
from aggregator.store.database import Connection, Store
from aggregator.store.feeds import FollowedFeed
from aggregator.store.migrate import Schema

NAMED = 3  # how many feeds or people a line names before it only counts


def database(url: str, shown: str, *, now: datetime, compare_clocks: bool) -> Iterator[Finding]:
    """Whether the database can be used, and what it tells of feeds, mail and its clock. `shown` is its URL for people."""
    file = dialect.file_of(url)
    if file is not None and not file.exists():
        yield ok("database", f"{file} is made at the first start")
        return
    try:
        yield from _schema(schema := migrate.inspect_schema(url), shown)
        if schema is Schema.CURRENT:
            with closing(Store(url)) as store:
                yield from store.read(_stored, now=now, compare_clocks=compare_clocks)
    except AggregatorError as error:
        yield problem("database", error.message, error.hint)


def _schema(schema: Schema, shown: str) -> Iterator[Finding]:
    match schema:
        case Schema.CURRENT:
            yield ok("database", shown)
        case Schema.EMPTY:
            yield ok("database", f"{shown} is empty, tables are made at the first start")
        case Schema.OLDER:
            yield problem("database", f"{shown} was made by an older aggregator", "run `aggregator db upgrade`")
        case Schema.NEWER:
            yield problem("database", f"{shown} was made by a newer aggregator", "upgrade the program")
        case Schema.FOREIGN:
            hint = "set AGGREGATOR_DATABASE to an empty one"
            yield problem("database", f"{shown} holds tables that are not aggregator's", hint)


def _stored(connection: Connection, *, now: datetime, compare_clocks: bool) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if compare_clocks:
        apart = abs(dialect.now_of(connection) - now)
        if apart > clock.TOLERANCE:
            told = f"ours and the database's are {apart.total_seconds():,.0f} s apart, so nothing is claimed"
            found.append(problem("clock", told, "set the clock of this machine or of the database's"))
        else:
            found.append(ok("clock", "agrees with the database's"))
    followed = feeds.followed(connection)
    found += _followed(followed)
    told_of = notices([(one.feed, one.state) for one in followed], health.emptied(connection), now=now)
    found += [warning("feeds", f"{one.feed_id}: {one.message}", one.hint) for one in told_of]
    found += _mail_stored(connection, now)
    named_zones = {one.subscriber.timezone: one.subscriber.slug for one in subscribers.members(connection)}
    return (*found, *zones(named_zones))


def _followed(followed: Sequence[FollowedFeed]) -> Iterator[Finding]:
    asked = [one for one in followed if one.state.checked_at is not None and not one.feed.disabled]
    ill = [one.feed.id for one in asked if one.state.error_kind is not None]
    if not followed:
        return
    if not ill:
        yield ok("feeds", f"{len(followed)} followed, {len(asked)} checked, none fails")
    elif len(ill) == len(asked) >= NAMED:
        hint = "is there a way out of this machine? `aggregator status` shows what each said"
        yield problem("feeds", f"all {len(ill)} that were checked fail", hint)
    else:
        yield warning("feeds", f"{len(ill)} of {len(asked)} fail: {_names(ill)}", "`aggregator status` shows why")


def _mail_stored(connection: Connection, now: datetime) -> Iterator[Finding]:
    for channel, detail in deliveries.parked(connection, now=now).items():
        yield problem("mail", f"the channel {channel} is parked: {detail}", "mend it; waiting mails then go out")
    for phase in (Phase.PARKED, Phase.DEAD):
        if number := deliveries.counts(connection).get(phase.value, 0):
            mails = "1 mail is" if number == 1 else f"{number} mails are"
            yield warning("mail", f"{mails} {phase.value}", "`aggregator digest list` shows which and why")
    people = [one.subscriber for one in subscribers.members(connection)]
    if gone := [one.slug for one in people if one.state is SubscriberState.BOUNCED]:
        hint = "`aggregator subscribers show ID` tells what came back, `resume ID` mails them again"
        yield warning("mail", f"nothing is mailed to {_names(gone)}, whose mail came back", hint)


def _names(found: Sequence[str]) -> str:
    return ", ".join(found[:NAMED]) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
