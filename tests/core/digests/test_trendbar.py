"""A weekly digest shows each topic's days, and says when a topic is silent; the same in text and in HTML."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from aggregator.core.digests.render import Links, render
from aggregator.core.digests.render.trendbar import bar_views, bars_title, silence_words
from aggregator.core.model.digests import DigestContent, SourceReport
from aggregator.core.model.trends import TopicSilence, TrendBar
from tests.factories import NOW

DAYS = tuple(date(2026, 1, 19) + timedelta(days=n) for n in range(7))


def make_bar(name: str = "Narcotics policy", **said: Any) -> TrendBar:
    bar = TrendBar(topic_id="narcotics", topic_name=name, days=DAYS, counts=(1, 0, 2, 16, 4, 0, 1), usual=14.2)
    return replace(bar, **said)


def content(*bars: TrendBar) -> DigestContent:
    return DigestContent(
        subscription="weekly",
        subscriber_name=None,
        timezone="UTC",
        slot_at=NOW,
        since=None,
        sections=(),
        sources=SourceReport(feeds=2, checked=2),
        item_count=0,
        story_count=0,
        bars=bars,
    )


def test_a_week_stands_in_one_line_and_names_the_day_that_stands_out() -> None:
    (view,) = bar_views(content(make_bar(spikes=(DAYS[3],))))
    assert view.blocks == "\u2581\u00b7\u2581\u2588\u2582\u00b7\u2581"
    assert view.words == "24 stories, about 14 are usual; Thu 22 Jan stands out"
    assert [out for _, out in view.cells] == [False, False, False, True, False, False, False]
    assert max(height for height, _ in view.cells) == 24
    assert view.spoken.startswith("Mon 1, Tue 0, Wed 2")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"usual": None}, "24 stories"),
        ({"counts": (0, 0, 0, 1, 0, 0, 0), "usual": 0.8}, "1 story, about 1 is usual"),
        ({"spikes": DAYS[3:5]}, "24 stories, about 14 are usual; Thu 22 Jan and Fri 23 Jan stand out"),
    ],
)
def test_only_what_is_known_is_said(said: dict[str, Any], words: str) -> None:
    (view,) = bar_views(content(make_bar(**said)))
    assert view.words == words


def test_text_and_html_show_the_same_bars() -> None:
    told = render(content(make_bar(), make_bar("<b>Sanctions\u202e")), links=Links())
    title = bars_title(content(make_bar()))
    assert title == "Stories a day, Mon 19 Jan to Sun 25 Jan (UTC)"
    assert title in told.text
    assert (
        "  - Narcotics policy\n    \u2581\u00b7\u2581\u2588\u2582\u00b7\u2581 24 stories, about 14 are usual"
        in told.text
    )
    assert title in told.html
    assert told.html.count("border-bottom:24px solid") == 2
    assert "&lt;b&gt;Sanctions" in told.html
    assert "<b>Sanctions" not in told.html
    assert "\u202e" not in told.html + told.text


def test_a_digest_without_bars_has_no_place_for_them() -> None:
    told = render(content(), links=Links())
    assert "Stories a day" not in told.html + told.text


def test_a_silent_topic_is_said_to_be_silent_and_not_broken() -> None:
    silence = TopicSilence(since=date(2026, 1, 7), days=19, expected=24.4, chance=1e-9, healthy=True)
    assert silence_words("Narcotics", silence) == (
        "Narcotics has been silent since 7 Jan, a time in which about 24 stories are usual. "
        "Its sources were read: nothing is broken."
    )
