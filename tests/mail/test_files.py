"""Mails as files: whole or not at all, the same mail once, for nobody else to read."""

import asyncio
import mailbox
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.core.digests.headers import build_message, message_id
from aggregator.core.model.digests import Rendered
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.files import FileTransport, MaildirTransport, PayloadFolder
from aggregator.mail.transport import Transport

Make = Callable[[Path], Transport]
BOTH = pytest.mark.parametrize("make", [FileTransport, MaildirTransport])
HTML = "<p>Meeting in Washington: वाशिंगटन</p>"


def mail(number: int = 17, list_id: str = "morning.example.org") -> bytes:
    return build_message(
        rendered=Rendered(subject="3 new", text="Meeting in Washington\n", html=HTML),
        sender="digest@example.org",
        recipient=None,
        message_id=message_id(number, "p7Qx", b"secret", "example.org"),
        date=datetime(2026, 1, 22, 2, 0, tzinfo=UTC),
        list_id=list_id,
    )


async def nothing() -> None:
    """Nothing to record."""


def send(transport: Transport, message: bytes, before_data: Callable[[], Awaitable[None]] = nothing) -> SendResult:
    return asyncio.run(
        transport.send(sender="digest@example.org", recipient=None, message=message, before_data=before_data)
    )


def path_of(result: SendResult) -> Path:
    assert isinstance(result, Sent)
    return Path(result.response)


def files_in(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_a_mail_is_two_files_named_by_date_and_list(tmp_path: Path) -> None:
    path = path_of(send(FileTransport(tmp_path / "outbox"), mail()))
    assert path.name.startswith("2026-01-22-morning-")
    assert path.read_bytes() == mail()
    assert path.with_suffix(".html").read_text(encoding="utf-8").strip() == HTML
    assert files_in(tmp_path) == [path, path.with_suffix(".html")]


@BOTH
def test_the_same_mail_is_the_same_file_and_another_mail_is_another(tmp_path: Path, make: Make) -> None:
    transport = make(tmp_path / "outbox")
    first = path_of(send(transport, mail()))
    count = len(files_in(tmp_path))
    assert path_of(send(transport, mail())) == first
    assert len(files_in(tmp_path)) == count
    assert path_of(send(transport, mail(18))) != first


@BOTH
def test_nobody_else_may_read_the_mails(tmp_path: Path, make: Make) -> None:
    path_of(send(make(tmp_path / "outbox"), mail()))
    found = [tmp_path / "outbox", *(tmp_path / "outbox").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in found if path.is_dir()} == {0o700}


@BOTH
def test_a_mail_that_names_hostile_things_stays_in_its_folder(tmp_path: Path, make: Make) -> None:
    hostile = b"List-Id: <../../../etc/x\x00y.z>\r\nMessage-ID: ../../\xff\r\nDate: nonsense\r\n\r\nbody\r\n"
    for message in (hostile, b"", b"\r\n", b"no headers at all"):
        path = path_of(send(make(tmp_path / "outbox"), message))
        assert (tmp_path / "outbox").resolve() in path.resolve().parents
    assert {path.parent for path in files_in(tmp_path)} <= {tmp_path / "outbox", tmp_path / "outbox" / "new"}


@BOTH
def test_what_stops_the_recording_stops_the_writing(tmp_path: Path, make: Make) -> None:
    async def fenced() -> None:
        raise LookupError("the lease is gone")

    with pytest.raises(LookupError, match="lease"):
        send(make(tmp_path), mail(), fenced)
    assert files_in(tmp_path) == []


@BOTH
def test_a_folder_that_cannot_be_is_our_configuration(tmp_path: Path, make: Make) -> None:
    (tmp_path / "file").write_text("in the way")
    transport = make(tmp_path / "file" / "outbox")
    for result in (send(transport, mail()), asyncio.run(transport.check())):
        assert isinstance(result, SendFailed)
        assert result.failure is SendFailure.CONFIG
        assert "file" in result.detail


@BOTH
def test_a_full_disk_leaves_no_half_file_and_is_tried_later(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, f"No space left on device {descriptor}")

    monkeypatch.setattr("os.fsync", full)
    result = send(make(tmp_path), mail())
    assert isinstance(result, SendFailed)
    assert result.failure is SendFailure.RETRY
    assert files_in(tmp_path) == []


@BOTH
def test_a_check_leaves_nothing_behind(tmp_path: Path, make: Make) -> None:
    transport = make(tmp_path / "outbox")
    assert isinstance(asyncio.run(transport.check()), Sent)
    assert files_in(tmp_path) == []
    assert str(tmp_path) in transport.describe()


def test_a_maildir_is_read_by_any_mail_reader(tmp_path: Path) -> None:
    path_of(send(MaildirTransport(tmp_path / "mail"), mail()))
    box = mailbox.Maildir(tmp_path / "mail", create=False)
    (message,) = list(box)
    assert message["Subject"] == "3 new"
    assert message.get_subdir() == "new"
    assert b"\r" not in box.get_bytes(box.keys()[0])


def test_a_mail_that_was_read_and_moved_is_not_delivered_again(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path / "mail")
    path = path_of(send(transport, mail()))
    read = path.rename(tmp_path / "mail" / "cur" / f"{path.name}:2,S")
    assert path_of(send(transport, mail())) == read
    assert files_in(tmp_path) == [read]


def test_a_payload_that_is_no_mail_is_one_file_named_by_what_it_is_and_what_it_says(tmp_path: Path) -> None:
    folder = PayloadFolder(tmp_path / "outbox", stem="webhook", suffix=".json")
    assert isinstance(asyncio.run(folder.check()), Sent)
    paths = [path_of(send(folder, body)) for body in (b"{}", b"[]", b"{}")]
    assert paths[0] == paths[2]
    assert files_in(tmp_path) == sorted(set(paths))
    assert {path.name.rpartition("-")[0] + path.suffix for path in paths} == {"webhook.json"}
    assert folder.describe() == f"folder {tmp_path / 'outbox'}"
