"""The command line: words in, an exit code out. A command's module is imported when it is invoked or asked for its own help."""

import difflib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from aggregator import __version__
from aggregator.cli import errors
from aggregator.cli.options import Group, new_app
from aggregator.core.errors import AggregatorError, UsageError

INTERRUPTED = 130  # as shells count a program that Ctrl-C ended


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `aggregator --help`: a command, or a group of them, in the Typer `app` of `aggregator.cli.<module>`."""

    name: str
    module: str
    help: str
    is_group: bool = False


SECTIONS: dict[str, tuple[Listed, ...]] = {
    "The service": (
        Listed("run", "service", "follow the feeds, match, and mail digests until stopped"),
        Listed("worker", "service", "share that work with other processes, on PostgreSQL"),
        Listed("status", "status", "the service at a glance"),
        Listed("doctor", "doctor", "what is misconfigured, and how to mend it"),
    ),
    "What is followed": (
        Listed("feeds", "feeds", "list, show, check, add, fix, remove, import and export feeds", is_group=True),
        Listed("topics", "topics", "what people watch: check, test, explain and measure it", is_group=True),
        Listed(
            "subscribers", "subscribers", "who receives which digest: show, pause, resume, export, erase", is_group=True
        ),
        Listed("plan", "apply", "what feeds.yaml would change"),
        Listed("apply", "apply", "make it so"),
    ),
    "What came of it": (
        Listed("poll", "poll", "check due feeds, or the named ones, now"),
        Listed("entries", "entries", "what was stored, newest first"),
        Listed("show", "entries", "one entry: its words, its revisions, and why it was flagged"),
        Listed("stories", "stories", "what outlets tell as one: list, show, split and join", is_group=True),
        Listed("review", "review", "say that a match is relevant, or noise"),
        Listed("inspect", "inspection", "what we read in one document, from a URL or a file"),
        Listed("digest", "digest", "preview, make, list and try out digests", is_group=True),
        Listed("schedule", "schedule", "when a subscriber's digests are due, local and UTC"),
        Listed("export", "export", "matches with their evidence, as a table, JSON or a page"),
        Listed("audit", "audit", "prove that nothing due to anybody was lost"),
    ),
    "The house": (
        Listed("db", "db", "upgrade and check the database", is_group=True),
        Listed("demo", "demo", "the whole pipeline on bundled feeds, without a network"),
    ),
}
COMMANDS = {listed.name: listed for section in SECTIONS.values() for listed in section}


class LazyGroup(Group):
    """The root: knows every command by name and by one line, and imports the one that is wanted."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        """The command of that name, its module now imported; None when there is none."""
        listed = COMMANDS.get(cmd_name)
        if listed is None:
            return None
        group = typer.main.get_group(import_module(f"aggregator.cli.{listed.module}").app)
        group.name = cmd_name
        return group if listed.is_group else group.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names. Raises UsageError for a word that names none."""
        if args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`aggregator --help` lists the commands"
            raise UsageError(f"no such command: {args[0]}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        """The commands by section; nothing is imported for it."""
        width = max(map(len, COMMANDS))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(listed.name.ljust(width), listed.help) for listed in section])


root = new_app(
    "Follows feeds, flags what matches the topics people watch, and mails a digest they can trust.", cls=LazyGroup
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aggregator {__version__}")
        raise typer.Exit


@root.callback(epilog="Every command explains itself: aggregator COMMAND --help")
def start(
    _version: Annotated[
        bool, typer.Option("--version", help="Tell the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """The options of the program itself."""


def execute(args: Sequence[str]) -> int:
    """Run one command line; its exit code: 0 done, 1 it failed, 2 wrong usage or configuration, 130 interrupted.

    Expected failures are told on stderr; a surprise is raised, with its traceback.
    """
    errors.never_fail_on_a_character()
    try:
        code = typer.main.get_command(root)(args=list(args), prog_name="aggregator", standalone_mode=False)
        sys.stdout.flush()
    except AggregatorError as error:
        return errors.tell(error)
    except typer.TyperException as error:
        return errors.tell_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough; what Python flushes at its end must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0
