"""Turns a rendered digest into the final bytes of one mail, byte for byte the same for the same arguments.

Header lines are written here and not by the standard library: what its folding makes of a hostile title differs from
patch release to patch release, and some let an encoded word grow a header of its own. No value ever adds a header.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from email import policy
from email.errors import MultipartInvariantViolationDefect
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from urllib.parse import quote

from aggregator.core.digests.address import address_problem, split_sender, wire_address
from aggregator.core.digests.tokens import purpose_key
from aggregator.core.model.digests import Rendered

HEADER_LIMIT = 150  # characters of one sanitised value
LINE_LIMIT = 998  # octets without CRLF, RFC 5322 section 2.1.1
SAFE_SUBJECT = "Your digest"

_FOLD_AT = 76
_WORD_BYTES = 39  # what one encoded word carries: 64 characters, which leaves room for the header's name in its line
_URI_SAFE = "%/:=&?~#+!$,;'@()*[]"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, bidi and zero-width marks, surrogates, separators
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")


def safe_header(value: str) -> str:
    """Make any text fit to be a header's value: one line, nothing invisible, no start of an encoded word.

    Lone surrogates, C0 and C1 controls, U+2028/9, bidi and zero-width characters go, `=?` is broken up, white space
    collapses, and at most 150 characters stay, never the half of a letter and its marks.
    """
    whole = value.encode("utf-8", "replace").decode("utf-8")
    shown = "".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in whole)
    text = " ".join(shown.replace("=?", "= ?").split())
    if len(text) <= HEADER_LIMIT:
        return text
    end = HEADER_LIMIT
    while end > HEADER_LIMIT // 2 and unicodedata.category(text[end]).startswith("M"):
        end -= 1
    return text[:end].rstrip()


def message_id(digest_id: int, public_id: str, secret: bytes, domain: str) -> str:
    """The Message-ID of a digest to one subscriber, angle brackets included; the same on every try.

    `secret` signs it, so that a reply or a bounce which names it can be told from a guess.
    """
    mark = hmac.digest(purpose_key(secret, "message-id"), f"{digest_id}.{public_id}".encode(), "sha256")[:8].hex()
    return f"<d.{digest_id}.{public_id}.{mark}@{domain}>"


def build_message(
    *,
    rendered: Rendered,
    sender: str,
    recipient: str | None,
    message_id: str,
    date: datetime,
    list_id: str | None = None,
    unsubscribe: str | None = None,
    unsubscribe_mail: str | None = None,
    archive: str | None = None,
    owner: str | None = None,
    references: Sequence[str] = (),
) -> bytes:
    """Build the bytes of one mail: multipart/alternative, plain text first, CRLF, no line over 998 octets.

    `sender` is an address or `Name <address>`; `recipient` None writes a mail for the outbox folder. `list_id` is
    `name.domain` and brings the List-* headers; without it the mail is transactional and has none (digest to a list,
    test mail to a person). `unsubscribe` and `archive` are URLs, `unsubscribe_mail` and `owner` are mailto URIs.
    List-Unsubscribe-Post is only promised for https (RFC 8058 section 3.1). `references` are Message-IDs, oldest first.
    Raises ValueError for an address that `address_problem` refuses.
    """
    fields = [
        ("From", _mailbox(sender)),
        ("To", _address(recipient) if recipient else "undisclosed-recipients:;"),
        ("Subject", safe_header(rendered.subject) or SAFE_SUBJECT),
        ("Date", format_datetime(date.astimezone(UTC))),
        ("Message-ID", _printable(message_id)),
        *_thread_fields(references),
        *_list_fields(list_id, unsubscribe, unsubscribe_mail, archive, owner),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
    ]
    boundary = f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"
    fields += [("MIME-Version", "1.0"), ("Content-Type", f'multipart/alternative; boundary="{boundary}"')]
    body = _alternative(rendered, boundary)
    message = _head(fields) + body
    if _is_as_meant(message, fields):
        return message
    return _head([(name, SAFE_SUBJECT if name == "Subject" else value) for name, value in fields]) + body


def _list_fields(
    list_id: str | None, unsubscribe: str | None, by_mail: str | None, archive: str | None, owner: str | None
) -> list[tuple[str, str]]:
    """The headers of RFC 2369, 2919 and 8058. A plain http link is only offered where there is no mailto form."""
    if list_id is None:
        return []
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", list_id).strip(".-")
    one_click = bool(unsubscribe and unsubscribe.lower().startswith("https://"))
    ways = [way for way in (unsubscribe if one_click or not by_mail else None, by_mail) if way]
    fields = [("List-Id", f"<{name}>")]
    if ways:
        fields.append(("List-Unsubscribe", ", ".join(_uri(way) for way in ways)))
    if one_click:
        fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    if archive:
        fields.append(("List-Archive", _uri(archive)))
    if owner:
        fields += [("List-Help", _uri(owner)), ("List-Owner", _uri(owner))]
    return [*fields, ("Precedence", "bulk"), ("Feedback-ID", f"{name.partition('.')[0]}:digest:aggregator")]


def _thread_fields(references: Sequence[str]) -> list[tuple[str, str]]:
    ids = [_printable(reference) for reference in references]
    return [("References", " ".join(ids)), ("In-Reply-To", ids[-1])] if ids else []


def _mailbox(sender: str) -> str:
    name, address = split_sender(sender)
    shown = safe_header(name)
    if not shown:
        return _address(address)
    if shown.isascii():
        escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{_address(address)}>'
    return f"{_encoded(shown)} <{_address(address)}>"


def _address(address: str) -> str:
    problem = address_problem(address)
    if problem:
        raise ValueError(f"{address!r}: {problem}")
    return wire_address(address)


def _uri(uri: str) -> str:
    octets = uri.encode("utf-8", "replace")
    return f"<{quote(octets, safe=_URI_SAFE)}>"


def _printable(text: str) -> str:
    return "".join(char for char in text if "!" <= char <= "~")


def _encoded(text: str) -> str:
    """`text` as encoded words (RFC 2047), none over 75 characters, no letter cut in two, a space between them."""
    chunks = [b""]
    for char in text:
        octets = char.encode()
        if len(chunks[-1]) + len(octets) > _WORD_BYTES:
            chunks.append(b"")
        chunks[-1] += octets
    return " ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in chunks)


def _head(fields: Sequence[tuple[str, str]]) -> bytes:
    """The header block and the empty line after it, folded at spaces only."""
    lines: list[str] = []
    for name, value in fields:
        words = (_encoded(value) if name == "Subject" and not value.isascii() else value).split(" ")
        # The first word stays beside the name: some readers take an empty first line for an empty header.
        lines.append(f"{name}: {words[0]}")
        for word in words[1:]:
            if len(lines[-1]) + 1 + len(word) <= _FOLD_AT:
                lines[-1] += f" {word}"
            else:
                lines.append(f" {word}")
    # Only a local part beyond ASCII leaves ASCII here, and only over SMTPUTF8 (RFC 6532).
    return "\r\n".join([*lines, "", ""]).encode()


def _alternative(rendered: Rendered, boundary: str) -> bytes:
    # Neither transfer encoding can produce "=_", so no content can hold the boundary.
    mark = f"--{boundary}".encode()
    parts = [_part(rendered.text, "plain"), _part(rendered.html, "html")]
    return b"\r\n".join([line for part in parts for line in (mark, part)]) + b"\r\n" + mark + b"--\r\n"


def _part(text: str, subtype: str) -> bytes:
    whole = text.encode("utf-8", "replace").decode("utf-8")
    whole = _CONTROLS.sub("", whole)
    # Quoted-printable triples each octet beyond ASCII, base64 adds a third to all: they break even at one in six.
    foreign = len(whole.encode()) - sum(map(str.isascii, whole))
    part = EmailMessage(policy=policy.SMTP)
    part.set_content(
        whole,
        subtype=subtype,
        charset="utf-8",
        cte="base64" if foreign * 6 > len(whole.encode()) else "quoted-printable",
    )
    del part["MIME-Version"]
    return part.as_bytes()


def _is_as_meant(message: bytes, fields: Sequence[tuple[str, str]]) -> bool:
    """Whether a reader of the finished bytes finds exactly the headers that were meant, in lines that fit."""
    found = BytesHeaderParser(policy=policy.compat32).parsebytes(message)
    lines = message.split(b"\r\n")
    whole = all(len(line) <= LINE_LIMIT and b"\r" not in line and b"\n" not in line for line in lines)
    # A parser of headers alone may call every multipart body a defect: Python did until 3.11.3.
    broken = any(not isinstance(defect, MultipartInvariantViolationDefect) for defect in found.defects)
    return whole and not broken and sorted(found.keys()) == sorted(name for name, _ in fields)
