"""Which addresses can be mailed, and how they are written on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.address import address_problem, needs_smtputf8, shown_recipient, split_sender, wire_address


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("desk@example.org", "desk@example.org"),
        ("o'brien+drugs/policy@Example.ORG", "o'brien+drugs/policy@example.org"),
        ("desk@localhost", "desk@localhost"),
        ("desk@bücher.example", "desk@xn--bcher-kva.example"),
        ("desk@faß.example", "desk@xn--fa-hia.example"),
        ("डेस्क@example.org", "डेस्क@example.org"),
        ("दल@उदाहरण.परीक्षा", "दल@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g"),
    ],
)
def test_good_addresses_are_written_with_an_ascii_domain(address: str, wire: str) -> None:
    assert address_problem(address) is None
    assert wire_address(address) == wire


@pytest.mark.parametrize(
    "address",
    [
        *("", "desk", "@example.org", "desk@", "a@b@", "desk@example.org.", ".desk@example.org", "a..b@example.org"),
        *(
            "desk @example.org",
            "desk@exam ple.org",
            "desk@-x.org",
            "desk@[127.0.0.1]",
            '"a b"@example.org',
            "a@b@c.org",
        ),
        *("desk\r\n@example.org", "desk@example.org\r\nRCPT TO:<x@y>", "a<b@example.org", "a\u202e@example.org"),
        *("a\u2003b@example.org", "a\ud800@example.org", "a@\ud800.org", "a@xn--zz.org", "Desk <desk@example.org>"),
        *("x" * 65 + "@example.org", "é" * 33 + "@example.org", "a@" + "x." * 130 + "org", "a@" + "x" * 64 + ".org"),
    ],
)
def test_an_address_that_cannot_be_mailed_says_why_in_one_line(address: str) -> None:
    problem = address_problem(address)
    assert problem
    assert "\n" not in problem


@given(st.text())
def test_any_text_is_judged_without_a_crash_and_a_good_one_has_a_wire_form(text: str) -> None:
    for address in (text, f"{text}@example.org", f"desk@{text}"):
        if address_problem(address) is None:
            wire = wire_address(address)
            assert wire.rpartition("@")[2].isascii()
            assert not any(char.isspace() or ord(char) < 32 or char in "<>" for char in wire)
            assert address_problem(wire) is None


def test_only_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert needs_smtputf8("डेस्क@example.org")
    assert not needs_smtputf8("desk@bücher.example")


@pytest.mark.parametrize(
    ("sender", "parts"),
    [
        ("digest@example.org", ("", "digest@example.org")),
        ("<digest@example.org>", ("", "digest@example.org")),
        ("Policy desk <digest@example.org>", ("Policy desk", "digest@example.org")),
        ('"Desk, policy" <digest@example.org>', ("Desk, policy", "digest@example.org")),
        ("Desk <digest@example.org", ("", "Desk <digest@example.org")),
    ],
)
def test_a_sender_is_a_name_and_an_address(sender: str, parts: tuple[str, str]) -> None:
    assert split_sender(sender) == parts


def test_a_domain_without_a_wire_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="domain"):
        wire_address("desk@exam ple.org")


@pytest.mark.parametrize(
    ("channel", "recipient", "shown"),
    [
        ("mail", "desk@example.org", "desk@example.org"),
        ("mail", None, "outbox folder"),
        ("outbox", "desk@example.org", "outbox folder"),
        ("webhook", "https://user:pass@hooks.example.org:8443/T0/B0/secret?key=1", "https://hooks.example.org:8443/"),
        ("webhook", "https://hooks.example.org?key=secret", "https://hooks.example.org/"),
        ("apprise", "slack://TokenA/TokenB/TokenC", "slack://***"),
        ("apprise", "mailto://user:pass@example.org", "mailto://***"),
    ],
)
def test_a_url_that_lets_one_in_is_never_shown(channel: str, recipient: str | None, shown: str) -> None:
    assert shown_recipient(channel, recipient) == shown
