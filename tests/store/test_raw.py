"""The last body of each feed: capped, private, replaced whole, and never outside its folder."""

import stat
from pathlib import Path

import pytest

from aggregator.core.errors import StoreError
from aggregator.store import raw


def test_the_last_body_replaces_the_one_before_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    raw.keep(folder, "wire", b"first")
    raw.keep(folder, "wire", b"\x00second\xff")
    assert raw.last(folder, "wire") == b"\x00second\xff"
    (file,) = folder.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("wire.body", 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_body_is_capped(tmp_path: Path) -> None:
    raw.keep(tmp_path, "wire", b"x" * (raw.LARGEST + 1))
    assert len(raw.last(tmp_path, "wire") or b"") == raw.LARGEST


def test_what_is_forgotten_is_gone_and_forgetting_twice_does_no_harm(tmp_path: Path) -> None:
    raw.keep(tmp_path, "wire", b"x")
    raw.forget(tmp_path, ["wire", "never"])
    raw.forget(tmp_path, ["wire"])
    assert raw.last(tmp_path, "wire") is None


def test_a_disk_that_refuses_leaves_the_former_body_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "wire.body").mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        raw.keep(tmp_path, "wire", b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["wire.body"]


@pytest.mark.parametrize("name", ["../etc/passwd", "", ".hidden", "a/b", "x\x00"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError):
        raw.keep(tmp_path, name, b"x")
    with pytest.raises(StoreError):
        raw.last(tmp_path, name)
