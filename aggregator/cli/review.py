"""`review`: a person's verdict on a match. Every verdict is kept, and the last one counts."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import clean as one_line
from aggregator.cli.output import print_json, say
from aggregator.cli.topics_noise import verdicts_json, verdicts_shown
from aggregator.core.errors import UsageError

if TYPE_CHECKING:
    from aggregator.store.database import Connection
    from aggregator.store.reviews import MatchRef

app = new_app()


class Verdict(StrEnum):
    """What a person says of a match."""

    RELEVANT = "relevant"
    NOISE = "noise"


MatchName = Annotated[
    str, typer.Argument(metavar="MATCH", help="A match's number, as `aggregator show` tells it, or ENTRY:TOPIC.")
]
Said = Annotated[Verdict, typer.Argument(help="Whether it is what the topic is for.")]


@app.command()
@everywhere
def review(here: Context, match: MatchName, verdict: Said, *, as_json: AsJson = False) -> None:
    """Say that a match is relevant, or noise. `topics list` and `topics noise` count what was said."""
    from aggregator.store import entries, reviews

    with open_archive(here) as archive:
        found = archive.store.read(_find, match)
        relevant = verdict is Verdict.RELEVANT
        archive.store.write(reviews.record, found.id, relevant=relevant, now=archive.now)
        entry = archive.store.read(entries.one, found.entry_id)
        counted = archive.store.read(reviews.verdicts)[found.topic_id]
    title = entry.revision.title if entry is not None else ""
    if as_json:
        told = {"match": found.id, "topic": found.topic_id, "entry": found.entry_id, "title": title}
        print_json({**told, "verdict": verdict, "reviewed": verdicts_json(counted)})
        return
    say(f"{verdict}: {one_line(title) or '(untitled)'}", style="ok" if relevant else "warning")
    say(f"{found.topic_id}: {verdicts_shown(counted)} reviewed matches are relevant")


def _find(connection: "Connection", name: str) -> "MatchRef":
    from aggregator.store import reviews

    number, colon, topic = name.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise UsageError(f"not a match: {name}", hint="give its number, or ENTRY:TOPIC")
    found = reviews.find_of(connection, int(number), topic) if colon else reviews.find(connection, int(number))
    if found is None:
        missing = f"{topic} never flagged entry {number}" if colon else f"no such match: {number}"
        raise UsageError(missing, hint="`aggregator show ENTRY` tells the number of each match")
    return found
