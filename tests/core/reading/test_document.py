"""The odd documents that real publishers send; an id names its case in the list that tests/test_cases.py keeps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.core.model.entries import FeedFacts, ParsedEntry, ParsedFeed, ReadJob, Unreadable
from aggregator.core.model.feeds import FailureKind, Hints
from aggregator.core.reading.document import read_document
from aggregator.core.reading.parse import parse

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
URL = "https://example.org/dir/feed.xml"
ITEM = "<item><title>a</title><link>https://example.org/a</link></item>"
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'


def read(body: str | bytes, content_type: str = "", url: str = URL) -> ParsedFeed | Unreadable:
    raw = body.encode() if isinstance(body, str) else body
    facts = FeedFacts(feed_id="x", url=url)
    return read_document(ReadJob(facts=facts, body=raw, now=NOW, content_type=content_type))


def feed(body: str | bytes, content_type: str = "", url: str = URL) -> ParsedFeed:
    found = read(body, content_type, url)
    assert isinstance(found, ParsedFeed), found
    return found


def channel(inside: str, spaces: str = "") -> str:
    return f'<?xml version="1.0"?><rss version="2.0" {spaces}><channel><title>T</title>{inside}</channel></rss>'


def entry(inside: str, spaces: str = "") -> ParsedEntry:
    (found,) = feed(channel(f"<item>{inside}</item>", spaces)).entries
    return found


def atom_entry(inside: str) -> ParsedEntry:
    (found,) = feed(ATOM.format(f"<entry>{inside}</entry>")).entries
    return found


def titles(found: ParsedFeed) -> list[str]:
    return [each.title for each in found.entries]


@pytest.mark.parametrize(
    "junk",
    ["\n\n  ", "\ufeff ", "<br />\n<b>Warning</b>: x in <b>y</b> on line <b>3</b><br />\n", "<!-- generated -->"],
    ids=["case_6_1 blank lines", "case_6_1 bom and space", "case_6_1 php warning", "case_6_1 comment"],
)
def test_text_before_the_document_is_no_obstacle(junk: str) -> None:
    body = channel(ITEM) if "<!--" not in junk else channel(ITEM).partition("?>")[2]
    found = feed(junk + body)
    assert titles(found) == ["a"]
    assert bool(found.warnings) == ("Warning" in junk)


@pytest.mark.parametrize("junk", ["<script>x()</script>", "trailing words", "<!-- ok -->"], ids="case_6_2 {}".format)
def test_text_behind_the_document_is_no_obstacle(junk: str) -> None:
    found = feed(channel(ITEM) + junk)
    assert (titles(found), found.truncated) == (["a"], False)


@pytest.mark.parametrize(
    ("rest", "kept"),
    [
        ("<item><title>half", ["a"]),
        ("<item><link>https://example.org/b</link><title>half", ["a", ""]),
        ("<item>", ["a"]),
        ("", ["a"]),
    ],
    ids=["case_6_3 no id or link yet", "case_6_3 link arrived", "case_6_3 nothing arrived", "case_6_3 between items"],
)
def test_a_truncated_document_keeps_its_complete_entries(rest: str, kept: list[str]) -> None:
    found = feed(channel(ITEM).partition("</channel>")[0] + rest)
    assert (titles(found), found.truncated) == (kept, True)


@pytest.mark.parametrize("rest", ["", "<item>", "<item><title>half", "<item><title>cut <b"])
def test_a_truncated_document_without_one_entry_that_could_be_kept_is_an_error_and_no_empty_feed(rest: str) -> None:
    found = read(f"<rss><channel><title>x</title>{rest}")
    assert isinstance(found, Unreadable)
    assert found.kind is FailureKind.PARSE
    assert found.detail.startswith("not well-formed: ")


def test_case_6_3_an_entry_that_was_closed_is_kept_when_only_the_end_of_the_document_is_missing() -> None:
    found = feed('<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>whole</title></entry></feed')
    assert (titles(found), found.truncated) == (["whole"], True)


def test_case_6_4_undefined_entities_and_bare_ampersands_are_read_loosely() -> None:
    found = feed(
        channel("<item><title>R&D caf&eacute; &nbsp;x</title><link>https://example.org/?a=1&b=2</link></item>")
    )
    assert titles(found) == ["R&D café x"]
    assert found.entries[0].link == "https://example.org/?a=1&b=2"
    assert found.warnings


def test_case_6_5_control_characters_are_stripped() -> None:
    assert titles(feed(channel("<item><title>a\x00b\x0cc</title></item>"))) == ["abc"]


def test_case_6_8_utf16_without_bom_or_prolog_is_read() -> None:
    assert titles(feed(channel("<item><title>हिन्दी</title></item>").partition("?>")[2].encode("utf-16-le"))) == [
        "हिन्दी"
    ]


def test_case_6_9_encodings_mixed_by_entry_raise_nothing() -> None:
    body = channel("<item><title>हिन्दी समाचार</title></item><item><title>caf@</title></item>").encode()
    found = feed(body.replace(b"@", b"\xe9"))
    assert titles(found) == ["हिन्दी समाचार", "caf\ufffd"]
    assert found.warnings


@pytest.mark.parametrize(
    "said",
    [
        "no-such-charset",
        "utf-16",
        "windows-1252",
        "'UTF-8'",
        '"utf-8"',
        "utf-8; charset=iso-8859-1",
        "iso-8859-1, text/xml; charset=utf-8",
        "",
    ],
    ids="case_6_10 {}".format,
)
def test_a_charset_that_is_bogus_or_twice_or_quoted_spoils_no_word(said: str) -> None:
    assert titles(feed(channel("<item><title>हिन्दी</title></item>"), f"text/xml; charset={said}")) == ["हिन्दी"]
    western = channel("<item><title>café</title></item>").encode("cp1252")
    assert titles(feed(western, "text/xml; charset='ISO-8859-1'; charset=no-such")) == ["café"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&amp;lt;p&amp;gt;x", "<p>x"),
        ("&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two", "one\ntwo"),
        ("<![CDATA[<script>alert(1)</script>seen]]>", "seen"),
        ("&amp;amp;lt;script&amp;amp;gt;", "&lt;script&gt;"),
    ],
    ids="case_6_12 {}".format,
)
def test_markup_is_unescaped_once(written: str, text: str) -> None:
    assert entry(f"<description>{written}</description>").text == text


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("&lt;b&gt;Bold&lt;/b&gt; &amp;amp; plain", "Bold & plain"),
        ("<![CDATA[Fish <br> chips &eacute;]]>", "Fish chips é"),
        ("AT&amp;T", "AT&T"),
        ("5 &lt; 6", "5 < 6"),
        ("\n two\n lines ", "two lines"),
        ("a\u202eb\u200bc", "abc"),
        ("x" * 3000, "x" * 1000),
        ("", ""),
    ],
    ids=[
        "case_6_13 tags",
        "case_6_13 cdata",
        "case_6_13 ampersand",
        "case_6_13 less than",
        "case_6_13 lines",
        "case_6_57 controls",
        "case_6_57 length",
        "case_6_14 empty",
    ],
)
def test_titles_are_one_line_of_text(written: str, title: str) -> None:
    assert entry(f"<title>{written}</title><link>https://example.org/a</link>").title == title


@pytest.mark.parametrize(
    ("inside", "link"),
    [
        ("<guid isPermaLink='false'>g</guid><enclosure url='https://example.org/f.mp3'/>", "https://example.org/f.mp3"),
        ("<guid>https://example.org/p</guid>", "https://example.org/p"),
        ("<guid>https://example.org/p</guid><enclosure url='/f.mp3'/>", "https://example.org/p"),
        ("<guid>abc</guid>", None),
        ("<guid isPermaLink='true'>urn:x:1</guid>", None),
        ("<guid isPermaLink='false'>https://example.org/p</guid>", None),
        ("<guid>g</guid><link>javascript:alert(1)</link>", None),
        ("<guid>g</guid><link>data:text/html,x</link>", None),
        ("<guid>g</guid><link>//cdn.example/x</link>", "https://cdn.example/x"),
        ("<guid>g</guid><link>/a b[1]</link>", "https://home.example/a%20b[1]"),
        ("<guid>g</guid><link>https://bücher.example/ü</link>", "https://xn--bcher-kva.example/ü"),
        ("<guid>g</guid><link>http://[::1</link>", None),
        ("<guid>g</guid><link> \n/a </link>", "https://home.example/a"),
    ],
    ids=[
        "case_6_15 enclosure",
        "case_6_15 guid",
        "case_6_15 guid first",
        "case_6_23 word",
        "case_6_23 urn",
        "case_6_23 not a permalink",
        "case_6_25 javascript",
        "case_6_25 data",
        "case_6_26 protocol-relative",
        "case_6_26 blanks and brackets",
        "case_6_26 idn",
        "case_6_26 broken host",
        "case_6_24 relative",
    ],
)
def test_links_are_absolute_or_none(inside: str, link: str | None) -> None:
    (found,) = feed(channel(f"<link>https://home.example/</link><item>{inside}<title>t</title></item>")).entries
    assert found.link == link


def test_case_6_24_atom_links_resolve_against_xml_base_or_the_document() -> None:
    found = feed(ATOM.format('<link href="https://home.example/"/><entry><id>1</id><link href="p"/></entry>'
                             '<entry xml:base="https://base.example/d/"><id>2</id><link href="p"/></entry>'))  # fmt: skip
    assert [each.link for each in found.entries] == ["https://example.org/dir/p", "https://base.example/d/p"]


@pytest.mark.parametrize(
    ("inside", "kept"),
    [
        ("<guid isPermaLink='false'> \n a b \n</guid>", "a b"),
        ("<guid>12345</guid>", "12345"),
        ("<guid/>", None),
        ("<guid>  </guid>", None),
        ("<guid isPermaLink='false'>HTTP://Example.org/?utm_source=X#f</guid>", "HTTP://Example.org/?utm_source=X#f"),
    ],
    ids=["case_6_22 blanks", "case_6_22 number", "case_6_22 empty", "case_6_22 only blanks", "verbatim"],
)
def test_ids_are_trimmed_and_otherwise_verbatim(inside: str, kept: str | None) -> None:
    assert entry(f"{inside}<title>t</title>").id == kept


def test_very_long_ids_stay_apart_and_short() -> None:
    one, other = (entry(f"<guid isPermaLink='false'>{'x' * 5000}{tail}</guid>").id for tail in "ab")
    assert one is not None
    assert one != other
    assert len(one) <= 2048


def test_case_6_27_an_undated_entry_has_no_date() -> None:
    found = entry("<title>t</title>")
    assert (found.published, found.published_raw, found.updated) == (None, None, None)


def test_case_6_29_an_impossible_date_keeps_its_words() -> None:
    found = entry("<title>t</title><pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>")
    assert (found.published, found.published_raw) == (None, "Thu, 01 Jan 1970 00:00:00 GMT")


def test_case_6_30_dates_without_a_zone_are_indian_on_indian_hosts() -> None:
    body = channel("<item><title>t</title><pubDate>22 Nov 2026 06:00:00</pubDate></item>")
    assert feed(body).entries[0].published == datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert feed(body, url="https://news.example.in/f").entries[0].published == datetime(2026, 11, 22, 0, 30, tzinfo=UTC)


def test_case_6_32_what_was_only_updated_came_out_then() -> None:
    found = atom_entry("<id>1</id><updated>2026-11-20T06:00:00Z</updated>")
    assert found.published == found.updated == datetime(2026, 11, 20, 6, tzinfo=UTC)
    both = atom_entry("<id>1</id><updated>2026-11-20T06:00:00Z</updated><published>2026-11-21T06:00:00Z</published>")
    assert (both.published, both.updated) == (
        datetime(2026, 11, 21, 6, tzinfo=UTC),
        datetime(2026, 11, 20, 6, tzinfo=UTC),
    )


def test_case_6_58_the_feed_says_its_own_title_and_page() -> None:
    found = feed(channel("<link>https://home.example/</link>").replace("T<", "New &amp;amp; old<"))
    assert (found.title, found.link) == ("New & old", "https://home.example/")


def test_case_6_60_a_self_link_that_differs_is_told_and_changes_nothing() -> None:
    inside = '<link rel="self" href="https://elsewhere.example/f"/><entry><id>1</id><link href="p"/></entry>'
    found = feed(ATOM.format(inside))
    assert (found.self_link, found.link, found.older_pages) == ("https://elsewhere.example/f", None, ())
    assert found.entries[0].link == "https://example.org/dir/p"


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("<a:link xmlns:a='http://www.w3.org/2005/Atom' rel='self' href='../own.xml'/>", "https://example.org/own.xml"),
        ("<a:link xmlns:a='http://www.w3.org/2005/Atom' rel='self' href='javascript:alert(1)'/>", None),
        ("<a:link xmlns:a='http://www.w3.org/2005/Atom' rel='self'/>", None),
        ("<a:link xmlns:a='http://www.w3.org/2005/Atom' href='https://home.example/'/>", None),
        ("", None),
    ],
    ids=["relative", "no address", "no href", "another relation", "none"],
)
def test_case_6_60_rss_borrows_the_self_link_of_atom(link: str, told: str | None) -> None:
    assert feed(channel(link)).self_link == told


def test_case_6_38_a_feed_without_entries_is_a_feed() -> None:
    found = feed(channel(""))
    assert (found.title, found.entries) == ("T", ())


@pytest.mark.parametrize(
    ("inside", "text", "html"),
    [
        ('<content type="text">a &lt;b&gt; c</content>', "a <b> c", "a &lt;b&gt; c"),
        ('<content type="html">a &lt;b&gt;c&lt;/b&gt;</content>', "a c", "a <b>c</b>"),
        (
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>a</p>b</div></content>',
            "a\nb",
            "<p>a</p>b",
        ),
        ('<content type="image/png">AAAA</content><summary>s</summary>', "s", "s"),
        ('<summary type="html">&lt;i&gt;s</summary>', "s", "<i>s"),
        ('<content type="text/html" mode="base64">PGI+aGk8L2I+</content>', "hi", "<b>hi</b>"),
    ],
    ids=[
        "case_6_41 text",
        "case_6_41 html",
        "case_6_41 xhtml",
        "case_6_41 picture",
        "case_6_41 summary",
        "case_6_41 base64",
    ],
)
def test_atom_content_is_read_as_its_type_says(inside: str, text: str, html: str) -> None:
    found = atom_entry(f"<id>1</id>{inside}")
    assert (found.text, found.html) == (text, html)


def test_case_6_41_content_elsewhere_is_a_link() -> None:
    assert atom_entry('<id>1</id><content type="text/html" src="/page"/>').link == "https://example.org/page"


SPACES = 'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"'


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<description>short</description><content:encoded>the full text</content:encoded>", "the full text"),
        ("<content:encoded>the full text</content:encoded><description>short</description>", "the full text"),
        ("<description>the summary</description><media:description>caption</media:description>", "the summary"),
        ("<media:description>caption</media:description>", "caption"),
    ],
    ids="case_6_42 {}".format,
)
def test_the_fullest_text_wins(inside: str, text: str) -> None:
    assert entry(f"<title>t</title>{inside}", SPACES).text == text


def test_case_6_43_enclosures_are_kept_with_what_is_known_of_them() -> None:
    files = "".join(
        f"<enclosure url='/f{n}.mp3' length='{length}'/>" for n, length in enumerate(["", "big", "-1", "12"])
    )
    found = entry(f"<title>t</title>{files}<media:content url='/v.mp4' type='video/mp4'/>", SPACES).enclosures
    assert [(each.url[-6:], each.type, each.length) for each in found] == [
        ("f0.mp3", "audio/mpeg", None), ("f1.mp3", "audio/mpeg", None), ("f2.mp3", "audio/mpeg", None),
        ("f3.mp3", "audio/mpeg", 12), ("/v.mp4", "video/mp4", None),
    ]  # fmt: skip
    many = "".join(f"<enclosure url='/{n}'/>" for n in range(50))
    assert len(entry(f"<title>t</title>{many}").enclosures) == 20


RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="{}"><channel><title>T</title></channel>{}</rdf:RDF>'


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (RDF.format("http://my.netscape.com/rdf/simple/0.9/", ITEM), "rdf"),
        (RDF.format("http://purl.org/rss/1.0/", ITEM), "rdf"),
        (f"<rss version='0.91'><channel>{ITEM}</channel></rss>", "rss"),
        (
            f'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "x.dtd"><rss version="0.91"><channel>{ITEM}</channel></rss>',
            "rss",
        ),
        (f"<rss version='0.92'><channel>{ITEM}</channel></rss>", "rss"),
        ("<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><title>a</title></entry></feed>", "atom"),
        ("<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry><a:title>a</a:title></a:entry></a:feed>", "atom"),
        ("<feed><entry><title>a</title></entry></feed>", "atom"),
        ("<feed xmlns='http://www.w3.org/2006/Atom'><entry><title>a</title></entry></feed>", "atom"),
        ("<rss:rss><channel><rss:item><rss:title>a</rss:title></rss:item></channel></rss:rss>", "rss"),
    ],
    ids=[
        "case_6_44 0.90",
        "case_6_44 1.0",
        "case_6_44 0.91",
        "case_6_44 0.91 dtd",
        "case_6_44 0.92",
        "case_6_44 atom 0.3",
        "case_6_45 prefix",
        "case_6_45 no namespace",
        "case_6_45 wrong namespace",
        "case_6_45 undeclared prefix",
    ],
)
def test_every_kind_of_feed_is_read(body: str, form: str) -> None:
    found = feed(body)
    assert (titles(found), found.format) == (["a"], form)


def test_case_6_44_what_is_no_kind_of_feed_we_read_is_said_to_be_none() -> None:
    found = read('<Channel xmlns="http://purl.org/net/rss1.1#"><title>T</title></Channel>')
    assert isinstance(found, Unreadable)
    assert found.kind is FailureKind.NOT_A_FEED


def test_case_6_46_two_feeds_glued_together_give_the_entries_of_both() -> None:
    found = feed(channel(ITEM) + channel(ITEM.replace(">a<", ">b<")))
    assert titles(found) == ["a", "b"]
    assert found.warnings


def test_case_6_47_nested_and_stray_items_are_read_once_and_shells_are_dropped() -> None:
    assert titles(feed(channel("<item><title>a</title><item><title>b</title></item></item>"))) == ["a", "b"]
    assert titles(feed(f"<rss version='2.0'><channel/>{ITEM}<item></item></rss>")) == ["a"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", FailureKind.EMPTY),
        (" \n ", FailureKind.EMPTY),
        ("<html><title>Log in</title></html>", FailureKind.HTML),
        ("<html><title>Just a moment...</title></html>", FailureKind.BOT_WALL),
        ("<opml/>", FailureKind.NOT_A_FEED),
        ("\x89PNG\r\n", FailureKind.NOT_A_FEED),
        ("/etc/hostname", FailureKind.NOT_A_FEED),
        ("<rss", FailureKind.PARSE),
        ("<rss version='2.0'><channel><title>T", FailureKind.PARSE),
    ],
    ids=[
        "case_7_28 empty",
        "case_7_28 blank",
        "case_6_51 login",
        "case_6_51 wall",
        "case_7_31 opml",
        "case_7_31 picture",
        "path",
        "case_6_3 tag",
        "case_6_3 title",
    ],
)
def test_what_cannot_be_read_says_why(body: str, kind: FailureKind) -> None:
    found = read(body)
    assert isinstance(found, Unreadable)
    assert found.kind is kind
    assert found.detail


def test_case_6_50_a_page_offers_its_feeds() -> None:
    found = read("<html><head><link rel=alternate type=application/rss+xml href=/f></head>")
    assert isinstance(found, Unreadable)
    assert found.candidates == ("https://example.org/f",)


def test_case_6_52_entities_are_not_expanded_and_files_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    external = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]>'
    bomb = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>'
    for doctype in (external, bomb):
        found = feed(
            f"<?xml version='1.0'?>{doctype}" + channel("<item><title>t &x;&c;</title></item>").partition("?>")[2]
        )
        assert "swordfish" not in repr(found)
        assert len(found.entries[0].title) < 100


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("<author>a@b.example (Ann Lee)</author>", ("Ann Lee",)),
        ("<author>Ann Lee &lt;a@b.example&gt;</author>", ("Ann Lee",)),
        ("<author>noreply@b.example</author>", ()),
        ("<author>a@b.museum</author>", ()),
        ("<dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator>", ("Ann", "Bob")),
        ("<author>&lt;script&gt;x&lt;/script&gt;Ann</author>", ("Ann",)),
    ],
    ids="case_6_55 {}".format,
)
def test_authors_are_names_without_addresses(written: str, names: tuple[str, ...]) -> None:
    assert entry(f"<title>t</title>{written}", 'xmlns:dc="http://purl.org/dc/elements/1.1/"').authors == names


def test_a_body_that_is_the_name_of_a_file_does_not_open_it(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(channel(ITEM))
    for name in (str(tmp_path / "feed.xml"), f"file://{tmp_path}/feed.xml", "/etc/hostname"):
        assert parse(name.encode()).entries == ()
        found = read(name)
        assert isinstance(found, Unreadable)
        assert found.kind is FailureKind.NOT_A_FEED


def test_case_6_52_a_doctype_that_declares_much_is_refused_before_it_is_parsed() -> None:
    few, many = ("".join(f"<!ENTITY e{n} ']>\"{n}'>" for n in range(count)) for count in (20, 400))
    heads = ["<!DOCTYPE rss [{}]>", "<!-- > --><?x ?>\n<!DOCTYPE rss SYSTEM '[>' [ <!-- ' --> {} ]>"]
    for head in heads:
        assert titles(feed(head.format(few) + channel(ITEM).partition("?>")[2])) == ["a"]
        found = read(head.format(many) + channel(ITEM).partition("?>")[2])
        assert isinstance(found, Unreadable)
        assert (found.kind, "DOCTYPE" in found.detail) == (FailureKind.PARSE, True)


def test_case_6_47_a_link_that_leads_nowhere_makes_no_shell() -> None:
    found = feed(channel("<item><link>/relative</link></item><item><author>a</author></item>"), url="")
    assert [each.link for each in found.entries] == [None]


def test_case_6_56_categories_are_few_and_each_once() -> None:
    assert entry(
        "<title>t</title><category domain='x'>A</category><category>a</category><category>b</category>"
    ).tags == ("A", "b")
    flood = "".join(f"<category>c{n}</category>" for n in range(50_000))
    found = feed(channel(f"<item><title>t</title>{flood}</item><item><title>u</title><category>z</category></item>"))
    assert [len(each.tags) for each in found.entries] == [50, 1]


def test_hints_are_what_the_publisher_wrote() -> None:
    spaces = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    inside = (
        "<ttl>90</ttl><sy:updatePeriod> daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"
        "<skipHours><hour>0</hour><hour> 13</hour><hour>24</hour><hour>99</hour></skipHours>"
        "<skipDays><day>Sunday</day><day>monday</day><day>Someday</day></skipDays>"
    )
    assert feed(channel(inside + ITEM, spaces)).hints == Hints(
        ttl=timedelta(minutes=90),
        update_period=timedelta(hours=6),
        skip_hours=frozenset({0, 13}),
        skip_days=frozenset({6, 0}),
    )
    assert feed(channel("<ttl>soon</ttl><skipHours/>")).hints == Hints()
    assert feed(channel(f"<ttl>{'9' * 400}</ttl>")).hints.ttl is not None


def test_case_6_59_history_and_withdrawals_are_told() -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:h="http://purl.org/syndication/history/1.0" '
        'xmlns:at="http://purl.org/atompub/tombstones/1.0"><title>T</title><h:complete/>'
        '<link rel="next" href="?page=2"/><link rel="prev-archive" href="/2025.xml"/><link rel="self" href="/x"/>'
        '<at:deleted-entry ref="tag:a&amp;b" when="2026-01-01T00:00:00Z"/><at:deleted-entry when="x" ref=\'2\'><at:comment/></at:deleted-entry>'
        "<entry><id>1</id></entry></feed>"
    )
    found = feed(body)
    assert found.complete
    assert found.withdrawn == ("tag:a&b", "2")
    assert found.older_pages == ("https://example.org/2025.xml", "https://example.org/dir/feed.xml?page=2")
    assert not feed(ATOM.format("<entry><id>1</id></entry>")).complete


def test_the_feed_itself_is_told() -> None:
    found = feed(channel("<link>/home</link><language>en_GB</language><generator>WordPress 6.8</generator>" + ITEM))
    assert (found.title, found.link, found.language) == ("T", "https://example.org/home", "en-GB")
    assert found.generator == "WordPress 6.8"
    assert found.entries[0].language == "en-GB"


def test_a_number_that_is_no_character_does_not_lose_the_feed() -> None:
    found = feed(channel("<item><title>a &#99999999999; &#xD800; b & c</title></item>"))
    assert titles(found) == ["a \ufffd \ufffd b & c"]
