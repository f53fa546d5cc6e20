"""How values are shown: times, tables, JSON; and that nothing from outside moves a terminal."""

import io
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aggregator.cli import output
from aggregator.cli.output import (
    Column,
    ago,
    clean,
    count,
    fields,
    moment,
    print_json,
    print_table,
    progress,
    span,
)
from aggregator.core.digests.times import iso
from tests.factories import NOW


class Kind(StrEnum):
    DNS = "dns"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns that shows no colours."""
    monkeypatch.setattr(output, "_is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "now"),
        (-45, "45s ago"),
        (-119, "1m ago"),
        (-7_300, "2h ago"),
        (-9 * 86_400, "9d ago"),
        (90, "in 1m"),
        (3_600, "in 1h"),
    ],
)
def test_a_time_is_told_by_its_distance(seconds: int, told: str) -> None:
    assert ago(NOW + timedelta(seconds=seconds), NOW) == told


def test_what_never_happened_is_told_as_such() -> None:
    assert ago(None, NOW) == "never"
    assert (moment(None), iso(None)) == ("-", None)


def test_instants_are_told_in_utc() -> None:
    kolkata = datetime(2026, 1, 27, 12, 0, 5, 999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert iso(kolkata) == "2026-01-27T06:30:05Z"
    assert moment(kolkata) == "2026-01-27 06:30 UTC"


def test_lengths_of_time_are_told_in_their_largest_unit() -> None:
    assert [span(timedelta(seconds=n)) for n in (0, 59, 60, 3_599, 86_400)] == ["0s", "59s", "1m", "59m", "1d"]


def test_numbers_bring_the_right_word() -> None:
    assert [count(n, "entry", "entries") for n in (0, 1, 2_000)] == ["0 entries", "1 entry", "2,000 entries"]


@given(st.text())
def test_text_from_outside_only_shows(text: str) -> None:
    shown = clean(text)
    assert all(char.isprintable() or char in "\u200c\u200d" or not char.isascii() for char in shown)
    assert not set(shown) & set("\x1b\n\r\t\x9b\u202e\u2066\u061c")


def test_json_is_one_object_a_line_in_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {
        "at": datetime(2026, 1, 27, tzinfo=UTC),
        "kind": Kind.DNS,
        "text": "Delhi \u0926\u093f\u0932\n\ud800",
        "of": {2, 1},
    }
    for encoding in ("utf-8", "latin-1", "ascii"):
        raw = io.BytesIO()
        monkeypatch.setattr(
            sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", write_through=True)
        )
        print_json(value)
        (line,) = raw.getvalue().decode(encoding).splitlines()
        assert json.loads(line) == {
            "at": "2026-01-27T00:00:00Z",
            "kind": "dns",
            "text": "Delhi \u0926\u093f\u0932\n\ud800",
            "of": [1, 2],
        }


TABLE = (Column("id", right=True), Column("feed"), Column("state", style="state"), Column("title", shrinks=True))
ROW = (
    "1024",
    "a-feed-with-rather-a-long-name",
    "failing",
    "One title that is much longer than any terminal is wide " * 2,
)


def test_a_pipe_gets_whole_cells_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TABLE, [ROW, ("7", "wire", "ok", "\x1b[31mRed\x1b[0m\nlines")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  ID  FEED                            STATE    TITLE"
    assert lines[1].endswith(ROW[3].strip())
    assert lines[2] == "   7  wire                            ok       [31mRed [0m lines"


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_table_that_fits_with_every_id_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TABLE, [ROW, ("7", "wire", "ok", "麻薬" * 40)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert max(cell_len(line) for line in lines) <= 80
    assert "a-feed-with-rather-a-long-name" in lines[1]
    assert "…" in lines[1]


@pytest.mark.usefixtures("terminal")
def test_a_narrow_terminal_gets_the_essential_columns_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = (Column("feed"), Column("tier", wide=True))
    print_table(columns, [("wire", "official")])
    assert "official" not in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "120")
    print_table(columns, [("wire", "official")])
    assert "official" in capsys.readouterr().out


@pytest.mark.usefixtures("terminal")
def test_long_values_hang_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    address = "https://wire.example/" + "a" * 90
    fields({"problem": "words and " * 12 + address, "empty": ""})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("problem  words and")
    assert all(line.startswith(" " * 9) for line in lines[1:])
    assert lines[-1] == " " * 9 + address


def test_without_rows_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TABLE, [])
    assert capsys.readouterr().out == ""


def test_there_is_no_bar_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(3, "checking") as step:
        step()
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""
