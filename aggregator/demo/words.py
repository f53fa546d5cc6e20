"""What happened in the demo -> lines of at most 80 columns for a terminal."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from aggregator.core.digests.render.view import number_words
from aggregator.core.model.plans import CheckResult, Outcome
from aggregator.feedlist.load import FeedList

COLUMNS = 80
OPENING = "The whole program, on feeds that come with it: nothing leaves this machine."
NEXT = (
    "  make run      the service itself, on the real feeds of ./feeds.yaml",
    "  README.md     how to follow feeds, watch topics and send mail of your own",
)

_KOLKATA = ZoneInfo("Asia/Kolkata")
_NAME = 25


def local(at: datetime) -> str:
    """`07:00 in Kolkata, Tuesday 27 January`."""
    there = at.astimezone(_KOLKATA)
    return f"{there:%H:%M} in Kolkata, {there:%A} {there.day} {there:%B}"


def step_line(number: int, title: str, about: str) -> str:
    """`2  Check: every feed that is due`."""
    return f"{number}  {title}: {about}"


def listed_line(path: Path, wanted: FeedList) -> str:
    """How much a feed list names."""
    people = number_words(len(wanted.subscribers), "subscriber", "subscribers")
    return f"   {path}: {len(wanted.feeds)} feeds, {len(wanted.topics)} topics, {people}"


def result_line(name: str, result: CheckResult) -> str:
    """One feed's check: its outcome, its name, and what came or what is wrong."""
    start = f"   {result.outcome:<8}  {name:<{_NAME}}  "
    if result.error_kind:
        told = f"{result.error_kind}: {result.error_detail}"
        return start + textwrap.shorten(told, COLUMNS - len(start), placeholder=" ...")
    changed = f", {result.updated} changed" if result.updated else ""
    matched = f", {number_words(result.matched, 'match', 'matches')}" if result.matched else ""
    return f"{start}{number_words(result.new, 'new entry', 'new entries')}{changed}{matched}"


def miss_lines(title: str, name: str, verdict: str) -> list[str]:
    """A trap, and why it was left out."""
    return [*_wrapped(f"{title} ({name})", "     "), *_wrapped(verdict, "       -> ", rest="          ")]


def again_lines(results: Sequence[CheckResult]) -> list[str]:
    """What a second round found: how many publishers said 304, sent the same bytes, or failed."""
    outcomes = Counter(result.outcome for result in results)
    brought = sum(bool(result.new or result.updated) for result in results)
    told = (
        f"{len(results)} feeds: {outcomes[Outcome.NOT_MODIFIED]} not modified (304), "
        f"{outcomes[Outcome.FETCHED] - brought} sent the same document, {outcomes[Outcome.FAILED]} still failing; "
        "of these nothing is stored again"
    )
    return _wrapped(told, "   ")


def places(folder: Path, mails: Sequence[Path]) -> list[str]:
    """Where everything is that the demo made."""
    rows = [("the mail", str(mail)) for mail in mails]
    rows += [("in a browser", str(mail.with_suffix(".html"))) for mail in mails]
    rows += [("the database", str(folder / "aggregator.db")), ("the feed list", str(folder / "feeds.yaml"))]
    return [f"  {what:<13}  {where}" for what, where in rows]


def rule(title: str = "") -> str:
    """A line across the terminal, with a title in it when there is one."""
    return (f"--- {title} " if title else "").ljust(COLUMNS, "-")


def message_of(mail: bytes) -> EmailMessage:
    """The mail, read."""
    return message_from_bytes(mail, policy=policy.default)


def text_of(mail: bytes) -> str:
    """The plain text part of a mail as a terminal wants it: line feeds only, no blank lines around it."""
    part = message_of(mail).get_body(("plain",))
    return "\n".join(str(part.get_content()).strip().splitlines()) if part is not None else ""


def subject_lines(mail: bytes) -> list[str]:
    """The subject of a mail."""
    return _wrapped(str(message_of(mail)["Subject"]), "   ")


def _wrapped(text: str, lead: str, *, rest: str | None = None) -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent=lead, subsequent_indent=lead if rest is None else rest)
