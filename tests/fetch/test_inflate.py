"""Inflating under a cap, whatever the pieces the wire delivers."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model.feeds import FailureKind
from aggregator.fetch.failure import WireError
from aggregator.fetch.inflate import MAX_MEMBERS, Inflater, coding_of

PACKERS = {
    "": lambda data: data,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


def inflate(coding: str, data: bytes, limit: int = 1_000_000, piece: int = 1000) -> bytes:
    inflater = Inflater(coding, limit)
    for start in range(0, len(data), piece):
        inflater.feed(data[start : start + piece])
    return inflater.finish()


def kind_of(coding: str, data: bytes, limit: int = 1_000_000) -> FailureKind:
    with pytest.raises(WireError) as caught:
        inflate(coding, data, limit)
    return caught.value.kind


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=3000), st.integers(min_value=1, max_value=700))
def test_pieces_of_any_size_give_the_same_body(coding: str, body: bytes, piece: int) -> None:
    if not coding and body.startswith(b"\x1f\x8b"):
        body = b"<" + body
    assert inflate(coding, PACKERS[coding](body), piece=piece) == body


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=6), st.integers(min_value=1, max_value=50))
def test_gzip_files_in_a_row_are_one_body(bodies: list[bytes], piece: int) -> None:
    packed = b"".join(gzip.compress(body) for body in bodies)
    assert inflate("gzip", packed + b"\0\0\0", piece=piece) == b"".join(bodies)


@given(st.sampled_from(["gzip", "deflate"]), st.binary(min_size=20, max_size=500), st.data())
def test_no_part_of_a_compressed_body_passes_for_the_whole(coding: str, body: bytes, data: st.DataObject) -> None:
    packed = PACKERS[coding](body)
    cut = data.draw(st.integers(min_value=2, max_value=len(packed) - 1))
    assert kind_of(coding, packed[:cut]) is FailureKind.TRUNCATED


@given(st.sampled_from(["", "gzip", "deflate"]), st.binary(max_size=500))
def test_garbage_ends_in_a_body_or_in_a_wire_error(coding: str, data: bytes) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(inflate(coding, data, piece=7), bytes)


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_the_cap_is_exact(coding: str) -> None:
    packed = PACKERS[coding](bytes(5000))
    assert inflate(coding, packed, limit=5000) == bytes(5000)
    assert kind_of(coding, packed, limit=4999) is FailureKind.TOO_LARGE


def test_a_swarm_of_empty_gzip_files_is_refused() -> None:
    assert kind_of("gzip", gzip.compress(b"") * (MAX_MEMBERS + 1)) is FailureKind.ENCODING


@pytest.mark.parametrize(
    ("header", "coding"),
    [("", ""), ("identity", ""), (" GZip ", "gzip"), ("x-gzip", "gzip"), ("deflate", "deflate"), ("gzip,", "gzip")],
)
def test_the_codings_we_asked_for_are_known(header: str, coding: str) -> None:
    assert coding_of(header) == coding


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, gzip", "gzip deflate", "x-gzip, x-gzip", "\x00"])
def test_all_other_codings_are_refused(header: str) -> None:
    with pytest.raises(WireError):
        coding_of(header)
