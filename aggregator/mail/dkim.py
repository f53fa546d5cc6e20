"""A finished mail -> the same mail with a DKIM signature before it (RFC 6376, RFC 8463). The only importer of dkimpy.

What is signed is what is frozen: no byte of the message changes, one header is put on top.
"""

import base64
import binascii
from datetime import datetime
from email.parser import BytesHeaderParser
from typing import Any

import dkim
from dkim.crypto import parse_pem_private_key

SIGNED = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
NEVER_A_SECOND = ("from", "to", "subject")  # signed once more than they stand: one that is added breaks the signature
LEAST_BITS = 1024

_RELAXED = (b"relaxed", b"relaxed")
# AlgorithmIdentifier of rsaEncryption, RFC 8017 appendix A.1.
_RSA_OID = bytes.fromhex("300d06092a864886f70d0101010500")
# What stands before the 32 bytes of an Ed25519 key, RFC 8410 section 7.
_ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


class Signer:
    """Signs for `domain` with one key, which receivers look up at `selector._domainkey.domain`."""

    def __init__(self, *, domain: str, selector: str, key: str) -> None:
        """`key` is an RSA or Ed25519 key in PEM, or the 32 bytes of an Ed25519 one in base64.

        Raises ValueError saying what is wrong with it, without showing it.
        """
        self.domain, self.selector = domain, selector
        text = key.replace("\\n", "\n").strip()
        seed = _ed25519_seed(text)
        if seed is not None:
            self._algorithm, self._key = b"ed25519-sha256", base64.b64encode(seed)
            public = base64.b64encode(_ed25519_public(seed)).decode()
            self.record = f"v=DKIM1; k=ed25519; p={public}"
        else:
            self._algorithm, self._key = b"rsa-sha256", text.encode()
            self.record = f"v=DKIM1; k=rsa; p={_rsa_public(self._key)}"

    def sign(self, message: bytes, at: datetime) -> bytes:
        """The signed message; the same bytes for the same arguments. `at` (aware) is when it says it was signed."""
        there = {name.lower() for name in BytesHeaderParser().parsebytes(message)}
        names = [name for name in SIGNED if name in there]
        header: bytes = _Dated(message, at).sign(
            self.selector.encode(),
            self.domain.encode(),
            self._key,
            signature_algorithm=self._algorithm,
            canonicalize=_RELAXED,
            include_headers=[name.encode() for name in (*names, *NEVER_A_SECOND)],
        )
        return header + message


class _Dated(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """dkimpy's signer, which reads the machine's clock, with the instant it is told instead."""

    def __init__(self, message: bytes, at: datetime) -> None:
        super().__init__(message)
        self._at = str(int(at.timestamp())).encode()

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: Any, **more: Any) -> Any:
        """The header of these fields, as dkimpy makes it."""
        dated = [(name, self._at if name == b"t" else value) for name, value in fields]
        return super().gen_header(dated, *rest, **more)


def _ed25519_seed(text: str) -> bytes | None:
    """The 32 bytes of an Ed25519 key, or None for a key of another kind."""
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    if raw.startswith(_ED25519_PKCS8) and len(raw) == len(_ED25519_PKCS8) + 32:
        return raw[-32:]
    return raw if len(raw) == 32 else None


def _ed25519_public(seed: bytes) -> bytes:
    from nacl.signing import SigningKey  # noqa: PLC0415 - only keys of this kind need it

    return bytes(SigningKey(seed).verify_key)


def _rsa_public(pem: bytes) -> str:
    """The public half of an RSA key as a DKIM record has it. Raises ValueError for what is no key, or a weak one."""
    try:
        parts = parse_pem_private_key(pem)
    except Exception:  # noqa: BLE001 - dkimpy raises what its parsing happens on; the reason would show parts of the key
        raise ValueError("expected an RSA or Ed25519 private key in PEM, without a passphrase") from None
    modulus, exponent = int(parts["modulus"]), int(parts["publicExponent"])
    if modulus.bit_length() < LEAST_BITS:
        raise ValueError(f"an RSA key of {modulus.bit_length()} bits is refused by receivers, use 2048")
    pair = _der(0x30, _number(modulus) + _number(exponent))
    return base64.b64encode(_der(0x30, _RSA_OID + _der(0x03, b"\0" + pair))).decode()


def _number(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    """One element in DER (X.690 section 8.1.3): tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
