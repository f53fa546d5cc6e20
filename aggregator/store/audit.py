"""The ledger's proof: counts every (subscription, match) that is due, and names those whose story does not hold together.

One statement reads all of it, so that a service at work beside the audit cannot make it see half a step. It never mends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from aggregator.core.model.subscriptions import OPEN_PHASES, LedgerState, Phase, SubscriberState
from aggregator.store.optouts import has_left
from aggregator.store.schema import delivery, digest, ledger, match, subscriber, subscription, subscription_topic

_SOUND = ""
_WAITING = (*OPEN_PHASES, Phase.PARKED)
_OWED = (SubscriberState.ACTIVE, SubscriberState.PAUSED, SubscriberState.BOUNCED)


class Flaw(StrEnum):
    """Why a pair does not count as settled; each pair has at most one, the first that applies."""

    MISSING = "missing"  # a match of a watched topic that the ledger does not know
    STRAY = "stray"  # a row in none of the four states
    FOREIGN = "foreign"  # a row in another subscription's digest
    UNSENT = "unsent"  # delivered, and no delivery of its digest was sent
    STUCK = "stuck"  # pending in a digest that has no open or parked delivery
    TWICE = "twice"  # its digest was sent, and the ledger says another end than delivered
    UNEXPLAINED = "unexplained"  # suppressed without a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """So many pairs of one subscription with one flaw, and the first of them to look at."""

    subscription: str
    flaw: Flaw
    count: int
    match_id: int
    digest_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What became of the pairs that are due: each is in one of the four sums, or in a fault.

    `delivered` and its neighbours count rows by what they say, `suppressed_by` the suppressed ones by reason. A pair
    without a row, or in a state that is none, is in `matches_due` only.
    """

    delivered: int = 0
    suppressed: int = 0
    pending: int = 0
    failed: int = 0
    matches_due: int = 0
    suppressed_by: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def closes(self) -> bool:
        """Whether the four sums make up all that is due, and nothing in them is contradicted."""
        settled = self.delivered + self.suppressed + self.pending + self.failed
        return settled == self.matches_due and not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The balance over all, and of each subscriber by slug; those to whom nothing is due are among them."""

    total: Balance
    subscribers: Mapping[str, Balance]


def audit(connection: Connection, *, since: datetime | None = None) -> Audit:
    """Weigh the ledger against the matches made at or after `since` (aware), or against all.

    A pair is due when the ledger has a row for it, or when a listed subscription of somebody who has not left watches
    its topic: watching begins with a row for each match that is there, so none may lack one.
    """
    found = connection.execute(_sums(since)).all()
    own: dict[str, list[Any]] = {}
    for row in found:
        own.setdefault(row.owner, []).append(row)
    counted = [row for row in found if row.number]
    balances = {owner: _balance(row for row in rows if row.number) for owner, rows in sorted(own.items())}
    return Audit(total=_balance(counted), subscribers=balances)


def _balance(rows: Iterable[Any]) -> Balance:
    states = {state.value: 0 for state in LedgerState}
    reasons: dict[str, int] = {}
    faults: list[Fault] = []
    due = 0
    for row in rows:
        due += row.number
        if row.state in states:
            states[row.state] += row.number
        if row.reason:
            reasons[row.reason] = reasons.get(row.reason, 0) + row.number
        if row.flaw != _SOUND:
            faults.append(_fault(row))
    return Balance(matches_due=due, suppressed_by=dict(sorted(reasons.items())), faults=tuple(faults), **states)


def _fault(row: Any) -> Fault:
    name = f"{row.owner}/{row.subscription}"
    return Fault(
        subscription=name, flaw=Flaw(row.flaw), count=row.number, match_id=row.first_match, digest_id=row.first_digest
    )


def _sums(since: datetime | None) -> Select[Any]:
    """Pairs by subscriber, subscription, state, reason and flaw; one row of zero for a subscription that has none."""
    pairs = union_all(_rows(since), _missing(since)).subquery("pairs")
    keys = (subscriber.c.slug, subscription.c.slug, pairs.c.state, pairs.c.reason, pairs.c.flaw)
    return (
        select(
            subscriber.c.slug.label("owner"),
            subscription.c.slug.label("subscription"),
            pairs.c.state,
            pairs.c.reason,
            pairs.c.flaw,
            func.count(pairs.c.match_id).label("number"),
            func.min(pairs.c.match_id).label("first_match"),
            func.min(pairs.c.digest_id).label("first_digest"),
        )
        .select_from(subscriber)
        .outerjoin(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .outerjoin(pairs, pairs.c.subscription_id == subscription.c.id)
        .group_by(*keys)
        .order_by(*keys)
    )


def _rows(since: datetime | None) -> Select[Any]:
    """The ledger, each row with its flaw; a reason only where it is one of a suppression."""
    suppressed = ledger.c.state == LedgerState.SUPPRESSED.value
    query = (
        select(
            ledger.c.subscription_id,
            ledger.c.match_id,
            ledger.c.state,
            case((suppressed, func.coalesce(ledger.c.reason, "")), else_="").label("reason"),
            ledger.c.digest_id,
            _flaw().label("flaw"),
        )
        .join(match, match.c.id == ledger.c.match_id)
        .outerjoin(digest, digest.c.id == ledger.c.digest_id)
    )
    return query if since is None else query.where(match.c.first_seen >= since)


def _flaw() -> Any:
    sent, waiting = _has_delivery((Phase.SENT,)), _has_delivery(_WAITING)
    state = ledger.c.state
    return case(
        (state.not_in([one.value for one in LedgerState]), Flaw.STRAY.value),
        (digest.c.subscription_id != ledger.c.subscription_id, Flaw.FOREIGN.value),
        (and_(state == LedgerState.DELIVERED.value, ~sent), Flaw.UNSENT.value),
        (and_(state != LedgerState.DELIVERED.value, sent), Flaw.TWICE.value),
        (and_(state == LedgerState.PENDING.value, ledger.c.digest_id.is_not(None), ~waiting), Flaw.STUCK.value),
        (
            and_(state == LedgerState.SUPPRESSED.value, or_(ledger.c.reason.is_(None), ledger.c.reason == "")),
            Flaw.UNEXPLAINED.value,
        ),
        else_=_SOUND,
    )


def _has_delivery(phases: tuple[Phase, ...]) -> Any:
    names = [phase.value for phase in phases]
    return exists().where(delivery.c.digest_id == ledger.c.digest_id, delivery.c.phase.in_(names)).correlate(ledger)


def _missing(since: datetime | None) -> Select[Any]:
    """Every match of a topic that somebody watches, and of which the subscription has no row."""
    watching = _watching()
    known = and_(ledger.c.subscription_id == watching.c.subscription_id, ledger.c.match_id == match.c.id)
    query = (
        select(
            watching.c.subscription_id,
            match.c.id,
            literal("", String),
            literal("", String),
            cast(null(), ledger.c.digest_id.type),
            literal(Flaw.MISSING.value, String),
        )
        .join(match, match.c.topic_id == watching.c.topic_id)
        .outerjoin(ledger, known)
        .where(ledger.c.match_id.is_(None))
    )
    return query if since is None else query.where(match.c.first_seen >= since)


def _watching() -> Subquery:
    """Who is owed what: nothing a person who unsubscribed or was erased, a subscription that was removed, a topic that was left."""
    owed = [state.value for state in _OWED]
    return (
        select(subscription_topic.c.subscription_id, subscription_topic.c.topic_id)
        .join(subscription, subscription.c.id == subscription_topic.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(subscription.c.listed, subscriber.c.listed, subscriber.c.state.in_(owed))
        .where(~has_left(subscription_topic.c.subscription_id, subscription_topic.c.topic_id))
        .subquery("watching")
    )
