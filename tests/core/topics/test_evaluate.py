"""What each operator finds in an entry, and where."""

import time

import pytest

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex


def found(
    query: str,
    title: str = "",
    text: str = "",
    *,
    lists: dict[str, str] | None = None,
    languages: tuple[str, ...] = ("en",),
    fields: EntryFields | None = None,
) -> list[str] | None:
    """The words a query finds, in order, or None when it does not hold."""
    topic = Topic(
        id="t",
        name="T",
        clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query=query),),
        lists=tuple((lists or {}).items()),
        languages=languages,
        flag_at=0.01,
        alert_at=1,
    )
    entry = fields or EntryFields(title=title, text=text)
    verdicts = TopicIndex((topic,)).evaluate(entry)
    if not verdicts:
        return None
    return [entry.of(span.field)[span.start : span.end] for span in verdicts[0].fired[0].spans]


def test_a_word_is_found_in_all_its_forms_and_only_whole() -> None:
    assert found("smuggle", text="Smuggling, smuggled and SMUGGLES") == ["Smuggling", "smuggled", "SMUGGLES"]
    assert found("pot", text="a spot of pottery, a potent pot") == ["pot"]
    assert found("meth", text="a method") is None


def test_an_exact_word_is_not_stemmed() -> None:
    assert found("heroin", text="the heroine") == ["heroine"]
    assert found("+heroin", text="the heroine") is None
    assert found("+heroin", text="Heroin!") == ["Heroin"]


def test_case_counts_after_an_equals_sign() -> None:
    assert found("=ICE", text="ice, Ice and ICE") == ["ICE"]
    assert found("=DEA", text="the D.E.A. and the DEA's chief") == ["D.E.A.", "DEA"]
    assert found("='Operation Ganga'", text="operation ganga, Operation Ganga") == ["Operation Ganga"]


def test_in_a_title_in_capitals_a_cased_word_counts_half() -> None:
    def score(title: str) -> float:
        topic = Topic(id="t", name="T", clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query="=ICE"),), flag_at=0.1)
        return TopicIndex((topic,)).evaluate_all(EntryFields(title=title))[0].score

    assert score("MEN SENTENCED OVER ICE") == 0.75
    assert score("Men sentenced over ICE") == 1.5


def test_a_prefix_finds_what_begins_with_it() -> None:
    assert found("traffick*", text="traffic, trafficker, trafficking") == ["trafficker", "trafficking"]


def test_a_phrase_is_words_side_by_side_in_any_form() -> None:
    assert found('"precursor chemical"', text="Precursor chemicals; chemical precursors") == ["Precursor chemicals"]
    assert found('"drug maker*"', text="drug-makers") == ["drug-makers"]
    assert found("narco-terror*", text="narco terrorism and narco-terrorists") == [
        "narco terrorism",
        "narco-terrorists",
    ]


def test_near_counts_the_words_between_in_either_order() -> None:
    assert found("cocaine NEAR/2 seized", text="seized two tonnes cocaine") == ["seized", "cocaine"]
    assert found("cocaine NEAR/2 seized", text="seized two tonnes of cocaine") is None
    assert found("cocaine NEAR/0 seized", text="cocaine seized") == ["cocaine", "seized"]


def test_onear_wants_the_left_part_first() -> None:
    assert found("seized ONEAR/3 cocaine", text="seized some cocaine") == ["seized", "cocaine"]
    assert found("cocaine ONEAR/3 seized", text="seized some cocaine") is None


def test_near_takes_groups_and_never_crosses_fields() -> None:
    query = "(drug* OR narcotic*) NEAR/4 (traffick* OR seiz*)"
    assert found(query, text="narcotics worth millions seized") == ["narcotics", "seized"]
    assert found(query, title="drugs", text="seized") is None


def test_near_needs_two_places() -> None:
    assert found("drug* NEAR/4 (drugs OR money)", text="drugs") is None
    assert found("drug* NEAR/4 (drugs OR money)", text="drugs and drugs") == ["drugs", "drugs"]


def test_except_takes_hits_away_one_by_one() -> None:
    assert found("drug* EXCEPT @firms", text="a drug maker", lists={"firms": '"drug maker*"'}) is None
    assert found("drug* EXCEPT @firms", text="a drug maker sold drugs", lists={"firms": '"drug maker*"'}) == ["drugs"]


def test_not_leaves_out_entries() -> None:
    assert found("police NOT doping", text="police") == ["police"]
    assert found("police NOT doping", text="police on doping") is None
    assert found("police NOT title:doping", text="police on doping") == ["police"]


def test_atleast_counts_parts() -> None:
    query = "ATLEAST 2(heroin, cocaine, police)"
    assert found(query, text="heroin and police") == ["heroin", "police"]
    assert found(query, text="heroin and heroin") is None


