"""Surprises and wrong input, as exceptions that hold plain values. Expected failure of a feed or a mail is a value.

AggregatorError            one clear line, what to do next, and the exit code it deserves
├── UsageError             a name or option that does not exist (exit 2)
├── ConfigError            settings or files say something impossible; every problem at once (exit 2)
├── StoreError             the database cannot be used
│   ├── SchemaMismatchError     its schema is older or newer than this program
│   └── AlreadyRunningError     another service holds it
└── DocumentError          a document given by a person could not be read
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a file or a setting.

    `where` is `feeds.yaml:12:5` (file, line, column from 1) or a setting's name; `message` says what was found and
    what was expected; `hint` says what to do, and may be empty.
    """

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        told = f"{self.where}: {self.message}"
        return f"{told} ({self.hint})" if self.hint else told


class AggregatorError(Exception):
    """The root: `message` is one line for people, `hint` what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(AggregatorError):
    """A name or option that does not exist."""

    exit_code = 2


class ConfigError(AggregatorError):
    """Settings or files say something impossible. `problems` lists all of them."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StoreError(AggregatorError):
    """The database cannot be opened, read or written."""


class SchemaMismatchError(StoreError):
    """The database's schema is older or newer than this program, or is not ours."""


class AlreadyRunningError(StoreError):
    """Another service holds the database; `holder` says which process, where, since when."""

    def __init__(self, holder: str) -> None:
        super().__init__(
            f"another aggregator service holds this database: {holder}",
            hint="stop it first, or use `aggregator poll` and `aggregator digest run`, which work beside it",
        )
        self.holder = holder


class DocumentError(AggregatorError):
    """A document that a person named could not be fetched or read; `kind` is one of `FailureKind`."""

    def __init__(self, kind: str, detail: str, *, hint: str = "") -> None:
        super().__init__(f"{kind}: {detail}", hint=hint)
        self.kind = kind
        self.detail = detail
