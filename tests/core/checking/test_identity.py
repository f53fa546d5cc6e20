"""The ladder of keys: what names an entry within its feed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.checking.identity import LONGEST_KEY, asked, key_document
from aggregator.core.model.entries import Enclosure, ParsedEntry, ReadDone, Unreadable
from aggregator.core.model.feeds import FailureKind, NotModified
from aggregator.core.model.plans import Check, Keyed
from aggregator.core.urls import link_hash
from tests.checks import document, span_of
from tests.factories import NOW, make_feed, make_fetched, make_parsed, make_state


def keyed(
    read: ReadDone, *, identity: str = "auto", learned: str = "id", spans: dict[bytes, str] | None = None
) -> Keyed:
    feed = make_feed(identity=identity)
    state = make_state(feed, identity=learned, spans=spans or {})
    return key_document(Check(feed=feed, state=state, lease="l", fetched=make_fetched(), read=read))


def keys(*entries: ParsedEntry, **how: str) -> list[str]:
    return [one.key for one in keyed(document(*entries), **how).entries]  # type: ignore[arg-type]  # spans are not given


LINKED = make_parsed(None, link="https://Wire.Example:443/a?utm_source=x&id=7#top", title="A")


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (make_parsed("  tag:wire,2026:1\n"), "id:tag:wire,2026:1"),
        (make_parsed("HTTP://Wire.Example/A"), "id:HTTP://Wire.Example/A"),
        (LINKED, "link:https://wire.example/a?id=7"),
        (replace(LINKED, id="   "), "link:https://wire.example/a?id=7"),
        (
            make_parsed(None, link=None, enclosures=(Enclosure(url="https://wire.example/a.mp3"),)),
            "encl:https://wire.example/a.mp3",
        ),
    ],
    ids=["id_is_trimmed", "id_is_verbatim", "link_is_canonical", "blank_id_is_none", "enclosure"],
)
def test_an_entry_is_named_by_the_best_it_has(entry: ParsedEntry, key: str) -> None:
    assert keys(entry) == [key]


def test_an_entry_without_id_link_or_enclosure_is_named_by_its_words() -> None:
    bare = make_parsed(None, link=None, title="Circular 12", text="On precursors", published_raw="1 Jan")
    other = replace(bare, published_raw="2 Jan")
    first, second = keys(bare, other)
    assert first.startswith("hash:")
    assert first != second
    assert keys(replace(bare, title="  circular   12 ", text="On  precursors")) == [first]


def test_case_6_16_without_ids_unique_links_name_entries() -> None:
    a, b = make_parsed(None, link="https://w.example/a"), make_parsed(None, link="https://w.example/b")
    assert keys(a, b) == ["link:https://w.example/a", "link:https://w.example/b"]


def test_case_6_17_a_link_shared_by_all_entries_needs_their_titles() -> None:
    entries = [make_parsed(None, link="https://w.example/", title=title) for title in ("One", "Two")]
    assert keys(*entries) == ["link+title:https://w.example/ one", "link+title:https://w.example/ two"]


def test_the_feed_s_own_page_names_no_entry() -> None:
    read = document(make_parsed(None, link="https://w.example/", title="One"), link="https://w.example")
    assert [one.key for one in keyed(read).entries] == ["link+title:https://w.example/ one"]


def test_case_6_18_the_first_entry_with_a_repeated_id_keeps_it() -> None:
    entries = [make_parsed("same", link=f"https://w.example/{n}") for n in range(3)]
    found = keyed(document(*entries))
    assert [one.key for one in found.entries] == [
        "id:same",
        "id+link:same https://w.example/1",
        "id+link:same https://w.example/2",
    ]
    assert "id+link:same https://w.example/0" in found.entries[0].aliases


def test_an_id_that_most_entries_repeat_makes_links_the_policy_for_the_next_document() -> None:
    entries = [make_parsed("same", link=f"https://w.example/{n}") for n in range(3)]
    assert keyed(document(*entries)).policy == "link"
    assert keyed(document(*entries), identity="id").policy == "id"
    assert keyed(document(*entries[:2])).policy == "id"


def test_one_id_link_and_title_twice_is_one_entry_and_the_newest_stands_for_it() -> None:
    old = make_parsed("1", text="old", updated=NOW)
    new = replace(old, text="new", updated=NOW.replace(hour=8))
    for entries in ((old, new), (new, old)):
        (only,) = keyed(document(*entries)).entries
        assert only.read.entry.text == "new"
        assert only.key == "id:1"


def test_entries_of_one_id_and_link_are_told_apart_by_title_except_in_atom() -> None:
    entries = [make_parsed("1", link="https://w.example/", title=title) for title in ("One", "Two")]
    assert len(keys(*entries)) == 2
    assert len(keyed(document(*entries, format="atom")).entries) == 1


def test_an_entry_known_by_its_span_keeps_its_key_and_its_id() -> None:
    old, new = make_parsed("same", link="https://w.example/old"), make_parsed("same", link="https://w.example/new")
    spans = {span_of(old): "id:same"}
    state = make_state(spans=spans)
    found = keyed(document(new, old, state=state), spans=spans)
    assert [one.key for one in found.entries] == ["id+link:same https://w.example/new"]
    assert found.spans == {span_of(new): "id+link:same https://w.example/new", span_of(old): "id:same"}
    assert found.keys == {"id:same", "id+link:same https://w.example/new"}


def test_an_atom_entry_whose_older_version_is_known_is_that_entry() -> None:
    old, new = make_parsed("1", title="Old"), make_parsed("1", title="New", updated=NOW)
    spans = {span_of(old): "id:1"}
    read = document(new, old, state=make_state(spans=spans), format="atom")
    assert [one.key for one in keyed(read, spans=spans).entries] == ["id:1"]


def test_a_span_the_reader_left_out_is_remembered_without_a_key() -> None:
    kept, dropped = make_parsed("1"), make_parsed("2")
    read = document(kept, dropped)
    read = replace(read, entries=read.entries[:1])
    found = keyed(read)
    assert found.spans == {span_of(kept): "id:1", span_of(dropped): ""}
    assert found.keys == {"id:1"}


def test_a_document_that_could_not_be_cut_is_remembered_by_its_keys() -> None:
    found = keyed(document(make_parsed("1"), make_parsed("2"), cut=False))
    assert set(found.spans.values()) == {"id:1", "id:2"}


@pytest.mark.parametrize(
    ("policy", "start"),
    [("id", "id:"), ("link", "link:"), ("link+title", "link+title:"), ("hash", "hash:")],
)
def test_a_person_s_choice_of_identity_wins_over_what_was_learned(policy: str, start: str) -> None:
    (key,) = keys(make_parsed("1"), identity=policy, learned="link")
    assert key.startswith(start)


def test_what_was_learned_counts_when_the_person_leaves_it_to_us() -> None:
    assert keys(make_parsed("1"), learned="link") == ["link:https://wire.example/1"]


def test_a_long_key_is_bounded_and_still_its_own() -> None:
    one, other = keys(make_parsed("x" * 900), make_parsed("x" * 899 + "y"))
    assert len(one) == len(other) == LONGEST_KEY
    assert one != other


def test_a_key_holds_nothing_a_database_refuses() -> None:
    (key,) = keys(make_parsed("a\x00b\ud800"))
    assert key == "id:a\ufffdb?"


def test_the_store_is_asked_for_every_name_of_what_was_read_and_for_nothing_else() -> None:
    old, new = make_parsed("old"), make_parsed("new")
    spans = {span_of(old): "id:old"}
    feed = make_feed()
    state = make_state(feed, spans=spans)
    read = document(new, old, state=state, withdrawn=("gone",))
    check = Check(feed=feed, state=state, lease="l", fetched=make_fetched(), read=read)
    names, links = asked(check, key_document(check))
    link = "https://wire.example/new"
    assert names == {"id:new", f"id+link:new {link}", f"link:{link}", "id:gone"}
    assert links == {link_hash(link)}


def test_a_check_that_read_nothing_has_no_keys() -> None:
    feed = make_feed()
    answer = make_fetched().answer
    unread = Unreadable(kind=FailureKind.HTML, detail="a web page")
    for check in (
        Check(feed=feed, state=make_state(feed), lease="l", fetched=NotModified(answer=answer)),
        Check(feed=feed, state=make_state(feed), lease="l", fetched=make_fetched(), read=unread),
    ):
        assert key_document(check) == Keyed(policy="id")


LINKS = st.sampled_from([None, "https://w.example/1", "https://w.example/2", "http://w.example/1"])
ENTRIES = st.lists(
    st.builds(
        make_parsed,
        st.sampled_from([None, "", "a", "b", "c"]),
        link=LINKS,
        title=st.sampled_from(["", "One", "Two", "one "]),
        text=st.sampled_from(["", "words", "other words"]),
    ),
    max_size=8,
)


@given(entries=ENTRIES, policy=st.sampled_from(["id", "link", "link+title", "hash"]), cut=st.booleans())
def test_keys_are_unique_bounded_and_the_same_every_time(entries: list[ParsedEntry], policy: str, cut: bool) -> None:
    read = document(*entries, cut=cut)
    found = keyed(read, identity=policy)
    named = [one.key for one in found.entries]
    assert len(set(named)) == len(named)
    assert all(0 < len(key) <= LONGEST_KEY for key in named)
    assert all(one.key not in one.aliases for one in found.entries)
    assert found == keyed(read, identity=policy)
    assert found.keys == set(named) == {key for key in found.spans.values() if key}
