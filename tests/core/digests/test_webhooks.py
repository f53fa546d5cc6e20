"""Signatures of webhooks, checked the way a receiver's own program would, written from the scheme's description."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aggregator.core.digests.webhooks import shown_key, signed_headers, webhook_key

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)
SECRET = b"the installation's secret"
BODY = '{"id":"d.1","title":"नई दिल्ली"}'.encode()


def accepts(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """A receiver: five minutes of tolerance, any of the listed signatures, compared in constant time."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    age = abs(now.timestamp() - int(headers["webhook-timestamp"]))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split() if one.startswith("v1,")]
    return age <= 300 and any(hmac.compare_digest(expected, one.encode()) for one in given)


def test_a_receiver_accepts_what_we_sign_and_nothing_else() -> None:
    key = webhook_key(SECRET, 7)
    headers = dict(signed_headers([key], "d.1.abc@example.org", BODY, NOW))
    shown = shown_key(key)
    assert accepts(shown, headers, BODY, NOW)
    assert not accepts(shown, headers, BODY + b" ", NOW)
    assert not accepts(shown, {**headers, "webhook-id": "d.2.abc@example.org"}, BODY, NOW)
    assert not accepts(shown, headers, BODY, NOW + timedelta(minutes=6))
    assert not accepts(shown_key(webhook_key(SECRET, 8)), headers, BODY, NOW)
    assert not accepts(shown_key(webhook_key(b"another", 7)), headers, BODY, NOW)


def test_while_a_secret_is_changed_the_new_key_and_the_old_one_both_hold() -> None:
    keys = [webhook_key(SECRET, 7), webhook_key(b"the old one", 7)]
    headers = dict(signed_headers(keys, "d.1", BODY, NOW))
    assert all(accepts(shown_key(key), headers, BODY, NOW) for key in keys)
    assert not accepts(shown_key(webhook_key(b"another", 7)), headers, BODY, NOW)


def test_the_published_example_of_the_scheme_comes_out() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = dict(signed_headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_check_that_the_documentation_shows_accepts_the_same() -> None:
    page = (Path(__file__).parents[3] / "docs" / "digests.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "digests.md", "exec"), names)
    names["time"] = SimpleNamespace(time=NOW.timestamp)
    key = webhook_key(SECRET, 7)
    headers = dict(signed_headers([key], "d.1", BODY, NOW))
    assert names["is_ours"](shown_key(key), headers, BODY)
    assert not names["is_ours"](shown_key(key), headers, BODY + b" ")
    assert not names["is_ours"](shown_key(key), {**headers, "webhook-timestamp": "1"}, BODY)


@pytest.mark.parametrize("length", [0, 1, 100_000])
def test_a_body_of_any_length_is_signed(length: int) -> None:
    key = webhook_key(SECRET, 1)
    assert accepts(shown_key(key), dict(signed_headers([key], "id", b"x" * length, NOW)), b"x" * length, NOW)
