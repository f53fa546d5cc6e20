"""The text of a query: what it means, how it is written back, and what is said of a wrong one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.topics import tree
from aggregator.core.topics.grammar import parse
from aggregator.core.topics.mistakes import QueryError
from aggregator.core.topics.tree import And, Cased, Exact, Near, Node, Not, Or, Phrase, Prefix, Word, show


def test_words_side_by_side_must_all_be_there() -> None:
    assert parse("drug policy") == parse("drug AND policy") == And((Word("drug"), Word("policy")))


def test_near_binds_tighter_than_and_and_and_tighter_than_or() -> None:
    near = Near(4, False, Word("a"), Word("b"))
    assert parse("a NEAR/4 b c OR d") == Or((And((near, Word("c"))), Word("d")))


def test_not_takes_what_stands_near() -> None:
    assert parse("x NOT a NEAR/2 b") == And((Word("x"), Not(Near(2, False, Word("a"), Word("b")))))


def test_near_is_read_from_the_left() -> None:
    assert parse("a NEAR/2 b ONEAR/3 c") == Near(3, True, Near(2, False, Word("a"), Word("b")), Word("c"))


def test_operators_are_capitals_only() -> None:
    assert parse("this or that") == And((Word("this"), Word("or"), Word("that")))
    assert parse("ORANGE ANDES NOTE") == And((Word("orange"), Word("andes"), Word("note")))


def test_words_are_folded_and_their_case_is_kept_after_an_equals_sign() -> None:
    assert parse("Fentanyl") == Word("fentanyl")
    assert parse("+Fentanyl") == Exact("fentanyl")
    assert parse("=DEA") == Cased("DEA")
    assert parse("=U.S.") == Cased("US")
    assert parse("='Operation Ganga'") == Phrase((Cased("Operation"), Cased("Ganga")))


def test_a_hyphenated_word_is_a_phrase_and_may_end_in_a_star() -> None:
    assert parse("narco-terror*") == parse('"narco terror*"') == Phrase((Word("narco"), Prefix("terror")))


def test_a_word_of_a_script_without_spaces_is_a_phrase_of_its_characters() -> None:
    assert parse("芬太尼") == Phrase((Word("芬"), Word("太"), Word("尼")))


def test_typographic_quotation_marks_are_quotation_marks() -> None:
    assert parse("\u201cdrug policy\u201d") == parse('"drug policy"')


def test_a_comment_runs_to_the_end_of_its_line() -> None:
    assert parse('a # b "\nOR c') == Or((Word("a"), Word("c")))


@given(st.text(alphabet=st.sampled_from("ab* ()\"/+=@^:,#\n'\\15.-ORANDT"), max_size=40) | st.text(max_size=20))
def test_any_text_is_a_query_or_a_query_error_inside_it(text: str) -> None:
    assert 1 <= column_of_the_mistake(text) <= len(text) + 1


def column_of_the_mistake(text: str) -> int:
    try:
        parse(text)
    except QueryError as wrong:
        return wrong.column
    return 1


NAMES = st.sampled_from(["drug", "seiz", "heroin", "नशीली", "кокаин", "cafe", "9a"])
LEAVES = st.one_of(
    NAMES.map(Word),
    NAMES.map(Exact),
    st.sampled_from(["DEA", "Ganga"]).map(Cased),
    st.sampled_from(["traffick", "smuggl"]).map(Prefix),
)
PHRASES = st.one_of(
    st.lists(st.one_of(NAMES.map(Word), st.just(Prefix("traffick"))), min_size=2, max_size=3),
    st.lists(NAMES.map(Exact), min_size=2, max_size=3),
    st.lists(st.just(Cased("DEA")), min_size=2, max_size=2),
).map(lambda parts: Phrase(tuple(parts)))
ENDS = st.one_of(
    LEAVES,
    PHRASES,
    st.just(tree.Ref("list")),
    st.builds(tree.Pattern, st.sampled_from([r"\d+ kg", r"a\/b"]), st.booleans()),
)


def _flat(kind: type[Or | And], parts: list[Node]) -> Node:
    return kind(tuple(parts))


def _grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    many = st.lists(inner, min_size=2, max_size=3)
    negatable = inner.filter(lambda node: not isinstance(node, Not))
    return st.one_of(
        many.map(lambda parts: _flat(Or, parts)),
        many.map(lambda parts: _flat(And, parts)),
        negatable.map(Not),
        st.builds(Near, st.integers(0, 30), st.booleans(), inner, inner),
        st.builds(tree.Except, inner, inner),
        st.builds(lambda parts: tree.AtLeast(2, tuple(parts)), many),
        st.builds(tree.Sentence, inner),
        st.builds(tree.Within, st.sampled_from(["title", "text", "tag"]), inner),
        st.builds(tree.Boost, st.sampled_from([0.5, 2.0, 7.25]), inner),
    )


@settings(max_examples=300)
@given(st.recursive(ENDS, _grown, max_leaves=8))
def test_a_tree_written_out_and_read_again_is_the_same_tree(node: Node) -> None:
    assert parse(show(node)) == node
