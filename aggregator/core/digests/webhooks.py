"""How a webhook's receiver knows that a digest is ours: the signature of the Standard Webhooks scheme, and its key.

One key a subscription, derived from the installation's secret: nothing is stored, and one receiver's key opens no other's.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from aggregator.core.digests.tokens import purpose_key


def webhook_key(secret: bytes, subscription_id: int) -> bytes:
    """The 32 bytes that sign what this subscription's webhook is sent."""
    return hmac.digest(purpose_key(secret, "webhook"), str(subscription_id).encode(), "sha256")


def shown_key(key: bytes) -> str:
    """A key as receivers' libraries want it: `whsec_` and base64."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signed_headers(keys: Sequence[bytes], message_id: str, body: bytes, at: datetime) -> tuple[tuple[str, str], ...]:
    """The three headers of a request that carries `body`: its id, when this try was made, and a signature by each key.

    `message_id` is the same on every try, `at` (aware) is not: receivers refuse a signature that is minutes old.
    """
    stamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), stamp.encode(), body))
    macs = [hmac.new(key, content, hashlib.sha256).digest() for key in keys]
    signatures = " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
    return (("webhook-id", message_id), ("webhook-timestamp", stamp), ("webhook-signature", signatures))
