"""The ladder from bytes to text: what the bytes are beats what anybody says of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.reading.decode import decode

PROLOG = '<?xml version="1.0" encoding="{}"?><rss><title>{}</title></rss>'
WORDS = {
    "windows-1251": "Новости дня",
    "koi8-r": "Новости дня",
    "shift_jis": "日本語の見出し",
    "euc-jp": "日本語の見出し",
    "iso-2022-jp": "日本語の見出し",
    "euc-kr": "한국어 제목",
    "gbk": "中文标题",
    "gb2312": "中文标题",
    "big5": "中文標題",
    "iso-8859-1": "café à la crème",
    "iso-8859-2": "żółw",
    "windows-1252": "“café” 5 €",
    "cp037": "cafe",
}


@pytest.mark.parametrize("label", WORDS)
def test_case_6_11_a_declared_encoding_gives_the_right_words(label: str) -> None:
    body = PROLOG.format(label, WORDS[label]).encode(label)
    assert decode(body).body.decode() == PROLOG.format("utf-8", WORDS[label])


@pytest.mark.parametrize("label", ["windows-1251", "euc-kr", "gbk"])
def test_case_6_11_an_encoding_named_by_the_header_alone_counts(label: str) -> None:
    decoded = decode(f"<rss>{WORDS[label]}</rss>".encode(label), f"text/xml; Charset='{label}'")
    assert decoded.body.decode() == f"<rss>{WORDS[label]}</rss>"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig"])
@pytest.mark.parametrize("prolog", [True, False])
def test_case_6_8_wide_encodings_are_told_with_or_without_bom_and_prolog(codec: str, prolog: bool) -> None:
    text = PROLOG.format("utf-16", "हिन्दी") if prolog else "<rss><title>हिन्दी</title></rss>"
    assert decode(text.encode(codec)).body.decode() == text.replace("utf-16", "utf-8")


@pytest.mark.parametrize(
    "content_type",
    ["text/xml; charset=utf-16", "text/xml; charset=windows-1252", "text/xml; charset=x-bogus", "text/xml"],
)
def test_case_6_7_case_7_33_utf8_that_holds_is_utf8_whatever_the_header_says(content_type: str) -> None:
    decoded = decode("<rss>हिन्दी</rss>".encode(), content_type)
    assert (decoded.body.decode(), decoded.warnings) == ("<rss>हिन्दी</rss>", ())


def test_case_6_6_declared_utf8_with_windows_bytes_is_read_as_windows() -> None:
    decoded = decode(PROLOG.format("utf-8", "“café”").encode("cp1252"), "text/xml; charset=utf-8")
    assert decoded.encoding == "cp1252"
    assert "“café”" in decoded.body.decode()


def test_undeclared_shift_jis_is_known_by_bytes_that_windows_has_not() -> None:
    words = "<title>記事投稿が反映されない…</title>"
    found = decode(words.encode("cp932"))
    assert (found.body.decode(), found.encoding) == (words, "cp932")
    assert found.warnings


def test_one_bad_byte_among_much_utf8_does_not_spoil_the_rest() -> None:
    decoded = decode("<rss>हिन्दी ".encode() + b"caf\xe9</rss>")
    assert decoded.body.decode() == "<rss>हिन्दी caf\ufffd</rss>"
    assert decoded.warnings


def test_case_6_5_nuls_and_control_characters_are_dropped() -> None:
    decoded = decode(b"<rss>a\x00b\x0bc\x1fd\te\n</rss>")
    assert decoded.body == b"<rss>abcd\te\n</rss>"
    assert decoded.warnings == ("control characters were dropped",)


@pytest.mark.parametrize(
    "label", ["rot13", "base64", "zip", "unicode_escape", "idna", "punycode", "utf-7", "undefined", "\x00"]
)
def test_case_6_10_codecs_that_are_no_charsets_are_never_used(label: str) -> None:
    decoded = decode(b"<rss>\xe9</rss>", f"text/xml; charset={label}")
    assert decoded.body.decode() == "<rss>é</rss>"


@given(st.binary(max_size=300), st.sampled_from(["", "text/xml; charset=shift_jis", "charset=hz", "charset=utf-16"]))
def test_any_bytes_become_text_that_xml_allows(body: bytes, content_type: str) -> None:
    text = decode(body, content_type).body.decode()
    assert not any(ord(char) < 32 and char not in "\t\n\r" for char in text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=100))
def test_any_text_in_utf8_comes_through(text: str) -> None:
    assert decode(f"<a>{text}</a>".encode()).body.decode() == f"<a>{text}</a>".translate({0xFFFE: None, 0xFFFF: None})
