"""What arrives in the inbox: readable everywhere, true to its content, and deaf to whatever a publisher wrote."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.digests.compose import compose
from aggregator.core.digests.display import width
from aggregator.core.digests.render import HTML_BUDGET, Links, htmlpart, render, textpart
from aggregator.core.digests.render.palette import DARK, INLINE, LIGHT, READ_ON, dark_rules
from aggregator.core.model.digests import DigestContent, DueItem, Rendered, SourceNote, SourceReport, StoryLine
from aggregator.core.model.topics import Fired, Span

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
TITLE = "United States and India open drug policy working group"
TEXT = (
    "Delegations met in Washington on 20 and 21 January for the first meeting of the working group. "
    "They agreed to close routes of precursor diversion and to keep the pharmaceutical supply chain secure."
)
HIT = "precursor diversion"
FIRED = (
    Fired(clause="trafficking", points=4),
    Fired(
        clause="precursor chain",
        points=5,
        spans=(Span(field="text", start=TEXT.index(HIT), end=TEXT.index(HIT) + len(HIT)),),
    ),
)
LINKS = Links(
    base_url="https://digests.example.org",
    unsubscribe="https://digests.example.org/u/v1.token",
    archive="https://digests.example.org/digests/42",
)
NOTHING = Links()
HEALTHY = SourceReport(feeds=40, checked=40, checks=412, entries=1204)
VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})


def make_item(match_id: int, **changes: Any) -> DueItem:
    told: dict[str, Any] = {
        "match_id": match_id,
        "topic_id": "narcotics-policy",
        "topic_name": "Narcotics policy",
        "entry_id": match_id,
        "revision": 1,
        "feed_id": f"feed-{match_id}",
        "feed_name": f"Outlet {match_id}",
        "tier": "media",
        "title": TITLE,
        "text": TEXT,
        "link": f"https://example.org/{match_id}",
        "language": "en",
        "published": NOW - timedelta(hours=3),
        "date_suspect": False,
        "first_seen": NOW - timedelta(hours=2),
        "score": 9.0,
        "alert": False,
        "fired": FIRED,
        "story_id": match_id,
    }
    return DueItem(**{**told, **changes})


def digest(items: Sequence[DueItem], **changes: Any) -> DigestContent:
    told: dict[str, Any] = {
        "subscription": "morning",
        "subscriber_name": "Policy desk",
        "timezone": "Asia/Kolkata",
        "slot_at": NOW,
        "since": NOW - timedelta(days=1),
        "items": items,
        "sources": HEALTHY,
    }
    return compose(**{**told, **changes})


def rendered(*items: DueItem, links: Links = LINKS, **changes: Any) -> Rendered:
    return render(digest(items, **changes), links=links)


class Page(HTMLParser):
    """Reads a document strictly: every tag closed in order; keeps tags, attributes and the text people see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- what is said


def test_the_subject_names_topic_count_and_top_headline() -> None:
    assert rendered(make_item(1), make_item(2)).subject == f"[Narcotics policy] 2 new: {TITLE}"


def test_the_subject_leads_with_the_weightiest_story_of_all_topics() -> None:
    items = (make_item(1), make_item(2, topic_id="z", topic_name="Zeta", title="Bureau seizes drums", alert=True))
    assert rendered(*items).subject == "[Zeta +1] 2 new: Bureau seizes drums"


def test_a_long_subject_is_cut_between_words() -> None:
    subject = rendered(make_item(1, title="precursors " * 60, topic_name="A topic with a name of its own " * 5)).subject
    assert len(subject) <= 120
    assert subject.endswith("precursors\u2026")


