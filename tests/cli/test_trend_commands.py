"""`topics trend`, `feeds value`, `export`, and what `status` and `feeds list` say of silence, as a person runs them."""

import csv
import io
import re
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from aggregator import charts
from aggregator.core.model.feeds import Tier
from aggregator.core.model.subscriptions import Schedule
from aggregator.core.stories.trends import LOOKBACK
from aggregator.store import migrate, subscribers, topics
from aggregator.store.database import Store
from tests.commands import Shell, make_shell
from tests.factories import NOW, make_feed, make_subscriber, make_topic
from tests.history import at, came, checked, days_before, follow, happened, learned, told

TODAY = date(2026, 1, 27)
BURST = TODAY - timedelta(days=5)
DAYS = days_before(TODAY, 30 + LOOKBACK)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A hundred days of two feeds: a wire that had a burst, and a body that fell silent twenty days ago."""
    folder = tmp_path_factory.mktemp("trends")
    database = f"sqlite:///{folder / 'data' / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    store = Store(database)
    follow(store, [make_feed("un", tier=Tier.OFFICIAL), make_feed("wire", tier=Tier.WIRE)], since=at(DAYS[0], 0))
    for feed in ("un", "wire"):
        checked(store, feed, DAYS, new=1)
        learned(store, feed, succeeded_at=at(TODAY, 7), checked_at=at(TODAY, 7), changed_at=at(TODAY, 5))
    official = came(store, "un", [at(day, 3) for day in DAYS[1:-20]], title="Statement {n}")
    copies = came(store, "wire", [at(day, 5) for day in DAYS[1:]], title="=Seizure {n}")
    for one, other in zip(official, copies, strict=False):
        told(store, [one, other])
    came(store, "wire", [at(BURST, 6 + n / 10) for n in range(12)], title="Raid <b>{n}</b>")
    learned(store, "un", changed_at=at(DAYS[-21], 3))
    follow(store, [], topic=make_topic("sanctions", name="Sanctions"), since=at(DAYS[0], 0))
    came(store, "wire", [at(day, 8) for day in DAYS[1:-12] for _ in range(2)], topics=("sanctions",))
    weekly = Schedule(at=(time(7),), days=frozenset({0}))
    store.write(
        subscribers.save,
        [make_subscriber(topics=("narcotics", "sanctions"), schedule=weekly)],
        now=at(DAYS[0], 0),
        public_ids={"desk": "a" * 16},
    )
    store.close()
    return make_shell(folder)


def test_a_trend_is_drawn_and_its_spike_listed(shell: Shell) -> None:
    ran = shell.run("topics", "trend", "narcotics", "--days", "30")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "narcotics: 42 stories in 30 days, 1.4 a day"
    assert "█" in ran.out
    assert f"spike on {BURST:%a} {BURST}: 13 stories where 1.0 are usual" in lines
    assert "Raid <b>3</b>" in ran.out
    assert lines[-1] == "and 8 more; `--json` has them all"


def test_a_trend_for_programs_has_every_day_and_every_story_of_a_spike(shell: Shell) -> None:
    told_ = shell.run("topics", "trend", "narcotics", "--days", "30", "--json").line
    assert (told_["topic"], told_["days"], told_["stories"], len(told_["by_day"])) == ("narcotics", 30, 42, 30)
    (spike,) = told_["spikes"]
    assert spike["day"] == str(BURST)
    assert len(spike["stories"]) == spike["counted"] == 13
    assert {one["feed"] for one in spike["stories"]} == {"wire"}
    assert [one["day"] for one in told_["by_day"] if one["spike"]] == [str(BURST)]
    assert told_["silence"] is None


def test_a_trend_is_cut_by_feed_tier_and_clause(shell: Shell) -> None:
    by_feed = shell.run("topics", "trend", "narcotics", "--by", "feed", "--days", "30", "--json").lines
    assert {one["feed"]: one["stories"] for one in by_feed} == {"wire": 42, "un": 10}
    by_tier = shell.run("topics", "trend", "narcotics", "--by", "tier", "--days", "30", "--json").lines
    assert {one["tier"] for one in by_tier} == {"wire", "official"}
    shown = shell.run("topics", "trend", "narcotics", "--by", "clause", "--days", "30").out.splitlines()
    assert shown[1].split()[:2] == ["CLAUSE", "STORIES"]
    assert shown[2].split()[:2] == ["query", "42"]
    twice = shell.run("topics", "trend", "narcotics", "--by", "feed", "--days", "30").out.splitlines()
    assert twice[-1] == "a story counts for each feed that has it"


def test_what_a_new_feed_brings_today_is_told_and_set_aside(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'data' / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    store = Store(database)
    follow(store, [make_feed("wire")], since=at(DAYS[0], 0))
    follow(store, [make_feed("fresh")], since=at(DAYS[-4], 0))
    checked(store, "wire", DAYS, new=1)
    checked(store, "fresh", DAYS[-4:], new=9)
    came(store, "wire", [at(day, 5) for day in DAYS[1:]])
    came(store, "fresh", [at(TODAY, 6 + n / 10) for n in range(9)])
    store.close()
    told_ = " ".join(make_shell(tmp_path).run("topics", "trend", "narcotics", "--days", "30").out.split())
    assert "10 so far, of which 9 do not count: their feeds are new, or came back; 1.0 are usual" in told_
    assert "spike" not in told_


def test_slices_are_listed_by_what_they_have_in_the_days_that_are_shown(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'data' / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    store = Store(database)
    follow(store, [make_feed("formerly"), make_feed("now")], since=at(DAYS[0], 0))
    came(store, "formerly", [at(day) for day in DAYS[1:-20]])
    came(store, "now", [at(day) for day in DAYS[-3:]])
    store.close()
    shown = make_shell(tmp_path).run("topics", "trend", "narcotics", "--by", "feed", "--days", "14", "--json").lines
    assert [(one["feed"], one["stories"]) for one in shown] == [("now", 3), ("formerly", 0)]


def test_a_chart_is_svg_without_a_script(shell: Shell) -> None:
    assert shell.run("topics", "trend", "narcotics", "--days", "30", "--svg", "trend.svg").code == 0
    drawn = (shell.folder / "trend.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "<script" not in drawn
    by_feed = shell.run("topics", "trend", "narcotics", "--by", "feed", "--svg", "feeds.svg")
    assert by_feed.err == "drawn into feeds.svg\n"
    assert ">wire<" in (shell.folder / "feeds.svg").read_text(encoding="utf-8")


def test_a_chart_without_the_extra_says_how_to_get_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "find_spec", lambda _name: None)
    ran = shell.run("topics", "trend", "narcotics", "--svg", "none.svg")
    assert ran.code == 2
    assert "pip install 'feed-aggregator[charts]'" in ran.err
    assert not (shell.folder / "none.svg").exists()


def test_a_trend_of_nothing_says_so(shell: Shell) -> None:
    ran = shell.run("topics", "trend", "nix")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: no such topic: nix")


def test_the_value_of_each_feed_is_told(shell: Shell) -> None:
    lines = shell.run("feeds", "value", "--days", "30", "--json").lines
    by_feed = {one["feed"]: one for one in lines if one["topic"] == "narcotics"}
    assert (by_feed["un"]["first"], by_feed["un"]["alone"], by_feed["un"]["lead_seconds"]) == (10, 0, 7200)
    assert by_feed["wire"]["without_it"] == {"lost": 32, "later": 0}
    shown = shell.run("feeds", "value", "un", "--days", "30").out
    assert "without un, 0 stories of 42 would not have come at all, and 10 about 2h later" in shown
    assert shell.run("feeds", "value", "nix").code == 2


def test_a_topic_that_is_watched_no_more_gives_no_feed_its_value(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'data' / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    store = Store(database)
    follow(store, [make_feed("wire")], since=at(DAYS[0], 0))
    came(store, "wire", [at(TODAY, 5)])
    shell = make_shell(tmp_path)
    assert shell.run("feeds", "value").out.splitlines()[1].split()[:4] == ["narcotics", "wire", "1", "1"]
    store.write(topics.remove, ["narcotics"], now=NOW)
    store.close()
    assert shell.run("feeds", "value").out == "without any match in 90 days: wire\n"
    assert shell.run("topics", "trend", "narcotics").out.startswith("narcotics: 1 story in 90 days")


def test_a_quiet_feed_is_told_in_the_list_on_its_own_and_in_the_status(shell: Shell) -> None:
    quiet = {one["id"]: one["quiet"] for one in shell.run("feeds", "list", "--json").lines}
    assert quiet == {"un": "2026-01-07T03:00:00Z", "wire": None}
    listed = shell.run("feeds", "list").out.splitlines()
    assert listed[1].split()[:2] == ["un", "quiet"]
    assert "usually an entry every day, none for 20 days" in listed[1]
    assert listed[-1] == "2 feeds: 1 quiet, 1 ok"
    assert shell.run("feeds", "show", "un", "--json").line["quiet"] == quiet["un"]
    assert "none for 20 days" in shell.run("feeds", "show", "un").out
    status = shell.run("status", "--json").line
    assert [one["id"] for one in status["feeds"]["quiet"]] == ["un"]
    (silent,) = status["silent_topics"]
    assert (silent["topic"], silent["since"], silent["feeds_read"]) == ("sanctions", "2026-01-15", True)
    assert "none for 20 days" in shell.run("status").out


def test_the_list_names_the_feeds_that_the_status_names(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'data' / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    store = Store(database)
    feeds = ("back", "both", "filled", "holes", "long-ago", "well")
    follow(store, [make_feed(one) for one in feeds], since=at(DAYS[0], 0))
    for one in feeds:
        learned(store, one, succeeded_at=at(TODAY, 7), checked_at=at(TODAY, 7), changed_at=at(TODAY, 7))
    happened(store, "back", "recovered", at(TODAY, 4), "server, after 19 days")
    happened(store, "both", "recovered", at(TODAY, 4), "server, after 19 days")
    for feed in ("both", "filled", "holes"):
        happened(store, feed, "gap", at(TODAY, 4), "7 entries or more may be missing")
    happened(store, "filled", "filled", at(TODAY, 4), "nothing is missing")
    happened(store, "long-ago", "gap", at(DAYS[-20], 4), "7 entries or more may be missing")
    store.close()
    shell = make_shell(tmp_path)
    lines = shell.run("feeds", "list").out.splitlines()
    states = {line.split()[0]: line.split()[1] for line in lines[1 : len(feeds) + 1]}
    assert states == {
        "both": "gapped", "holes": "gapped", "back": "recovered", "filled": "ok", "long-ago": "ok", "well": "ok",
    }  # fmt: skip
    assert lines[1].endswith("7 entries or more may be missing")
    assert lines[-1] == "6 feeds: 2 gapped, 1 recovered, 3 ok"
    assert "server, after 19 days" in shell.run("feeds", "show", "back").out
    status = shell.run("status", "--json").line["feeds"]
    assert {one["id"] for one in status["gaps"]} == {"both", "holes"}
    assert {one["id"] for one in status["recovered"]} == {"back", "both"}


def test_a_silent_topic_is_told_in_the_status_and_in_its_trend(shell: Shell) -> None:
    later = make_shell(shell.folder, AGGREGATOR_CLOCK="2026-02-09T08:00:00Z")
    silent = {one["topic"]: one for one in later.run("status", "--json").line["silent_topics"]}["narcotics"]
    assert (silent["since"], silent["feeds_read"]) == ("2026-01-27", False)
    assert "the feeds that usually bring them were not read" in later.run("status").out
    assert "but its feeds were not read" in later.run("topics", "trend", "narcotics").out


def test_a_weekly_digest_shows_the_week_and_the_quiet_source(shell: Shell) -> None:
    told_ = shell.run("digest", "preview", "desk").out
    assert "Stories a day, Tue 20 Jan to Mon 26 Jan (UTC)" in told_
    assert "19 stories, about 7 are usual; Thu 22 Jan stands out" in told_
    assert "un: usually an entry every day, none for 20 days" in told_.replace("\n    ", " ")


def test_a_digest_says_that_a_topic_is_silent_only_when_its_feeds_were_read(shell: Shell) -> None:
    said = " ".join(shell.run("digest", "preview", "desk").out.split())
    assert re.search(
        r"Sanctions has been silent since 15 Jan, a time in which about 2[0-4] stories are usual\.", said
    ), said[:900]
    unread = make_shell(shell.folder, AGGREGATOR_CLOCK="2026-02-09T08:00:00Z")
    assert "has been silent" not in unread.run("digest", "preview", "desk").out


def test_an_export_goes_to_stdout_as_a_table(shell: Shell) -> None:
    ran = shell.run("export", "--topic", "narcotics", "--since", "2026-01-26")
    rows = list(csv.DictReader(io.StringIO(ran.out, newline="")))
    assert (ran.code, [row["title"] for row in rows]) == (0, ["'=Seizure 97", "'=Seizure 98"])
    assert shell.run("export", "--topic", "narcotics", "--since", "32h").out == ran.out


def test_an_export_is_written_whole_or_not_at_all(shell: Shell) -> None:
    ask = ("export", "--topic", "narcotics", "--since", "2026-01-20", "--until", "2026-01-22")
    ran = shell.run(*ask, "--format", "html", "--output", "report.html")
    assert (ran.code, ran.out, ran.err) == (0, "", "15 matches written to report.html\n")
    written = (shell.folder / "report.html").read_text(encoding="utf-8")
    assert written.count("<article") == 15
    assert "<b>3</b>" not in written
    failed = shell.run(*ask, "--output", "nowhere/report.csv")
    assert failed.code == 1
    assert "cannot write" in failed.err
    assert [path.name for path in Path(shell.folder).glob(".*.part")] == []


def test_json_lines_are_an_object_a_match(shell: Shell) -> None:
    lines = shell.run(
        "export", "--topic", "narcotics", "--since", "2026-01-22", "--until", "2026-01-22", "--format", "jsonl"
    ).lines
    assert len(lines) == 13
    assert {one["topic"] for one in lines} == {"narcotics"}
    again = shell.run(
        "export", "--topic", "narcotics", "--since", "2026-01-22", "--until", "2026-01-22", "--json"
    ).lines
    assert again == lines


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--topic", "nix", "--since", "2026-01-01"), "no such topic: nix"),
        (("--topic", "narcotics", "--since", "soon"), "a UTC day such as 2026-01-20"),
        (("--topic", "narcotics", "--since", "2026-13-01"), "a UTC day such as 2026-01-20"),
        (("--topic", "narcotics", "--since", "2026-01-20T07:00"), "a UTC day such as 2026-01-20"),
        (("--topic", "narcotics", "--since", "2026-01-20", "--until", "2026-01-19"), "is not after"),
        (("--topic", "narcotics", "--since", "2026-01-20", "--format", "html", "--bom"), "--bom is for tables"),
        (("--topic", "narcotics", "--since", "2026-01-20", "--format", "html", "--json"), "two forms of one export"),
    ],
)
def test_an_export_that_cannot_be_says_why(shell: Shell, options: tuple[str, ...], complaint: str) -> None:
    ran = shell.run("export", *options)
    assert ran.code == 2
    assert complaint in ran.err
    assert ran.out == ""
