"""A subscriber by the id that a person typed, listed or not, for the commands that are about one."""

from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.store.database import Connection
    from aggregator.store.subscribers import Member

Who = Annotated[str, typer.Argument(metavar="SUBSCRIBER", help="The subscriber's id.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def find_member(connection: "Connection", slug: str) -> "Member":
    """The subscriber of that id, those that the files dropped too. Raises UsageError."""
    from aggregator.store import subscribers  # noqa: PLC0415 - lazily, as all of the command line

    for member in subscribers.members(connection, unlisted=True):
        if member.subscriber.slug == slug:
            return member
    raise UsageError(f"no such subscriber: {slug}", hint="`aggregator subscribers list` shows them")
