"""`topics backtest`, over an archive that a feed filled."""

from contextlib import closing

from sqlalchemy import text

from aggregator.core.topics.coarse import coarse
from aggregator.store import dialect, search
from aggregator.store.database import Store
from tests.commands import Shell
from tests.factories import make_topic
from tests.world import run


def test_a_change_is_shown_by_what_it_adds_and_loses(polled: Shell) -> None:
    polled.write((polled.folder / "feeds.yaml").read_text().replace("fentanyl,", "budget,"))
    told = polled.run("topics", "backtest", "narcotics", "--json").line
    assert (told["entries"], told["items"], told["days"]) == (2, 1, 30)
    assert told["in_force"] == {"version": 1, "items": 1}
    assert [one["title"] for one in told["added"]["samples"]] == ["Parliament debates budget"]
    assert [one["title"] for one in told["lost"]["samples"]] == ["Customs seize fentanyl"]
    assert [day["items"] for day in told["digests"]["by_day"]] == [1]
    shown = polled.run("topics", "backtest", "narcotics").out
    assert "change    adds 1, loses 1" in shown
    assert polled.run("topics", "list", "--json").line["matches"] == 1


def test_a_draft_of_another_file_is_tried_under_the_name_of_the_topic(polled: Shell) -> None:
    polled.write("keywords: [budget, fentanyl]", "draft.yaml")
    told = polled.run("topics", "backtest", "narcotics", "--file", "draft.yaml", "--json").line
    assert (told["added"]["count"], told["lost"]["count"]) == (1, 0)


def test_a_topic_that_is_not_in_force_is_shown_with_what_it_shares(polled: Shell) -> None:
    polled.write("keywords: [customs]", "draft.yaml")
    told = polled.run("topics", "backtest", "draft.yaml", "--json").line
    assert told["in_force"] is None
    assert told["overlap"] == [{"topic": "narcotics", "items": 1, "shared": 1}]
    shown = polled.run("topics", "backtest", "draft.yaml").out
    assert "flagged: 1" in shown
    assert "also flagged by" in shown


def test_only_the_asked_days_are_looked_at(polled: Shell) -> None:
    polled.environ["AGGREGATOR_CLOCK"] = "2026-03-27T08:00:00Z"
    ran = polled.run("topics", "backtest", "narcotics", "--days", "7")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing was stored in the last 7 days" in ran.err
    assert polled.run("topics", "backtest", "narcotics", "--days", "90", "--json").line["entries"] == 2


def test_stories_are_counted_as_a_digest_folds_them(polled: Shell) -> None:
    told = polled.run("topics", "backtest", "narcotics", "--json").line
    assert sum(day["items"] for day in told["digests"]["by_day"]) == told["items"] == 1
    assert told["stories"] == 1


def test_a_broken_draft_is_told_where_it_is_wrong(polled: Shell) -> None:
    polled.write("query: fentanyl AND", "draft.yaml")
    ran = polled.run("topics", "backtest", "narcotics", "--file", "draft.yaml")
    assert ran.code == 2
    assert ran.err.startswith("error: draft.yaml:1:")


def test_the_word_index_changes_what_is_read_and_not_what_is_told(polled: Shell) -> None:
    polled.write((polled.folder / "feeds.yaml").read_text().replace("fentanyl,", "budget,"))
    without = polled.run("topics", "backtest", "narcotics", "--json").line
    with closing(Store(f"sqlite:///{polled.folder / 'data' / 'aggregator.db'}")) as store:
        assert store.read(dialect.newest_words) == 0, "checks store entries and no words"

        async def index() -> None:
            assert await search.catch_up(store) == 2

        run(index)
        assert len(store.read(search.candidates, coarse([make_topic(query="budget")]))) == 1
    assert polled.run("topics", "backtest", "narcotics", "--json").line == without


def test_a_cycle_of_the_service_and_a_poll_index_what_they_stored(polled: Shell) -> None:
    assert polled.run("run", "--once").code == 0
    with closing(Store(f"sqlite:///{polled.folder / 'data' / 'aggregator.db'}")) as store:
        assert store.read(search.unindexed) == ()
        store.write(lambda connection: connection.execute(text("DELETE FROM entry_words")))
        polled.run("poll")
        assert store.read(search.unindexed) == ()
