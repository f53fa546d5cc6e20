"""Cutting a document must never change what is read in it: parsing the cut is parsing the whole, less what was known."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.model.entries import FeedFacts, ParsedFeed, ReadJob
from aggregator.core.reading.document import read_document
from aggregator.core.reading.slices import cut

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
URL = "https://example.org/feed"

RSS = (
    '<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xml:base="https://example.org/base/"><channel><title>T &amp; U</title><link>https://example.org/</link>'
    "<language>en-gb</language>{}</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:x="http://www.w3.org/1999/xhtml" xml:lang="de" '
    'xml:base="https://example.org/atom/">'
    '<title type="html">&lt;b&gt;T&lt;/b&gt;</title><author><name>Feed Author</name></author>{}</feed>'
)
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://example.org/"><title>T</title></channel>{}</rdf:RDF>'
)
WORDS = st.text("aé म<&\"'>]", min_size=1, max_size=8)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


RSS_PARTS = st.sampled_from(
    [
        "<title>{0}</title>",
        "<link>https://example.org/{1}?a=1&amp;b=2</link>",
        "<link>rel/{1}</link>",
        '<guid isPermaLink="false">{0}{1}</guid>',
        "<guid>https://example.org/{1}</guid>",
        "<description>&lt;p&gt;{0}&lt;/p&gt;</description>",
        "<description><![CDATA[<p>{1} </item> <item> </p>]]></description>",
        "<content:encoded><![CDATA[<b>{1}</b>]]></content:encoded>",
        "<media:description>{0}</media:description>",
        "<media:group><media:title>{0}</media:title></media:group>",
        "<pubDate>Sun, 22 Nov 2026 06:0{1}:00 GMT</pubDate>",
        "<dc:creator>{0}</dc:creator>",
        "<author>a@b.example ({0})</author>",
        "<category domain='x'>{0}</category>",
        '<enclosure url="/f{1}.mp3" length="1" type=""/>',
        '<source url="https://other.example/">{0}</source>',
        "<!-- <item>{1}</item> -->",
        "<dc:language>fr</dc:language>",
        '<y:unknown xmlns:y="https://y.example/">{0}</y:unknown>',
        "<image><title>{0}</title></image>",
        '<title xml:lang="hi">{0}</title>',
    ]
)
ATOM_PARTS = st.sampled_from(
    [
        "<id>tag:example.org,{1}</id>",
        "<title>{0}</title>",
        '<title type="html">&lt;i&gt;{0}</title>',
        '<link href="p{1}.html"/>',
        '<link rel="enclosure" href="/f{1}.pdf"/>',
        "<updated>2026-11-22T06:0{1}:00Z</updated>",
        "<published>2026-11-21T06:00:00+05:30</published>",
        "<summary>{0}</summary>",
        '<content type="html">&lt;p&gt;{0}&lt;/p&gt;</content>',
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>{0}</p></div></content>',
        '<content type="xhtml" xml:base="/deep/"><x:div><x:p>{0}</x:p></x:div></content>',
        "<author><name>{0}</name><email>a@b.example</email></author>",
        '<category term="{0}"/>',
        "<source><title>{0}</title><id>s</id></source>",
        "<contributor><name>{0}</name></contributor>",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A well-formed feed of any of three kinds, with entries of any parts in any order."""
    head, name, parts = draw(
        st.sampled_from(
            [
                (RSS, "item", RSS_PARTS),
                (ATOM, "entry", ATOM_PARTS),
                (RDF, "item", RSS_PARTS.filter(lambda part: ":" not in part.split(">")[0].replace("dc:", ""))),
            ]
        )
    )
    entries = []
    for number in range(draw(st.integers(0, 6))):
        inside = "".join(part.format(escaped(draw(WORDS)), number) for part in draw(st.lists(parts, max_size=7)))
        entries.append(f"<{name}>{inside}</{name}>{draw(st.sampled_from(['', ' ', chr(10)]))}")
    return head.format("".join(entries)).encode()


def read(body: bytes, known: frozenset[bytes] = frozenset(), limit: int = 2000) -> ParsedFeed:
    facts = FeedFacts(feed_id="x", url=URL)
    found = read_document(ReadJob(facts=facts, body=body, now=NOW, known_spans=known, max_entries=limit))
    assert isinstance(found, ParsedFeed)
    return found


