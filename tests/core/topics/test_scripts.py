"""Folding and words in seven scripts, seen through queries: what people write finds what publishers print."""

import pytest

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex


def found(query: str, text: str, *languages: str, title: str = "") -> list[str]:
    """The words of the text that a query finds; languages are the topic's."""
    clause = Clause(name="c", kind=ClauseKind.SIGNAL, query=query)
    topic = Topic(id="t", name="T", clauses=(clause,), languages=languages or ("en",), flag_at=0.01)
    entry = EntryFields(title=title, text=text)
    verdicts = TopicIndex((topic,)).evaluate(entry)
    return [entry.of(span.field)[span.start : span.end] for fired in verdicts for span in fired.fired[0].spans]


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        pytest.param("istanbul", "İSTANBUL ve \u0131stanbul", ["İSTANBUL", "\u0131stanbul"], id="Turkish i"),
        pytest.param(
            "+narkot\u0131k", "NARKOTİK, narkotik", ["NARKOTİK", "narkotik"], id="Turkish dotless i in the query"
        ),
        pytest.param("strasse", "Straße und STRASSE", ["Straße", "STRASSE"], id="German sharp s"),
        pytest.param("+rauschgift", "RAUSCHGIFT", ["RAUSCHGIFT"], id="German capitals"),
        pytest.param("narcotrafico", "NARCOTRÁFICO", ["NARCOTRÁFICO"], id="Spanish accents"),
        pytest.param("cigüeña", "ciguena", ["ciguena"], id="accents in the query"),
        pytest.param("Łódź", "LODZ", ["LODZ"], id="Polish l"),
        pytest.param("ναρκωτικά", "ΝΑΡΚΩΤΙΚΑ", ["ΝΑΡΚΩΤΙΚΑ"], id="Greek capitals without accents"),
        pytest.param("κόσμος", "ΚΟΣΜΟΣ", ["ΚΟΣΜΟΣ"], id="Greek final sigma"),
        pytest.param("героин", "ГЕРОИН", ["ГЕРОИН"], id="Cyrillic capitals"),
        pytest.param("еж", "ёж", ["ёж"], id="Cyrillic yo"),
        pytest.param("तस्करी", "मादक पदार्थों की तस्करी।", ["तस्करी"], id="Devanagari keeps its vowels"),
        pytest.param("कर", "तस्करी", [], id="no part of a Devanagari word"),
        pytest.param("ज़ब्त", "ज\u093cब्त", ["ज\u093cब्त"], id="Devanagari nukta, joined or apart"),
        pytest.param("مخدرات", "مخـــدرات", ["مخـــدرات"], id="Arabic stretched"),
        pytest.param("مخدرات", "المخدرات", [], id="an Arabic article makes another word"),
        pytest.param("芬太尼", "查获芬太尼前体", ["芬太尼"], id="Han inside a run"),
        pytest.param("コカイン", "大量のコカインを押収", ["コカイン"], id="katakana inside a run"),
        pytest.param("コカイン", "ｺｶｲﾝ", ["ｺｶｲﾝ"], id="half-width katakana"),
        pytest.param("마약", "마약을 압수", ["마약"], id="Hangul before its particle"),
        pytest.param("ยาเสพติด", "จับยาเสพติดได้", ["ยาเสพติด"], id="Thai inside a run"),
        pytest.param("dea", "\uff24\uff25\uff21", ["\uff24\uff25\uff21"], id="full-width Latin"),
    ],
)
def test_a_word_is_found_however_its_script_writes_it(query: str, text: str, words: list[str]) -> None:
    assert found(query, text) == words


@pytest.mark.parametrize(
    ("query", "text", "language"),
    [
        ("narcotraficante", "los narcotraficantes", "es"),
        ("Droge", "der Drogen", "de"),
        ("наркотик", "наркотиков", "ru"),
        ("ναρκωτικό", "ναρκωτικών", "el"),
        ("नशीली", "नशीले", "hi"),
        ("stupéfiant", "stupéfiants", "fr"),
    ],
)
def test_forms_of_a_word_are_known_in_the_topics_languages_only(query: str, text: str, language: str) -> None:
    assert found(query, text, language) == [text.rpartition(" ")[2]]
    assert found(query, text, "xx") == []


@pytest.mark.parametrize("text", ["the U.N.O.D.C.", "U.N.O.D.C.'s report", "UNODC", "(UNODC)", "U.N.O.D.C"])
def test_an_acronym_is_found_with_and_without_dots(text: str) -> None:
    assert len(found("=UNODC", text)) == 1
    assert len(found("=U.N.O.D.C.", text)) == 1


@pytest.mark.parametrize(
    "text", ["drug lord's", "drug lord\u2019s", "\u201cdrug lord\u201d", "drug\u00a0lord", "drug\u2011lord"]
)
def test_a_phrase_is_found_between_any_quotes_spaces_and_hyphens(text: str) -> None:
    assert len(found('"drug lord"', text)) == 1


@pytest.mark.parametrize("sign", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u200d", "\u034f"])
def test_what_is_drawn_as_nothing_hides_no_word(sign: str) -> None:
    assert found("fentanyl", f"a fen{sign}tan{sign}yl pill") == [f"fen{sign}tan{sign}yl"]


def test_in_a_title_in_capitals_only_the_words_of_the_text_prove_an_acronym() -> None:
    def points(title: str, text: str = "") -> float:
        topic = Topic(id="t", name="T", clauses=(Clause(name="c", kind=ClauseKind.SIGNAL, query="=WHO"),), flag_at=0.01)
        return TopicIndex((topic,)).evaluate_all(EntryFields(title=title, text=text))[0].score

    assert points("MEN WHO SMUGGLED COCAINE JAILED") < points("WHO backs new treaty")
    assert points("Men who smuggled") == 0
