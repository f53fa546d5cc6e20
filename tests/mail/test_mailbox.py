"""The mailbox into which mail comes back: read oldest first, marked and never emptied, and given up on in time."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from aggregator.mail import mailbox
from aggregator.mail.mailbox import ImapMailbox, MailboxError, MaildirMailbox, open_mailbox
from tests.world import run


def test_a_maildir_is_read_and_its_mails_are_moved_as_a_mail_program_does(tmp_path: Path) -> None:
    async def go() -> None:
        (tmp_path / "new").mkdir()
        for name in ("2.b", "1.a", "3.c:2,"):
            (tmp_path / "new" / name).write_bytes(name.encode() * 10)
        box = open_mailbox(f"maildir:{tmp_path}", password=None)
        assert isinstance(box, MaildirMailbox)
        letters = await box.unseen()
        assert await box.waiting() == 3
        assert {one.key for one in letters} == {"1.a", "2.b", "3.c:2,"}
        await box.mark([one.key for one in letters], ["2.b"])
        assert await box.unseen() == ()
        assert {path.name for path in (tmp_path / "cur").iterdir()} == {"1.a:2,S", "2.b:2,FS", "3.c:2,S"}

    run(go)


def test_a_maildir_that_is_not_there_says_so(tmp_path: Path) -> None:
    async def go() -> None:
        with pytest.raises(MailboxError, match="No such file"):
            await open_mailbox(f"maildir:{tmp_path}/none", password=None).unseen()

    run(go)


@dataclass
class Imap:
    """A server with one folder of mails, each with its flags; it answers what the client here asks, and nothing else."""

    mails: list[bytes] = field(default_factory=list)
    flags: dict[int, str] = field(default_factory=dict)
    password: str = "right"
    silent: bool = False
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError), closing(writer):
            writer.write(b"* OK ready\r\n")
            while line := (await reader.readline()).decode().strip():
                tag, _, command = line.partition(" ")
                if self.silent and "LOGIN" in command:
                    await reader.read()  # until the client hangs up
                    return
                for told in self.answers(command):
                    writer.write(told + b"\r\n")
                ok = self.password in command or "LOGIN" not in command
                writer.write(f"{tag} {'OK' if ok else 'NO'} done\r\n".encode())
                await writer.drain()

    def answers(self, command: str) -> list[bytes]:
        if command.startswith("CAPABILITY"):
            return [b"* CAPABILITY IMAP4rev1"]
        if command.startswith("SELECT"):
            return [f"* {len(self.mails)} EXISTS".encode()]
        if command.startswith("UID SEARCH"):
            unseen = [str(uid) for uid in range(1, len(self.mails) + 1) if uid not in self.flags]
            return [f"* SEARCH {' '.join(unseen)}".encode()]
        if found := re.match(r"UID FETCH (\d+) \(BODY\.PEEK", command):
            raw = self.mails[int(found[1]) - 1]
            if not raw:
                return []  # gone meanwhile, or damaged
            return [f"* {found[1]} FETCH (UID {found[1]} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")"]
        if found := re.match(r"UID STORE ([\d,]+) \+FLAGS\.SILENT \((.*)\)", command):
            self.flags |= dict.fromkeys(map(int, found[1].split(",")), found[2])
        return []


@asynccontextmanager
async def imap(server: Imap) -> AsyncIterator[ImapMailbox]:
    authority, theirs = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=theirs) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield ImapMailbox(
            host="localhost", port=server.port, user="bounces", password="right", folder="INBOX", context=ours
        )


def test_mails_that_a_server_cannot_give_do_not_stand_before_the_others() -> None:
    async def go() -> None:
        mails = [b""] * (mailbox.BATCH + 5) + [b"Subject: bounced\r\n\r\n"]
        async with imap(Imap(mails=mails)) as box:
            assert [one.raw for one in await box.unseen()] == mails[-1:]

    run(go)


def test_an_imap_folder_is_read_and_marked_over_tls() -> None:
    async def go() -> None:
        server = Imap(mails=[b"Subject: one\r\n\r\n", b"Subject: two\r\n\r\n"])
        async with imap(server) as box:
            letters = await box.unseen()
            assert await box.waiting() == 2
            assert [(one.key, one.raw[:12]) for one in letters] == [("1", b"Subject: one"), ("2", b"Subject: two")]
            await box.mark(["1", "2"], ["2"])
            assert server.flags == {1: r"\Seen", 2: r"\Seen \Flagged"}
            assert await box.unseen() == ()

    run(go)


def test_a_wrong_password_or_certificate_is_told_in_one_line() -> None:
    async def go() -> None:
        server = Imap(password="other")
        async with imap(server) as box:
            with pytest.raises(MailboxError, match=r"localhost: .*done"):
                await box.unseen()
            untrusted = open_mailbox(f"imaps://bounces@localhost:{server.port}/INBOX", password="right")
            with pytest.raises(MailboxError, match="certificate"):
                await untrusted.unseen()

    run(go)


def test_a_server_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with imap(Imap(silent=True)) as box:
            monkeypatch.setattr(mailbox, "ROUND_TIME", 0.3)
            with pytest.raises(MailboxError, match="took longer"):
                await box.unseen()

    run(go)
