"""Laws of the message: exactly the headers that were meant, whatever a feed puts into its titles."""

import random
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.core.digests.headers import SAFE_SUBJECT, build_message, message_id, safe_header
from aggregator.core.model.digests import Rendered

RENDERED = Rendered(
    subject="[Narcotics policy] 3 new: Working group meets",
    text="Working group meets\n\nWashington\n",
    html="<p>Working group meets</p>",
)
ID = message_id(17, "p7Qx", b"secret", "example.org")
DATE = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
ONE_CLICK = "https://news.example.org/u/token"
BY_MAIL = "mailto:unsubscribe@example.org?subject=u-token"
PLAIN_HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
build: Callable[..., bytes] = partial(
    build_message, sender="Aggregator <digest@example.org>", recipient="desk@example.org", message_id=ID, date=DATE
)


def read(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def with_subject(subject: str) -> Rendered:
    return Rendered(subject=subject, text="text", html="<p>html</p>")


def words(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def test_a_digest_carries_text_first_then_html_and_the_headers_of_a_list() -> None:
    found = read(
        build(rendered=RENDERED, list_id="morning.example.org", unsubscribe=ONE_CLICK, unsubscribe_mail=BY_MAIL)
    )
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
    assert words(found, "plain").splitlines() == RENDERED.text.splitlines()
    assert words(found, "html").strip() == RENDERED.html
    assert found["From"] == "Aggregator <digest@example.org>"
    assert found["Subject"] == RENDERED.subject
    assert found["Date"].datetime == DATE
    assert found["Message-ID"] == ID
    assert found["List-Id"] == "<morning.example.org>"
    assert found["List-Unsubscribe"] == f"<{ONE_CLICK}>, <{BY_MAIL}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Precedence"] == "bulk"
    assert found["Feedback-ID"] == "morning:digest:aggregator"


def test_one_click_is_promised_for_https_only() -> None:
    plain = "http://10.0.0.5:8000/u/token"
    with_mail = read(build(rendered=RENDERED, list_id="m.example.org", unsubscribe=plain, unsubscribe_mail=BY_MAIL))
    assert (with_mail["List-Unsubscribe"], with_mail["List-Unsubscribe-Post"]) == (f"<{BY_MAIL}>", None)
    alone = read(build(rendered=RENDERED, list_id="m.example.org", unsubscribe=plain))
    assert (alone["List-Unsubscribe"], alone["List-Unsubscribe-Post"]) == (f"<{plain}>", None)


def test_a_mail_that_belongs_to_no_list_carries_no_list_headers() -> None:
    found = read(build(rendered=RENDERED, unsubscribe=ONE_CLICK))
    assert sorted(found.keys()) == sorted(PLAIN_HEADERS)


def test_a_mail_for_the_outbox_folder_needs_no_address() -> None:
    assert read(build(rendered=RENDERED, recipient=None))["To"] == "undisclosed-recipients:;"


def test_alerts_of_one_story_thread() -> None:
    first, second = (message_id(number, "p", b"s", "example.org") for number in (1, 2))
    found = read(build(rendered=RENDERED, references=[first, second]))
    assert found["References"].split() == [first, second]
    assert found["In-Reply-To"] == second


def test_the_date_is_told_in_utc() -> None:
    local = DATE.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert b"\r\nDate: Thu, 22 Jan 2026 02:00:00 +0000\r\n" in build(rendered=RENDERED, date=local)


def test_the_same_digest_is_the_same_bytes() -> None:
    assert build(rendered=RENDERED) == build(rendered=RENDERED)


def test_a_message_id_depends_on_digest_person_and_secret_only() -> None:
    variants = {
        message_id(17, "p7Qx", b"secret", "example.org"),
        message_id(18, "p7Qx", b"secret", "example.org"),
        message_id(17, "p7Qy", b"secret", "example.org"),
        message_id(17, "p7Qx", b"other", "example.org"),
    }
    assert len(variants) == 4
    assert message_id(17, "p7Qx", b"secret", "example.org") == ID
    assert re.fullmatch(r"<d\.17\.p7Qx\.[0-9a-f]{16}@example\.org>", ID)


def test_long_links_are_neither_cut_nor_encoded() -> None:
    link = "https://news.example.org/u/" + "t" * 600
    message = build(rendered=RENDERED, list_id="m.example.org", unsubscribe=link)
    assert f"List-Unsubscribe: <{link}>\r\n".encode() in message


def test_a_link_cannot_close_its_bracket_or_its_line() -> None:
    message = build(rendered=RENDERED, list_id="m", unsubscribe="https://x/>\r\nBcc: a@b\r\n <é")
    assert b"List-Unsubscribe: <https://x/%3E%0D%0ABcc:%20a@b%0D%0A%20%3C%C3%A9>\r\n" in message


def test_a_list_name_keeps_only_what_a_list_id_may_hold() -> None:
    found = read(build(rendered=RENDERED, list_id="my list>\r\nBcc: a@b"))
    assert found["List-Id"] == "<my-list-Bcc-a-b>"
    assert "Bcc" not in found


def test_a_senders_name_in_any_script_is_told_as_written() -> None:
    for name in ("Désk «नीति»", 'A "quoted" \\ name', "comma, semicolon; colon:"):
        found = read(build(rendered=RENDERED, sender=f"{name} <digest@example.org>"))
        assert found["From"].addresses[0].display_name == name
        assert found["From"].addresses[0].addr_spec == "digest@example.org"


def test_a_domain_in_any_script_is_written_as_a_labels() -> None:
    assert b"\r\nTo: desk@xn--bcher-kva.example\r\n" in build(rendered=RENDERED, recipient="desk@Bücher.example")


def test_a_local_part_beyond_ascii_is_written_as_utf_8_for_smtputf8() -> None:
    assert "\r\nTo: डेस्क@example.org\r\n".encode() in build(rendered=RENDERED, recipient="डेस्क@example.org")


@pytest.mark.parametrize("address", ["", "desk", "a b@example.org", "a@b\r\nBcc: c@d", "a@exa mple.org", "a@"])
def test_an_address_that_cannot_be_mailed_is_refused_before_a_byte_is_made(address: str) -> None:
    with pytest.raises(ValueError, match=r"@|address"):
        build(rendered=RENDERED, sender=address)


def test_a_letter_keeps_its_marks_or_goes_whole() -> None:
    assert safe_header("x" * 148 + "e\u0301" * 5) == "x" * 148 + "e\u0301"
    assert safe_header("x" * 149 + "e\u0301" * 5) == "x" * 149
    assert len(safe_header("e" + "\u0301" * 5000)) <= 150


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("Ban on\r\nBcc: x@y", "Ban on Bcc: x@y"),
        ("=?utf-8?q?a=0aBcc:=20x@y?=", "= ?utf-8?q?a=0aBcc:=20x@y?="),
        ("=\x00?utf-8?q?x?=", "= ?utf-8?q?x?="),
        ("=\ud800utf-8?q?x?=", "= ?utf-8?q?x?="),
        ("a\u202eb\u2066c\u200bd\u2028e\x85f\x00g", "a b c d e f g"),
        ("  much \t white \n space  ", "much white space"),
        ("नई दिल्ली 🙂", "नई दिल्ली 🙂"),
        ("\r\n\x00\u200b", ""),
    ],
)
def test_hostile_header_values_are_told_harmlessly(hostile: str, shown: str) -> None:
    assert safe_header(hostile) == shown


