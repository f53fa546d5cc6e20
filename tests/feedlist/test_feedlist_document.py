"""YAML as text with places: the core schema only, and bombs are refused early."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.feedlist.document import MAX_BYTES, Document, Findings, read_file, read_text


def read(text: str) -> tuple[Document | None, list[str]]:
    findings = Findings()
    return read_text(text, "x", findings), [str(problem) for problem in findings.problems]


def plain(text: str) -> Any:
    document, problems = read(text)
    assert problems == []
    assert document is not None
    return document.value


def test_only_the_core_schema_is_read_so_that_text_stays_text() -> None:
    written = "a: no\nb: 07:30\nc: 1.5\nd: -3\ne: true\nf: ~\ng: 2026-01-20\nh: '5'\ni: 0x1f\nj: 1e3\nk: .5\nl: on\n"
    assert plain(written) == {
        "a": "no",
        "b": "07:30",
        "c": 1.5,
        "d": -3,
        "e": True,
        "f": None,
        "g": "2026-01-20",
        "h": "5",
        "i": "0x1f",
        "j": 1000.0,
        "k": 0.5,
        "l": "on",
    }


def test_a_merge_key_gives_way_to_what_is_written() -> None:
    text = "base: &base {x: 1, y: 2}\nother: {<<: [*base, {y: 3, z: 4}], x: 9}\n"
    assert plain(text)["other"] == {"x": 9, "y": 2, "z": 4}


def test_values_and_keys_remember_where_they_stand() -> None:
    document, _ = read("a:\n  - {b: 'text', c: plain}\n  - |\n    block\n")
    assert document is not None
    assert document.where(("a", 0, "b")) == "x:2:9"
    assert document.where(("a", 0, "b"), key=True) == "x:2:6"
    assert document.where(("a", 0, "b"), offset=2) == "x:2:12"
    assert document.where(("a", 0, "c"), offset=2) == "x:2:22"
    assert document.where(("a", 1), offset=2) == "x:3:5"
    assert document.where(("a", 0, "missing")) == "x:2:5"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 5000, "x:1:21: nested deeper than 20 levels"),
        ("a: &a [*a]\n", "unfold to more than a file may hold"),
        ("a: &a 1\nb: [" + "*a," * 51 + "]\n", "more than 50 aliases"),
        ("a: *b\n", "x:1:4: the alias *b names nothing above it"),
        ("a: &a 1\nb: &a 2\n", "x:2:4: the anchor &a is defined twice"),
        ("? [x]\n: 1\n", "x:1:3: a key must be text"),
        ("a: {<<: 3}\n", "x:1:9: << takes a mapping"),
        ("a: \x01\n", "is not YAML"),
        ("a: 'x", "is not YAML"),
    ],
)
def test_hostile_and_broken_text_is_refused(text: str, told: str) -> None:
    _, problems = read(text)
    assert told in problems[0]


def test_aliases_that_multiply_are_stopped_early() -> None:
    levels = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 6))
    document, problems = read(f"a0: &a0 [{','.join('1' * 9)}]\n{levels}")
    assert document is None
    assert "unfold" in problems[0]


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    binary.write_bytes(b"a: 1\nb: \xff\n")
    findings = Findings()
    assert (read_file(large, findings), read_file(binary, findings), read_file(tmp_path, findings)) == (None,) * 3
    told = [str(problem) for problem in findings.problems]
    assert told[0].endswith("is larger than 1 MiB")
    assert told[1] == f"{binary}:2:1: is not UTF-8 text"
    assert "cannot be read" in told[2]


@given(st.text(max_size=60))
def test_no_text_makes_it_raise(text: str) -> None:
    read(text)


@given(st.text(alphabet="ab:-[]{},*&!|>'\"#\n \t<", max_size=40))
def test_no_punctuation_makes_it_raise(text: str) -> None:
    read(text)
