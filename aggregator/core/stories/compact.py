"""A signature <-> the few bytes that are kept of it, for as long as entries may join its story.

Its sentences are not kept: what of them is stock was settled when it was made.
"""

import json
from struct import calcsize, pack, unpack

from aggregator.core.model.stories import StorySignature

_VERSION = 1
_HEAD = "<BHHH"  # version; bytes of JSON, runs of the opening, other runs


def packed(signed: StorySignature) -> bytes:
    """A signature as bytes; without its sentences, `unpacked` gives an equal one."""
    said = {
        "t": list(signed.tokens),
        "w": sorted(signed.title_tokens),
        "n": sorted(signed.numbers),
        # Mostly the title's own words again: what is not in the head, and what is in the label, is shorter.
        "h": sorted(signed.title_tokens - signed.head),
        "x": sorted(signed.head - signed.title_tokens),
        "l": sorted(signed.label),
        "f": sorted(signed.fixture),
        "e": signed.exact.hex(),
        "s": signed.stem.hex(),
        "k": signed.explains + 2 * signed.live + 4 * signed.denies,
    }
    text = json.dumps({key: value for key, value in said.items() if value}, ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
    opening, rest = sorted(signed.opening), sorted(signed.shingles - signed.opening)
    numbers = pack(f"<{len(opening) + len(rest)}I", *opening, *rest)
    return pack(_HEAD, _VERSION, len(text), len(opening), len(rest)) + text + numbers


def unpacked(raw: bytes) -> StorySignature | None:
    """A signature from its bytes; None for bytes of another version of the program."""
    start = calcsize(_HEAD)
    if len(raw) < start or raw[0] != _VERSION:
        return None
    _, length, leading, others = unpack(_HEAD, raw[:start])
    said = json.loads(raw[start : start + length])
    numbers = unpack(f"<{leading + others}I", raw[start + length :])
    words = frozenset(said.get("w", ()))
    return StorySignature(
        tokens=tuple(said.get("t", ())),
        title_tokens=words,
        shingles=frozenset(numbers),
        opening=frozenset(numbers[:leading]),
        exact=bytes.fromhex(said.get("e", "")),
        numbers=frozenset(said.get("n", ())),
        head=words - frozenset(said.get("h", ())) | frozenset(said.get("x", ())),
        label=frozenset(said.get("l", ())),
        fixture=frozenset(said.get("f", ())),
        stem=bytes.fromhex(said.get("s", "")),
        explains=bool(said.get("k", 0) & 1),
        live=bool(said.get("k", 0) & 2),
        denies=bool(said.get("k", 0) & 4),
    )
