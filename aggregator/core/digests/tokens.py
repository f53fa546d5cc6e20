"""Signed names for links and return paths: who and what they speak of, and that we gave them out, for one purpose only.

A token is no secret store and no session: it names a person's public id and one number, and an HMAC-SHA256 of both cut
to 128 bits, with a key for each purpose that is derived from the installation's secret. None passes for another purpose.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

VIEW_LASTS: Final = timedelta(days=90)

_EPOCH = date(1970, 1, 1)
_TOKEN = re.compile(
    r"v1\.(?P<who>[A-Za-z0-9_-]{1,32})\.(?P<number>[0-9]{1,18})(?:\.(?P<until>[0-9]{1,6}))?\.(?P<mac>[A-Za-z0-9_-]{22})"
)
_RETURN_TOKEN = re.compile(r"(?P<number>[0-9]{1,18})-(?P<mac>[0-9a-f]{20})")


class Purpose(StrEnum):
    """What a token lets its holder do, and what its number is."""

    UNSUBSCRIBE = "unsubscribe"  # a subscription: leave it, pause, ask for less
    VIEW = "view"  # a digest: read it, until a day
    REVIEW = "review"  # a match: say whether it was relevant


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token that holds says: the subscriber's public id, the number its purpose speaks of, and its last day."""

    public_id: str
    number: int
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Keyring:
    """The installation's secrets, newest first: the first one signs, each one verifies, so that a change breaks no link."""

    secrets: tuple[bytes, ...]

    def sign(self, purpose: Purpose, public_id: str, number: int, *, until: date | None = None) -> str:
        """`v1.{public id}.{number}.{mac}`, with the day it ends before the mac when `until` is given; safe in any URL."""
        ends = "" if until is None else f".{(until - _EPOCH).days}"
        body = f"v1.{public_id}.{number}{ends}"
        return f"{body}.{_mac(self.secrets[0], purpose, body)}"

    def read(self, purpose: Purpose, token: str, *, today: date) -> Claim | None:
        """What `token` claims, None when we gave out no such token for this purpose, or its day is over."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        body = token.rpartition(".")[0]
        # Every key is tried, so that the time taken tells nothing of which one would have fitted.
        fits = [hmac.compare_digest(_mac(secret, purpose, body), found["mac"]) for secret in self.secrets]
        until = None if found["until"] is None else _EPOCH + timedelta(days=int(found["until"]))
        if not any(fits) or (until is not None and today > until):
            return None
        return Claim(public_id=found["who"], number=int(found["number"]), until=until)

    def return_token(self, digest_id: int) -> str:
        """What the return path of digest `digest_id` carries: digits and small letters, as relays may change the case."""
        return f"{digest_id}-{_return_mac(self.secrets[0], digest_id)}"

    def read_return(self, token: str) -> int | None:
        """The digest a return path belongs to, None when it is none of ours."""
        found = _RETURN_TOKEN.fullmatch(token.lower())
        if found is None:
            return None
        number = int(found["number"])
        fits = [hmac.compare_digest(_return_mac(secret, number), found["mac"]) for secret in self.secrets]
        return number if any(fits) else None


def purpose_key(secret: bytes, purpose: str) -> bytes:
    """The key that the installation's secret has for one purpose: what is signed for another never passes for it."""
    return hmac.digest(secret, f"aggregator {purpose}".encode(), "sha256")


def view_until(day: date) -> date:
    """The last day on which the link to a digest made on `day` leads to it."""
    return day + VIEW_LASTS


def _mac(secret: bytes, purpose: Purpose, body: str) -> str:
    digest = hmac.digest(purpose_key(secret, purpose.value), body.encode(), "sha256")[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _return_mac(secret: bytes, digest_id: int) -> str:
    return hmac.digest(purpose_key(secret, "bounce"), str(digest_id).encode(), "sha256")[:10].hex()
