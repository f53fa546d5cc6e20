"""User-written regular expressions, through RE2 only: no pattern can take more than linear time."""

from dataclasses import dataclass
from typing import Any

import re2  # type: ignore[import-untyped]  # ships no types; this file is its only importer

MAX_PATTERN = 500
_MAX_HITS = 500
_MEMORY = 1 << 20  # of one compiled pattern; RE2 refuses what needs more


@dataclass(frozen=True, slots=True)
class BadPattern:
    """Why a pattern cannot be used, in RE2's words."""

    message: str


def compile_pattern(text: str, *, ignore_case: bool) -> Any | BadPattern:
    """A compiled pattern for `find`, or why there is none."""
    if len(text) > MAX_PATTERN:
        return BadPattern(f"a regular expression has at most {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(text, options)
    except re2.error as wrong:
        told = wrong.args[0] if wrong.args else "unknown error"
        return BadPattern(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told))
    if compiled.search("") is not None:
        return BadPattern("it matches the empty text, so it would match everywhere")
    return compiled


def find(compiled: Any, text: str) -> list[tuple[int, int]]:
    """Where a compiled pattern matches, in code points; at most 500 places, empty matches left out."""
    found: list[tuple[int, int]] = []
    # A lone surrogate has no UTF-8 form, which RE2 needs; one character for one keeps the offsets.
    for match in compiled.finditer(text.encode("utf-8", "replace").decode("utf-8")):
        if match.end() > match.start():
            found.append((match.start(), match.end()))
        if len(found) == _MAX_HITS:
            break
    return found