def test_a_story_tells_source_tier_times_excerpt_evidence_and_other_outlets() -> None:
    members = [make_item(n, story_id=1) for n in range(2, 7)]
    mail = rendered(make_item(1, story_id=1, tier="official", feed_name="Drug policy office"), *members)
    page = Page(mail.html)
    assert {"href": "https://example.org/1", "class": "link", "style": INLINE["title"]} in page.named("a")
    assert f'<strong class="mark" style="{INLINE["mark"]}">precursor diversion</strong>' in mail.html
    for told in (page.text, " ".join(mail.text.split())):
        assert TITLE in told
        assert "Drug policy office" in told
        assert "official" in told
        assert "example.org" in told
        assert "Published Thu 22 Jan, 04:30; seen 05:30" in told
        assert "Matched: precursor chain, trafficking (score" in told.replace("\xa0", " ")
        assert "Also in: Outlet 2, Outlet 3 (+3)" in told
    assert "*precursor diversion*" in mail.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"published": None}, "No date given; seen Thu 22 Jan, 05:30"),
        ({"published": NOW - timedelta(days=30)}, "Published Tue 23 Dec 2025, 07:30; seen Thu 22 Jan, 05:30"),
        (
            {"published": datetime(2031, 3, 1, tzinfo=UTC), "date_suspect": True},
            "Dated Sat 1 Mar 2031, 05:30 (doubtful); seen Thu 22 Jan, 05:30",
        ),
    ],
)
def test_times_are_the_readers_and_doubtful_dates_are_called_so(changes: dict[str, Any], words: str) -> None:
    mail = rendered(make_item(1, **changes))
    assert words in Page(mail.html).text
    assert words in " ".join(mail.text.split())


def test_the_zone_is_named_once() -> None:
    for told in (Page(rendered(make_item(1)).html).text, " ".join(rendered(make_item(1)).text.split())):
        assert told.count("UTC+05:30") == 1
        assert "Thursday 22 January 2026, 07:30 (Asia/Kolkata, UTC+05:30; all times below)" in told


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "\x00"])
def test_an_unknown_zone_is_said_and_told_in_utc(zone: str) -> None:
    mail = rendered(make_item(1), timezone=zone)
    assert "Published Wed 21 Jan, 23:00; seen Thu 22 Jan, 00:00" in " ".join(mail.text.split())
    assert "There is no time zone called" in mail.text


def test_sources_that_fail_are_quiet_or_may_have_dropped_items_are_named() -> None:
    report = SourceReport(
        feeds=3,
        checked=2,
        checks=9,
        entries=1,
        failing=(SourceNote(feed_id="a", name="First paper", detail="timed out", since=NOW - timedelta(days=2)),),
        gaps=(SourceNote(feed_id="b", name="Second paper", detail="up to 12 entries"),),
        quiet=tuple(SourceNote(feed_id=f"q{n}", name=f"Quiet {n}", detail="") for n in range(14)),
    )
    for told in (rendered(sources=report).text, Page(rendered(sources=report).html).text):
        words = " ".join(told.split())
        assert "We read 2 of 3 sources and found 1 new entry; 1 fails." in words
        assert "First paper: timed out, since Tue 20 Jan, 07:30" in words
        assert "Second paper: up to 12 entries" in words
        assert "Quiet 5" in words
        assert "and 8 more" in words
        assert "Nothing new" in words
        assert "None failed" not in words


def test_silence_is_called_all_clear_only_when_every_source_was_heard() -> None:
    assert rendered().subject == "[morning] All clear: 40 sources checked, nothing new"
    assert rendered(topics=(("a", "Ay"),)).subject.startswith("[Ay] All clear")
    late = replace(HEALTHY, checked=38)
    assert rendered(sources=late).subject == "[morning] Nothing new (2 not checked)"
    note = SourceNote(feed_id="a", name="A", detail="timed out")
    assert rendered(sources=replace(HEALTHY, failing=(note,))).subject == "[morning] Nothing new (1 failing)"
    unheard = rendered(sources=SourceReport(feeds=2))
    assert "None of 2 sources was read" not in unheard.text
    assert "None of 2 sources were read since the last digest." in unheard.text


def test_every_source_is_read_fails_or_was_not_checked() -> None:
    note = SourceNote(feed_id="a", name="A", detail="timed out")
    told = rendered(sources=SourceReport(feeds=11, checked=8, entries=4, failing=(note, note)))
    assert "We read 8 of 11 sources and found 4 new entries; 2 fail; 1 was not checked." in " ".join(told.text.split())
    assert told.subject == "[morning] Nothing new (2 failing, 1 not checked)"


