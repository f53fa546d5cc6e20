"""Edits and repeats."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.checking.revisions import (
    MAX_SILENT,
    MAX_TITLED,
    Change,
    change,
    compare,
    content_hash,
    notable,
    same_title,
    similarity,
)
from aggregator.core.model.entries import Enclosure, KnownEntry, ParsedEntry
from tests.factories import NOW, make_known, make_parsed

ENTRY = make_parsed(
    "1",
    text="Customs seized 40 kg of a precursor. See https://w.example/more?id=4 for the list.",
    authors=("Desk",),
    tags=("customs", "precursors"),
    enclosures=(Enclosure(url="https://cdn.example/a.jpg?sig=1"),),
)
LATER = NOW + timedelta(hours=2)


def known_as(entry: ParsedEntry, **stored: Any) -> KnownEntry:
    return make_known(title=entry.title, text=entry.text, hash=content_hash(entry), **stored)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "Customs  seized\n40 kg of a precursor. See https://w.example/more?utm_source=rss&id=4 for the list."},
        {"text": ENTRY.text + " 14 comments"},
        {"text": ENTRY.text + " 3 hours ago"},
        {"link": "http://wire.example/1?utm_campaign=x"},
        {"enclosures": (Enclosure(url="https://cdn.example/a.jpg?sig=2&expires=9", length=9),)},
        {"tags": ("precursors", "customs")},
        {"updated": LATER, "published": LATER, "published_raw": "now"},
        {"html": "<p>Customs", "span": b"x"},
        {"title": " Story  1"},
    ],
    ids=[
        "spacing",
        "comments",
        "ago",
        "tracking",
        "signed_media",
        "tag_order",
        "case_6_32 dates",
        "markup",
        "title_spacing",
    ],
)
def test_what_says_nothing_new_is_no_edit(changed: dict[str, Any]) -> None:
    assert compare(known_as(ENTRY), replace(ENTRY, **changed), LATER) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"text": ENTRY.text.replace("40", "41")},
        {"title": "Story 2"},
        {"link": "https://wire.example/2"},
        {"authors": ("Night desk",)},
        {"enclosures": ()},
        {"tags": ("customs",)},
    ],
    ids=["number", "title", "link", "author", "media", "tag"],
)
def test_case_6_34_what_a_reader_sees_changed_is_a_revision(changed: dict[str, Any]) -> None:
    edited = replace(ENTRY, **changed)
    made = compare(known_as(ENTRY), edited, LATER)
    assert made is not None
    assert (made.n, made.title, made.text, made.seen_at) == (2, edited.title, edited.text, LATER)
    assert made.hash == content_hash(edited)


def test_an_edit_is_notable_for_its_title_or_for_a_tenth_of_its_words() -> None:
    words = [f"word{n}" for n in range(40)]
    entry = replace(ENTRY, text=" ".join(words))
    known = known_as(entry)
    assert not notable(known, replace(entry, text=" ".join([*words[:-1], "other"])))
    assert notable(known, replace(entry, text=" ".join([*words[:-5], "five", "words", "are", "other", "now"])))
    assert notable(known, replace(entry, title="Story 1, corrected"))


def test_case_6_33_a_text_that_changes_with_every_fetch_is_frozen() -> None:
    known, now, made = known_as(ENTRY), NOW, 0
    for fetch in range(60):
        now += timedelta(hours=1)
        edited = replace(ENTRY, text=f"{ENTRY.text} Advertisement number {fetch}")
        revision = compare(known, edited, now)
        if revision is not None:
            known = replace(known_as(edited), revisions=revision.n, revised_at=now)
            made += 1
    assert made == MAX_SILENT
    assert change(known, replace(ENTRY, text="other"), now + timedelta(days=9)) is Change.FROZEN


def test_a_text_edit_within_the_hour_waits_and_a_title_edit_does_not() -> None:
    known = known_as(ENTRY, revised_at=NOW)
    soon = NOW + timedelta(minutes=20)
    assert change(known, replace(ENTRY, text="Corrected."), soon) is Change.TOO_SOON
    assert change(known, replace(ENTRY, text="Corrected."), NOW + timedelta(hours=1)) is Change.REVISED
    assert change(known, replace(ENTRY, title="Correction"), soon) is Change.REVISED


def test_titles_count_after_the_text_is_frozen_but_not_for_ever() -> None:
    title = replace(ENTRY, title="Correction")
    assert change(known_as(ENTRY, revisions=MAX_SILENT + 1), title, LATER) is Change.REVISED
    assert change(known_as(ENTRY, revisions=MAX_TITLED + 1), title, LATER) is Change.FROZEN


def test_titles_are_compared_without_case_accents_and_spacing() -> None:
    assert same_title("Résumé  of the\nTalks", "resume of the talks")
    assert not same_title("नशा मुक्ति", "नशा")


def test_texts_without_spaces_are_compared_by_their_characters() -> None:
    assert similarity("海关查获四十公斤芬太尼前体", "海关查获五十公斤芬太尼前体") > 0.8


@given(text=st.text(max_size=200))
def test_a_text_is_wholly_similar_to_itself_and_hashes_alike(text: str) -> None:
    entry = make_parsed("1", text=text)
    assert similarity(text, text) == 1.0
    assert change(known_as(entry), entry, LATER) is Change.NONE


@pytest.mark.parametrize(
    "unit",
    ["1.", "1 ", "1", " ", "http://", "http://a.example/?utm_x=1&", "1 comment ", "a hour", "\u0301", "中"],
)
@pytest.mark.timeout(60)  # a quadratic pattern takes minutes
def test_a_hostile_text_of_the_largest_size_costs_next_to_nothing(unit: str) -> None:
    entry = make_parsed("1", text=(unit * 65536)[:65536])
    assert change(known_as(make_parsed("1", text="short")), entry, LATER) is Change.REVISED
