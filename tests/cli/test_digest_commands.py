"""`digest`: a preview makes nothing, a run makes what is due once, and a list says what became of it."""

import sqlite3
import zlib
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands import Shell

if TYPE_CHECKING:
    from tests.cli.conftest import Relay


def outbox(shell: Shell) -> list[str]:
    return sorted(path.name for path in (shell.folder / "data" / "outbox").glob("*"))


def test_a_preview_shows_what_is_due_and_makes_nothing(polled: Shell) -> None:
    ran = polled.run("digest", "preview", "desk")
    assert ran.code == 0
    assert "Customs seize *fentanyl*" in ran.out
    assert "Parliament" not in ran.out
    assert ran.err.startswith("subject: ")
    assert polled.run("digest", "list", "--json").lines == []
    assert outbox(polled) == []


def test_a_preview_as_of_an_earlier_moment_does_not_know_the_later(polled: Shell) -> None:
    ran = polled.run("digest", "preview", "desk", "--as-of", "2026-01-27T06:40:00Z")
    assert ran.code == 0
    assert "Customs seize" not in ran.out


def test_a_preview_can_be_the_page_or_the_whole_mail(polled: Shell) -> None:
    page = polled.run("digest", "preview", "desk", "--subscription", "morning", "--format", "html")
    assert page.out.startswith("<!")
    mail = message_from_bytes(
        polled.run("digest", "preview", "desk", "--format", "eml").out.encode(), policy=policy.default
    )
    assert mail["To"] == "desk@example.org"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("desc",), "no such subscriber: desc"),
        (("desk", "--subscription", "evening"), "there are: morning"),
        (("desk", "--as-of", "tomorrow"), "2026-01-20T06:30:00Z"),
        (("desk", "--as-of", "2026-01-20T06:30:00"), "names no zone"),
    ],
)
def test_a_preview_of_nothing_there_is_wrong_usage(polled: Shell, words: tuple[str, ...], told: str) -> None:
    ran = polled.run("digest", "preview", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_run_makes_what_is_due_once_and_says_where_it_went(polled: Shell) -> None:
    ran = polled.run("digest", "run")
    assert ran.code == 0
    assert "1 digest made, 1 mail sent" in ran.out
    (mail, page) = outbox(polled)
    assert mail in ran.out
    assert page.endswith(".html")
    again = polled.run("digest", "run")
    assert (again.code, again.out.splitlines()) == (0, again.out.splitlines()[:1])
    assert "no digest is due" in again.out
    assert outbox(polled) == [mail, page]


def test_the_list_tells_what_became_of_each_digest(polled: Shell) -> None:
    made = polled.run("digest", "run", "--json").line
    assert (made["subscription"], made["phase"], made["stories"]) == ("desk/morning", "sent", 1)
    assert polled.run("digest", "list", "--json").lines == [made]
    assert "desk/morning" in polled.run("digest", "list").out
    assert polled.run("digest", "list", "--limit", "1", "--json").lines == [made]


def test_a_digest_is_shown_as_it_was_sent(polled: Shell) -> None:
    made = polled.run("digest", "run", "--json").line
    assert made["kind"] == "digest"
    (mail,) = (polled.folder / "data" / "outbox").glob("*.eml")
    sent = mail.read_bytes().decode()
    assert polled.run("digest", "show", str(made["id"]), "--format", "eml").out == sent
    ran = polled.run("digest", "show", str(made["id"]))
    assert ran.code == 0
    assert "Customs seize *fentanyl*" in ran.out
    assert ran.err.startswith(f"subject: {made['subject']}\n")
    assert polled.run("digest", "show", str(made["id"]), "--format", "html").out.startswith("<!")


def test_a_digest_that_was_erased_or_never_made_says_so(polled: Shell) -> None:
    made = polled.run("digest", "run", "--json").line
    connection = sqlite3.connect(polled.folder / "data" / "aggregator.db")
    connection.execute("UPDATE delivery SET message = NULL")
    connection.commit()
    connection.close()
    ran = polled.run("digest", "show", str(made["id"]))
    assert (ran.code, ran.out) == (1, "")
    assert f"digest {made['id']} was erased" in ran.err
    ran = polled.run("digest", "show", "4711")
    assert (ran.code, ran.out) == (2, "")
    assert "no such digest: 4711" in ran.err


def test_what_went_to_no_mailbox_is_shown_as_it_is(polled: Shell) -> None:
    made = polled.run("digest", "run", "--json").line
    connection = sqlite3.connect(polled.folder / "data" / "aggregator.db")
    body = zlib.compress(b'{"digest": 1}')
    connection.execute(
        "UPDATE delivery SET channel = 'webhook', recipient = 'https://hook.example/in', message = ?", (body,)
    )
    connection.commit()
    connection.close()
    for form in ("text", "html", "eml"):
        assert polled.run("digest", "show", str(made["id"]), "--format", form).out == '{"digest": 1}'


def test_a_relay_takes_the_digest_from_a_bare_address(polled: Shell, relay: "Relay") -> None:
    polled.environ |= relay.environ()
    ran = polled.run("digest", "run")
    assert ran.code == 0
    assert "taken as 4711" in ran.out
    ((sender, recipients, message),) = relay.mails
    assert (sender, recipients) == ("desk@sender.example", ["desk@example.org"])
    assert message_from_bytes(message, policy=policy.default)["From"] == "The desk <desk@sender.example>"


def test_a_wrong_password_loses_nothing_and_is_told(polled: Shell, relay: "Relay") -> None:
    polled.environ |= relay.environ("wrong")
    ran = polled.run("digest", "run")
    assert ran.code == 1
    assert "1 mail did not go out" in ran.out
    assert "535" in ran.out
    told = polled.run("status", "--json").line["outbox"]
    assert told["phases"] == {"queued": 1}
    assert "535" in told["parked"]["mail"]
    polled.environ |= {**relay.environ("right"), "AGGREGATOR_CLOCK": "2026-01-27T20:00:00Z"}
    assert polled.run("digest", "run", "--json").line["phase"] == "sent"
    assert len(relay.mails) == 1


def test_a_test_mail_brings_the_relays_answer(polled: Shell, relay: "Relay") -> None:
    polled.environ |= relay.environ()
    ran = polled.run("digest", "send-test", "desk")
    assert ran.code == 0
    assert "sent to desk@example.org by SMTP 127.0.0.1" in ran.out
    assert "250 2.0.0 taken as 4711" in ran.out
    line = polled.run("digest", "send-test", "--to", "me@example.org", "--json").line
    assert (line["sent"], line["recipient"]) == (True, "me@example.org")
    assert [recipients for _, recipients, _ in relay.mails] == [["desk@example.org"], ["me@example.org"]]


def test_a_test_mail_that_is_refused_fails_with_the_relays_words(polled: Shell, relay: "Relay") -> None:
    polled.environ |= relay.environ("wrong")
    ran = polled.run("digest", "send-test", "desk")
    assert (ran.code, ran.out) == (1, "")
    assert "535" in ran.err
    assert "hint: `aggregator doctor`" in ran.err


def test_a_test_mail_needs_no_database(tmp_path: Path, polled: Shell) -> None:
    polled.environ["AGGREGATOR_DATA_DIR"] = str(tmp_path / "elsewhere")
    ran = polled.run("digest", "send-test", "--to", "me@example.org")
    assert ran.code == 0
    assert sorted(path.suffix for path in (tmp_path / "elsewhere" / "outbox").iterdir()) == [".eml", ".html"]
    assert not list((tmp_path / "elsewhere").glob("*.db"))


@pytest.mark.parametrize("words", [(), ("desk", "--to", "me@example.org"), ("desc",), ("--to", "not an address")])
def test_a_test_mail_to_nobody_is_wrong_usage(polled: Shell, words: tuple[str, ...]) -> None:
    ran = polled.run("digest", "send-test", *words)
    assert (ran.code, ran.out) == (2, "")


def test_who_unsubscribed_gets_no_test_mail_either(polled: Shell) -> None:
    with sqlite3.connect(polled.folder / "data" / "aggregator.db") as connection:
        connection.execute("UPDATE subscriber SET state = 'unsubscribed'")
    connection.close()
    ran = polled.run("digest", "send-test", "desk")
    assert ran.code == 1
    assert "desk is unsubscribed" in ran.err
