"""What the digests of one round say beside their stories: read once, and the same in each of them."""

from datetime import date, timedelta
from pathlib import Path

from aggregator.core.model.digests import SourceNote
from aggregator.core.model.trends import TopicSilence
from aggregator.dispatch.surroundings import Surroundings
from aggregator.store.database import Store
from tests.databases import make_ready
from tests.factories import make_feed, make_topic
from tests.history import at, came, checked, days_before, follow, learned

TODAY = date(2026, 1, 27)
DAYS = days_before(TODAY, 100)


Told = tuple[tuple[SourceNote, ...], TopicSilence | None, TopicSilence | None, tuple[str, ...], int]


def test_the_digests_of_a_round_say_the_same_and_the_next_round_looks_again(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'aggregator.db'}"
    make_ready(database)
    store = Store(database)
    follow(store, [make_feed("wire")], since=at(DAYS[0], 0))
    follow(store, [], topic=make_topic("sanctions"), since=at(DAYS[0], 0))
    checked(store, "wire", DAYS, new=1)
    learned(store, "wire", succeeded_at=at(TODAY, 7), checked_at=at(TODAY, 7), changed_at=at(TODAY, 5))
    came(store, "wire", [at(day, 3) for day in DAYS[1:]])
    came(store, "wire", [at(day, hour) for day in DAYS[1:-12] for hour in (4, 5)], topics=("sanctions",))
    topics = (("sanctions", "Sanctions"), ("narcotics", "Narcotics"))

    def told(around: Surroundings) -> Told:
        return (
            store.read(around.sources, since=at(TODAY, 0) - timedelta(days=1)).failing,
            store.read(around.silence, "sanctions", until=TODAY),
            store.read(around.silence, "narcotics", until=TODAY),
            tuple(bar.topic_id for bar in store.read(around.bars, topics, until=TODAY)),
            sum(store.read(around.daily_matches, "sanctions", until=at(TODAY, 8))),
        )

    one = Surroundings()
    before = told(one)
    failing, silent, loud, bars, usual = before
    assert (failing, loud, bars, usual) == ((), None, ("narcotics",), 4)
    assert silent is not None
    learned(store, "wire", error_kind="dns", error_detail="no such host", succeeded_at=at(DAYS[-9], 7))
    came(store, "wire", [at(TODAY, 6)], topics=("sanctions",))
    assert told(one) == before
    failing, silent, _, bars, usual = told(Surroundings())
    assert (len(failing), silent, bars, usual) == (1, None, ("sanctions", "narcotics"), 5)
    store.close()


def test_which_sources_are_quiet_is_looked_up_once_for_all_spans(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'aggregator.db'}"
    make_ready(database)
    store = Store(database)
    follow(store, [make_feed("un", name="UNODC"), make_feed("wire")], since=at(DAYS[0], 0))
    for feed, last in (("un", 12), ("wire", 0)):
        seen = [at(day, 9) for day in DAYS[1 : len(DAYS) - last]]
        came(store, feed, seen, topics=())
        checked(store, feed, DAYS, new=1)
        learned(store, feed, changed_at=seen[-1], succeeded_at=at(TODAY, 20), checked_at=at(TODAY, 20))
    around = Surroundings()
    day = store.read(around.sources, since=at(TODAY, 0))
    learned(store, "un", changed_at=at(TODAY, 19))
    week = store.read(around.sources, since=at(DAYS[-7], 0))
    assert [note.name for note in day.quiet] == ["UNODC"]
    assert week.quiet == day.quiet
    assert week.entries > day.entries
    assert store.read(Surroundings().sources, since=at(TODAY, 0)).quiet == ()
    store.close()
