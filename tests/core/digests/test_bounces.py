"""Mail that comes back in the shapes that mail systems give it, and what it may and may not say of an address."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.bounces import (
    HARD,
    SOFT,
    Bounce,
    Complained,
    Passed,
    Returned,
    Unread,
    WantsOut,
    Whose,
    of_refusal,
    read,
)
from aggregator.core.model.subscriptions import SendFailed, SendFailure

SAMPLES = Path(__file__).parents[2] / "returned"
TOKEN = "41-0123456789abcdef0123"
MESSAGE_ID = "<d.41.AbCdEfGh12345678.0123456789abcdef@news.example.org>"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("name", "weight", "code", "recipient"),
    [
        ("postfix", HARD, "5.1.1", "reader@mail.example"),
        ("exchange", SOFT, "5.2.2", "reader@corp.example"),
        ("gmail", HARD, "5.1.10", "reader@mail.example"),
        ("exim", HARD, "5.1.1", "reader@mail.example"),
        ("vague", SOFT, "5.4.7", "reader@mail.example"),
    ],
)
def test_a_delivery_report_says_what_failed_and_whose_mail_it_was(
    name: str, weight: float, code: str, recipient: str
) -> None:
    found = read(sample(name))
    assert isinstance(found, Returned)
    assert found.bounce is not None
    assert (found.bounce.weight, found.bounce.code, found.recipient) == (weight, code, recipient)
    assert [token.lower() for token in found.whose.tokens] == [TOKEN]
    assert found.whose.message_ids == (MESSAGE_ID,)
    assert found.bounce.detail


def test_a_refusal_of_the_content_counts_nothing_against_the_reader() -> None:
    found = read(sample("policy"))
    assert isinstance(found, Returned)
    assert found.bounce is None


def test_a_delay_is_no_bounce() -> None:
    assert read(sample("delayed")) == Passed(why="delayed")


def test_an_automatic_reply_is_left_alone() -> None:
    assert isinstance(read(sample("away")), Passed)


def test_a_complaint_names_our_mail_though_the_reader_is_struck_out() -> None:
    assert read(sample("complaint")) == Complained(whose=Whose(tokens=(TOKEN,), message_ids=(MESSAGE_ID,)))


def test_a_complaint_taken_back_is_none() -> None:
    assert isinstance(read(sample("complaint").replace(b"Type: abuse", b"Type: not-spam")), Passed)


def test_a_mail_that_asks_to_unsubscribe_carries_its_token() -> None:
    asked = WantsOut(token="v1.AbCdEfGh12345678.7.abcdefghijklmnopqrstuv")
    assert read(sample("leave")) == asked
    assert read(sample("leave").replace(b"Subject: u-", b"Subject: Re: u-")) == asked
    robot = sample("leave").replace(b"From:", b"Auto-Submitted: auto-generated\r\nFrom:", 1)
    assert isinstance(read(robot), Passed)


@pytest.mark.parametrize("name", ["broken", "letter"])
def test_what_cannot_be_read_with_certainty_is_left_to_a_person(name: str) -> None:
    assert isinstance(read(sample(name)), Unread)


def test_a_report_without_a_status_is_not_guessed_at() -> None:
    without = sample("postfix").replace(b"Status: 5.1.1", b"X-Status: 5.1.1").replace(b"smtp; 550 5.1.1", b"smtp; no")
    assert isinstance(read(without), Unread)


def test_an_address_in_a_report_is_never_taken_for_whose_mail_it_was() -> None:
    forged = sample("postfix").replace(TOKEN.encode(), b"x").replace(MESSAGE_ID.encode(), b"<other@x>")
    found = read(forged)
    assert isinstance(found, Returned)
    assert found.whose == Whose(tokens=(), message_ids=())


def test_a_mail_of_a_million_parts_is_left_to_a_person() -> None:
    assert isinstance(read(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" * 5000), Unread)


@given(st.binary(max_size=400), st.sampled_from(["postfix", "exchange", "gmail", "exim", "complaint"]), st.data())
def test_whatever_arrives_is_read_without_an_error(noise: bytes, name: str, data: st.DataObject) -> None:
    whole = sample(name)
    at = data.draw(st.integers(0, len(whole)))
    read(noise)
    read(whole[:at])
    read(whole[:at] + noise + whole[at:])


def refusal(failure: SendFailure, code: int | None, enhanced: str | None = None) -> SendFailed:
    return SendFailed(failure=failure, detail="said so", code=code, enhanced=enhanced)


@pytest.mark.parametrize(
    ("result", "given_up", "found"),
    [
        (refusal(SendFailure.RECIPIENT, 550, "5.1.1"), False, Bounce(weight=HARD, code="5.1.1", detail="said so")),
        (refusal(SendFailure.RECIPIENT, 550), False, Bounce(weight=HARD, code="550", detail="said so")),
        (refusal(SendFailure.RECIPIENT, 552, "5.2.2"), False, Bounce(weight=SOFT, code="5.2.2", detail="said so")),
        (refusal(SendFailure.RECIPIENT, 550, "5.7.1"), False, None),
        (refusal(SendFailure.REJECTED, 554, "5.7.1"), False, None),
        (refusal(SendFailure.REJECTED, 554), False, None),
        (refusal(SendFailure.CONFIG, 535, "5.7.8"), False, None),
        (refusal(SendFailure.RETRY, 452, "4.2.2"), False, None),
        (refusal(SendFailure.RETRY, 452, "4.2.2"), True, Bounce(weight=SOFT, code="4.2.2", detail="said so")),
        (refusal(SendFailure.RETRY, 421), True, None),
        (refusal(SendFailure.RETRY, 450, "4.7.1"), True, None),
        (refusal(SendFailure.RETRY, None), True, None),
        (refusal(SendFailure.AMBIGUOUS, None), True, None),
    ],
)
def test_only_what_a_server_said_of_the_address_counts(
    result: SendFailed, given_up: bool, found: Bounce | None
) -> None:
    assert of_refusal(result, given_up=given_up) == found
