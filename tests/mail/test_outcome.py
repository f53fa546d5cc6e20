"""The truth table: what each reply at each step means for the mail, its recipient and our configuration."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model.subscriptions import SendFailure
from aggregator.mail.outcome import Step, broken, classify, enhanced_code, one_line, refused, unwritable

RETRY, RECIPIENT, CONFIG, REJECTED, AMBIGUOUS = (
    SendFailure.RETRY,
    SendFailure.RECIPIENT,
    SendFailure.CONFIG,
    SendFailure.REJECTED,
    SendFailure.AMBIGUOUS,
)


@pytest.mark.parametrize("step", list(Step))
def test_only_a_silence_after_the_first_byte_of_the_message_is_ambiguous(step: Step) -> None:
    expected = AMBIGUOUS if step is Step.BODY else RETRY
    assert classify(step) is expected
    assert classify(step, code=199) is expected
    assert classify(step, code=354) is expected
    assert classify(step, code=600) is expected
    assert broken(step, "connection lost").failure is expected


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("code", [400, 421, 450, 451, 452, 454, 499])
def test_a_temporary_refusal_is_a_later_try_at_every_step(step: Step, code: int) -> None:
    assert classify(step, code=code) is RETRY
    assert classify(step, code=code, enhanced="4.7.0") is RETRY


@pytest.mark.parametrize(
    ("step", "reply", "meaning"),
    [
        (Step.CONNECT, "554 no service here", RETRY),
        (Step.CONNECT, "554 5.7.1 your address is blocked", CONFIG),
        (Step.HELLO, "550 bad name", CONFIG),
        (Step.TLS, "501 no parameters", CONFIG),
        (Step.LOGIN, "535 5.7.8 bad credentials", CONFIG),
        (Step.LOGIN, "534 too weak", CONFIG),
        (Step.MAIL, "530 authentication required", CONFIG),
        (Step.MAIL, "550 sender not yours", CONFIG),
        (Step.MAIL, "553 5.7.1 sender not owned", CONFIG),
        (Step.RCPT, "550 5.1.1 no such user", RECIPIENT),
        (Step.RCPT, "550 5.1.10 null mx", RECIPIENT),
        (Step.RCPT, "550 unknown", RECIPIENT),
        (Step.RCPT, "551 not local", RECIPIENT),
        (Step.RCPT, "553 bad name", RECIPIENT),
        (Step.RCPT, "501 5.1.3 bad syntax", RECIPIENT),
        (Step.RCPT, "550 5.7.1 relaying denied", CONFIG),
        (Step.RCPT, "530 5.7.0 log in first", CONFIG),
        (Step.RCPT, "503 bad sequence", CONFIG),
        (Step.DATA, "554 no valid recipients", REJECTED),
        (Step.DATA, "530 log in first", CONFIG),
        (Step.DATA, "550 5.7.1 policy", CONFIG),
        (Step.BODY, "554 5.7.1 looks like spam", REJECTED),
        (Step.BODY, "552 5.3.4 too big", REJECTED),
    ],
)
def test_a_final_refusal_speaks_of_us_of_the_recipient_or_of_the_message(
    step: Step, reply: str, meaning: SendFailure
) -> None:
    code, _, words = reply.partition(" ")
    failed = refused(step, int(code), words)
    assert (failed.failure, failed.code) == (meaning, int(code))
    assert failed.detail == f"{step}: {reply}"


@given(st.sampled_from(Step), st.none() | st.integers(-1, 999), st.none() | st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}"))
def test_every_answer_means_something_and_nothing_before_the_message_is_ambiguous(
    step: Step, code: int | None, enhanced: str | None
) -> None:
    meaning = classify(step, code=code, enhanced=enhanced)
    assert (meaning is AMBIGUOUS) == (step is Step.BODY and (code is None or not 400 <= code <= 599))
    assert meaning is not RECIPIENT or step is Step.RCPT


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("5.1.1 unknown", "5.1.1"),
        ("5.1.10", "5.1.10"),
        (" 4.7.0 slow down", "4.7.0"),
        ("unknown 5.1.1", None),
        ("5.1.1000", None),
        ("", None),
    ],
)
def test_an_enhanced_code_is_read_from_the_start_of_the_words_only(words: str, code: str | None) -> None:
    assert enhanced_code(words) == code


def test_a_servers_words_become_one_printable_line() -> None:
    assert one_line("no\r\nsuch\x1b[31m user\udcff") == "no such [31m user?"
    assert len(one_line("x" * 5000)) == 300


def test_a_folder_that_is_wrong_waits_for_a_person_and_a_full_disk_for_a_later_try() -> None:
    assert unwritable(OSError(errno.ENOSPC, "No space left on device")).failure is RETRY
    assert unwritable(PermissionError(errno.EACCES, "Permission denied", "/outbox")).failure is CONFIG
    assert unwritable(OSError(errno.EROFS, "Read-only file system")).failure is CONFIG
