"""The article in a web page: found, capped, and told apart from a bot check."""

import pytest

from aggregator.core.model.entries import Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading.article import read_article

SENTENCES = (
    "Customs officers at the port seized forty kilograms of fentanyl on Monday, officials told reporters.",
    "The agency said that the precursor chemicals had come in two containers from the same shipper.",
    "Naïve coöperation, as the minister called it, would not be enough to stop the trade, and would cost €5 million.",
)


def page(*sentences: str, head: str = "") -> str:
    words = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    menu = "<nav><ul><li><a href='/a'>Subscribe to our newsletter</a></li></ul></nav>"
    return f"<!doctype html><html><head><title>Port</title>{head}</head><body>{menu}<article><h1>Seizure</h1>{words}</article><footer>All rights reserved</footer></body></html>"


def test_the_articles_own_words_are_found_without_what_surrounds_them() -> None:
    found = read_article(page(*SENTENCES).encode(), "text/html; charset=utf-8")
    assert isinstance(found, str)
    assert [sentence in found for sentence in SENTENCES] == [True, True, True]
    assert "newsletter" not in found
    assert "rights" not in found


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        pytest.param("", "text/html; charset=windows-1252", id="in the header"),
        pytest.param("<meta charset=windows-1252>", "text/html", id="in a meta element"),
        pytest.param(
            "<meta http-equiv=Content-Type content='text/html; charset=iso-8859-1'>", "", id="in an old meta element"
        ),
    ],
)
def test_a_charset_is_heeded_wherever_the_page_names_it(head: str, content_type: str) -> None:
    found = read_article(page(*SENTENCES, head=head).encode("cp1252"), content_type)
    assert isinstance(found, str)
    assert SENTENCES[2] in found


def test_a_page_without_an_article_says_so() -> None:
    empty = read_article(b"<html><body></body></html>", "text/html")
    assert isinstance(empty, Unreadable)
    assert empty.kind is FailureKind.EMPTY


def test_a_bot_check_is_named_and_its_words_are_no_article() -> None:
    wall = read_article(b"<html><head><title>Just a moment...</title></head><body>Checking</body></html>", "text/html")
    assert isinstance(wall, Unreadable)
    assert wall.kind is FailureKind.BOT_WALL


def test_an_article_is_capped() -> None:
    found = read_article(page(*(f"{SENTENCES[0]} Number {n}." for n in range(2000))).encode(), "text/html")
    assert isinstance(found, str)
    assert 60_000 < len(found) <= 64 * 1024
