"""Who leads a story, and who had it first."""

from datetime import timedelta

import pytest

from aggregator.core.stories.lead import carriers, lead_rank, lead_reason, news_at
from tests.factories import NOW

HOUR = timedelta(hours=1)


def test_the_source_nearest_to_the_facts_leads_then_the_fullest_text_then_the_first() -> None:
    members = {
        "early": lead_rank(tier="media", length=900, first_seen=NOW, number=4),
        "late": lead_rank(tier="media", length=900, first_seen=NOW + HOUR, number=1),
        "short": lead_rank(tier="media", length=80, first_seen=NOW - HOUR, number=2),
        "agency": lead_rank(tier="official", length=10, first_seen=NOW + HOUR, number=5),
        "unheard": lead_rank(tier="blog of somebody", length=9000, first_seen=NOW - HOUR, number=3),
    }
    assert sorted(members, key=lambda name: members[name]) == ["agency", "early", "late", "short", "unheard"]


@pytest.mark.parametrize(
    ("lead", "others", "reason"),
    [
        (("media", 80), [], "it is the only one"),
        (("official", 10), [("media", 900), ("wire", 900)], "the only official source"),
        (("media", 900), [("media", 80), ("other", 9000)], "the fullest text of the media sources"),
        (("wire", 900), [("wire", 900)], "the first seen of the wire sources with as full a text"),
    ],
)
def test_why_a_member_leads_is_told(lead: tuple[str, int], others: list[tuple[str, int]], reason: str) -> None:
    assert lead_reason(lead, others) == reason


def test_an_entry_is_news_when_its_publisher_says_unless_that_cannot_be() -> None:
    assert news_at(published=NOW - HOUR, date_suspect=False, first_seen=NOW) == NOW - HOUR
    assert news_at(published=NOW - HOUR, date_suspect=True, first_seen=NOW) == NOW
    assert news_at(published=NOW + HOUR, date_suspect=False, first_seen=NOW) == NOW
    assert news_at(published=None, date_suspect=False, first_seen=NOW) == NOW


def test_coverage_counts_each_feed_once_from_its_first_entry() -> None:
    told = [("wire", NOW + HOUR), ("daily", NOW), ("wire", NOW + 3 * HOUR), ("post", NOW + 2 * HOUR)]
    assert [(one.feed_id, one.behind) for one in carriers(told)] == [
        ("daily", timedelta(0)), ("wire", HOUR), ("post", 2 * HOUR),
    ]  # fmt: skip
    assert carriers([]) == ()
