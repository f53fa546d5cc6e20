"""Every place that is reported is true: it lies on whole words of the stored text, and its words fire the clause again."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.model.topics import Clause, ClauseKind, Span, Topic
from aggregator.core.text import tokens
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex

LEAVES = [
    "drug",
    "seiz*",
    "+heroin",
    "=DEA",
    "fentanyl",
    "été",
    '"precursor chemical*"',
    "nitazene",
    "кокаин",
    "तस्करी",
    "قوقاين",
    "קוקאין",
    "芬太尼",
    "/[0-9]+ ?kg/i",
]
# What the leaves find, and what surrounds it: emoji of several code points, marks, both directions, markup, invisible signs.
PIECES = [
    "drugs",
    "seized",
    "Heroin",
    "heroines",
    "D.E.A.",
    "DEA\u2019s",
    "fen\u200bta\u00adnyl",
    "\uff46entanyl",
    "e\u0301te\u0301",
    "precursor-chemicals",
    "nitazenes\ufe0f",
    "\u043a\u043e\u043a\u0430\u0438\u0301\u043d",
    "तस्करी",
    "\u202b\u0642\u0648\u0642\u0627\u064a\u0646\u202c",
    "\u05e7\u05d5\u05e7\u05d0\u05d9\u05df",
    "查获芬太尼前体",
    "50 kg",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1ee\U0001f1f3",
    "&amp; <b>&lt;drug&gt;</b>",
    "\u201cquoted\u201d",
    "the",
    ".",
    "\n\n",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    ends = st.tuples(st.sampled_from(LEAVES), st.sampled_from(["NEAR/2", "ONEAR/3", "EXCEPT"]), st.sampled_from(LEAVES))
    return st.one_of(
        pair.map(lambda two: f"({two[0]} OR {two[1]})"),
        pair.map(lambda two: f"({two[0]} {two[1]})"),
        pair.map(lambda two: f"({two[0]} NOT {two[1]})"),
        pair.map(lambda two: f"SENT({two[0]}, {two[1]})"),
        ends.map(lambda three: f"({' '.join(three)})"),
    )


QUERIES = st.recursive(st.sampled_from(LEAVES), _joined, max_leaves=4)


def spans(query: str, entry: EntryFields) -> tuple[Span, ...] | None:
    topic = Topic(
        id="t",
        name="T",
        clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query=query),),
        languages=("en", "hi"),
        flag_at=0.01,
    )
    verdicts = TopicIndex((topic,)).evaluate(entry)
    return verdicts[0].fired[0].spans if verdicts else None


@settings(max_examples=200)
@given(QUERIES, TEXTS, TEXTS)
def test_the_words_of_every_span_are_words_of_the_clause(query: str, title: str, text: str) -> None:
    entry = EntryFields(title=title, text=text)
    named = " OR ".join(leaf for leaf in LEAVES if leaf in query)
    for span in spans(query, entry) or ():
        stored = entry.of(span.field)
        assert 0 <= span.start < span.end <= len(stored)
        (again,) = spans(named, EntryFields(text=stored[span.start : span.end])) or ()
        assert (again.start, again.end) == (0, span.end - span.start)


@settings(max_examples=200)
@given(st.sampled_from([leaf for leaf in LEAVES if not leaf.startswith("/")]), TEXTS)
def test_a_span_begins_and_ends_with_a_word_and_lies_in_no_other(query: str, text: str) -> None:
    starts, ends = {token.start for token in tokens(text)}, {token.end for token in tokens(text)}
    for span in spans(query, EntryFields(text=text)) or ():
        assert span.start in starts
        assert span.end in ends


@settings(max_examples=200)
@given(QUERIES, TEXTS, TEXTS)
def test_spans_of_a_text_move_with_what_is_put_before_it(query: str, text: str, title: str) -> None:
    """Nothing counts bytes or UTF-16 units: a sentence of emoji before the text moves each span by its code points."""
    lead = "\U0001f6a8\U0001f1fa\U0001f1f8 e\u0301 \u202b\u05d0\u202c.\n\n"
    plain, moved = (spans(query, EntryFields(title=title, text=lead * n + text)) for n in (0, 3))
    if "NOT" in query or "EXCEPT" in query or not plain:
        return
    assert moved is not None
    shifted = {(span.field, span.start + 3 * len(lead) * (span.field == "text")) for span in plain}
    assert shifted <= {(span.field, span.start) for span in moved}


@given(TEXTS)
def test_marked_words_survive_escaping(text: str) -> None:
    """A page escapes the pieces around and inside each span; taken back, the text and the words are the same."""
    found = spans(" OR ".join(LEAVES), EntryFields(text=text)) or ()
    page, at = "", 0
    for span in found:
        if span.start < at:
            continue  # a phrase and a word of it share their place
        page += f"{html.escape(text[at : span.start])}<mark>{html.escape(text[span.start : span.end])}</mark>"
        at = span.end
    page += html.escape(text[at:])
    assert html.unescape(page.replace("<mark>", "").replace("</mark>", "")) == html.unescape(html.escape(text))
    marked = [html.unescape(piece.partition("</mark>")[0]) for piece in page.split("<mark>")[1:]]
    assert all(spans(" OR ".join(LEAVES), EntryFields(text=words)) for words in marked)


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        ("fentanyl", "\U0001f468\u200d\U0001f469\u200d\U0001f467 fentanyl \U0001f6a8", "fentanyl"),
        ("cocaína", "la cocai\u0301na.", "cocai\u0301na"),
        ("कोकीन", "एक कोकीन।", "कोकीन"),
        ("drug", "&lt;b&gt;drug&lt;/b&gt; &amp; law", "drug"),
        ("drug", "<b>drug</b>s", "drug"),
        ("heroin", "\u202eheroin\u202c", "heroin"),
        ("=DEA", "\u201cD.E.A.\u201d", "D.E.A."),
        (
            "fentanyl",
            "f\u200be\u200bn\u200bt\u200ba\u200bn\u200by\u200bl",
            "f\u200be\u200bn\u200bt\u200ba\u200bn\u200by\u200bl",
        ),
        ("/5 kg/", "\U0001f6a8 5 kg", "5 kg"),
    ],
)
def test_a_span_is_exact_to_the_code_point(query: str, text: str, words: str) -> None:
    (span,) = spans(query, EntryFields(text=text)) or ()
    assert text[span.start : span.end] == words
