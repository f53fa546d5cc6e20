"""What an examination found: how bad it is, of what, in one line, and what mends it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. A warning is for a person to judge; a problem keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look at `subject` found, in one line, and what mends it."""

    level: Level
    subject: str
    message: str
    hint: str = ""


def ok(subject: str, message: str) -> Finding:
    """All is well with `subject`."""
    return Finding(level=Level.OK, subject=subject, message=message)


def warning(subject: str, message: str, hint: str = "") -> Finding:
    """Something to judge."""
    return Finding(level=Level.WARNING, subject=subject, message=message, hint=hint)


def problem(subject: str, message: str, hint: str = "") -> Finding:
    """Something that keeps the service from doing its work."""
    return Finding(level=Level.PROBLEM, subject=subject, message=message, hint=hint)
