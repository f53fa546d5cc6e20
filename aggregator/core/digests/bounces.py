"""Mail that came back, or a relay's refusal -> what it says of the address, and how much that counts.

Reads delivery reports (RFC 3464), complaints (RFC 5965), Exim's own form, and mail that asks to unsubscribe. Whose it is
is told by what only our own mail carries, the return path's token and the Message-ID, never by an address it names.
What it cannot read with certainty it says so of; it never guesses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message

from aggregator.core.digests.display import printable
from aggregator.core.model.subscriptions import SendFailed, SendFailure

HARD, SOFT = 1.0, 0.5
NO_SUCH_ADDRESS = ("5.1.1", "5.1.10")  # two such days say enough

_PARTS = 100  # of one mail; whoever nests deeper wants something else
_DETAIL = 300
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
_REPLY = re.compile(r"\b([45]\d\d)[ -]#?([45]\.\d{1,3}\.\d{1,3})\b")
_RETURN = re.compile(r"\+([0-9]{1,18}-[0-9a-f]{20})@", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<d\.[0-9]{1,18}\.[A-Za-z0-9_-]{1,32}\.[0-9a-f]{16}@[^<>\s]{1,200}>")
_LEAVE = re.compile(r"(?:re:\s*)?u-(v1\.[A-Za-z0-9_.-]{1,100})", re.IGNORECASE)
_RECEIVERS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Original-Mail-From")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """How much one failure counts against an address. `code` is an enhanced status (RFC 3463) or a reply's three digits."""

    weight: float
    code: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What a report carries of our mail: tokens of return paths, and Message-IDs of ours. Both are still to be verified."""

    tokens: tuple[str, ...]
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A mail could not be delivered; `bounce` is None when that says nothing of the address. `recipient` is for people."""

    whose: Whose
    bounce: Bounce | None
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complained:
    """A reader told their provider that a mail of ours is spam."""

    whose: Whose


@dataclass(frozen=True, slots=True, kw_only=True)
class WantsOut:
    """A reader's mail program asked to unsubscribe, with a token that is still to be verified."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Nothing to do, and why: a delay, a success, an automatic reply."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A person must look at it, and why."""

    why: str


Report = Returned | Complained | WantsOut | Passed | Unread


def of_refusal(result: SendFailed, *, given_up: bool = False) -> Bounce | None:
    """What a relay's answer while sending says of the address; None when it says nothing of it.

    A refused recipient is hard, a full mailbox soft, and so is an address whose server put us off until we `given_up`.
    Policy (5.7.x), a rejected content, a fault of ours and a relay that cannot be reached count nothing.
    """
    if result.code is None:
        return None
    code = result.enhanced or str(result.code)
    if result.failure is SendFailure.RECIPIENT:
        return _weighed(code, result.detail)
    put_off = result.failure is SendFailure.RETRY and 400 <= result.code < 500 and result.code != 421
    if given_up and put_off and not code.startswith(("4.7.", "4.3.")):
        return Bounce(weight=SOFT, code=code, detail=result.detail)
    return None


def _weighed(code: str, detail: str) -> Bounce | None:
    """A failure for good: hard, unless its code says that it may pass, or that it was about us or the message."""
    found = _STATUS.fullmatch(code)
    kind, subject, what = found.groups() if found else ("5", "0", "0")
    if subject in {"6", "7"} or (subject, what) == ("3", "4"):  # the content, a policy, its size
        return None
    passes = kind == "4" or subject in {"3", "4"} or (subject, what) == ("2", "2")  # their system, the way there, full
    return Bounce(weight=SOFT if passes else HARD, code=code, detail=detail)


def read(raw: bytes) -> Report:
    """What one mail in the bounce mailbox means. Takes any bytes and raises nothing."""
    if raw.lower().count(b"content-type:") > _PARTS:
        return Unread(why="too many parts")
    mail = message_from_bytes(raw, policy=policy.compat32)
    report = _parameter(mail, "report-type") if mail.get_content_type() == "multipart/report" else ""
    if report == "feedback-report":
        return _complaint(mail)
    if report == "delivery-status":
        return _delivery_report(mail)
    return _exim(mail) if "X-Failed-Recipients" in mail else _letter(mail)


