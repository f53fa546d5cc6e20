"""What a digest says of a topic's unusual day: figures in plain words, the stories behind it once, the same in each form."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.compose.spikes import IN_FULL, LISTED, told_spikes
from aggregator.core.digests.letter import DueDigest, Postmaster
from aggregator.core.digests.payload import payload
from aggregator.core.digests.render import HTML_BUDGET, Links, render
from aggregator.core.digests.render.spikes import rarity_words, usual_words
from aggregator.core.digests.render.trendbar import bar_views
from aggregator.core.model.digests import DigestContent, DigestKind, DueItem, Rendered, SourceReport
from aggregator.core.model.subscriptions import Empty, Schedule, Subscriber, SubscriberState, Subscription
from aggregator.core.model.trends import DueSpike, SpikeStory, TrendBar
from aggregator.store.spikes import MOST
from tests.core.digests.test_compose import make_item
from tests.core.digests.test_payload import STAMP, WORDS

NOW = datetime(2026, 1, 27, 10, 0, tzinfo=UTC)
TODAY = NOW.date()


def make_story(entry_id: int, **changes: Any) -> SpikeStory:
    told: dict[str, Any] = {
        "entry_id": entry_id,
        "story_id": entry_id,
        "feed_id": "wire",
        "feed_name": "Example Wire",
        "title": f"Customs seize fentanyl in town {entry_id}",
        "link": f"https://wire.example/{entry_id}",
        "language": "en",
    }
    return SpikeStory(**{**told, **changes})


def make_spike(number: int = 1, *, stories: int = 12, **changes: Any) -> DueSpike:
    told: dict[str, Any] = {
        "id": number,
        "topic_id": "narcotics-policy",
        "topic_name": "Narcotics policy",
        "day": TODAY,
        "counted": stories,
        "expected": 2.63,
        "chance": 1 / 4231,
        "at": NOW,
        "stories": tuple(make_story(1000 + n) for n in range(stories)),
    }
    return DueSpike(**{**told, **changes})


def content(
    spikes: Sequence[DueSpike], items: Sequence[DueItem] = (), *, immediate: bool = False, **changes: Any
) -> DigestContent:
    owner = Subscriber(
        id=1, public_id="p", slug="desk", address="desk@example.org", name=None, timezone="UTC",
        state=SubscriberState.ACTIVE, listed=True, created_at=NOW,
    )  # fmt: skip
    of = Subscription(
        id=1, subscriber_id=1, slug="morning", topics=("narcotics-policy",), schedule=Schedule(immediate=immediate),
        empty=Empty.SKIP, channel="mail", created_at=NOW, slot_at=None, listed=True,
    )  # fmt: skip
    due = DueDigest(
        owner=owner,
        of=of,
        kind=DigestKind.ALERT if immediate else DigestKind.DIGEST,
        slot_at=NOW,
        since=NOW - timedelta(days=1),
        items=tuple(items),
        sources=SourceReport(feeds=2, checked=2, checks=9, entries=4),
        topics=(("narcotics-policy", "Narcotics policy"),),
        spikes=tuple(spikes),
        **changes,
    )
    assert due.says_something
    return Postmaster(sender="a@example.org", domain="example.org", secret=b"s" * 32).content(due)


def rendered(*spikes: DueSpike, **said: Any) -> Rendered:
    return render(content(spikes, **said), links=Links())


def plain(mail: Rendered) -> str:
    return " ".join(mail.text.split())


def test_a_spike_tells_topic_figures_rarity_and_the_first_stories_with_their_links() -> None:
    mail = rendered(make_spike(), immediate=True)
    assert mail.subject == "[Narcotics policy] 1 unusual day: 12 stories on Tue 27 Jan, usually about 2.6"
    assert mail.text.startswith("morning\nAN UNUSUAL DAY\n==============\n")
    assert "Unusual day: Narcotics policy" in mail.text
    said = "12 stories so far on Tue 27 Jan (UTC); usually about 2.6. By chance alone so many come on about one day in 4,200."
    assert said in plain(mail)
    assert "  - Customs seize fentanyl in town 1000 (Example Wire)\n    https://wire.example/1000\n" in mail.text
    assert "town 1007" in mail.text
    assert "town 1008" not in mail.text
    assert "  - and 4 more\n" in mail.text
    for words in (said.partition(" By ")[0], "By chance alone", "and 4 more", 'href="https://wire.example/1007"'):
        assert words in mail.html
    assert "town 1008" not in mail.html


def test_a_day_that_is_over_is_not_called_so_far() -> None:
    assert "12 stories on Mon 26 Jan (UTC);" in plain(rendered(make_spike(day=TODAY - timedelta(days=1))))


def test_stories_that_stand_in_the_same_mail_are_counted_and_not_listed_again() -> None:
    same_entry = make_item(1000, story_id=7)
    same_story = make_item(5, story_id=1001)
    other = make_item(6)
    mail = rendered(make_spike(), items=[same_entry, same_story, other])
    assert mail.subject.startswith("[Narcotics policy] 3 new, 1 unusual day: ONDCP tells item")
    assert "Customs seize fentanyl in town 1001 " not in mail.text
    assert "town 1002" in mail.text
    assert "  - and 2 told below, 2 more\n" in mail.text


def test_a_story_behind_two_spikes_is_listed_once() -> None:
    other = make_spike(2, topic_id="us-india", topic_name="US-India", counted=5, chance=1e-6, stories=5)
    mail = rendered(make_spike(), other)
    assert mail.text.count("town 1000 ") == 1
    assert mail.text.index("US-India") < mail.text.index("town 1000 ") < mail.text.index("Narcotics policy")
    assert "  - and 5 told above\n" in mail.text


def test_a_day_none_of_whose_stories_is_listed_says_where_they_are() -> None:
    rarest = [make_spike(n, topic_id=f"t{n}", counted=4, chance=1e-9 / n, stories=4) for n in (2, 3, 4)]
    told = plain(rendered(make_spike(counted=12, stories=12), *rarest))
    assert "4,200. 4 are told above, 8 are not in this mail." in told
    told = plain(rendered(make_spike(counted=5, stories=0)))
    assert "None of them stands in this mail." in told


def test_a_spike_all_of_whose_stories_are_told_below_says_just_that() -> None:
    mail = rendered(make_spike(stories=4), items=[make_item(1000 + n) for n in range(4)])
    for part in (plain(mail), " ".join(mail.html.split())):
        assert "All are told below." in part
    assert "told below\n  -" not in mail.text


def test_a_digest_that_has_nothing_but_a_spike_says_so() -> None:
    mail = rendered(make_spike())
    assert "No story since Mon 26 Jan, 10:00 that you were not told." in plain(mail)
    assert "All clear" not in mail.text
    assert "1 unusual day" in mail.subject


def test_several_spikes_come_the_rarest_first_and_only_those_with_their_stories() -> None:
    spikes = [make_spike(n, topic_id=f"t{n}", topic_name=f"Topic {n}", chance=10.0**-n) for n in range(4, 9)]
    spikes = [replace(one, stories=tuple(make_story(100 * one.id + n) for n in range(12))) for one in spikes]
    mail = rendered(*spikes)
    assert re.findall(r"Unusual day: Topic (\d)", mail.text) == list("87654")
    assert mail.subject == "[Topic 8 +4] 5 unusual days: 12 stories on Tue 27 Jan, usually about 2.6"
    assert mail.text.count("https://wire.example/") == IN_FULL * LISTED
    assert "5 UNUSUAL DAYS" in mail.text


def test_a_weekly_digest_does_not_name_the_same_day_twice() -> None:
    days = tuple(TODAY - timedelta(days=7 - n) for n in range(7))
    bar = TrendBar(
        topic_id="narcotics-policy",
        topic_name="Narcotics policy",
        days=days,
        counts=(2, 9, 2, 2, 12, 2, 2),
        usual=14.0,
        spikes=(days[1], days[4]),
    )
    told = content([make_spike(day=days[4])], bars=(bar,))
    (view,) = bar_views(told)
    assert view.words == "31 stories, about 14 are usual; Wed 21 Jan stands out"
    assert [out for _, out in view.cells] == [False, True, False, False, True, False, False]


def test_what_publishers_write_cannot_break_out_or_pass_the_size_of_a_mail() -> None:
    hostile = tuple(
        make_story(
            n, title=f"<b>\u202e{'x' * 290}", link=f"https://wire.example/{'y' * 970}{n}", feed_name="\r\nBcc: a@x"
        )
        for n in range(60)
    )
    spikes = [make_spike(n, topic_id=f"t{n}", topic_name="<script>\n" * 20, stories=0) for n in range(MOST)]
    spikes = [replace(one, stories=hostile, counted=60) for one in spikes]
    mail = rendered(*spikes, items=[make_item(n, text="word " * 400) for n in range(300, 400)])
    assert mail.html.count('href="https://example.org/3') > 40
    assert len(mail.html.encode()) <= HTML_BUDGET
    assert "<script>" not in mail.html
    assert "\u202e" not in mail.text + mail.html
    assert "\nBcc" not in mail.text
    assert len(mail.subject) <= 120
    for link in ("javascript:alert(1)", f"https://wire.example/{'y' * 1000}"):
        assert f'href="{link}"' not in rendered(replace(make_spike(), stories=(make_story(1, link=link),))).html


def test_a_webhook_is_told_each_spike_in_figures_and_headlines() -> None:
    told = json.loads(payload(STAMP, WORDS, content([make_spike()], [make_item(1000)])))["spikes"]
    (one,) = told
    headlines = one.pop("headlines")
    assert one == {
        "topic": "narcotics-policy",
        "name": "Narcotics policy",
        "day": "2026-01-27",
        "stories": 12,
        "usual": 2.63,
        "chance": 1 / 4231,
        "above": 0,
        "below": 1,
        "more": 3,
    }
    assert len(headlines) == LISTED
    assert headlines[0] == {
        "entry": 1001,
        "feed": "wire",
        "source": "Example Wire",
        "title": "Customs seize fentanyl in town 1001",
        "link": "https://wire.example/1001",
        "language": "en",
    }


@pytest.mark.parametrize(
    ("expected", "words"),
    [(0.0, "less than one"), (0.949, "less than one"), (0.96, "about 1"), (2.63, "about 2.6"), (9.96, "about 10")],
)
def test_what_is_usual_is_told_no_finer_than_a_reader_needs(expected: float, words: str) -> None:
    assert usual_words(expected) == words


@given(st.floats(min_value=1e-6, max_value=1e-3))
def test_how_rare_it_is_is_told_to_within_a_twentieth(chance: float) -> None:
    days = int(rarity_words(chance).removeprefix("about one day in ").replace(",", ""))
    assert abs(days * chance - 1) <= 0.05


@pytest.mark.parametrize("chance", [0.0, 5e-324, 9e-7])
def test_what_hardly_ever_comes_by_chance_is_not_told_in_astronomic_figures(chance: float) -> None:
    assert rarity_words(chance) == "less than one day in a million"


def numbered(number: int, ids: list[int], more: int, chance: float) -> DueSpike:
    spike = make_spike(number, chance=chance, stories=0)
    return replace(spike, counted=len(ids) + more, stories=tuple(make_story(one) for one in ids))


ENTRIES = st.lists(st.integers(1, 40), unique=True, max_size=20)


@given(
    st.lists(st.builds(numbered, st.integers(1, 99), ENTRIES, st.integers(0, 9), st.floats(0, 1e-3)), max_size=6),
    ENTRIES,
)
def test_every_story_of_a_spike_is_listed_told_below_or_counted_and_never_two_of_these(
    spikes: list[DueSpike], told: list[int]
) -> None:
    sections = content([make_spike()], [make_item(one) for one in told]).sections
    lines = told_spikes(spikes, sections)
    assert sorted(one.due.chance for one in lines) == [one.due.chance for one in lines]
    assert sum(bool(one.stories) for one in lines) <= IN_FULL
    for one in lines:
        assert len(one.stories) <= LISTED
        assert not {story.entry_id for story in one.stories} & set(told)
        assert len(one.stories) + one.above + one.below + one.more == one.due.counted
        assert one.below == len({story.entry_id for story in one.due.stories} & set(told))
    listed = [story.entry_id for one in lines for story in one.stories]
    assert len(set(listed)) == len(listed)