def test_that_nothing_was_read_yet_proves_nothing_only_where_every_source_fails() -> None:
    note = SourceNote(feed_id="a", name="A", detail="timed out")
    first = rendered(make_item(1, archive=True), sources=SourceReport(feeds=2, failing=(note,)), archive=True)
    assert "None of 2 sources were read since this digest was asked for." in " ".join(first.text.split())
    deaf = rendered(sources=SourceReport(feeds=1, failing=(note,)))
    assert "We could read none of 1 source: a silence proves nothing." in " ".join(deaf.text.split())


def test_a_first_digest_does_not_claim_that_its_archive_came_since_it_was_asked_for() -> None:
    told = " ".join(rendered(make_item(1, archive=True), archive=True, since=NOW).text.split())
    assert "1 article. This is the first digest" in told


def test_stories_that_develop_are_not_counted_as_new() -> None:
    new, known = make_item(1), make_item(2, news=("new number: 3 tonnes",), told_at=NOW)
    both, alone = rendered(new, known), rendered(known)
    assert both.subject.startswith("[Narcotics policy] 1 new, 1 developing: ")
    assert "1 NEW STORY, 1 DEVELOPING\n" in both.text
    assert alone.subject.startswith("[Narcotics policy] 1 developing: ")
    assert "1 DEVELOPING STORY\n" in alone.text
    assert "No sources are followed" in rendered(sources=SourceReport()).text


def test_topics_without_news_are_named() -> None:
    mail = rendered(make_item(1), topics=(("narcotics-policy", "Narcotics policy"), ("b", "Bee"), ("c", "Sea")))
    assert "Nothing new on Bee and Sea." in mail.text
    assert "Nothing new on Bee and Sea." in Page(mail.html).text


def test_it_says_why_it_came_and_how_to_end_it() -> None:
    mail = rendered(make_item(1))
    for told in (" ".join(mail.text.split()), Page(mail.html).text):
        assert "\u201cmorning\u201d watches Narcotics policy and is sent on Asia/Kolkata time" in told
        assert "digests.example.org" in told
        assert "counts no clicks" in told
    assert "Unsubscribe:\nhttps://digests.example.org/u/v1.token" in mail.text
    assert Page(mail.html).attributes("href").count("https://digests.example.org/u/v1.token") == 2


def test_without_links_it_promises_none() -> None:
    mail = rendered(*(make_item(n) for n in range(1, 80)), links=NOTHING)
    assert "nsubscribe" not in mail.text + mail.html
    assert "web" not in mail.text
    assert "and 29 more stories that did not fit in here." in mail.text
    assert all(href.startswith("https://example.org/") for href in Page(mail.html).attributes("href"))


def test_a_link_of_ours_that_is_no_web_or_mail_address_is_not_used() -> None:
    mail = rendered(make_item(1), links=Links(base_url="javascript:1", unsubscribe="javascript:2", archive="data:,3"))
    assert "javascript" not in mail.html + mail.text
    assert "data:" not in mail.html + mail.text


def test_a_first_digest_says_that_it_starts_from_the_archive() -> None:
    mail = rendered(make_item(1, archive=True), archive=True)
    assert mail.subject.startswith("[Narcotics policy] 1 from the archive: ")
    for told in (mail.text, mail.html):
        assert "starts with the latest matches from the archive" in " ".join(told.split())
    mixed = rendered(make_item(1, archive=True), make_item(2), archive=True)
    assert "2 new and from the archive" in mixed.subject


def test_a_digest_that_covers_missed_ones_says_so() -> None:
    told = " ".join(rendered(make_item(1), coalesced=3).text.split())
    assert "also covers 3 earlier digests that were not sent in time" in told
    assert "1 earlier digest that was not" in " ".join(rendered(coalesced=1).text.split())


