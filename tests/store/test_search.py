"""The archive's word index on either database: what it gives, when it is fed, and what leaves it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from aggregator.core.model.feeds import Feed, Tier
from aggregator.core.model.plans import EntryPlan, RevisionPlan
from aggregator.core.model.topics import Topic
from aggregator.core.topics.coarse import OVERFLOW, AllOf, Coarse, Term, coarse, indexed_words
from aggregator.core.topics.fields import EntryFields, stored_fields
from aggregator.core.topics.index import TopicIndex
from aggregator.store import claims, dialect, feeds, plans, replay, retention, search, topics
from aggregator.store.database import Store
from aggregator.store.replay import StoredEntry
from tests.bounds import holds
from tests.factories import NOW, make_entry_plan, make_feed, make_plan, make_revision, make_topic
from tests.world import run

FEED = make_feed("un", tags=("official",), language="en")
OTHER = make_feed("who-press", tier=Tier.OFFICIAL)
WORDS = [
    "drug", "drugs", "drugged", "heroin", "seized", "seizing", "DEA", "U.S.", "police's", "narco-terror", "don\u2019t", "café", "narcotráfico",
    "narcotraficantes", "नशीली", "नशीले", "तस्करी", "芬太尼", "前体", "太尼", "ยาเสพติด", "마약을", "𑀓𑀔", "film", "market", "\n\n",
]  # fmt: skip
ASKED = [
    "drug", "heroin", "seize", "+drugs", "=DEA", "=US", "dru*", "narcotraf*", '"narco terror"', "don't", "cafe", "narcotráfico", "नशीली", "+तस्करी",
    "芬太尼", '"太尼"', "尼", "ยาเสพติด", "마약", "𑀓𑀔", "title:film", "author:desk", "feed:un", "feed:who", "tier:official", "feed:un OR tier:official", "/dr.g/",
]  # fmt: skip


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    placed = st.sampled_from(ASKED)
    joins = st.sampled_from(["OR", "AND", "NOT"])
    between = st.sampled_from(["NEAR/0", "NEAR/3", "EXCEPT"])
    return st.one_of(
        st.tuples(inner, joins, inner).map(lambda a: f"({a[0]} {a[1]} {a[2]})"),
        st.tuples(placed, between, placed).map(lambda a: f"({a[0]} {a[1]} {a[2]})"),
        st.tuples(inner, inner, inner).map(lambda a: f"ATLEAST 2({a[0]}, {a[1]}, {a[2]})"),
    )


QUERIES = st.recursive(st.sampled_from(ASKED), _joined, max_leaves=6)


@pytest.fixture(autouse=True)
def followed(store: Store) -> None:
    store.write(feeds.save, [FEED, OTHER], now=NOW)
    store.write(topics.save, [make_topic()], now=NOW)
    store.write(claims.claim, now=NOW, lease="a", lasts=timedelta(seconds=120))


def fill(store: Store, *new: EntryPlan, feed: Feed = FEED) -> tuple[StoredEntry, ...]:
    assert store.write(plans.apply, [make_plan(feed, "a", new=new)], now=NOW)
    return store.read(replay.page)


def entry(key: str, title: str, words: str = "", age: timedelta = timedelta()) -> EntryPlan:
    return make_entry_plan(key, revision=make_revision(title=title, text=words), first_seen=NOW - age)


def index(store: Store) -> int:
    fed: list[int] = []

    async def work() -> None:
        fed.append(await search.catch_up(store))

    run(work)
    return fed[0]


def bound(query: str) -> Coarse | None:
    return coarse([make_topic(query=query)])


def multilingual(query: str) -> Topic:
    return make_topic(query=query, languages=("en", "es", "hi"))


def test_every_entry_that_a_topic_flags_is_among_its_candidates(store: Store) -> None:
    chance = Random(7)
    made = [
        entry(f"id:{number}", " ".join(chance.sample(WORDS, 3)), " ".join(chance.sample(WORDS, chance.randint(0, 6))))
        for number in range(120)
    ]
    fill(store, *made[:60])
    stored = fill(store, *made[60:], feed=OTHER)
    archive = [(one.id, stored_fields(one.revision, one.facts)) for one in stored]
    sources = store.read(replay.sources)
    assert index(store) == 120
    words = {number: indexed_words(replace(fields, tags=())) for number, fields in archive}
    examples = 150 if "sqlite" in store.database else 40

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(QUERIES)
    def every(query: str) -> None:
        topic = multilingual(query)
        evaluator = TopicIndex([topic])
        flagged = {number for number, fields in archive if evaluator.evaluate(fields)}
        wanted = coarse([topic], sources)
        found = store.read(search.candidates, wanted)
        assert flagged <= set(found)
        assert found == tuple(number for number, fields in archive if holds(wanted, words[number], fields.feed))

    every()


def test_storing_entries_writes_no_word_and_what_is_not_indexed_yet_is_a_candidate(store: Store) -> None:
    one, two = fill(store, entry("1", "Heroin seized"), entry("2", "Budget passed"))
    assert store.read(dialect.newest_words) == 0
    assert store.read(search.candidates, bound("heroin")) == (one.id, two.id)
    assert index(store) == 2
    assert store.read(search.candidates, bound("heroin")) == (one.id,)
    *_, three = fill(store, entry("3", "Weather"))
    assert store.read(search.candidates, bound("heroin")) == (one.id, three.id)
    assert (index(store), index(store)) == (1, 0)


def test_candidates_come_in_pages_from_an_instant_on_in_either_order(store: Store) -> None:
    old = timedelta(days=9)
    stored = fill(store, *(entry(str(n), f"Heroin {n}", age=old if n == 1 else timedelta()) for n in range(4)))
    one, two, three, four = (entry.id for entry in stored)
    index(store)
    wanted = bound("heroin")
    assert store.read(search.candidates, wanted, limit=2) == (one, two)
    assert store.read(search.candidates, wanted, after=two, limit=2) == (three, four)
    assert store.read(search.candidates, wanted, newest_first=True, limit=1) == (four,)
    assert store.read(search.candidates, wanted, since=NOW) == (one, three, four)
    assert store.read(search.candidates, None, since=NOW) == (one, three, four)


def test_an_entry_is_found_by_the_words_it_has_now(store: Store) -> None:
    (one,) = fill(store, entry("1", "Heroin seized"))
    changed = RevisionPlan(key="1", entry_id=one.id, revision=make_revision(2, title="Flour seized"), notable=True)
    store.write(plans.apply, [make_plan(FEED, "a", revised=(changed,))], now=NOW)
    assert index(store) == 2
    assert store.read(search.candidates, bound("heroin")) == ()
    assert store.read(search.candidates, bound("flour")) == (one.id,)


def test_what_is_deleted_leaves_the_index_and_its_number_may_be_given_again(store: Store) -> None:
    fill(store, entry("1", "Heroin seized"), entry("2", "Cocaine seized", age=timedelta(days=200)))
    index(store)
    assert store.write(retention.prune, before=NOW - timedelta(days=180), now=NOW) == 1
    *_, new = fill(store, entry("3", "Opium seized"))
    assert index(store) == 1
    assert store.read(search.candidates, bound("opium")) == (new.id,)
    assert store.read(search.candidates, bound("cocaine")) == ()
    assert list(store.read(dialect.integrity)) == []


def test_what_was_deleted_or_indexed_by_another_meanwhile_is_left_out(store: Store) -> None:
    fill(store, entry("1", "Heroin seized"), entry("2", "Cocaine seized", age=timedelta(days=200)))
    rows = search.cut(store.read(search.unindexed))
    store.write(retention.prune, before=NOW - timedelta(days=180), now=NOW)
    assert store.write(search.feed, rows) == 1
    assert store.write(search.feed, rows) == 0


def test_two_that_index_the_same_at_once_do_not_stop_each_other(store: Store) -> None:
    (one,) = fill(store, entry("1", "Heroin seized"))
    rows = search.cut(store.read(search.unindexed))
    with ThreadPoolExecutor(2) as threads:
        done = [future.result() for future in [threads.submit(store.write, search.feed, rows) for _ in range(2)]]
    assert 1 in done
    assert store.read(search.candidates, bound("heroin")) == (one.id,)
    assert index(store) == 0


def test_an_entry_without_a_word_and_one_with_too_many_are_indexed(store: Store) -> None:
    _, many = fill(store, entry("1", "\u2026"), entry("2", "", " ".join(f"{n}{'w' * 50}" for n in range(10_000))))
    assert index(store) == 2
    assert store.read(search.candidates, bound("heroin")) == (many.id,)
    assert store.read(search.candidates, Term(OVERFLOW)) == (many.id,)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_index_is_told(store: Store) -> None:
    fill(store, entry("1", "Heroin seized"))
    index(store)
    assert list(store.read(dialect.integrity)) == []
    store.write(_damage)
    assert any("word index" in line for line in store.read(dialect.integrity))
    store.write(_mend)
    assert list(store.read(dialect.integrity)) == []


def _mend(connection: Connection) -> None:
    connection.execute(text("INSERT INTO entry_words (entry_words) VALUES ('rebuild')"))


def _damage(connection: Connection) -> None:
    connection.execute(text("UPDATE entry_words_content SET c0 = 'other words'"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_character_that_is_indexed_as_it_is_is_a_letter_to_the_database(store: Store) -> None:
    letters = [letter for code in range(0x10000) if (letter := chr(code)) in indexed_letters(letter)]
    fill(store, entry("1", "Heroin seized"))
    store.write(lambda connection: dialect.store_words(connection, [(1, letters)]))
    for start in range(0, len(letters), 2000):
        wanted = AllOf(tuple(map(Term, letters[start : start + 2000])))
        assert store.read(search.candidates, wanted) == (1,)


def indexed_letters(letter: str) -> frozenset[str]:
    return indexed_words(EntryFields(title=letter)) if letter.isalnum() else frozenset()
