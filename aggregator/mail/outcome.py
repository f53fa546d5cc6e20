"""The truth table of sending: from how far a session came and what was answered to what that means for the mail."""

import errno
import re
from enum import StrEnum

from aggregator.core.digests.display import printable
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult

DETAIL_LIMIT = 300

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_NEEDS_LOGIN = frozenset({530, 534, 535, 538})
_NOT_UNDERSTOOD = frozenset({500, 502, 503, 504, 555})
_MISPLACED = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.ELOOP,
    }
)


class Step(StrEnum):
    """How far a session came. A message may have been accepted only in the last one."""

    CONNECT = "connect"  # name, TCP, implicit TLS, greeting
    HELLO = "hello"
    TLS = "starttls"
    LOGIN = "login"
    MAIL = "sender"
    RCPT = "recipient"
    DATA = "data"  # asked to begin; no byte of the message has left
    BODY = "message"  # the message is leaving, or has left without an answer


def classify(step: Step, *, code: int | None = None, enhanced: str | None = None) -> SendFailure:
    """Say what a failure at `step` means. `code` is the reply's (None when none came), `enhanced` as in RFC 3463.

    Without a refusal (a lost line, a timeout, nonsense) the message was certainly not accepted before its first byte
    left, and may have been after. 4xx is always a later try. 5xx speaks of our configuration, except where it is about
    the recipient or the message itself. A relay whose very greeting is 5xx gets further tries: it may be restarting.
    """
    if code is None or not 400 <= code <= 599:
        return SendFailure.AMBIGUOUS if step is Step.BODY else SendFailure.RETRY
    if code < 500:
        return SendFailure.RETRY
    return _permanent(step, code, enhanced or "")


def _permanent(step: Step, code: int, enhanced: str) -> SendFailure:
    if step is Step.BODY:
        return SendFailure.REJECTED
    if code in _NEEDS_LOGIN or enhanced.startswith("5.7."):
        return SendFailure.CONFIG
    if step is Step.RCPT:
        return SendFailure.CONFIG if code in _NOT_UNDERSTOOD else SendFailure.RECIPIENT
    if step is Step.DATA:
        return SendFailure.REJECTED
    return SendFailure.RETRY if step is Step.CONNECT else SendFailure.CONFIG


def refused(step: Step, code: int, text: str) -> SendFailed:
    """The failure that a server's reply (three digits and its words) means at `step`."""
    enhanced = enhanced_code(text)
    failure = classify(step, code=code, enhanced=enhanced)
    return SendFailed(failure=failure, detail=one_line(f"{step}: {code} {text}"), code=code, enhanced=enhanced)


def throttled(result: SendResult) -> bool:
    """Whether the relay asked for less: 421, or an enhanced 4.7.x (a passing policy, RFC 3463 section 3.8)."""
    return isinstance(result, SendFailed) and (result.code == 421 or (result.enhanced or "").startswith("4.7."))


def broken(step: Step, words: str) -> SendFailed:
    """The failure that a session without a reply means at `step`; `words` say what happened."""
    return SendFailed(failure=classify(step), detail=one_line(f"{step}: {words}"))


def config(step: Step, words: str) -> SendFailed:
    """The failure that is our configuration's, whatever the relay would say; it waits for a person."""
    return SendFailed(failure=SendFailure.CONFIG, detail=f"{step}: {words}")


def unwritable(error: OSError) -> SendFailed:
    """The failure to write into a folder: a folder that is wrong waits for a person, a full disk for a later try."""
    failure = SendFailure.CONFIG if error.errno in _MISPLACED else SendFailure.RETRY
    return SendFailed(failure=failure, detail=one_line(f"cannot write: {error}"))


def enhanced_code(text: str) -> str | None:
    """The enhanced status code at the start of a reply's words, such as `5.1.1` (RFC 2034), or None."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


def one_line(text: str) -> str:
    """A server's words as one printable line of at most 300 characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    shown = printable(whole)
    return shown if len(shown) <= DETAIL_LIMIT else f"{shown[: DETAIL_LIMIT - 1]}…"