def test_alerted_stories_are_one_compact_line_each_and_no_news() -> None:
    alerted = [make_item(n, alerted_at=NOW - timedelta(hours=5)) for n in range(1, 14)]
    mail = rendered(*alerted)
    assert mail.subject == "[Narcotics policy] Nothing new besides 13 stories already alerted to you"
    assert f"{TITLE} (Outlet 1, alerted Thu 22 Jan, 02:30)" in " ".join(mail.text.split())
    assert "and 3 more" in mail.text
    assert "and 3 more" in Page(mail.html).text


def test_stories_are_called_high_only_where_others_are_not() -> None:
    assert "HIGH" not in rendered(make_item(1, alert=True)).text
    mail = rendered(make_item(1, alert=True), make_item(2, title="Another headline"))
    assert mail.text.count("HIGH") == 1
    assert Page(mail.html).text.count("High") == 1
    assert "1 high, 1 other: Another headline" in mail.html


# --- form


def test_the_text_part_is_at_most_76_columns_wide_but_for_addresses() -> None:
    items = [
        make_item(1, title="中文标题" * 30),
        make_item(2, title="x" * 190),
        make_item(3, feed_name="A name of sixty letters " * 3, text="e\u0301" * 900, fired=()),
    ]
    for told in rendered(*items).text.splitlines():
        assert width(told) <= 76 or told.strip().startswith("https://")


def test_layout_tables_are_presentation_and_headings_are_real() -> None:
    page = Page(rendered(*(make_item(n) for n in range(1, 40))).html)
    assert all(attrs["role"] == "presentation" for attrs in page.named("table"))
    assert len(page.named("h1")) == 1
    assert len(page.named("h2")) == 3
    assert len(page.named("h3")) == 26
    (html,) = page.named("html")
    assert (html["lang"], html["dir"]) == ("en", "ltr")
    assert not page.attributes("id")


def test_nothing_in_it_is_loaded_from_anywhere() -> None:
    mail = rendered(make_item(1, text='<img src="https://evil.example/p.gif"> <link href=x> url(https://evil.example)'))
    page = Page(mail.html)
    assert not {"img", "link", "script", "iframe", "object", "form", "video", "base"} & {tag for tag, _ in page.tags}
    assert not page.attributes("src")
    assert not page.attributes("background")
    assert not any("url(" in style or "@import" in style for style in page.attributes("style"))
    assert "http-equiv" not in mail.html


def test_links_lead_straight_to_the_publisher() -> None:
    hrefs = Page(rendered(make_item(1, link="https://example.org/a?b=1&c=2#d")).html).attributes("href")
    assert "https://example.org/a?b=1&c=2#d" in hrefs


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), READ_ON)
def test_every_ink_keeps_its_contrast_on_its_ground(colours: dict[str, str], ink: str, ground: str) -> None:
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_no_ground_is_pure_black_or_white(colours: dict[str, str]) -> None:
    assert not {"#000000", "#ffffff"} & set(colours.values())


def test_no_colour_is_used_that_the_palette_does_not_name() -> None:
    html = rendered(make_item(1), *(make_item(n, alerted_at=NOW) for n in (2, 3))).html
    assert set(re.findall(r"#[0-9a-f]{6}\b", html)) <= {*LIGHT.values(), *DARK.values()}
    assert set(re.findall(r"[{;\"]color:(?!#[0-9a-f]{6})", html)) == set()


def test_whatever_has_a_colour_is_recoloured_in_the_dark() -> None:
    names = {colour: role for role, colour in LIGHT.items()}
    rules = dark_rules()
    for tag, attrs in Page(rendered(make_item(1, alert=True), make_item(2)).html).tags:
        style, classes = attrs.get("style") or "", (attrs.get("class") or "").split()
        for colour in re.findall(r"(?:^|;)(?:background-)?color:(#[0-9a-f]{6})", style):
            role = {"on_mark": "mark"}.get(names[colour], names[colour])
            assert role in classes or set(classes) & {"mark"}, (tag, attrs)
            assert f".{role}{{" in rules


