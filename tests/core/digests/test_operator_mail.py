"""What the operator reads: each matter once, the new ones first, with what to do about it."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.display import width
from aggregator.core.digests.render import Links, render_operator
from aggregator.core.model.digests import Rendered
from aggregator.core.model.operator import Matter, OperatorReport, Trouble
from aggregator.core.model.subscriptions import (
    Empty,
    Schedule,
    Subscriber,
    SubscriberState,
    Subscription,
    SubscriptionKind,
)
from tests.core.digests.test_render import NOW, Page

OWNER = Subscriber(
    id=1,
    public_id="p",
    slug="ops",
    address="ops@example.org",
    name="Operations",
    timezone="Asia/Kolkata",
    state=SubscriberState.ACTIVE,
    listed=True,
    created_at=NOW,
)
HEALTH = Subscription(
    id=1,
    subscriber_id=1,
    slug="health",
    topics=(),
    schedule=Schedule(),
    empty=Empty.SKIP,
    channel="mail",
    created_at=NOW,
    slot_at=None,
    listed=True,
    kind=SubscriptionKind.OPERATOR,
)
LINKS = Links(base_url="https://digests.example.org", unsubscribe="https://digests.example.org/u/v1.token")


def matter(trouble: Trouble = Trouble.FAILING, **said: Any) -> Matter:
    values: dict[str, Any] = {"name": "wire", "detail": "timeout: no answer", "since": NOW - timedelta(days=2), **said}
    return Matter(trouble=trouble, **values)


def told(*matters: Matter, **said: Any) -> Rendered:
    report = OperatorReport(slot_at=NOW, since=NOW - timedelta(days=1), matters=matters, feeds=9, checked=8, **said)
    return render_operator(report, owner=OWNER, of=HEALTH, links=LINKS)


def test_every_kind_of_trouble_has_a_name_and_says_what_to_do() -> None:
    for trouble in Trouble:
        mail = told(matter(trouble))
        assert mail.subject.startswith("[aggregator] 1 new: ")
        assert "NEW: wire: timeout: no answer, since Tue 20 Jan, 07:30" in " ".join(mail.text.split())
        assert Page(mail.html).named("h2")
        assert "1 MATTER TO LOOK AFTER" in mail.text


def test_what_is_new_stands_before_what_is_known() -> None:
    mail = told(matter(name="old", new=False), matter(name="fresh"))
    assert mail.text.index("NEW: fresh") < mail.text.index("- old")
    assert "NEW: old" not in mail.text


def test_a_hundred_failing_feeds_make_a_short_mail() -> None:
    mail = told(*(matter(name=f"feed-{n}") for n in range(100)))
    assert "Feeds that fail (100)" in mail.text
    assert "and 88 more" in mail.text
    assert len(mail.text.splitlines()) < 60


def test_nothing_to_do_is_an_all_clear_with_what_stands_behind_it() -> None:
    mail = told(sent=12)
    assert mail.subject.startswith(
        "[aggregator] All clear: Since Wed 21 Jan, 07:30: 8 of 9 sources read, 12 mails sent"
    )


def test_a_mail_is_due_for_something_new_or_as_a_reminder() -> None:
    report = OperatorReport(slot_at=NOW, since=NOW, matters=(matter(new=False),))
    assert not report.is_due
    assert OperatorReport(slot_at=NOW, since=NOW, matters=(matter(),)).is_due
    assert OperatorReport(slot_at=NOW, since=NOW, matters=(matter(new=False),), reminder=True).is_due


@given(name=st.text(), detail=st.text(), trouble=st.sampled_from(Trouble))
def test_no_words_from_outside_break_the_mail(name: str, detail: str, trouble: Trouble) -> None:
    mail = told(matter(trouble, name=name, detail=detail))
    assert "\n" not in mail.subject
    assert len(mail.subject) <= 120
    assert Page(mail.html).named("script") == []
    assert all(width(line) <= 76 or "://" in line for line in mail.text.splitlines())