def _letter(mail: Message) -> Report:
    """A mail that is no report. Whatever a machine wrote by itself is left alone, so that two never answer each other."""
    submitted = _text(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted not in {"", "no"}:
        return Passed(why=f"an automatic reply ({submitted[:40]})")
    if _text(mail, "Return-Path").strip() == "<>":
        return Unread(why="it has no sender and is no delivery report")
    if asked := _LEAVE.fullmatch(_text(mail, "Subject").strip()):
        return WantsOut(token=asked[1])
    return Unread(why="it is neither a delivery report nor asks to unsubscribe")


def _delivery_report(mail: Message) -> Report:
    status = next((part for part in mail.walk() if part.get_content_type() == "message/delivery-status"), None)
    blocks = status.get_payload() if status is not None else None
    if not isinstance(blocks, list):
        return Unread(why="a delivery report without a status that can be read")
    # The first block is about the message, each other one about a recipient (RFC 3464 section 2.1).
    about = [block for block in blocks if isinstance(block, Message) and "Action" in block]
    actions = {_text(block, "Action").strip().lower() for block in about}
    failed = next((block for block in about if _text(block, "Action").strip().lower() == "failed"), None)
    if failed is None:
        known = actions & {"delayed", "delivered", "relayed", "expanded"}
        return Passed(why=", ".join(sorted(known))) if known else Unread(why="a delivery report that names no action")
    code = _code(failed)
    if code is None:
        return Unread(why="a delivery report that names no status")
    diagnosis = _one_line(_text(failed, "Diagnostic-Code")) or f"returned with status {code}"
    recipient = _recipient(failed)
    return Returned(whose=_whose(mail), bounce=_weighed(code, diagnosis), recipient=recipient)


def _code(failed: Message) -> str | None:
    """A recipient's status; one that says no more than `failed` is made finer by the server's own words."""
    status = _STATUS.search(_text(failed, "Status"))
    reply = _REPLY.search(_text(failed, "Diagnostic-Code"))
    if status is None:
        return reply[2] if reply else None
    vague = status[2] == "0"
    return reply[2] if vague and reply else status[0]


def _recipient(block: Message) -> str:
    for name in ("Original-Recipient", "Final-Recipient"):
        if value := _one_line(_text(block, name).partition(";")[2]):
            return value
    return ""


def _complaint(mail: Message) -> Report:
    part = next((one for one in mail.walk() if one.get_content_type() == "message/feedback-report"), None)
    if part is None:
        return Unread(why="a complaint without its report")
    payload = part.get_payload()
    told = payload[0] if isinstance(payload, list) and isinstance(payload[0], Message) else None
    # Some parsers keep an unknown message type as text.
    fields = told if told is not None else message_from_bytes(str(payload).encode("utf-8", "replace"))
    kind = _text(fields, "Feedback-Type").strip().lower()
    if kind == "not-spam":
        return Passed(why="a reader said that it is no spam")
    if not kind:
        return Unread(why="a complaint that does not say of what kind it is")
    return Complained(whose=_whose(mail))


def _exim(mail: Message) -> Report:
    """Exim without RFC 3464: the failed addresses in a header, the server's words in the text."""
    text = next((_body(part) for part in mail.walk() if part.get_content_type() == "text/plain"), "")
    reply = _REPLY.search(text)
    recipient = _one_line(_text(mail, "X-Failed-Recipients"))
    detail = "returned by the relay" if reply is None else _one_line(text[reply.start() :].partition("\n")[0])
    bounce = _weighed(reply[2], detail) if reply else Bounce(weight=SOFT, code=None, detail=detail)
    return Returned(whose=_whose(mail), bounce=bounce, recipient=recipient)


def _whose(mail: Message) -> Whose:
    tokens: dict[str, None] = {}
    for part in mail.walk():
        for name in _RECEIVERS:
            tokens |= dict.fromkeys(_RETURN.findall(" ".join(_texts(part, name))))
    ids: dict[str, None] = {}
    for text in _quoted(mail):
        ids |= dict.fromkeys(_MESSAGE_ID.findall(text))
    return Whose(tokens=tuple(tokens)[:5], message_ids=tuple(ids)[:5])


def _quoted(mail: Message) -> Iterator[str]:
    """What a report gives back of the message it speaks of."""
    for part in mail.walk():
        yield from _texts(part, "Message-ID")
        yield from _texts(part, "In-Reply-To")
        if part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers", "text/plain"}:
            yield _body(part)


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _texts(part: Message, name: str) -> list[str]:
    return [str(value) for value in part.get_all(name, [])]


def _text(part: Message, name: str) -> str:
    """A header's first value, its encoded words read where they can be."""
    value = str(part.get(name, ""))
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, UnicodeError):
        return value


def _parameter(mail: Message, name: str) -> str:
    value = mail.get_param(name)
    return value.lower() if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    return printable(text)[:_DETAIL]