def test_whatever_clients_would_style_their_own_way_has_its_style_on_itself() -> None:
    failing = SourceNote(feed_id="x", name="Example Daily", detail="server: HTTP 503", since=NOW)
    sources = replace(HEALTHY, failing=(failing,) * 20)
    items = (make_item(1, alert=True), make_item(2, alerted_at=NOW), *(make_item(n) for n in range(3, 60)))
    tags = Page(rendered(*items, sources=sources).html).tags
    shaped = {"body", "table", "h1", "h2", "h3", "p", "ul", "a", "strong", "b"}
    assert shaped <= {tag for tag, _ in tags}
    assert [(tag, attrs) for tag, attrs in tags if (tag in shaped or "class" in attrs) and not attrs.get("style")] == []


def test_both_colour_schemes_are_announced() -> None:
    html = rendered(make_item(1)).html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme:dark" in html


def test_the_preheader_comes_first_is_hidden_and_is_padded() -> None:
    html = rendered(make_item(1), make_item(2, title="Second headline")).html
    (first, *_) = re.findall(r"<body[^>]*>\s*<div style=\"display:none[^\"]*\">([^<]*)</div>", html)
    assert first.startswith((TITLE, "Second headline"))
    assert len(first.rstrip("\u200c\xa0")) <= 110
    assert first.endswith("\u200c\xa0" * 20)


# --- size


@pytest.mark.parametrize("topics", [1, 40, 2000])
def test_the_html_keeps_its_budget_with_2000_items_and_counts_what_it_leaves_out(topics: int) -> None:
    items = [
        make_item(n, topic_id=f"t{n % topics:04}", topic_name=f"Topic {n % topics}", title=f"{TITLE}, item {n}")
        for n in range(2000)
    ]
    mail = rendered(*items)
    assert len(mail.html.encode()) <= HTML_BUDGET
    assert mail.subject.startswith("[Topic ")
    assert "2,000 new" in mail.subject
    shown = len(Page(mail.html).named("h3")) > 5
    assert shown
    if topics <= 12:
        told = [int(count.replace(",", "")) for count in re.findall(r"and ([\d,]+) more stor", mail.text)]
        left_out = [int(count.replace(",", "")) for count in re.findall(r"Topic \d+: ([\d,]+) stor", mail.text)]
        numbered = len(re.findall(r"^ *\d+\. ", mail.text, flags=re.MULTILINE))
        assert sum(told) + sum(left_out) + numbered == 2000


def test_excerpts_go_before_items_do() -> None:
    items = [make_item(n, topic_id=f"t{n % 3}", topic_name=f"T{n % 3}", text=f"{TEXT} {n}") for n in range(150)]
    mail = rendered(*items)
    assert len(mail.html.encode()) <= HTML_BUDGET
    assert mail.text.count("\n    > ") < 75 * 4
    assert len(re.findall(r"^ *\d+\. ", mail.text, flags=re.MULTILINE)) == 150
    assert "more stor" not in mail.text


def test_long_links_and_wide_letters_cannot_break_the_budget() -> None:
    items = [
        make_item(
            n, title="मादक " * 100, link=f"https://example.org/{'a' * 1900}{n}", alerted_at=NOW if n % 2 else None
        )
        for n in range(200)
    ]
    notes = tuple(SourceNote(feed_id=f"f{n}", name="नाम" * 90, detail="विवरण" * 90) for n in range(50))
    mail = rendered(*items, sources=SourceReport(feeds=50, checked=50, failing=notes, gaps=notes, quiet=notes))
    assert len(mail.html.encode()) <= HTML_BUDGET


# --- hostile words

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "=?utf-8?q?a=0aBcc:=20x@y?=",
    "\r\nBcc: someone@example.org\r\n\r\nbody",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202eevil\u2066\u2069\u2069",
    "lone \ud800 surrogate",
    "nul \x00 byte",
    "z\u0351\u0352\u0353" * 200,
    "</title></style><style>*{display:none}</style>",
    "<![endif]--><!--",
    "\u2028line\u2029paragraph\x85next",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words_wherever_they_stand(words: str) -> None:
    item = make_item(1, title=words, text=words * 3, feed_name=words, topic_name=words, language=words, tier=words)
    twin = make_item(2, feed_name=words, link=words, title=words, story_id=1)
    note = SourceNote(feed_id="a", name=words, detail=words)
    report = replace(HEALTHY, failing=(note,), quiet=(note,))
    mail = rendered(item, twin, make_item(3, alerted_at=NOW, title=words), sources=report, subscription=words)
    page = Page(mail.html)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert len(page.named("style")) == 1
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    for told in (mail.subject, mail.text, mail.html):
        told.encode()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067\u2028\u2029]", told)
    assert "\n" not in mail.subject
    assert "=?" not in mail.subject
    assert mail.text.count("\u2068") == mail.text.count("\u2069")


