"""The digest's HTML as a reader's screen shows it: on a phone and a desk, in light and dark, and with styles stripped."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from aggregator.core.digests.compose import compose
from aggregator.core.digests.compose.corrections import corrected
from aggregator.core.digests.compose.spikes import told_spikes
from aggregator.core.digests.render import Links, render
from aggregator.core.model.digests import DueItem, SourceNote, SourceReport
from aggregator.core.model.topics import Fired, Span
from tests.browser import launched, opened
from tests.core.digests.test_corrected import make_correction
from tests.core.digests.test_spikes import make_spike, make_story
from tests.factories import NOW

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikationsgelände" * 2


def item(number: int, title: str, *, feed: str = "Example Wire", text: str = "") -> DueItem:
    return DueItem(
        match_id=number,
        topic_id="narcotics",
        topic_name="Narcotics policy",
        entry_id=number,
        revision=1,
        feed_id=f"feed-{number}",
        feed_name=feed,
        tier="wire",
        title=title,
        text=text or "Officials of both countries met to curb the diversion of precursor chemicals.",
        link=f"https://news.example/{number}",
        language="en",
        published=NOW - timedelta(hours=number),
        date_suspect=False,
        first_seen=NOW,
        score=9.0,
        alert=True,
        fired=(Fired(clause="precursors", points=4, spans=(Span(field="text", start=50, end=69),)),),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = compose(
        subscription="morning",
        subscriber_name="Desk",
        timezone="Asia/Kolkata",
        slot_at=NOW,
        since=NOW - timedelta(days=1),
        items=[
            item(1, "US and India hold first drug policy working group"),
            item(2, f"One word {LONG}"),
            item(3, "קבוצת העבודה נפגשה בוושינגטון"),
            item(4, "नशीले पदार्थों पर पहली बैठक"),
            item(5, "<script>alert(1)</script> & <img src=https://evil.example/x.png>"),
        ],
        sources=SourceReport(
            feeds=9,
            checked=8,
            checks=40,
            entries=120,
            failing=(SourceNote(feed_id="x", name="Example Daily", detail="server: HTTP 503", since=NOW),),
        ),
    )
    longer = make_correction(2, title=f"One word {LONG}", title_now=f"Another word {LONG * 2}", language="de")
    leftward = make_correction(3, title="קבוצת העבודה נפגשה", title_now="קבוצת העבודה לא נפגשה", language="he")
    behind = tuple(
        make_story(70 + n, title=title) for n, title in enumerate((LONG, "קבוצת העבודה נפגשה", "<script>a</script>"))
    )
    spike = make_spike(topic_name=f"Topic {LONG}", stories=0)
    spikes = told_spikes([replace(spike, counted=9, stories=behind)], content.sections)
    content = replace(content, corrections=corrected([make_correction(1), longer, leftward]), spikes=spikes)
    path = tmp_path_factory.mktemp("digest") / "digest.html"
    path.write_text(render(content, links=Links()).html, encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_overflows_and_nothing_is_fetched(browser: Browser, page: Path, width: int, dark: bool) -> None:
    view, beyond = opened(browser, page, width=width, dark=dark)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert beyond == []
    view.close()


def test_text_on_a_phone_can_be_read_and_links_can_be_hit(browser: Browser, page: Path) -> None:
    view, _ = opened(browser, page, width=390)
    sizes = view.eval_on_selector_all("h1, h2, h3, p", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert sizes
    assert min(sizes) >= 13
    assert view.locator("a", has_text="first drug policy working group").bounding_box() is not None
    view.close()


def test_dark_is_dark_and_light_is_light(browser: Browser, page: Path) -> None:
    def brightness(dark: bool) -> float:
        view, _ = opened(browser, page, width=390, dark=dark)
        colour = str(view.evaluate("getComputedStyle(document.querySelector('h1, h2')).color"))
        view.close()
        red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert brightness(dark=True) > 150
    assert brightness(dark=False) < 100


def test_it_reads_well_when_a_client_strips_its_styles(browser: Browser, page: Path) -> None:
    stripped = page.with_name("stripped.html")
    stripped.write_text(re.sub(r"<style.*?</style>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL), "utf-8")
    view, _ = opened(browser, stripped, width=390)
    assert view.evaluate("document.documentElement.scrollWidth") <= 390
    assert "US and India hold first drug policy working group" in view.inner_text("body")
    view.close()


def test_what_went_and_what_came_can_be_told_apart_without_any_style(browser: Browser, page: Path) -> None:
    bare = page.with_name("bare.html")
    bare.write_text(
        re.sub(r"<style.*?</style>| style=\"[^\"]*\"", "", page.read_text("utf-8"), flags=re.DOTALL), "utf-8"
    )
    view, _ = opened(browser, bare, width=390)
    lines = view.eval_on_selector_all("del, ins", "all => all.map(e => getComputedStyle(e).textDecorationLine)")
    assert {"line-through", "underline"} == set(lines)
    view.close()


def test_a_hostile_title_is_shown_as_text(browser: Browser, page: Path) -> None:
    view, _ = opened(browser, page, width=390)
    assert "<script>alert(1)</script>" in view.inner_text("body")
    assert view.locator("script, img").count() == 0
    view.close()
