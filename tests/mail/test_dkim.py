"""DKIM signatures as receivers check them: the key is looked up where it is published, nothing added goes unnoticed."""

import asyncio
import base64
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dkim
import pytest
from aiosmtpd.smtp import SMTP as Server  # noqa: N811 - the library calls its server by the protocol's name

from aggregator.app import make_postmaster
from aggregator.channels import make_signer
from aggregator.core.digests.headers import build_message
from aggregator.core.errors import ConfigError
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import Sent
from aggregator.mail.dkim import Signer
from aggregator.mail.smtp import SmtpTransport
from aggregator.settings import load
from tests.patience import until
from tests.programs import need

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
SEED = base64.b64encode(bytes(range(32))).decode()


def new_key(*words: str) -> str:
    return subprocess.run([need("openssl"), "genpkey", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def rsa() -> str:
    return new_key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


def signer(key: str) -> Signer:
    return Signer(domain="example.org", selector="s2026", key=key)


def letter() -> bytes:
    """A digest's message with everything that must be signed, and words in two scripts."""
    return build_message(
        rendered=Rendered(subject="[Narcotics] 3 new: नई दिल्ली", text=".\nWorking group meets\n", html="<p>meets</p>"),
        sender="Desk <desk@example.org>",
        recipient="reader@example.net",
        message_id="<d.1.abc.0123@example.org>",
        date=NOW,
        list_id="morning.example.org",
        unsubscribe="https://news.example.org/u/token",
    )


def published(record: str) -> Callable[..., bytes | None]:
    """What DNS says, with the one record that is there."""

    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        return record.encode() if name == b"s2026._domainkey.example.org." else None

    return ask


def verifies(message: bytes, record: str) -> bool:
    return bool(dkim.verify(message, dnsfunc=published(record)))


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "ed25519 in PEM"])
def test_a_signed_digest_verifies_against_the_record_that_is_shown(kind: str, rsa: str) -> None:
    keys = {"rsa": lambda: rsa, "ed25519": lambda: SEED, "ed25519 in PEM": lambda: new_key("-algorithm", "ed25519")}
    ours = signer(keys[kind]())
    signed = ours.sign(letter(), NOW)
    assert signed.endswith(letter())
    assert signed == ours.sign(letter(), NOW)
    assert f"t={int(NOW.timestamp())}".encode() in signed
    assert verifies(signed, ours.record)
    assert not verifies(signed.replace(b"meets", b"rests"), ours.record)


def test_one_click_unsubscribing_and_every_header_that_readers_see_is_covered() -> None:
    header = signer(SEED).sign(letter(), NOW).partition(b"\r\nFrom")[0]
    names = header.partition(b" h=")[2].partition(b";")[0].replace(b"\r\n", b"").replace(b" ", b"").split(b":")
    wanted = {"to", "date", "message-id", "mime-version", "content-type", "list-id", "list-unsubscribe"}
    assert {name.decode() for name in names} == wanted | {"from", "subject", "list-unsubscribe-post"}
    assert [name for name in sorted(set(names)) if names.count(name) == 2] == [b"from", b"subject", b"to"]
    assert b"c=relaxed/relaxed" in header


@pytest.mark.parametrize("name", [b"From", b"Subject", b"To"])
def test_a_second_header_put_on_top_breaks_the_signature(name: bytes) -> None:
    ours = signer(SEED)
    assert not verifies(name + b": somebody else <x@evil.example>\r\n" + ours.sign(letter(), NOW), ours.record)


def test_the_signature_survives_a_real_server_byte_for_byte() -> None:
    ours, kept = signer(SEED), []

    class Mailbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            kept.append(bytes(envelope.content))
            return "250 kept"

    async def nothing() -> None:
        """Nothing to record."""

    async def once() -> None:
        loop = asyncio.get_running_loop()
        guests: list[Server] = []

        def welcome() -> Server:
            guests.append(Server(Mailbox(), loop=loop))
            return guests[-1]

        server = await loop.create_server(welcome, "127.0.0.1", 0)
        transport = SmtpTransport("127.0.0.1", server.sockets[0].getsockname()[1], tls="none")
        sent = await transport.send(
            sender="desk@example.org",
            recipient="reader@example.net",
            message=ours.sign(letter(), NOW),
            before_data=nothing,
        )
        await transport.aclose()
        server.close()
        await until(lambda: all(guest.transport is None for guest in guests))
        assert isinstance(sent, Sent)

    asyncio.run(once())
    assert kept == [ours.sign(letter(), NOW)]
    assert verifies(kept[0], ours.record)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("my secret key", "expected an RSA or Ed25519 private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----", "expected an RSA or Ed25519"),
    ],
)
def test_a_key_that_is_none_is_refused_without_being_shown(key: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        signer(key)
    assert key not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_weak_key_is_refused() -> None:
    with pytest.raises(ValueError, match="512 bits is refused by receivers"):
        signer(new_key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"))


def test_settings_sign_for_the_sender_s_domain(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SEED)
    settings = load(
        {
            "AGGREGATOR_DATA_DIR": str(tmp_path / "data"),
            "AGGREGATOR_MAIL_FROM": "Desk <desk@Bücher.example>",
            "AGGREGATOR_DKIM_SELECTOR": "S2026",
            "AGGREGATOR_DKIM_KEY_FILE": str(tmp_path / "key"),
        }
    )
    chosen = make_signer(settings)
    assert chosen is not None
    assert (chosen.domain, chosen.selector) == ("xn--bcher-kva.example", "s2026")
    assert make_postmaster(settings).sign is not None
    assert SEED not in repr(settings)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"AGGREGATOR_DKIM_SELECTOR": "s2026"}, "AGGREGATOR_DKIM_KEY"),
        ({"AGGREGATOR_DKIM_KEY": SEED}, "AGGREGATOR_DKIM_SELECTOR"),
        ({"AGGREGATOR_DKIM_SELECTOR": "s 2026", "AGGREGATOR_DKIM_KEY": SEED}, "AGGREGATOR_DKIM_SELECTOR"),
    ],
)
def test_half_a_configuration_is_refused_at_the_start(given: dict[str, str], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(given)
    assert [one.where for one in caught.value.problems] == [where]


def test_a_key_that_cannot_be_used_is_told_by_its_setting() -> None:
    settings = load({"AGGREGATOR_DKIM_SELECTOR": "s2026", "AGGREGATOR_DKIM_KEY": "nonsense"})
    with pytest.raises(ConfigError) as caught:
        make_signer(settings)
    assert [one.where for one in caught.value.problems] == ["AGGREGATOR_DKIM_KEY"]
