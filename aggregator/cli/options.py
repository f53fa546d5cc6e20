"""The options that commands share, and the Context they make: where the files and the database are.

It reads the environment and no clock; what it gives is opened by `opening`.
"""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer
from typer.core import TyperGroup

from aggregator.settings import Settings, load

P = ParamSpec("P")

WRONG_USAGE = 2
LARGEST_ID = 2**63 - 1  # of what a database counts


class Group(TyperGroup):
    """Commands under one word; the word alone explains them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Without a command there is nothing to do but to explain, and that is wrong usage."""
        if not args:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(WRONG_USAGE)
        return super().parse_args(ctx, args)


def new_app(help_: str = "", *, cls: type[Group] = Group) -> typer.Typer:
    """What a module of commands registers them with; `help_` explains the group, when it is one."""
    names = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(cls=cls, help=help_, context_settings=names, add_completion=False, rich_markup_mode=None)


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
_LIMIT = typer.Option("--limit", "-n", metavar="N", min=1, max=1_000_000, help="Show at most so many.")
Limit = Annotated[int, _LIMIT]
LimitOrAll = Annotated[int | None, _LIMIT]

RedirectAllTo = Annotated[
    str | None, typer.Option("--redirect-all-to", metavar="ADDRESS", help="Every mail to this address, for a trial.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a command works; None is what the environment says."""

    config: Path | None = None
    database: str | None = None
    data_dir: Path | None = None
    redirect_all_to: str | None = None

    def settings(self) -> Settings:
        """The settings of this process, these places first. Raises ConfigError with every problem."""
        return load(
            os.environ,
            config=self.config,
            database=self.database,
            data_dir=self.data_dir,
            redirect_all_to=self.redirect_all_to,
        )


def _place(name: str, flag: str, kind: Any, metavar: str, help_: str) -> inspect.Parameter:
    option = typer.Option(flag, metavar=metavar, help=help_, show_default=False)
    annotation = Annotated[kind | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


_PLACES = (
    _place("config", "--config", Path, "FILE", "The feed list; feeds.yaml unless AGGREGATOR_CONFIG says another."),
    _place("database", "--database", str, "URL", "A path, sqlite:///path or postgresql://user@host/name."),
    _place("data_dir", "--data-dir", Path, "DIR", "Where the database, the outbox and secrets live; data by default."),
)


def everywhere(command: Callable[Concatenate[Context, P], None]) -> Callable[P, None]:
    """A command that takes a Context first -> one with the options --config, --database and --data-dir instead."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        places: dict[str, Any] = {one.name: kwargs.pop(one.name, None) for one in _PLACES}
        command(Context(**places), *args, **kwargs)

    # Typer reads a command's options from its signature.
    shown = inspect.signature(command, eval_str=True)
    own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in list(shown.parameters.values())[1:]]
    parameters = [*own, *_PLACES]
    setattr(run, "__signature__", shown.replace(parameters=parameters))  # noqa: B010 - mypy knows no such attribute
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run
