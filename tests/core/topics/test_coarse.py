"""What the word index is asked for is never narrower than what the evaluator flags."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.core.errors import ConfigError
from aggregator.core.model.entries import FeedFacts
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.coarse import OVERFLOW, AnyOf, coarse, indexed_words, terms
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from tests.bounds import holds

SPOKEN = [
    "drug", "drugs", "Drugged", "heroin", "seized", "seizing", "DEA", "dea", "U.S.", "police's", "narco-terror", "don\u2019t", "café", "CAFÉ",
    "narcotráfico", "narcotraficantes", "incautación", "नशीली", "नशीले", "तस्करी", "तस्करों", "芬太尼", "前体", "太尼", "ยาเสพติด", "마약을", "アヘン", "尼ि",
    "hero\u00adin", "\uff44\uff52\uff55\uff47", "ﬁlm", "Straße", "\U0001d521\U0001d52f\U0001d532\U0001d524", "𑀓𑀔", "x" * 70, "x" * 80, "The post drug appeared first on film", ".", "\n\n", "\u180b",
]  # fmt: skip
ASKED = [
    "drug", "drugs", "heroin", "seize", "+drugs", "+café", "=DEA", "=US", "dru*", "seiz*", "narco*", "narcotraf*", '"narco terror*"', "don't", "cafe",
    "narcotráfico", "incautar", "नशीली", "तस्कर", "+तस्करी", "芬太尼", '"太尼"', "前体", "尼", "ยาเสพติด", "마약", "アヘン", "film", "strasse", "𑀓𑀔",
    f"{'x' * 66}*", f"+{'x' * 70}", "title:drug", "body:heroin", "author:police", "url:drug", "tag:drug", "feed:drug", "feed:seize", "tier:(drug NOT seized)", "feed:(title:drug OR heroin)", "tier:@words", "feed:/dr.g/", "/dr.g/i", "@words", '"drug seized"',
]  # fmt: skip


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    placed = st.sampled_from([word for word in ASKED if "@words" not in word and "NOT" not in word])
    between = st.sampled_from(["NEAR/0", "NEAR/3", "ONEAR/1", "EXCEPT"])
    return st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} AND {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} NOT {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"SENT({two[0]}, {two[1]})"),
        st.tuples(st.integers(1, 3), inner, inner, inner).map(lambda a: f"ATLEAST {a[0]}({a[1]}, {a[2]}, {a[3]})"),
        st.tuples(placed, between, placed).map(lambda a: f"({a[0]} {a[1]} {a[2]})"),
        st.tuples(st.sampled_from(["title", "author", "tag"]), inner).map(lambda two: f"{two[0]}:({two[1]})"),
        inner.map(lambda one: f"({one})^2"),
    )


QUERIES = st.recursive(st.sampled_from(ASKED), _joined, max_leaves=6)
LANGUAGES = st.sampled_from([("en",), ("en", "es", "hi"), ("zh",), ("fr", "en"), ("es-MX",), ()])
TEXTS = st.lists(st.sampled_from(SPOKEN), max_size=8).map(" ".join) | st.lists(st.sampled_from(SPOKEN)).map("".join)
ENTRIES = st.builds(
    lambda title, text, other, language: EntryFields(
        title=title, text=text, authors=(other,), tags=(other,), feed=other, tier=other, url=other, language=language
    ),
    TEXTS, TEXTS, TEXTS, st.sampled_from([None, "en", "es", "hi", "fr", "zh"]),
)  # fmt: skip


def make(query: str, languages: tuple[str, ...] = ("en",)) -> Topic:
    clauses = (
        Clause(name="signal", kind=ClauseKind.SIGNAL, query=query),
        Clause(name="context", kind=ClauseKind.CONTEXT, query="police"),
    )
    lists = (("words", 'drugs OR "drug seized" OR 芬太尼'),)
    return Topic(id="t", name="T", clauses=clauses, lists=lists, languages=languages, flag_at=0.1, alert_at=1)


@settings(max_examples=400, deadline=None)
@given(QUERIES, LANGUAGES, ENTRIES)
@example("尼", ("en", "hi"), EntryFields(title="芬太尼ि"))
@example('"太尼"', ("en", "hi"), EntryFields(title="芬太尼ि"))
@example("تهريب", ("ar",), EntryFields(title="بالتهريب"))
def test_what_is_flagged_has_the_words_that_are_asked_for(
    query: str, languages: tuple[str, ...], entry: EntryFields
) -> None:
    topic = make(query, languages)
    if TopicIndex([topic]).evaluate(entry):
        words = indexed_words(entry)
        assert holds(coarse([topic]), words)
        feeds = (FeedFacts(feed_id=entry.feed, url="", tier=entry.tier), FeedFacts(feed_id="other", url="", tier="un"))
        assert holds(coarse([topic], feeds), words, entry.feed)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5), st.sampled_from(["en", "es", "hi", "zh"]))
def test_any_word_of_any_script_is_found_under_itself(words: list[str], language: str) -> None:
    entry = EntryFields(text=" ".join(words), language=language)
    for word in words:
        quoted = '"' + word.replace('"', " ").replace("*", " ") + '"'
        topic = make(quoted, (language,))
        try:
            flags = TopicIndex([topic]).evaluate(entry)
        except ConfigError:
            continue  # a text without a word cannot be asked for
        if flags:
            assert holds(coarse([topic]), indexed_words(entry))


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("drug", "heroin and police"), ("drug NEAR/4 police", "drug"), ("drug NOT police", "police"), ('"drug police"', "police"),
        ("ATLEAST 2(drug, police, film)", "weather"), ("seiz*", "size"), ("芬太尼", "太芬尼"), ("drug AND /x/", "police"), ("@words", "police"),
    ],
)  # fmt: skip
def test_what_cannot_be_flagged_is_mostly_not_asked_for(query: str, missing: str) -> None:
    bound = coarse([make(query)])
    assert bound is not None
    assert not holds(bound, indexed_words(EntryFields(title=missing)))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("feed:un", {"un-news", "un-press"}), ("tier:official", {"un-press"}), ("feed:(un NOT press)", {"un-news"}),
        ("feed:(ONU OR un)", {"un-news", "un-press"}), ("tier:media OR tier:ngo", {"un-news"}), ("feed:/press$/", {"un-press"}),
    ],
)  # fmt: skip
def test_where_the_feeds_are_known_what_is_said_of_them_bounds_as_well(query: str, ids: set[str]) -> None:
    feeds = (FeedFacts(feed_id="un-news", url="", tier="media"), FeedFacts(feed_id="un-press", url="", tier="official"))
    alone, beside = coarse([make(query)], feeds), coarse([make(f"heroin AND ({query})")], feeds)
    for feed in ("un-news", "un-press", "gone"):
        assert holds(alone, frozenset(), feed) == (feed in ids)
        assert holds(beside, frozenset(("heroin",)), feed) == (feed in ids)
        assert not holds(beside, frozenset(("police",)), feed)


@pytest.mark.parametrize(
    "query", ["/dr.g/", "tag:drug", "feed:un", "tier:official", "drug OR /x/", "ATLEAST 2(drug, /x/, /y/)"]
)
def test_a_pattern_and_what_is_said_of_a_feed_allow_every_entry(query: str) -> None:
    assert coarse([make(query)]) is None
    assert coarse([make("drug"), make(query)]) is None


def test_a_word_in_a_language_whose_stems_are_not_indexed_allows_every_entry() -> None:
    assert coarse([make("drogue", ("fr",))]) is None
    assert coarse([make("+drogue", ("fr",))]) is not None


def test_a_topic_that_cannot_be_compiled_allows_every_entry() -> None:
    assert coarse([make("drug AND")]) is None


def test_an_entry_with_too_many_words_is_always_among_those_asked_for() -> None:
    words = indexed_words(EntryFields(text=" ".join(f"{number}{'w' * 50}" for number in range(10_000))))
    assert words == {OVERFLOW}
    assert holds(coarse([make("heroin")]), words)


def test_of_long_alternatives_side_by_side_the_rarer_one_is_asked_for() -> None:
    common = " OR ".join(
        f"+{word}" for word in ("the", "said", "government", "police", "year", "new", "people", "first", "more")
    )
    rare = " OR ".join(f"+zyg{number}" for number in range(9))
    asked = {term.text for term in terms(coarse([make(f"({common}) NEAR/4 ({rare})")]) or AnyOf(()))}
    assert "zyg1" in asked
    assert "police" not in asked


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_indexed_words_are_letters_digits_marks_and_private_characters(text: str) -> None:
    for word in indexed_words(EntryFields(text=text)):
        assert word
        assert all(unicodedata.category(letter)[0] in "LNM" or letter in "\ue000\ue001\ue002\ue003" for letter in word)
