"""OPML in and out: outlines become feeds, folders become tags, and bombs are refused."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.errors import DocumentError, UsageError
from aggregator.core.model.feeds import Feed
from aggregator.feedlist.opml import MAX_BYTES, MAX_OUTLINES, export_opml, import_opml, slug


def opml(body: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head/><body>{body}</body></opml>'.encode()


def outline(url: str, **more: str) -> str:
    return "".join([f'<outline xmlUrl="{url}" ', *(f'{name}="{value}" ' for name, value in more.items()), "/>"])


def test_outlines_become_feeds_and_folders_become_tags() -> None:
    news = outline("https://a.example/f", text="Señal &amp; news", category="/drugs/policy,un", language="es")
    feeds = import_opml(opml(f'<outline text="World"><outline text="Daily">{news}</outline></outline>'))
    assert feeds == (
        Feed(
            id="senal-news",
            url="https://a.example/f",
            name="Señal & news",
            tags=("World", "Daily", "drugs/policy", "un"),
            language="es",
        ),
    )


def test_names_make_ids_and_equal_names_make_different_ids() -> None:
    body = outline("https://a.example", text="News") + outline("https://b.example", title="News")
    body += outline("https://www.c.example/x") + outline("https://d.example", text="समाचार")
    assert [feed.id for feed in import_opml(opml(body))] == ["news", "news-2", "www-c-example", "d-example"]


def test_an_address_counts_once_and_what_is_no_address_is_left_out() -> None:
    body = outline("https://a.example/f") + outline("http://a.example/f") + outline("feed:https://b.example/f")
    body += outline("feed://c.example/f") + outline("javascript:alert(1)") + outline("file:///etc/passwd")
    assert [feed.url for feed in import_opml(opml(body))] == [
        "https://a.example/f",
        "https://b.example/f",
        "https://c.example/f",
    ]


def test_attribute_names_are_read_in_any_case_and_text_in_one_line() -> None:
    body = '<outline XMLURL="https://a.example/f" TEXT="a&#10;b&#x202e;c" language="not one"/>'
    (feed,) = import_opml(opml(body))
    assert (feed.name, feed.language) == ("a b c", None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'<!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><opml><body>&b;</body></opml>', "declare entities"),
        (b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml>&x;</opml>', "declare entities"),
        (b'<!DOCTYPE o [<!ENTITY % x SYSTEM "http://x.example/">%x;]><opml/>', "declare entities"),
        (b"<rss><channel/></rss>", "expected OPML, found <rss>"),
        (b"<opml><body>", "not well-formed XML"),
        (b"", "not well-formed XML"),
        (b" " * (MAX_BYTES + 1), "up to 2 MiB"),
        (opml("<outline text='x'>" * 11 + "</outline>" * 11), "10 deep"),
        (opml("<outline/>" * (MAX_OUTLINES + 1)), "5000 outlines"),
    ],
)
def test_bombs_and_other_documents_are_refused(content: bytes, told: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(told)):
        import_opml(content)


def test_a_file_is_read_and_a_missing_one_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "feeds.opml"
    path.write_bytes(opml(outline("https://a.example/f")))
    assert len(import_opml(path)) == 1
    with pytest.raises(UsageError, match="cannot read"):
        import_opml(tmp_path / "missing.opml")


def test_an_export_groups_by_the_first_tag_and_names_no_secret_header() -> None:
    feeds = (
        Feed(id="a", url="https://a.example/?x=1&y=2", name='A "quoted" <name>', tags=("un", "drugs"), language="en"),
        Feed(id="b", url="https://b.example", headers=(("X-Key", "tulip"),)),
        Feed(id="c", url="https://c.example", tags=("un",)),
    )
    text = export_opml(feeds, title="Ours")
    assert "tulip" not in text
    body = ET.fromstring(text).find("body")
    assert body is not None
    assert [(element.get("text"), len(element)) for element in body] == [("un", 2), ("b", 0)]


WORDS = st.text(alphabet="abcdefgxyz", min_size=1, max_size=8)


@given(st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=3, unique=True)), max_size=8, unique_by=lambda item: item[0]))
def test_what_is_exported_is_imported_again(items: list[tuple[str, list[str]]]) -> None:
    feeds = [Feed(id=name, url=f"https://{name}.example/f", name=name, tags=tuple(tags)) for name, tags in items]
    back = import_opml(export_opml(feeds).encode())
    assert sorted(back, key=lambda feed: feed.id) == sorted(feeds, key=lambda feed: feed.id)


@given(st.text())
def test_an_id_made_of_a_name_is_an_id_or_nothing(label: str) -> None:
    assert re.fullmatch(r"([a-z0-9][a-z0-9-]{0,47})?", slug(label))
