"""The story of the demo, told while the program does its work.

follow > check > flag > write the digest > check again the next morning > write the next digest > show both
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from aggregator.app import App
from aggregator.core.errors import AggregatorError
from aggregator.core.model.feeds import Feed
from aggregator.core.model.plans import CheckResult
from aggregator.core.model.subscriptions import Phase
from aggregator.demo import words
from aggregator.demo.clock import DIGEST, NEXT_DIGEST, NEXT_MORNING
from aggregator.demo.misses import nearest_misses
from aggregator.demo.stage import Stage
from aggregator.store import entries, topics

MISSES = 2  # traps whose reasons are told
TOPIC = "narcotics-policy"  # the one that the desk reads


class Tell(Protocol):
    """Shows lines; `style` is bold, dim, or a state that has a colour."""

    def __call__(self, text: str = "", *, style: str = "") -> None:
        """Show them."""


async def play(stage: Stage, tell: Tell) -> None:
    """Do and tell all of it. Raises AggregatorError when no digest came of it."""
    async with stage.app as app:
        followed = await _follow(stage, app, tell)
        await _check(stage, app, followed, tell)
        await _flag(app, followed, tell)
        first = await _write(stage, app, tell, 4, DIGEST)
        await _check_again(stage, app, followed, tell)
        second = await _write(stage, app, tell, 6, NEXT_DIGEST)
    _show(stage.folder, (first, second), tell)


async def _follow(stage: Stage, app: App, tell: Tell) -> Mapping[str, Feed]:
    tell(words.OPENING)
    await app.follow()
    wanted = app.configurator.load()
    _step(tell, 1, "Follow", "what the feed list names")
    tell(words.listed_line(stage.folder / "feeds.yaml", wanted))
    return {feed.id: feed for feed in wanted.feeds}


async def _check(stage: Stage, app: App, followed: Mapping[str, Feed], tell: Tell) -> None:
    _step(tell, 2, "Check", f"every feed, at {words.local(stage.clock())}")

    def report(result: CheckResult) -> None:
        tell(words.result_line(followed[result.feed_id].label, result), style="failed" if result.error_kind else "")

    await app.refresher.check(report=report)


async def _flag(app: App, followed: Mapping[str, Feed], tell: Tell) -> None:
    """What was flagged was flagged before it was stored; here it is only counted and explained."""
    stored = await app.store.reading(entries.latest, limit=1000)
    watched = await app.store.reading(topics.listed)
    counts = await app.store.reading(topics.match_counts)
    flagged = sum(bool(entry.topics) for entry in stored)
    _step(
        tell, 3, "Flag", f"{flagged} of {len(stored)} entries; the other {len(stored) - flagged} are about other things"
    )
    for topic in watched:
        tell(f"   {counts.get(topic.id, 0):>3}  {topic.name}")
    reader = next(topic for topic in watched if topic.id == TOPIC)
    tell("   The nearest misses, and why they were left out:")
    for entry, trace in nearest_misses(reader, stored, followed, limit=MISSES):
        for line in words.miss_lines(entry.revision.title, followed[entry.feed_id].label, trace.verdict):
            tell(line)


async def _write(stage: Stage, app: App, tell: Tell, number: int, at: datetime) -> Path:
    stage.clock.now = at
    _step(tell, number, "Write", f"the digest that is due, at {words.local(stage.clock())}")
    before = set(app.settings.mail_dir.glob("*.eml"))
    done = await app.dispatcher.run()
    made = sorted({*app.settings.mail_dir.glob("*.eml")} - before)
    if len(made) != 1 or set(done.deliveries.values()) != {Phase.SENT}:
        raise AggregatorError("the demo's digest was not written", hint="the lines above say what went wrong")
    for line in words.subject_lines(made[0].read_bytes()):
        tell(line)
    return made[0]


async def _check_again(stage: Stage, app: App, followed: Mapping[str, Feed], tell: Tell) -> None:
    """By the next morning two publishers have gone on; what the others have is not fetched, or not stored, again."""
    stage.clock.now, stage.stand.later = NEXT_MORNING, True
    results = await app.refresher.check()
    _step(tell, 5, "Check again", f"what is due, at {words.local(stage.clock())}")
    for result in results:
        if result.new or result.updated:
            tell(words.result_line(followed[result.feed_id].label, result))
    for line in words.again_lines(results):
        tell(line)


def _show(folder: Path, mails: Sequence[Path], tell: Tell) -> None:
    for mail, title in zip(mails, ("the digest, as plain text", "the next one, as plain text"), strict=True):
        tell()
        tell(words.rule(title), style="dim")
        tell(words.text_of(mail.read_bytes()))
        tell(words.rule(), style="dim")
    for title, lines in (("Where to look", words.places(folder, mails)), ("What next", words.NEXT)):
        tell()
        tell(title, style="bold")
        for line in lines:
            tell(line)


def _step(tell: Tell, number: int, title: str, about: str) -> None:
    tell()
    tell(words.step_line(number, title, about), style="bold")