def test_sent_wants_everything_in_one_sentence() -> None:
    assert found("SENT(heroin, police)", text="Police came. They found heroin.") is None
    assert found("SENT(heroin, police)", text="They came. Police found heroin.") == ["Police", "heroin"]
    assert found("SENT(heroin NOT film)", text="A film. The heroin.") == ["heroin"]


def test_fields_are_looked_at_by_name() -> None:
    entry = EntryFields(
        "Title word", "text word", ("A. Writer",), ("drug policy",), "unodc", "official", "en-GB", "https://a.org/cnd"
    )
    for query in (
        "title:word",
        "body:word",
        "author:writer",
        'tag:"drug policy"',
        "feed:unodc",
        "tier:official",
        "lang:en",
        "url:a.org",
    ):
        assert found(query, fields=entry) is not None, query
    for query in ("title:text", "author:word", "tag:official", "feed:official", "lang:es", "unodc", "writer"):
        assert found(query, fields=entry) is None, query


def test_a_pattern_is_found_in_characters() -> None:
    assert found(r"/[0-9]+ ?kg/", text="some 50 kg, 7kg") == ["50 kg", "7kg"]
    assert found("/fentan[iy]l/i NEAR/2 pills", text="FENTANIL in pills") == ["FENTANIL", "pills"]
    assert found("/€[0-9]+/", text="worth €50") == ["€50"]


def test_spans_are_true_beside_emoji_marks_and_right_to_left_text() -> None:
    text = "\U0001f6a8 e\u0301te\u0301 \u202b\u05e7\u05d5\u05e7\u05d0\u05d9\u05df\u202c fen\u200btanyl & <b> 芬太尼"
    assert found("fentanyl OR \u00e9t\u00e9", text=text) == ["e\u0301te\u0301", "fen\u200btanyl"]
    assert found("\u05e7\u05d5\u05e7\u05d0\u05d9\u05df", text=text) == ["\u05e7\u05d5\u05e7\u05d0\u05d9\u05df"]


def test_scripts_without_spaces_are_searched_as_substrings() -> None:
    assert found("芬太尼", text="查获大量芬太尼前体") == ["芬太尼"]
    assert found("前体", text="查获大量芬太尼前体") == ["前体"]
    assert found("芬太尼 NEAR/2 前体", text="芬太尼非法的前体") == ["芬太尼", "前体"]
    assert found("芬太尼 NEAR/1 前体", text="芬太尼非法的前体") is None
    assert found("ยาเสพติด", text="จับยาเสพติดได้") == ["ยาเสพติด"]


def test_hindi_and_spanish_words_are_stemmed_in_their_language() -> None:
    assert found("नशीली", text="नशीले पदार्थ", languages=("en", "hi")) == ["नशीले"]
    assert found("narcotraficante", text="narcotraficantes", languages=("en", "es")) == ["narcotraficantes"]


def test_a_stem_of_another_language_than_the_entrys_does_not_count() -> None:
    english = EntryFields(text="Narcan", language="en-US")
    assert found("narcos", fields=english, languages=("en", "es")) is None
    assert found("narcos", fields=EntryFields(text="narco", language="es"), languages=("en", "es")) == ["narco"]


def test_boilerplate_of_publishers_software_is_not_read() -> None:
    text = "Police came. The post Drugs seized appeared first on Drug News."
    assert found("drug*", text=text) is None
    assert found("police", text=text) == ["Police"]


def test_a_list_may_use_other_lists() -> None:
    lists = {"hard": "cocaine OR heroin", "all": "@hard OR cannabis"}
    assert found("@all NEAR/2 seized", text="heroin seized", lists=lists) == ["heroin", "seized"]


def test_the_highest_boost_weighs_the_clause() -> None:
    def score(text: str) -> float:
        clause = Clause(
            name="c", kind=ClauseKind.SIGNAL, query="fentanyl^3 OR (drug^2 NEAR/2 money) OR police", weight=2
        )
        topic = Topic(id="t", name="T", clauses=(clause,), flag_at=1)
        return TopicIndex((topic,)).evaluate_all(EntryFields(text=text))[0].score

    assert score("police") == 2
    assert score("drug money") == 4
    assert score("police and fentanyl") == 6


@pytest.mark.parametrize(
    "text", ["drug seized " * 50_000, "drug. " * 50_000, "(" * 500_000, "\u200b" * 300_000, "尼" * 200_000]
)
def test_a_hostile_text_costs_little(text: str) -> None:
    begun = time.process_time()
    found(
        "((drug* EXCEPT @x) NEAR/4 seiz*) OR SENT(drug, seized) OR 芬太尼 OR /dr.*d/",
        text=text,
        lists={"x": '"drug drug"'},
    )
    assert time.process_time() - begun < 30  # seconds where it is one; as many hours where it grows as the square
