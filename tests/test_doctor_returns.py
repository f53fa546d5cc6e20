"""What `doctor` says of the mailbox into which mail comes back."""

from pathlib import Path

from aggregator.doctor import Finding, returns
from aggregator.mail.mailbox import MaildirMailbox


def told(found: list[Finding]) -> list[tuple[str, bool]]:
    return [(one.level.value, bool(one.hint)) for one in found]


def test_nothing_is_said_where_nothing_is_set() -> None:
    assert list(returns(None, address=None, shown=None)) == []


def test_mail_that_comes_back_to_nobody_is_a_warning() -> None:
    (found,) = returns(None, address="bounces@example.org", shown=None)
    assert "bounces@example.org" in found.message
    assert told([found]) == [("warning", True)]


def test_a_mailbox_that_opens_is_well_and_one_that_does_not_is_a_problem(tmp_path: Path) -> None:
    box, where = MaildirMailbox(tmp_path), f"maildir:{tmp_path}"
    assert told(list(returns(box, address="b@example.org", shown=where))) == [("problem", True)]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1").write_bytes(b"x")
    (found,) = returns(box, address="b@example.org", shown=where)
    assert found.message == f"{where}, 1 unread"
    assert told(list(returns(box, address=None, shown=where))) == [("ok", False), ("warning", True)]
