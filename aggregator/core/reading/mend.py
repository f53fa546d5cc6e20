"""XML that is almost well-formed -> the same with its commonest flaws put right, so that it can be cut and parsed as XML.

It touches references only, never tags, and nothing inside CDATA.
"""

import re
from html.entities import html5

_REFERENCE = re.compile(
    # A CDATA section that never ends takes the rest with it; so each is looked at once.
    rb"<!\[CDATA\[(?:.*?\]\]>|.*\Z)|&(?:#(x[0-9a-f]+|\d+);|([a-z][a-z0-9]{1,31});)?",
    re.IGNORECASE | re.DOTALL,
)
_XML_OWN = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_REPLACEMENT = "\ufffd".encode()


def mend(body: bytes) -> bytes:
    """`body` (UTF-8) with bare ampersands escaped, HTML's entities as characters, and impossible numbers as U+FFFD.

    A document that declares entities of its own is left as it is.
    """
    return body if b"<!ENTITY" in body[:4096] else _REFERENCE.sub(_mended, body)


def _mended(found: re.Match[bytes]) -> bytes:
    written, (number, name) = found.group(), found.groups()
    if number is not None:
        return written if _is_character(number.lower()) else _REPLACEMENT
    if name is None:
        return b"&amp;" if written == b"&" else written
    if name in _XML_OWN:
        return written
    characters = html5.get(f"{name.decode()};")
    return characters.encode() if characters is not None else b"&amp;" + written[1:]


def _is_character(written: bytes) -> bool:
    """Whether XML 1.0 (2.2) knows a character of this number."""
    digits = written.removeprefix(b"x").lstrip(b"0") or b"0"
    if len(digits) > 7:
        return False
    number = int(digits, 16 if written.startswith(b"x") else 10)
    return number in {9, 10, 13} or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number <= 0x10FFFF
