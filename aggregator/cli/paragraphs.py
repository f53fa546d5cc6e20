"""Prose of any length -> lines that fit the terminal and hang below each other. It knows no command's words."""

from aggregator.cli.output import ENDLESS, STYLES, say, styled, width, wrapped

LONGEST = 120  # columns that prose takes where there are more: longer lines are hard to read


def paragraph(text: str, *, lead: str = "", style: str = "") -> None:
    """Print `text` behind `lead`, its further lines indented as far; the first word of `lead` in a state's colour."""
    room = width() if width() == ENDLESS else min(width(), LONGEST)
    lines = wrapped(text, max(room - len(lead), 20))
    say(_coloured(lead, style) + f"\n{' ' * len(lead)}".join(lines))


def paragraphs(text: str) -> None:
    """Print each line of `text` as a paragraph."""
    for line in text.splitlines():
        paragraph(line)


def _coloured(lead: str, state: str) -> str:
    if state not in STYLES:
        return lead
    word = lead[: len(state)] if lead.startswith(state) else lead
    return styled(word, state) + lead[len(word) :]


def heading(text: str) -> None:
    """An empty line and a bold one."""
    say()
    say(text, style="bold")