@settings(max_examples=150)
@given(documents(), st.data())
def test_reading_the_cut_is_reading_the_whole_less_what_was_known(body: bytes, data: st.DataObject) -> None:
    whole = read(body)
    known = frozenset(data.draw(st.sets(st.sampled_from(whole.spans)))) if whole.spans else frozenset[bytes]()
    part = read(body, known)
    assert part.entries == tuple(entry for entry in whole.entries if entry.span not in known)
    assert (part.spans, part.title, part.link, part.language) == (whole.spans, whole.title, whole.link, whole.language)


@settings(max_examples=60)
@given(documents())
def test_a_cut_document_reads_like_one_that_could_not_be_cut(body: bytes) -> None:
    start = body.index(b"<", 5) if body.startswith(b"<?") else 0
    uncut = read(body[:start] + b"<!DOCTYPE feed>" + body[start:])
    assert uncut.spans == ()
    bare = [repr(entry) for entry in uncut.entries]
    assert [repr(entry).rpartition(", span=")[0] for entry in read(body).entries] == [
        each.rpartition(", span=")[0] for each in bare
    ]


@given(documents())
def test_every_span_is_one_entry_with_its_tags(body: bytes) -> None:
    found = cut(body)
    assert found is not None
    for piece in found.slices:
        span = body[piece.start : piece.end]
        assert span.startswith((b"<item>", b"<entry>"))
        assert span.endswith((b"</item>", b"</entry>"))
    assert found.without(frozenset()) == body


@pytest.mark.parametrize(
    "body",
    [
        RSS.format("<item/><item><title>a</title></item>"),
        RSS.format("<item><title>a</title></item><item/>"),
        RSS.format("<item><title>a</title><item><title>b</title></item></item>"),
        RSS.format("<item><title>a&nbsp;b</title></item>"),
        RSS.format("<item><title>a</title></item>")[:-10],
        RSS.format("<item><title>a</title></item>") + "<script/>",
        "<!DOCTYPE rss [<!ENTITY x 'y'>]>" + RSS.format("<item><title>a</title></item>").partition("?>")[2],
        RSS.format("<group><item><title>a</title></item></group>"),
        RSS.format("<item><z:title>a</z:title></item>"),
        "<other><item><title>a</title></item></other>",
        "<feed><entry><content xml:base='/deep/'>a</content></entry><entry><link href='b'/></entry></feed>",
        "",
    ],
)
def test_what_cannot_be_cut_with_certainty_is_left_whole(body: str) -> None:
    assert cut(body.encode()) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/base/", "https://example.net/"),
        ("modules/content/", "modules/other/"),
        ('"2.0"', '"0.92"'),
    ],
)
def test_a_changed_head_makes_every_entry_new(one: str, other: str) -> None:
    body = RSS.format("<item><title>a</title></item>")
    assert read(body.encode()).spans != read(body.replace(one, other).encode()).spans


def test_what_changes_outside_the_entries_makes_none_of_them_new() -> None:
    body = RSS.format("<item><title>a</title></item><lastBuildDate>1</lastBuildDate>")
    known = frozenset(read(body.encode()).spans)
    assert read(body.replace(">1<", ">2<").encode(), known).entries == ()


def test_another_time_zone_for_the_feed_makes_every_entry_new() -> None:
    body = RSS.format("<item><title>a</title></item>").encode()
    facts = FeedFacts(feed_id="x", url=URL, timezone="Asia/Kolkata")
    moved = read_document(ReadJob(facts=facts, body=body, now=NOW))
    assert isinstance(moved, ParsedFeed)
    assert moved.spans != read(body).spans


def test_case_6_39_only_the_newest_count_and_the_others_do_not_return_when_those_are_known() -> None:
    dated = [
        f"<item><guid isPermaLink='false'>{day}</guid><pubDate>{day:02} Nov 2026 06:00:00 GMT</pubDate></item>"
        for day in (3, 9, 1, 8, 5)
    ]
    first = read(RSS.format("".join(dated)).encode(), limit=3)
    assert [entry.id for entry in first.entries] == ["9", "8", "5"]
    assert len(first.spans) == 3
    again = read(RSS.format("".join(dated)).encode(), frozenset(first.spans), limit=3)
    assert again.entries == ()
