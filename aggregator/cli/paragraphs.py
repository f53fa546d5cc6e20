"""Prose of any length -> lines that fit the terminal and hang below each other. It knows no command's words."""

import textwrap

import typer

from aggregator.cli.output import STYLES, clean, say, width

LONGEST = 120  # columns that prose takes where there are more: longer lines are hard to read


def paragraph(text: str, *, lead: str = "", style: str = "") -> None:
    """Print `text` behind `lead`, its further lines indented as far; the first word of `lead` in a state's colour."""
    room = width() if width() < LONGEST or width() >= 10_000 else LONGEST
    lines = textwrap.wrap(
        clean(text), width=max(room - len(lead), 20), break_long_words=False, break_on_hyphens=False
    ) or [""]
    say(_coloured(lead, style) + f"\n{' ' * len(lead)}".join(lines))


def _coloured(lead: str, state: str) -> str:
    colour = STYLES.get(state)
    if colour is None:
        return lead
    word = lead[: len(state)] if lead.startswith(state) else lead
    shown = typer.style(word, dim=True) if colour == "dim" else typer.style(word, fg=colour)
    return shown + lead[len(word) :]


def heading(text: str) -> None:
    """An empty line and a bold one."""
    say()
    say(text, style="bold")