@given(st.text(st.characters(), max_size=400))
@example("=?" * 300)
@example("=\u200b?" * 300)
def test_a_safe_value_is_one_line_and_stays_as_it_is(value: str) -> None:
    safe = safe_header(value)
    assert len(safe) <= 150
    assert "=?" not in safe
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in safe)
    assert safe_header(safe) == safe


FRAGMENTS = (
    *("\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\x7f", "\t", " ", "  "),
    *("Bcc: x@y", "\r\nBcc: x@y", "\r\n\r\n<script>", "Subject: ", "Content-Type: text/html", "MIME-Version: 1.0"),
    *("=?", "?=", "=?utf-8?q?", "=?utf-8?b?QmNjOiB4QHk=?=", "=?utf-8?q?a=0d=0aBcc:=20x@y?=", "=?x?", "=", "?"),
    *("=0a", "=0d=0aBcc:", "--=_", "--", ".", "\r\n.\r\n", "boundary=", ";", ",", ":", "<", ">", "(", ")", '"', "\\"),
    *("\ud800", "\udfff", "\U0010ffff", "\ufeff", "\u200b", "\u200d", "\u202e", "\u2066", "\u2069", "\xad", "\u180e"),
    *("é", "e\u0301", "नीति", "政策", "العربية", "🙂", "👨‍👩‍👧", "ﷺ", "A", "drug policy", "x" * 90, "\u0301" * 40),
)


def hostile_strings(count: int) -> list[str]:
    dice = random.Random(20260121)
    return ["".join(dice.choices(FRAGMENTS, k=dice.randint(1, 14))) for _ in range(count)]


def test_four_thousand_hostile_titles_change_no_header_and_lose_no_mail() -> None:
    for title in hostile_strings(4_000):
        message = build(rendered=with_subject(title))
        head, _, _ = message.partition(b"\r\n\r\n")
        names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith(b" ")]
        assert names == PLAIN_HEADERS, ascii(title)
        assert head.isascii()
        assert max(map(len, message.split(b"\r\n"))) <= 998
        assert re.search(rb"(?<!\r)\n|\r(?!\n)", message) is None, ascii(title)


def test_hostile_titles_are_read_back_as_they_were_made_safe() -> None:
    for title in hostile_strings(600):
        found = read(build(rendered=with_subject(title)))
        assert sorted(found.keys()) == sorted(PLAIN_HEADERS), ascii(title)
        assert " ".join(found["Subject"].split()) == (safe_header(title) or SAFE_SUBJECT)


def test_hostile_bodies_stay_in_their_part() -> None:
    for text in hostile_strings(600):
        found = read(build(rendered=Rendered(subject="s", text=text, html=text)))
        assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"], ascii(text)
        assert not any(part.defects for part in found.walk())
        for kind in ("plain", "html"):
            kept = "".join(char for char in words(found, kind) if char not in "\r\n")
            sent = text.encode("utf-8", "replace").decode()
            assert kept == re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", "", sent), ascii(text)


def test_a_title_of_nothing_visible_gets_a_plain_subject() -> None:
    assert read(build(rendered=with_subject("\u200b\r\n")))["Subject"] == SAFE_SUBJECT


def test_a_message_that_reads_differently_than_meant_falls_back_to_a_plain_subject(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aggregator.core.digests.headers.safe_header", lambda value: value)
    found = read(build(rendered=with_subject("Ban\r\nBcc: x@y")))
    assert found["Subject"] == SAFE_SUBJECT
    assert "Bcc" not in found


def test_long_lines_and_long_scripts_stay_within_what_mail_may_carry() -> None:
    text = "नीति " * 30_000
    message = build(rendered=Rendered(subject="s", text=text, html="x" * 90_000))
    assert max(map(len, message.split(b"\r\n"))) <= 78
    assert words(read(message), "plain").strip() == text.strip()
    assert words(read(message), "html").strip() == "x" * 90_000
