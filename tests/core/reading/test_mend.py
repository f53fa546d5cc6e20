"""Putting right what keeps a document from being XML, without touching what is right."""

from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.reading.mend import mend


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("R&D & more", "R&amp;D &amp; more"),
        ("?a=1&b=2&copy=3", "?a=1&amp;b=2&amp;copy=3"),
        ("caf&eacute;&nbsp;x", "café\u00a0x"),
        ("&unknownthing;", "&amp;unknownthing;"),
        ("&amp; &lt; &#233; &#xE9;", "&amp; &lt; &#233; &#xE9;"),
        ("&#99999999999;&#xD800;&#0;", "\ufffd\ufffd\ufffd"),
        ("<![CDATA[R&D &nbsp;]]>&D", "<![CDATA[R&D &nbsp;]]>&amp;D"),
        ("<![CDATA[R&D", "<![CDATA[R&D"),
        ("<!DOCTYPE x [<!ENTITY y 'z'>]>&y; &D", "<!DOCTYPE x [<!ENTITY y 'z'>]>&y; &D"),
    ],
)
def test_references_are_put_right_and_all_else_is_left(written: str, mended: str) -> None:
    assert mend(written.encode()).decode() == mended


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_well_formed_text_is_left_as_it_is(text: str) -> None:
    body = escape(text).encode()
    assert mend(body) == body


@given(st.text("&#;xampnbsplt0123 é", max_size=60))
def test_any_references_become_well_formed(text: str) -> None:
    ET.fromstring(b"<a>" + mend(text.encode()) + b"</a>")


def test_sections_that_never_end_cost_no_more_than_their_length() -> None:
    assert mend(b"<![CDATA[" * 200_000).endswith(b"[CDATA[")
