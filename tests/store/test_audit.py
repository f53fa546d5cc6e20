"""The ledger's proof on both databases: sound ledgers close, and each way to break one is named."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, update

from aggregator.core.digests.fate import Fate
from aggregator.core.digests.letter import DueDigest, Envelope
from aggregator.core.model.digests import SourceReport
from aggregator.core.model.plans import LedgerPlan
from aggregator.core.model.subscriptions import LedgerState, Phase, SubscriberState
from aggregator.store import audience, claims, deliveries, digests, feeds, plans, subscribers, topics
from aggregator.store.audit import Audit, Balance, Fault, Flaw, audit
from aggregator.store.database import Store
from aggregator.store.schema import delivery, ledger, match
from tests.factories import NOW, make_entry_plan, make_feed, make_match, make_plan, make_subscriber, make_topic

FEED = make_feed("un")
LASTS = timedelta(seconds=120)
HOUR = timedelta(hours=1)
REASONS = {None: LedgerState.PENDING, "paused": LedgerState.SUPPRESSED}


@pytest.fixture
def watched(store: Store) -> Store:
    """`desk` and `late` watch a topic, and nothing was matched yet."""
    store.write(feeds.save, [FEED], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)
    people = [make_subscriber(), make_subscriber("late")]
    store.write(subscribers.save, people, {"desk": "p", "late": "q"}, now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=LASTS)
    return store


def match_one(store: Store, key: str, *, reason: str | None = None, hours: int = 0) -> None:
    """Store a match of the topic, `hours` from now, with a row for everybody who watches it."""
    due = tuple(
        LedgerPlan(subscription_id=one.subscription_id, state=REASONS[reason], reason=reason)
        for one in store.read(audience.watchers, ["narcotics"])["narcotics"]
    )
    new = make_entry_plan(key, matches=(make_match(ledger=due),), first_seen=NOW + hours * HOUR)
    store.write(plans.apply, [make_plan(FEED, "a", new=(new,))], now=NOW)


def freeze(store: Store, slug: str = "desk", *, hours: int = 0) -> int:
    """Make the digest of all that is pending, its delivery queued."""
    (member,) = [one for one in store.read(subscribers.members) if one.subscriber.slug == slug]
    due = DueDigest(
        owner=member.subscriber,
        of=member.subscriptions[0],
        slot_at=NOW + hours * HOUR,
        since=NOW,
        items=store.read(digests.due_items, member.subscriptions[0].id, archive=False),
        sources=SourceReport(),
    )
    made = store.write(digests.freeze, due, subject="new", stories=1, seal=seal, now=NOW)
    assert made is not None
    return made


def seal(digest_id: int) -> Envelope:
    return Envelope(
        message_id=f"<{digest_id}@x>", sender="a@x", recipient="desk@example.org", channel="mail", message=b"x"
    )


def end(store: Store, phase: Phase) -> None:
    """Let every waiting delivery end in a phase."""
    for one in store.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS):
        assert store.write(deliveries.record, one, Fate(phase=phase, detail="250 ok"), now=NOW)


def run(store: Store, statement: Any) -> int:
    def execute(connection: Connection) -> int:
        return connection.execute(statement).rowcount

    return store.write(execute)


def flaws(found: Balance) -> dict[Flaw, int]:
    return {fault.flaw: fault.count for fault in found.faults}


def look(store: Store) -> Audit:
    return store.read(audit)


def test_an_empty_ledger_closes_and_names_everybody(watched: Store) -> None:
    found = look(watched)
    assert found.total.closes
    assert found.subscribers == {"desk": Balance(), "late": Balance()}


def test_every_way_through_the_outbox_closes(watched: Store) -> None:
    match_one(watched, "id:1")
    assert look(watched).subscribers["desk"] == Balance(pending=1, matches_due=1)
    freeze(watched)
    assert look(watched).total.closes
    end(watched, Phase.SENT)
    match_one(watched, "id:2")
    freeze(watched, hours=1)
    end(watched, Phase.DEAD)
    match_one(watched, "id:3")
    freeze(watched, hours=2)
    end(watched, Phase.PARKED)
    match_one(watched, "id:4", reason="paused")
    found = look(watched)
    each = Balance(delivered=1, suppressed=1, pending=1, failed=1, matches_due=4, suppressed_by={"paused": 1})
    assert found.subscribers["desk"] == each
    assert found.subscribers["late"] == Balance(pending=3, suppressed=1, matches_due=4, suppressed_by={"paused": 1})
    assert (found.total.matches_due, found.total.pending, found.total.suppressed_by) == (8, 4, {"paused": 2})
    assert found.total.closes


def test_a_digest_that_is_under_way_or_parked_is_pending(watched: Store) -> None:
    match_one(watched, "id:1")
    freeze(watched)
    for phase in ("queued", "sending", "data", "unknown", "parked"):
        found = after(watched, mail(phase)).subscribers["desk"]
        assert found == Balance(pending=1, matches_due=1), phase


def test_a_mail_that_was_cancelled_is_suppressed_with_the_reason(watched: Store) -> None:
    match_one(watched, "id:1")
    freeze(watched)
    person = watched.read(subscribers.members)[0].subscriber
    watched.write(subscribers.set_state, person.id, SubscriberState.UNSUBSCRIBED, detail=None, now=NOW)
    (one,) = watched.write(deliveries.claim, now=NOW, lease="x", lasts=LASTS)
    assert not watched.write(deliveries.begin, one, now=NOW)
    found = look(watched).subscribers["desk"]
    assert found == Balance(suppressed=1, matches_due=1, suppressed_by={"unsubscribed": 1})


def test_a_match_without_a_row_is_missing_and_the_sum_does_not_close(watched: Store) -> None:
    match_one(watched, "id:1")
    match_one(watched, "id:2")
    desk = watched.read(subscribers.members)[0].subscriptions[0].id
    assert run(watched, delete(ledger).where(ledger.c.subscription_id == desk)) == 2
    found = look(watched)
    assert found.subscribers["desk"].faults == (
        Fault(subscription="desk/morning", flaw=Flaw.MISSING, count=2, match_id=1),
    )
    assert (found.subscribers["desk"].matches_due, found.subscribers["desk"].closes) == (2, False)
    assert found.subscribers["late"].closes
    assert (found.total.matches_due, found.total.pending, found.total.closes) == (4, 2, False)


def test_who_left_or_was_removed_is_owed_nothing_more(watched: Store) -> None:
    person = watched.read(subscribers.members)[0].subscriber
    watched.write(subscribers.set_state, person.id, SubscriberState.UNSUBSCRIBED, detail=None, now=NOW)
    watched.write(subscribers.save, [make_subscriber()], {}, now=NOW)
    match_with_nobody(watched)
    assert look(watched) == Audit(total=Balance(), subscribers={"desk": Balance(), "late": Balance()})


def match_with_nobody(store: Store) -> None:
    new = make_entry_plan("id:1", matches=(make_match(),))
    store.write(plans.apply, [make_plan(FEED, "a", new=(new,))], now=NOW)


def test_a_topic_that_is_watched_later_begins_with_what_it_had(watched: Store) -> None:
    match_one(watched, "id:1")
    people = [make_subscriber(), make_subscriber("late"), make_subscriber("new")]
    watched.write(subscribers.save, people, {"new": "r"}, now=NOW)
    found = look(watched).subscribers["new"]
    assert found == Balance(suppressed=1, matches_due=1, suppressed_by={"baseline": 1})


class TakenBackError(Exception):
    """Ends a transaction that must leave no trace; carries what was seen in it."""

    def __init__(self, found: Audit) -> None:
        super().__init__()
        self.found = found


def after(store: Store, *statements: Any) -> Audit:
    """What an audit would find after these statements; nothing of them stays."""

    def spoil_and_look(connection: Connection) -> None:
        for statement in statements:
            assert connection.execute(statement).rowcount == 1
        raise TakenBackError(audit(connection))

    with pytest.raises(TakenBackError) as taken:
        store.write(spoil_and_look)
    return taken.value.found


def row(**values: Any) -> Any:
    return update(ledger).where(ledger.c.match_id == 1, ledger.c.digest_id.is_not(None)).values(**values)


def mail(phase: str) -> Any:
    return update(delivery).values(phase=phase)


BREAKS: dict[str, tuple[Flaw, tuple[Any, ...]]] = {
    "delivered by a mail still queued": (Flaw.UNSENT, (row(state="delivered"),)),
    "delivered by no mail at all": (Flaw.UNSENT, (row(state="delivered", digest_id=None),)),
    "delivered by a mail that is gone": (Flaw.UNSENT, (row(state="delivered"), delete(delivery))),
    "delivered by a mail that died": (Flaw.UNSENT, (row(state="delivered"), mail("dead"))),
    "pending in a mail that died": (Flaw.STUCK, (mail("dead"),)),
    "pending in a mail that was cancelled": (Flaw.STUCK, (mail("cancelled"),)),
    "pending in a digest without a mail": (Flaw.STUCK, (delete(delivery),)),
    "pending in a mail that went out": (Flaw.TWICE, (mail("sent"),)),
    "failed in a mail that went out": (Flaw.TWICE, (mail("sent"), row(state="failed"))),
    "suppressed in a mail that went out": (Flaw.TWICE, (mail("sent"), row(state="suppressed", reason="paused"))),
    "suppressed for no reason": (Flaw.UNEXPLAINED, (row(state="suppressed"),)),
    "suppressed for an empty reason": (Flaw.UNEXPLAINED, (row(state="suppressed", reason=""),)),
    "in a state nobody knows": (Flaw.STRAY, (row(state="forgotten"),)),
}


def test_a_broken_row_is_named_and_its_neighbour_is_not(watched: Store) -> None:
    match_one(watched, "id:1")
    freeze(watched)
    for name, (flaw, statements) in BREAKS.items():
        found = after(watched, *statements)
        assert flaws(found.subscribers["desk"]) == {flaw: 1}, name
        assert found.subscribers["late"].closes, name
        assert not found.total.closes, name
        assert [fault.match_id for fault in found.total.faults] == [1], name
    assert look(watched).total.closes


def test_a_row_in_another_persons_digest_is_foreign(watched: Store) -> None:
    match_one(watched, "id:1")
    digest_id = freeze(watched)
    late = watched.read(subscribers.members)[1].subscriptions[0].id
    run(watched, update(ledger).where(ledger.c.subscription_id == late).values(digest_id=digest_id))
    found = look(watched)
    assert found.subscribers["desk"].closes
    assert found.subscribers["late"].faults == (
        Fault(subscription="late/morning", flaw=Flaw.FOREIGN, count=1, match_id=1, digest_id=digest_id),
    )


def test_a_row_in_a_state_nobody_knows_is_due_and_in_no_sum(watched: Store) -> None:
    match_one(watched, "id:1")
    run(watched, update(ledger).values(state="forgotten"))
    found = look(watched).total
    assert (found.matches_due, found.pending + found.delivered + found.suppressed + found.failed) == (2, 0)
    assert not found.closes


def test_an_audit_since_an_instant_looks_at_the_matches_made_from_then_on(watched: Store) -> None:
    match_one(watched, "id:1")
    match_one(watched, "id:2", hours=1)
    match_one(watched, "id:3", hours=2)
    run(watched, delete(ledger).where(ledger.c.match_id == 1))
    assert not look(watched).total.closes
    later = watched.read(audit, since=NOW + HOUR)
    assert (later.total.matches_due, later.total.closes) == (4, True)
    assert watched.read(audit, since=NOW + 3 * HOUR).total == Balance()
    run(watched, update(match).where(match.c.id == 1).values(first_seen=NOW + HOUR))
    assert watched.read(audit, since=NOW + HOUR).total.faults[0].flaw is Flaw.MISSING
