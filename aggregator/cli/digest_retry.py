"""`digest retry`: what was given up, or waits for a person, is sent once more."""

import typer

from aggregator.cli.digest_show import Number
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, everywhere
from aggregator.cli.output import print_json, say
from aggregator.core.errors import AggregatorError, UsageError


@everywhere
def retry(here: Context, digest: Number, *, as_json: AsJson = False) -> None:
    """Send again what was given up, or waits for you: the same bytes, to where its subscription sends now."""
    from aggregator.store import retries

    with open_archive(here) as archive:
        found = archive.store.write(retries.again, digest, now=archive.now)
    if found is None:
        raise UsageError(f"no such digest: {digest}", hint="`aggregator digest list` shows them")
    phase, queued = found
    if as_json:
        print_json({"id": digest, "was": phase, "queued": queued})
        raise typer.Exit(int(not queued))
    if not queued:
        why = "its bytes were erased" if phase in retries.ENDED_BADLY else f"it is {phase.value}"
        raise AggregatorError(f"digest {digest} is not sent again: {why}", hint="only what is dead or parked can be")
    say(f"digest {digest} was {phase.value} and is queued: the running service sends it, or `aggregator digest run`")
