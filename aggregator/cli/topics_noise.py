"""`topics noise`: what people said of a topic's matches, the clause that brings the noise, and what would help, measured."""

from typing import TYPE_CHECKING, Any

from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, Limit, everywhere
from aggregator.cli.output import Column, note, print_json, print_table, say
from aggregator.cli.paragraphs import paragraph
from aggregator.cli.topic_names import InForce, TopicName, find_topic

if TYPE_CHECKING:
    from aggregator.core.model.topics import Topic
    from aggregator.core.topics.noise import Noise
    from aggregator.store.reviews import Verdicts


@everywhere
def noise(
    here: Context, topic: TopicName, *, in_force: InForce = False, limit: Limit = 10, as_json: AsJson = False
) -> None:
    """Which clause of a topic brings the noise that `review` named, and which exclusion would end how much of it.

    The topic as the feed list has it, or a file, is tried on its reviewed matches: so a change is measured before it is applied.
    """
    from aggregator.core.topics.fields import stored_fields
    from aggregator.core.topics.noise import Reviewed, find_noise
    from aggregator.store import reviews

    chosen = find_topic(here, topic, in_force=in_force)
    with open_archive(here) as archive:
        said = archive.store.read(reviews.reviewed, chosen.id)
    samples = [Reviewed(fields=stored_fields(one.revision, one.facts), relevant=good) for one, good in said]
    found = find_noise(chosen, samples)
    if as_json:
        print_json(_told(chosen, found))
    elif not said:
        note(f"no match of {chosen.id} was reviewed yet; `aggregator review MATCH relevant` or `noise` says so")
    else:
        _print(chosen, found, limit)


def verdicts_json(said: "Verdicts | None") -> dict[str, Any]:
    """Verdicts as programs read them."""
    if said is None or said.precision is None:
        return {"relevant": 0, "noise": 0, "precision": None}
    return {"relevant": said.relevant, "noise": said.noise, "precision": round(said.precision, 4)}


def verdicts_shown(said: "Verdicts | None") -> str:
    """`8 of 10`, `-` where nothing was reviewed."""
    return "-" if said is None else f"{said.relevant:,} of {said.relevant + said.noise:,}"


def _told(topic: "Topic", found: "Noise") -> dict[str, Any]:
    best = found.exclusion
    return {
        "topic": topic.id,
        "flagged": {"relevant": found.relevant, "noise": found.noise},
        "unflagged": {"relevant": found.missed, "noise": found.silenced},
        "precision": round(found.relevant / (found.relevant + found.noise), 4)
        if found.relevant + found.noise
        else None,
        "noisiest": found.noisiest.clause if found.noisiest else None,
        "clauses": [
            {
                "clause": one.clause,
                "kind": one.kind,
                "noise": one.noise,
                "relevant": one.relevant,
                "noise_dropped": one.noise_dropped,
                "relevant_lost": one.relevant_lost,
            }
            for one in found.clauses
        ],
        "exclusion": None
        if best is None
        else {
            "clause": best.clause,
            "word": best.word,
            "query": best.query,
            "noise_dropped": best.noise_dropped,
            "relevant_lost": best.relevant_lost,
        },
    }


def _print(topic: "Topic", found: "Noise", limit: int) -> None:
    flagged = found.relevant + found.noise
    say(
        f"{topic.id}: {found.relevant:,} of {flagged:,} reviewed matches relevant",
        style="bold",
    )
    if found.silenced or found.missed:
        no_longer = f"{found.silenced:,} called noise, {found.missed:,} called relevant"
        paragraph(f"no longer flagged by this version: {no_longer}")
    fired = [one for one in found.clauses if one.noise or one.relevant]
    columns = (
        Column("clause", shrinks=True),
        Column("kind"),
        Column("noise", right=True),
        Column("relevant", right=True),
        Column("ends noise", right=True),
        Column("loses", right=True),
    )
    say()
    rows = [(one.clause, one.kind, one.noise, one.relevant, one.noise_dropped, one.relevant_lost) for one in fired]
    print_table(columns, [tuple(map(str, row)) for row in rows[:limit]])
    if not found.noisiest:
        return
    say()
    worst = found.noisiest
    without = f"without it {worst.noise_dropped:,} of the noise would fall below {topic.flag_at:g}"
    paragraph(f"{worst.clause}: {without}, and {worst.relevant_lost:,} relevant", lead="noisiest  ")
    best = found.exclusion
    if best is None:
        paragraph(
            "no single word tells the noise from the rest; a `lower` clause or a narrower query may", lead="exclusion "
        )
        return
    effect = f"ends {best.noise_dropped:,} of the noise, loses {best.relevant_lost:,} relevant"
    paragraph(f"{best.clause}: NOT {best.word} {effect}", lead="exclusion ")
    paragraph(best.query, lead="          ")
