"""How much text one digest holds: all of it, as long as nobody fills feeds to flood us."""

import pytest

from aggregator.core.model.digests import DueItem
from aggregator.core.model.plans import LedgerPlan
from aggregator.core.model.subscriptions import LedgerState
from aggregator.core.stories.signature import signature
from aggregator.store import digests, due, plans, stories, subscribers, told
from aggregator.store.database import Store
from tests.factories import NOW, make_entry_plan, make_match, make_plan, make_revision
from tests.readers import FEED, freeze, populate

LONG = "Customs seize fentanyl. वाशिंगटन 🚢 " * 40


@pytest.fixture
def filled(store: Store) -> Store:
    """Seven pending matches with texts of several lengths."""
    populate(store)
    for number in range(7):
        text = LONG * (number % 3) + f"number {number}"
        flagged = make_match(ledger=(LedgerPlan(subscription_id=1, state=LedgerState.PENDING),))
        new = make_entry_plan(f"id:{number}", revision=make_revision(text=text), matches=(flagged,))
        assert store.write(plans.apply, [make_plan(FEED, "a", new=(new,))], now=NOW)
    return store


def due_now(store: Store, limit: int = 5000) -> tuple[DueItem, ...]:
    return store.read(digests.due_items, 1, archive=False, limit=limit)


def test_a_digest_is_the_same_in_however_many_pages_its_matches_are_read(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = due_now(filled)
    assert len(at_once) == 7
    assert [len(item.text) for item in at_once] == [
        len(LONG) * (number % 3) + len(f"number {number}") for number in range(7)
    ]
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(digests, "ITEMS_A_QUERY", size)
        assert due_now(filled) == at_once
        assert due_now(filled, limit=5) == at_once[:5]


def test_texts_beyond_the_room_are_cut_and_nothing_else_of_them_changes(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = due_now(filled)
    monkeypatch.setattr(digests, "ITEMS_A_QUERY", 2)
    monkeypatch.setattr(due, "TEXT_ROOM", len(LONG))
    monkeypatch.setattr(due, "SHORT_TEXT", 25)
    held = due_now(filled)
    assert [item.text for item in held] == [
        item.text if position < 2 else item.text[:25] for position, item in enumerate(whole)
    ]
    assert [(item.match_id, item.title, item.fired, item.score) for item in held] == [
        (item.match_id, item.title, item.fired, item.score) for item in whole
    ]


def test_what_was_told_before_has_room_of_its_own(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    same = signature("Customs seize drums", "Text. " * 9)
    filled.write(stories.join, [(1, same), (2, same)], now=NOW)
    items = due_now(filled)
    freeze(filled)
    (of,) = filled.read(subscribers.members)[0].subscriptions

    def told_texts() -> list[str]:
        found = filled.read(told.told_before, of, items[:2])
        return [one.item.text for members in found.values() for one in members]

    texts = told_texts()
    assert texts == [item.text for item in items if item.story_id == items[0].story_id]
    monkeypatch.setattr(due, "TEXT_ROOM", 0)
    monkeypatch.setattr(due, "SHORT_TEXT", 3)
    assert told_texts() == [text[:3] for text in texts]
