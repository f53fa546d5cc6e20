"""A correction shows what was told and what is said now, in both parts of a mail, whatever a publisher wrote."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.core.digests.compose.corrections import corrected
from aggregator.core.digests.render import HTML_BUDGET, render
from aggregator.core.model.digests import Change, DueCorrection, Rendered
from tests.core.digests.test_render import LINKS, NOW, TITLE, Page, digest, make_item


def make_correction(number: int = 1, **said: Any) -> DueCorrection:
    values: dict[str, Any] = {
        "ids": (number,),
        "entry_id": number,
        "change": Change.CHANGED,
        "revision": 2,
        "feed_id": "wire",
        "feed_name": "Example Wire",
        "link": f"https://wire.example/{number}",
        "language": "en",
        "told_at": NOW - timedelta(days=1),
        "at": NOW - timedelta(hours=3),
        "title": "Navy seizes 412 kg off the coast",
        "text": "The crew of eight was held.",
        "title_now": "Navy seizes 214 kg off the coast",
        "text_now": "The crew of nine was held.",
        **said,
    }
    return DueCorrection(**values)


def rendered(*found: DueCorrection, items: int = 0, more: int = 0) -> Rendered:
    content = digest([make_item(n) for n in range(1, items + 1)])
    return render(replace(content, corrections=corrected(found), corrections_more=more), links=LINKS)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_both_versions_stand_in_one_line_of_text_and_under_marks_that_need_no_style() -> None:
    told = rendered(make_correction())
    assert "- Navy seizes [-412-] {+214+} kg off the coast" in told.text
    assert "> The crew of [-eight-] {+nine+} was held." in told.text
    page = Page(told.html)
    assert (len(page.named("del")), len(page.named("ins"))) == (2, 2)
    assert "Changed Thu 22 Jan, 04:30; mailed to you Wed 21 Jan, 07:30" in flat(told.text)


def test_a_mail_of_corrections_alone_says_so_in_its_subject_and_its_heading() -> None:
    told = rendered(make_correction())
    assert told.subject == "[morning] 1 correction: Navy seizes 214 kg off the coast"
    assert "1 CORRECTION\n" in told.text
    assert "all clear" not in told.text.lower()


def test_corrections_are_counted_beside_what_is_new() -> None:
    told = rendered(make_correction(1), make_correction(2), items=1)
    assert told.subject == f"[Narcotics policy] 1 new, 2 corrections: {TITLE}"


def test_what_was_withdrawn_is_named_without_a_link_to_nothing() -> None:
    told = rendered(make_correction(change=Change.WITHDRAWN))
    assert "Navy seizes 412 kg off the coast" in told.text
    assert "Withdrawn by the publisher Thu 22 Jan, 04:30" in flat(told.text)
    assert "https://wire.example/1" not in told.text + told.html


def test_corrections_that_wait_for_the_next_mail_are_counted() -> None:
    assert "and 3 more, which the next mail tells." in flat(rendered(make_correction(), more=3).text)


def test_the_page_stays_small_with_the_longest_corrections_and_many_stories() -> None:
    words = " ".join(f"{'नशा' if n % 2 else '<b>&quot;'}{n}" for n in range(4000))
    other = " ".join(f"{'नशा' if n % 2 else '<b>&quot;'}{n + n % 3}" for n in range(4000))
    found = [make_correction(n, title=words, title_now=other, text=words, text_now=other) for n in range(10)]
    told = rendered(*found, items=60)
    assert len(told.html.encode()) <= HTML_BUDGET
    assert len(Page(told.html).named("del")) >= 20


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(title=st.text(), now=st.text(), text=st.text(max_size=300), text_now=st.text(max_size=300), feed=st.text())
def test_no_words_of_a_publisher_break_a_correction(title: str, now: str, text: str, text_now: str, feed: str) -> None:
    told = rendered(make_correction(title=title, title_now=now, text=text, text_now=text_now, feed_name=feed))
    page = Page(told.html)
    assert "\n" not in told.subject
    assert len(told.subject) <= 120
    assert page.named("script") == []
    told.text.encode()
