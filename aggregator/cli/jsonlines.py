"""A file with a JSON object a line -> what its lines say, or every broken one of them, where it stands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from aggregator.core.errors import ConfigError, Problem, UsageError

T = TypeVar("T")

MOST_TOLD = 20  # broken lines


class BadLineError(ValueError):
    """What is wrong with what a line says, in words."""


def read_lines(file: Path, read: Callable[[Any], T], *, expected: str) -> list[T]:
    """What `read` makes of each line's value, blank lines left out; it raises BadLineError for what it cannot use.

    Raises UsageError for a file that cannot be read, ConfigError with the first broken lines.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read {file}: {why}", hint="give a file with a JSON object a line") from None
    found: list[T] = []
    problems: list[Problem] = []
    # Only line feeds end a line of JSON; other line separators may stand inside its texts.
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.strip():
                found.append(read(json.loads(line)))
        except BadLineError as error:
            problems.append(Problem(where=f"{file}:{number}", message=str(error)))
        except (ValueError, RecursionError):
            problems.append(Problem(where=f"{file}:{number}", message=f"not JSON, expected {expected}"))
    if problems:
        raise ConfigError(problems[:MOST_TOLD])
    return found
