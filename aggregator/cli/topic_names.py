"""What a person calls a topic -> the topic: of the feed list, a pack, a YAML file, or the version in force."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import open_archive
from aggregator.cli.options import Context
from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.core.model.topics import Topic
    from aggregator.store.database import Connection

TopicName = Annotated[
    str, typer.Argument(metavar="TOPIC", help="An id of the feed list, a pack's name, or a YAML file with a topic.")
]
InForce = Annotated[bool, typer.Option("--in-force", help="The version in force instead of the one in the feed list.")]


def find_topic(here: Context, name: str, *, in_force: bool = False) -> "Topic":
    """The topic of that name, as it is written now or, with `in_force`, as it was last applied.

    Raises ConfigError when it cannot be compiled, UsageError when there is none.
    """
    from aggregator.feedlist import load_draft, pack_names, pack_topic

    if in_force:
        known = topics_in_force(here)
        if name in known:
            return known[name]
        raise UsageError(f"no such topic in force: {name}", hint=f"there are: {', '.join(known) or 'none'}")
    config = here.settings().config
    ids = written_ids(config)
    if name in ids:
        return load_draft(config, name)
    if name in pack_names():
        return pack_topic(name)
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        return load_draft(path)
    there = ", ".join(dict.fromkeys((*ids, *pack_names())))
    raise UsageError(f"no such topic: {name}", hint=f"there are: {there}; a file's name ends in .yaml")


def written_ids(config: Path) -> tuple[str, ...]:
    """The ids of the topics that a feed list writes, those that do not compile too; none when there is no such file."""
    from aggregator.feedlist import topic_ids

    return topic_ids(config) if config.is_file() else ()


def topics_in_force(here: Context) -> "Mapping[str, Topic]":
    """What was last applied, by id."""
    from aggregator.store import topics

    with open_archive(here) as archive:
        return {topic.id: topic for topic in archive.store.read(topics.listed)}


def refuse_unknown(connection: "Connection", names: Collection[str]) -> None:
    """Raise UsageError for names of topics that are not in force and never flagged anything."""
    from aggregator.store import topics

    known = set(topics.versions(connection))
    if not known.issuperset(names):
        known |= topics.match_counts(connection).keys()
    if unknown := [name for name in names if name not in known]:
        there = ", ".join(sorted(known)) or "none"
        raise UsageError(f"no such topic: {', '.join(unknown)}", hint=f"there are: {there}")
