"""HTML as plain text for matching, and as safe HTML for showing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.reading.markup import MAX_TEXT, MAX_TITLE, clean_html, one_line, plain_text, title_text

BASE = "https://example.org/dir/post"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two <b>bold</b>face</p>", "one\ntwo boldface"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>x<li>y</ul>", "x\ny"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3"),
        ("  many \n\n blanks&nbsp;here ", "many blanks here"),
        ("fish &amp; chips &amp;amp; peas &copy; &eacute;", "fish & chips &amp; peas © é"),
        ("&lt;p&gt;shown&lt;/p&gt;", "<p>shown</p>"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("a<script>alert('<b>')</script>b<style>p{}</style>c", "abc"),
        ("a<!-- <p>hidden --> b", "a b"),
        ("a<!-- never closed <p>b", "a"),
        ("<svg><text>drawn</text></svg>read", "read"),
        ("a<script>never closed", "a"),
        ('<a title="a > b" href=x>link</a>', "link"),
        ("<p title='unclosed>x</p><p>y", "x\ny"),
        ("e\u0301 \u202eevil\u202c zero\u200bwidth", "e\u0301 evil zerowidth"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("a\u200db", "ab"),
        ("\x00\x1f\ud800x", "x"),
        ("", ""),
    ],
)
def test_plain_text_is_what_a_reader_would_read(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(max_size=200))
def test_text_without_markup_keeps_its_words(text: str) -> None:
    words = "".join(char if char.isalnum() else " " for char in text)
    assert plain_text(words).split() == words.split()


@given(st.text("<>/!-\"'= abp&;#1x", max_size=120))
def test_any_markup_gives_text_of_single_blanks_and_full_lines(html: str) -> None:
    text = plain_text(html)
    assert text == text.strip()
    assert "  " not in text
    assert "\n\n" not in text


def test_texts_and_titles_are_capped() -> None:
    assert len(plain_text("word " * 100_000)) <= MAX_TEXT
    assert len(title_text("word " * 1000)) <= MAX_TITLE
    assert one_line("a\nb\r\nc", limit=4) == "a b"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000,
        "<!--" * 250_000,
        "&" * 500_000,
        "<a '\"b>" * 100_000,
        '<a "' * 200_000,
        "<svg>" * 100_000,
        "</" * 400_000,
    ],
)
def test_hostile_markup_costs_time_in_proportion_to_its_length(html: str) -> None:
    plain_text(html)
    clean_html(html, BASE)


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href=' &#14; javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext><script>alert(1)</script></mtext></math>",
        "<p style='background:url(javascript:x)' class=a id=b onclick=c>x</p>",
        "<form action=x><input name=y></form>",
        "<object data=x></object><embed src=x>",
        "<base href='https://evil.example/'>",
        "<meta http-equiv=refresh content='0;url=javascript:x'>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<template><img src=x onerror=alert(1)></template>",
        "<video src=x onerror=alert(1)></video>",
    ],
)
def test_case_6_53_nothing_that_runs_or_frames_is_shown(html: str) -> None:
    shown = clean_html(f"<p>before</p>{html}<p>after</p>", BASE).lower()
    for trace in (
        "script",
        "onerror",
        "onclick",
        "srcdoc",
        "style=",
        "class=",
        "<iframe",
        "<svg",
        "<math",
        "<form",
        "<base",
        "<meta",
        "data:",
    ):
        assert trace not in shown
    assert "<p>before</p>" in shown


def test_links_and_pictures_are_made_absolute_and_links_are_marked() -> None:
    shown = clean_html(
        '<a href="../x?a=1&b=2">x</a><img src="//cdn.example/i.png" alt="i"><a href="mailto:a@b.org">m</a>', BASE
    )
    assert 'href="https://example.org/x?a=1&amp;b=2"' in shown
    assert 'src="https://cdn.example/i.png"' in shown
    assert 'href="mailto:a@b.org"' in shown
    assert shown.count('rel="noopener noreferrer nofollow"') == 2


@given(st.text("<>/!-\"'= aphrefsc:javi&;#x1", max_size=150))
def test_no_markup_makes_a_link_to_anything_but_the_web(html: str) -> None:
    shown = clean_html(html, BASE)
    assert "javascript:" not in shown.replace("&", "").lower() or "href" not in shown
    assert "<script" not in shown.lower()
