"""The head of an XML document -> whether its DOCTYPE declares too much. It expands nothing and believes no declaration.

The parser's own guard against entity bombs comes behind this one.
"""

import re

MAX_SUBSET = 4096  # bytes
HEAD = 64 * 1024  # bytes; no DOCTYPE worth reading begins later

# Each alternative begins differently and ends in one way only, so that none is tried twice. Possessive groups would say
# so more shortly, and match wrongly in Python before 3.11.5.
_ASIDE = rb"<!--(?:(?!-->).)*-->|<\?(?:(?!\?>).)*\?>"
_QUOTED = rb"\"[^\"]*\"|'[^']*'"
_SUBSET = re.compile(rb"(?:\s|%b)*<!DOCTYPE\s(?:[^\[>\"']|%b)*\[" % (_ASIDE, _QUOTED), re.DOTALL | re.IGNORECASE)
_INSIDE = re.compile(rb"(?:[^\]\"'<]|%b|%b|<)*" % (_ASIDE, _QUOTED), re.DOTALL)


def declares_too_much(body: bytes) -> bool:
    """Whether `body` (UTF-8) has a DOCTYPE whose internal subset is not closed within 4 KiB (XML 1.0, 2.8)."""
    subset = _SUBSET.match(body, 0, HEAD)
    if subset is None:
        return False
    inside = _INSIDE.match(body, subset.end(), subset.end() + MAX_SUBSET)
    end = inside.end() if inside else subset.end()
    return body[end : end + 1] != b"]"
