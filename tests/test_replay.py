"""Topics over the archive: what they find, what is written of it, who hears of it, and that nothing is lost on the way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from aggregator import replay as station
from aggregator.core.model.topics import Match, Origin
from aggregator.store import entries, replay, topics
from aggregator.store.database import Connection
from aggregator.store.schema import ledger, match
from tests.world import World, listed, rss, run, served, world

BUDGET, FENTANYL, OPIUM = ("1", "Budget debated"), ("2", "Fentanyl seized"), ("3", "Opium fields burned")


async def archive(w: World, *items: tuple[str, str]) -> str:
    """A followed feed whose items are stored; its feed list, with a topic on fentanyl."""
    url = w.server.on("/feed", served(rss(*items[:1])), served(rss(*items)))
    text = listed([("wire", url)])
    await w.follow(text)
    await w.app.refresher.check()
    w.clock.forward(hours=6)
    await w.app.refresher.check()
    await w.app.replayer.run()
    w.clock.forward(hours=1)
    return text


async def matches(w: World) -> dict[str, Match]:
    """The matches by the title of their entry."""

    def read(connection: Connection) -> dict[str, Match]:
        found = entries.latest(connection, limit=1000)
        return {one.revision.title: made for one in found for made in topics.matches_of(connection, one.id)}

    return await w.app.store.reading(read)


async def rows(w: World) -> Sequence[Any]:
    def read(connection: Connection) -> Sequence[Any]:
        query = select(match.c.id, ledger.c.state, ledger.c.reason).join(ledger, ledger.c.match_id == match.c.id)
        return connection.execute(query.order_by(match.c.id)).all()

    return await w.app.store.reading(read)


def test_a_changed_topic_finds_what_is_stored_and_mails_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL, OPIUM)
            await w.follow(text.replace("fentanyl,", "fentanyl, opium,"))
            assert await w.app.replayer.run() == {"narcotics": 1}
            found = await matches(w)
            assert (found["Opium fields burned"].origin, found["Fentanyl seized"].origin) == (
                Origin.REPLAY,
                Origin.LIVE,
            )
            assert found["Opium fields burned"].evidence[0].topic_version == 2
            assert [(row.state, row.reason) for row in await rows(w)] == [("pending", None), ("suppressed", "replay")]

    run(work)


def test_old_evidence_stays_beside_what_the_new_version_says(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL)
            await w.follow(text.replace("fentanyl,", "fentanyl, seized,"))
            assert await w.app.replayer.run() == {}
            proofs = (await matches(w))["Fentanyl seized"].evidence
            assert [proof.topic_version for proof in proofs] == [1, 2]
            assert len(proofs[1].fired[0].spans) > len(proofs[0].fired[0].spans)
            w.clock.forward(hours=1)
            await w.app.replayer.run()
            assert (await matches(w))["Fentanyl seized"].evidence == proofs

    run(work)


def test_a_match_outlives_the_version_that_no_longer_finds_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL)
            await w.follow(text.replace("fentanyl", "opium"))
            await w.app.replayer.run()
            assert [proof.topic_version for proof in (await matches(w))["Fentanyl seized"].evidence] == [1]

    run(work)


def test_people_are_told_of_the_past_when_they_are_to_be(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, OPIUM)
            (tmp_path / "feeds.yaml").write_text(text.replace("fentanyl,", "opium,"), encoding="utf-8")
            await w.app.configurator.apply(now=w.clock(), notify=True)
            await w.app.keep_following()
            await w.app.replayer.run()
            assert (await matches(w))["Opium fields burned"].origin is Origin.REPLAY
            assert [(row.state, row.reason) for row in await rows(w)] == [("pending", None)]

    run(work)


def test_a_replay_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            many = [(str(n), f"Opium haul {n}") for n in range(station.BATCH + 5)]
            text = await archive(w, ("x", "Budget"), *many)
            await w.follow(text.replace("fentanyl,", "opium,"))
            batches: list[int] = []

            def stop(size: int) -> None:
                batches.append(size)
                raise KeyError

            for _ in range(3):
                try:
                    await w.app.replayer.run(report=stop)
                except KeyError:
                    continue
            assert batches == [station.BATCH, 6]
            assert len(await matches(w)) == station.BATCH + 5

    run(work)


def test_two_processes_that_replay_write_each_match_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, OPIUM)
            await w.follow(text.replace("fentanyl,", "opium,"))
            (one,) = await w.app.store.reading(replay.due)
            assert await w.app.replayer.run() == {"narcotics": 1}
            late = await w.app.store.writing(station.write, [one], [], {}, now=w.clock())
            assert late is None
            assert len((await matches(w))["Opium fields burned"].evidence) == 1

    run(work)


def test_news_that_a_check_matched_with_the_old_topic_is_found_and_mailed(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL)
            w.server.on("/feed", served(rss(OPIUM, FENTANYL, BUDGET)))
            (tmp_path / "feeds.yaml").write_text(text.replace("fentanyl,", "opium,"), encoding="utf-8")
            # Another process applies the file; this one still matches with what it began with.
            await w.app.configurator.apply(now=w.clock())
            await w.app.refresher.check(only=["wire"])
            assert "Opium fields burned" not in await matches(w)
            await w.app.keep_following()
            await w.app.replayer.run()
            assert (await matches(w))["Opium fields burned"].origin is Origin.LIVE
            assert [row.state for row in await rows(w)] == ["pending", "pending"]

    run(work)


def test_a_topic_that_the_workers_do_not_know_yet_waits(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, OPIUM)
            (tmp_path / "feeds.yaml").write_text(text.replace("fentanyl,", "opium,"), encoding="utf-8")
            await w.app.configurator.apply(now=w.clock())
            assert await w.app.replayer.run() == {}
            await w.app.keep_following()
            assert await w.app.replayer.run() == {"narcotics": 1}

    run(work)


def test_a_topic_that_is_watched_again_finds_what_came_meanwhile(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL)
            alone = text.partition("topics:")[0]
            await w.follow(alone)
            w.server.on("/feed", served(rss(("4", "More fentanyl"), FENTANYL, BUDGET)))
            await w.app.refresher.check(only=["wire"])
            w.clock.forward(hours=1)
            await w.follow(text)
            assert await w.app.replayer.run() == {"narcotics": 1}
            assert (await matches(w))["More fentanyl"].origin is Origin.REPLAY

    run(work)


def test_another_name_or_another_test_replays_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL)
            w.clock.forward(hours=1)
            await w.app.replayer.run()
            assert await w.app.store.reading(replay.due) == ()
            await w.follow(
                text.replace("id: narcotics,", "id: narcotics, name: Drugs, tests: [{flag: true, title: fentanyl}],")
            )
            assert await w.app.store.reading(replay.due) == ()

    run(work)


def test_what_would_match_is_counted_and_nothing_written(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            text = await archive(w, BUDGET, FENTANYL, OPIUM)
            (tmp_path / "feeds.yaml").write_text(text.replace("fentanyl,", "fentanyl, opium,"), encoding="utf-8")
            wanted = w.app.configurator.load().topics
            await w.app.workers.set_topics(wanted)
            counted = await station.count(w.app.store, w.app.workers, wanted)
            assert counted == {"narcotics": station.Count(entries=2, new=1)}
            assert len(await matches(w)) == 1

    run(work)
