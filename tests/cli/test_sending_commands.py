"""`digest retry` and `--redirect-all-to`: what a person does when mail went wrong, and before it goes out at all."""

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.commands import Shell
from tests.servers import reply
from tests.serving import serving

if TYPE_CHECKING:
    from tests.cli.conftest import Relay


def change(shell: Shell, sql: str) -> None:
    with closing(sqlite3.connect(shell.folder / "data" / "aggregator.db", isolation_level=None)) as connection:
        connection.execute(sql)


def ledger(shell: Shell) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(shell.folder / "data" / "aggregator.db")) as connection:
        return connection.execute("SELECT state, reason FROM ledger WHERE digest_id IS NOT NULL").fetchall()


def given_up(shell: Shell) -> int:
    """A digest whose one mail was given up; its number."""
    number = int(shell.run("digest", "run", "--json").line["id"])
    change(shell, "UPDATE delivery SET phase = 'dead', attempts = 7, detail = '550 5.1.1 who?'")
    change(shell, "UPDATE ledger SET state = 'failed', reason = 'rejected' WHERE digest_id IS NOT NULL")
    return number


def test_what_was_given_up_is_sent_again_to_where_the_person_is_now(polled: Shell, relay: "Relay") -> None:
    number = given_up(polled)
    change(polled, "UPDATE delivery SET channel = 'mail'")
    change(polled, "UPDATE subscriber SET address = 'mended@example.org'")
    ran = polled.run("digest", "retry", str(number))
    assert (ran.code, f"digest {number} was dead and is queued" in ran.out) == (0, True)
    assert ledger(polled) == [("pending", None)]
    polled.environ |= relay.environ()
    assert polled.run("digest", "run").code == 0
    assert [recipients for _, recipients, _ in relay.mails] == [["mended@example.org"]]
    assert ledger(polled) == [("delivered", None)]


def test_a_program_is_told_what_was_queued(polled: Shell) -> None:
    number = given_up(polled)
    assert polled.run("digest", "retry", str(number), "--json").line == {"id": number, "was": "dead", "queued": True}
    again = polled.run("digest", "retry", str(number), "--json")
    assert (again.code, again.line) == (1, {"id": number, "was": "queued", "queued": False})


def test_what_went_out_is_not_sent_again(polled: Shell) -> None:
    number = polled.run("digest", "run", "--json").line["id"]
    ran = polled.run("digest", "retry", str(number))
    assert (ran.code, ran.out) == (1, "")
    assert "it is sent" in ran.err


def test_what_was_erased_cannot_be_sent_again(polled: Shell) -> None:
    number = given_up(polled)
    change(polled, "UPDATE delivery SET message = NULL")
    ran = polled.run("digest", "retry", str(number))
    assert (ran.code, "its bytes were erased" in ran.err) == (1, True)


@pytest.mark.parametrize("word", ["4711", "0", "first"])
def test_a_digest_that_is_not_there_is_wrong_usage(polled: Shell, word: str) -> None:
    assert polled.run("digest", "retry", word).code == 2


def test_every_mail_goes_to_one_address_while_it_is_redirected(polled: Shell, relay: "Relay") -> None:
    polled.environ |= relay.environ()
    ran = polled.run("digest", "run", "--redirect-all-to", "trial@example.org")
    assert ran.code == 0
    assert "every mail goes to trial@example.org" in ran.err
    assert "(redirected to trial@example.org)" in polled.run("digest", "list", "--json").line["detail"]
    ((_, recipients, message),) = relay.mails
    assert recipients == ["trial@example.org"]
    assert b"To: desk@example.org" in message


def test_the_setting_says_so_wherever_one_looks(polled: Shell, relay: "Relay") -> None:
    polled.environ |= {**relay.environ(), "AGGREGATOR_REDIRECT_ALL_TO": "trial@example.org"}
    assert "every mail goes to trial@example.org" in " ".join(polled.run("status").out.split())
    assert polled.run("status", "--json").line["redirect_all_to"] == "trial@example.org"
    assert "trial@example.org" in polled.run("doctor").out


def test_an_address_that_is_none_is_wrong_usage(polled: Shell) -> None:
    ran = polled.run("digest", "run", "--redirect-all-to", "everybody")
    assert (ran.code, "AGGREGATOR_REDIRECT_ALL_TO" in ran.err) == (2, True)


def test_a_webhook_is_tried_out_signed_and_its_address_is_not_told(polled: Shell) -> None:
    with serving() as server:
        url = server.on("/in-secret", reply(b"thanks"))
        change(polled, f"UPDATE subscription SET channel = 'webhook', target = '{url}?key=hidden'")
        ran = polled.run("digest", "send-test", "desk", "--subscription", "morning")
        assert (ran.code, "HTTP 200" in ran.out, "secret" in ran.out + ran.err) == (0, True, False)
        server.on("/in-secret", reply(b"who?", status=404))
        failed = polled.run("digest", "send-test", "desk", "-s", "morning", "--json")
        origin = server.url()
    (asked, _) = server.asked
    told = json.loads(asked.body)
    assert (told["type"], told["digest"], told["subscription"]["name"]) == ("test", 0, "morning")
    assert asked.header("webhook-id") == told["id"].encode()
    assert (failed.code, failed.line["sent"]) == (1, False)
    assert failed.line["recipient"] == origin


def test_a_service_is_tried_out(polled: Shell) -> None:
    with serving() as server:
        server.on("/token", reply(b"ok"))
        target = f"json://127.0.0.1:{server.port}/token"
        change(polled, f"UPDATE subscription SET channel = 'apprise', target = '{target}'")
        ran = polled.run("digest", "send-test", "desk", "-s", "morning")
    assert (ran.code, "json://***" in ran.out) == (0, True)
    assert json.loads(server.asked[0].body)["title"] == "Test from aggregator"


@pytest.mark.parametrize("words", [("desk", "-s", "evening"), ("-s", "morning"), ("--to", "a@example.org", "-s", "x")])
def test_a_test_of_a_subscription_that_is_not_there_is_wrong_usage(polled: Shell, words: tuple[str, ...]) -> None:
    assert polled.run("digest", "send-test", *words).code == 2
