"""`${AGGREGATOR_NAME}` in the texts of a feed list: where they stand, whether they may, and what they stand for.

A feed's address and headers keep the reference; only `fill`, at the time of a fetch, puts the secret in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregator.feedlist.document import Findings

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
ALLOWED = r"AGGREGATOR_[A-Z0-9_]{1,100}"  # as a pattern: the names that a text may refer to


@dataclass(frozen=True, slots=True)
class MissingSecret:
    """A variable that a text names and the environment lacks."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} is not set"


def references(text: str) -> tuple[str, ...]:
    """The names in `text`, as written, each once."""
    return tuple(dict.fromkeys(_REFERENCE.findall(text)))


def allowed(name: str) -> bool:
    """Whether a name may be referred to: only AGGREGATOR_ ones, so that a feed list cannot read the whole environment."""
    return re.fullmatch(ALLOWED, name) is not None


def expand(text: str, lookup: Mapping[str, str]) -> str | MissingSecret:
    """`text` with each reference replaced, once: what is put in is not looked at again."""
    for name in references(text):
        if not allowed(name) or not lookup.get(name):
            return MissingSecret(name)
    return _REFERENCE.sub(lambda found: lookup[found[1]], text)


def fill(headers: Sequence[tuple[str, str]], lookup: Mapping[str, str]) -> tuple[tuple[str, str], ...] | MissingSecret:
    """Header pairs with their references replaced, or the first name that is not set."""
    filled: list[tuple[str, str]] = []
    for name, value in headers:
        text = expand(value, lookup)
        if isinstance(text, MissingSecret):
            return text
        filled.append((name, text))
    return tuple(filled)


def resolved(
    where: str, key: str, text: str, lookup: Mapping[str, str], findings: Findings, *, otherwise: str = ""
) -> str | None:
    """The value of `key` with its references replaced; None, and it is noted why, when one may not be used or is not set.

    `otherwise` is what else a person may do about one that is not set.
    """
    for name in references(text):
        if not allowed(name):
            note_forbidden(where, name, findings)
            return None
    found = expand(text, lookup)
    if isinstance(found, MissingSecret):
        findings.wrong(where, f"`{key}`: {found}", f"set {found.name} or {found.name}_FILE{otherwise}")
        return None
    return found.strip()


def note_forbidden(where: str, name: str, findings: Findings) -> None:
    """Note a name that may not be referred to."""
    findings.wrong(where, f"`${{{name}}}` may not be used", "name a variable that begins with AGGREGATOR_")
