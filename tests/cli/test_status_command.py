"""`status`: the service at a glance, and its health as an exit code."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aggregator.store import health
from aggregator.store.database import Store
from aggregator.store.lock import service_lock
from tests.commands import AT, Shell, make_shell

NOW = datetime.fromisoformat(AT).astimezone(UTC)


def database(shell: Shell) -> str:
    return f"sqlite:///{shell.folder / 'data' / 'aggregator.db'}"


def beat(shell: Shell, kind: str, at: datetime, **detail: object) -> None:
    store = Store(database(shell))
    store.write(health.beat, kind, now=at, detail=detail)
    store.close()


def test_a_service_that_ticks_is_healthy(polled: Shell) -> None:
    beat(polled, "refresh", NOW - timedelta(seconds=5))
    with service_lock(database(polled), now=NOW):
        ran = polled.run("status", "--check")
        assert (ran.code, ran.out) == (0, "working: last tick 5s ago\n")
        assert polled.run("status").out.startswith("running: process ")


def test_a_service_that_stopped_ticking_is_not(polled: Shell) -> None:
    beat(polled, "refresh", NOW - timedelta(minutes=3))
    with service_lock(database(polled), now=NOW):
        ran = polled.run("status", "--check")
        assert (ran.code, ran.out) == (1, "")
        assert "the last tick was 180 s ago" in ran.err
        assert polled.run("status").out.startswith("stalled: process ")


def test_without_a_service_the_check_fails_and_the_rest_is_still_told(polled: Shell) -> None:
    beat(polled, "refresh", NOW)
    ran = polled.run("status", "--check")
    assert ran.code == 1
    assert "no service holds this database" in ran.err
    whole = polled.run("status")
    assert whole.code == 0
    assert whole.out.startswith("stopped: nobody runs the service")


def test_a_check_in_json_has_the_verdict_and_the_exit_code(polled: Shell) -> None:
    ran = polled.run("status", "--check", "--json")
    assert ran.code == 1
    assert (ran.line["working"], ran.line["trouble"]) == (False, "no service holds this database")


def test_a_failing_feed_is_told_with_its_error_and_words(polled: Shell) -> None:
    told = polled.run("status", "--json").line
    (failing,) = told["feeds"]["errors"]
    assert (failing["id"], failing["error"]["kind"]) == ("page", "html")
    assert told["feeds"]["states"] == {"ok": 2}
    assert (told["entries"], told["matches"], told["ledger"]) == (2, {"narcotics": 1}, {"pending": 1})
    shown = polled.run("status").out
    assert "2 feeds: 1 ok, 1 retried" in shown
    assert "1 feed with an error at the last check" in shown
    assert failing["error"]["detail"] in shown


def test_a_feed_list_that_broke_while_the_service_ran_is_told(polled: Shell) -> None:
    beat(polled, "config", NOW, problems=["feeds.yaml:3:5: unknown key `ulr`"])
    assert polled.run("status", "--json").line["config_problems"] == ["feeds.yaml:3:5: unknown key `ulr`"]
    assert "feeds.yaml:3:5: unknown key `ulr`" in polled.run("status").out


def test_an_empty_database_says_what_to_do(polled: Shell) -> None:
    fresh = make_shell(polled.folder, AGGREGATOR_DATABASE=f"sqlite:///{polled.folder}/fresh.db")
    ran = fresh.run("status")
    assert ran.code == 0
    assert "none; `aggregator apply` follows feeds.yaml" in ran.out


def test_on_postgresql_the_holder_is_known_too(polled: Shell, make_database: Callable[[], str]) -> None:
    url = make_database()
    server = make_shell(polled.folder, AGGREGATOR_DATABASE=url)
    assert server.run("status", "--json").line["holder"] is None
    with service_lock(url, now=NOW):
        line = server.run("status", "--json").line
    assert line["holder"].startswith("aggregator: process ")
    assert (line["working"], line["trouble"]) == (False, "the service has not ticked yet")


def test_more_failing_feeds_than_fit_are_counted(polled: Shell) -> None:
    store = Store(database(polled))
    store.write(lambda connection: connection.exec_driver_sql("UPDATE feed_state SET error_kind = 'dns'"))
    store.close()
    assert "and 1 more: `aggregator status --limit 2`" in polled.run("status", "--limit", "1").out