@given(words=st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_words_at_all_can_stop_a_digest(words: str) -> None:
    mail = rendered(make_item(1, title=words, text=words, feed_name=words), make_item(2))
    Page(mail.html)
    assert 0 < len(mail.subject) <= 120
    assert mail.subject.isprintable() or any(char.isspace() or ord(char) > 126 for char in mail.subject)
    (mail.subject + mail.text + mail.html).encode()


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        " java\tscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org/x",
        "https://bank.example@evil.example/",
        "https://",
        "http://[::1",
        "",
        None,
        f"https://example.org/{'a' * 9000}",
    ],
)
def test_only_plain_web_links_are_links(link: str | None) -> None:
    mail = rendered(make_item(1, link=link), links=NOTHING)
    assert Page(mail.html).named("a") == []
    assert "(no link was given)" in mail.text


def test_an_address_in_the_mail_is_ascii() -> None:
    mail = rendered(make_item(1, link="https://bücher.example/straße\u202e?q=ü#ö"), links=NOTHING)
    (href,) = Page(mail.html).attributes("href")
    assert href == "https://xn--bcher-kva.example/stra%C3%9Fe%E2%80%AE?q=%C3%BC#%C3%B6"
    assert f"    {href}\n" in mail.text


def test_right_to_left_words_are_set_apart_from_ours() -> None:
    title = "اجتماع أمريكي هندي حول سياسة المخدرات"
    mail = rendered(make_item(1, title=title, text=title + " و السلائف", feed_name="صحيفة", language="ar", fired=()))
    assert f" 1. \u2068{title}\u2069\n" in mail.text
    assert "    \u2068صحيفة\u2069 (media), example.org." in mail.text
    headings = [attrs for attrs in Page(mail.html).named("h3") if attrs.get("lang") == "ar"]
    assert [attrs["dir"] for attrs in headings] == ["auto"]
    assert "<bdi>صحيفة</bdi>" in mail.html


def test_words_of_our_own_direction_need_no_isolates() -> None:
    assert "\u2068" not in rendered(make_item(1, title="Straße, café, 中文, हिन्दी")).text


@pytest.mark.parametrize("part", [textpart, htmlpart])
def test_a_story_that_cannot_be_told_is_named_and_the_digest_goes_out(
    monkeypatch: pytest.MonkeyPatch, part: Any
) -> None:
    real = part.story_view

    def fails_on_poison(story: StoryLine, place: Any) -> Any:
        if story.lead.title == "poison":
            raise RecursionError
        return real(story, place)

    monkeypatch.setattr(part, "story_view", fails_on_poison)
    mail = rendered(make_item(1, title="poison"), make_item(2), make_item(3, title="poison", alerted_at=NOW))
    told = mail.text if part is textpart else Page(mail.html).text
    assert "One story could not be shown (match 1)" in told
    assert "One story could not be shown (match 3)" in told
    assert TITLE in told


def test_an_item_without_readable_words_is_named_too() -> None:
    mail = rendered(make_item(1, title="\u202e\u200b", text=""), make_item(2))
    assert "One story could not be shown (match 1)" in " ".join(mail.text.split())
    assert mail.subject.endswith(TITLE)


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_dates_at_the_ends_of_the_calendar_are_told(at: datetime, zone: str) -> None:
    mail = rendered(make_item(1, published=at, first_seen=at), timezone=zone)
    assert TITLE in mail.subject


def test_the_same_content_renders_to_the_same_bytes() -> None:
    content = digest([make_item(n) for n in range(1, 9)])
    assert render(content, links=LINKS) == render(content, links=LINKS)
