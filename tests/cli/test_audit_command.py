"""`audit`: the ledger's proof, for people and for programs."""

import contextlib
import sqlite3

from tests.commands import Shell


def spoil(shell: Shell, statement: str) -> None:
    path = next(shell.folder.rglob("*.db"))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


SUMS = {"delivered": 0, "suppressed": 0, "pending": 1, "failed": 0, "matches_due": 1, "closes": True}


def test_what_waits_is_pending_and_the_sum_closes(polled: Shell) -> None:
    ran = polled.run("audit", "--json")
    assert ran.code == 0
    assert {name: ran.line[name] for name in SUMS} == SUMS
    desk = ran.line["subscribers"]["desk"]
    assert {name: desk[name] for name in SUMS} == SUMS
    shown = polled.run("audit")
    assert shown.code == 0
    assert "the ledger closes: 1 match due = 0 delivered + 0 suppressed + 1 pending + 0 failed" in shown.out


def test_what_was_mailed_is_delivered(polled: Shell) -> None:
    assert polled.run("digest", "run").code == 0
    found = polled.run("audit", "--json").line
    assert (found["delivered"], found["pending"], found["closes"]) == (1, 0, True)


def test_a_lost_row_is_named_and_fails(polled: Shell) -> None:
    spoil(polled, "DELETE FROM ledger")
    ran = polled.run("audit", "--json")
    assert ran.code == 1
    assert (ran.line["matches_due"], ran.line["pending"], ran.line["closes"]) == (1, 0, False)
    (fault,) = ran.line["faults"]
    assert (fault["subscription"], fault["flaw"], fault["count"]) == ("desk/morning", "missing", 1)
    assert "desk/morning: 1 match has no row in the ledger" in ran.err
    shown = polled.run("audit")
    assert shown.code == 1
    assert "desk/morning: 1 match has no row in the ledger (match 1)" in shown.out
    assert "the ledger does not close: 1 of 1 match due" in shown.err


def test_a_row_that_says_delivered_while_the_mail_was_not_sent_fails(polled: Shell) -> None:
    assert polled.run("digest", "run").code == 0
    spoil(polled, "UPDATE delivery SET phase = 'dead'")
    shown = polled.run("audit")
    assert shown.code == 1
    assert "desk/morning: 1 match counts as delivered, but no mail with it went out (match 1, digest 1)" in shown.out


def test_an_audit_may_begin_at_an_instant(polled: Shell) -> None:
    spoil(polled, "DELETE FROM ledger")
    ran = polled.run("audit", "--since", "2026-01-27T07:00Z", "--json")
    assert ran.code == 0
    assert (ran.line["matches_due"], ran.line["since"]) == (0, "2026-01-27T07:00:00Z")
    assert polled.run("audit", "--since", "2026-01-28", "--json").line["since"] == "2026-01-28T00:00:00Z"
    wrong = polled.run("audit", "--since", "yesterday")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--since yesterday" in wrong.err
