"""Failures -> one clear line on stderr, what to do next below it, and the exit code they deserve."""

import io
import re
import sys

import typer

from aggregator.cli.options import WRONG_USAGE
from aggregator.core.errors import AggregatorError, ConfigError


def tell(error: AggregatorError) -> int:
    """Write an expected failure on stderr, each problem of a ConfigError with the line it stands in; its exit code."""
    if isinstance(error, ConfigError):
        from aggregator.cli.pointing import Pointer

        pointer = Pointer()
        for problem in error.problems:
            _write("error", "\n".join((f"{problem.where}: {problem.message}", *pointer.at(problem.where))))
            _write("hint", problem.hint)
    else:
        _write("error", error.message)
        _write("hint", error.hint)
    return error.exit_code


def tell_usage(error: typer.TyperException) -> int:
    """Write what is wrong with a command line on stderr; the exit code."""
    message = _plainly(error.format_message())
    ctx = getattr(error, "ctx", None)
    _write("error", message[:1].lower() + message[1:].rstrip("."))
    if ctx is not None:
        _write("hint", f"`{ctx.command_path} --help` explains it")
    return WRONG_USAGE


# What the library that reads a command line says of a number, and what is clear to whoever typed it.
_SAID = (
    (re.compile(r": Value error, "), ": "),
    (re.compile(r": Input should be a valid integer\b.*"), ": expected a whole number"),
    (re.compile(r": Input should be a valid number\b.*"), ": expected a number"),
    (re.compile(r": Input should be greater than or equal to "), ": expected at least "),
    (re.compile(r": Input should be less than or equal to "), ": expected at most "),
)


def _plainly(message: str) -> str:
    for said, told in _SAID:
        message = said.sub(told, message)
    return message


def never_fail_on_a_character() -> None:
    """What a terminal's encoding cannot show is written as an escape, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write(word: str, text: str) -> None:
    """One labelled line; further lines of `text` are indented below it. A name somebody made cannot move the cursor."""
    if text:
        shown = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
        typer.echo(f"{word}: " + shown.replace("\n", "\n" + " " * (len(word) + 2)), err=True)
