"""`stories`: one event in several outlets, shown, judged by its words, and corrected by a person."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from aggregator.store import migrate
from aggregator.store.database import Store
from tests import history
from tests.commands import Shell, make_shell
from tests.factories import NOW, make_feed
from tests.world import rss, run, served, world

MEETING = "India and United States sign fentanyl precursor pact in Washington"
TOLD = {
    "un": [("1", MEETING), ("9", "Parliament debates budget")],
    "wire": [("1", f"{MEETING} - The Wire")],
    "daily": [("1", MEETING), ("2", "Police seize forty kilos of fentanyl in Ohio warehouse raid")],
}


@pytest.fixture(scope="module")
def told_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database has polled three feeds that tell one event, and one of them another."""
    folder = tmp_path_factory.mktemp("told")

    async def poll() -> None:
        async with world(folder) as around:
            lines = ["feeds:"]
            for feed_id, items in TOLD.items():
                url = around.server.on(f"/{feed_id}", served(rss(*((f"{feed_id}-{n}", title) for n, title in items))))
                tier = "official" if feed_id == "un" else "media"
                lines.append(f"  - {{id: {feed_id}, url: '{url}', tier: {tier}}}")
            lines.append("topics:\n  - {id: narcotics, keywords: [fentanyl]}\n  - {id: pacts, keywords: [pact]}")
            await around.follow("\n".join(lines))
            for feed_id in TOLD:
                await around.app.refresher.check(only=[feed_id])
                around.clock.forward(hours=2)

    run(poll)
    return folder


@pytest.fixture
def told(told_folder: Path, tmp_path: Path) -> Shell:
    shutil.copytree(told_folder, tmp_path, dirs_exist_ok=True)
    return make_shell(tmp_path)


def listed(shell: Shell) -> dict[str, dict[str, Any]]:
    return {line["title"]: line for line in shell.run("stories", "list", "--json").lines}


def test_one_event_in_three_outlets_is_one_line_led_by_the_official_source(told: Shell) -> None:
    found = listed(told)
    assert sorted(len(story["members"]) for story in found.values()) == [1, 3]
    pact = found[MEETING]
    assert (pact["lead"]["feed"], pact["lead"]["why"]) == ("un", "the only official source")
    assert [one["feed"] for one in pact["outlets"]] == ["un", "wire", "daily"]
    assert [one["behind_seconds"] for one in pact["outlets"]] == [0, 7200, 14400]
    assert [one["relation"] for one in pact["members"]] == ["first", "exact", "exact"]
    assert pact["topics"] == ["narcotics", "pacts"]
    shown = told.run("stories", "show", str(pact["id"])).out
    assert "un (the only official source)" in shown
    assert "wire 2h later, daily 4h later" in shown
    assert "same title and opening" in shown
    reasons = shown.partition("why they are one story\n")[2].splitlines()
    assert [line.split("  ")[-1].partition(";")[0] for line in reasons] == ["same title and opening"] * 2


def test_an_entry_without_a_title_is_listed_by_how_its_text_begins(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'data' / 'aggregator.db'}"
    migrate.upgrade(database, now=NOW)
    store = Store(database)
    history.follow(store, [make_feed("wire")])
    history.told(store, history.came(store, "wire", [NOW], title="", text="Fentanyl found in a drum. " * 9))
    store.close()
    shell = make_shell(tmp_path)
    assert shell.run("stories", "list", "--json").line["title"].startswith("Fentanyl found in a drum.")
    assert "(untitled)" not in shell.run("stories", "show", "1").out


def test_stories_are_listed_by_topic_and_from_a_time_on(told: Shell) -> None:
    assert len(told.run("stories", "list", "--topic", "pacts", "--json").lines) == 1
    assert len(told.run("stories", "list", "--since", "2026-01-27", "--json").lines) == 2
    assert told.run("stories", "list", "--since", "2026-01-27T12:00Z", "--json").lines == []
    assert len(told.run("stories", "list", "--limit", "1", "--json").lines) == 1
    other = told.run("stories", "list", "--topic", "other")
    assert (other.code, other.err.splitlines()[0]) == (2, "error: no such topic: other")
    table = told.run("stories", "list", "--since", "9999d")
    assert table.code == 0
    assert "Police seize forty kilos" in table.out
    wrong = told.run("stories", "list", "--since", "yesterday")
    assert (wrong.code, "48h or 7d" in wrong.err) == (2, True)


def test_an_entry_names_its_story(told: Shell) -> None:
    pact = listed(told)[MEETING]
    entry = str(pact["members"][0]["entry"])
    assert told.run("show", entry, "--json").line["story"] == pact["id"]
    assert f"aggregator stories show {pact['id']}" in told.run("show", entry).out


def test_what_a_person_splits_stays_apart_and_what_is_joined_is_one(told: Shell) -> None:
    pact = listed(told)[MEETING]
    other = next(story for title, story in listed(told).items() if title != MEETING)
    last = pact["members"][-1]["entry"]
    made = told.run("stories", "split", str(last), "--json").line
    assert [one["entry"] for one in made["members"]] == [last]
    assert len(told.run("stories", "show", str(pact["id"]), "--json").line["members"]) == 2
    said = told.run("stories", "join", str(made["id"]), str(pact["id"]), str(other["id"]))
    assert (said.code, "now holds them all" in said.out) == (0, True)
    (one,) = told.run("stories", "list", "--json").lines
    assert len(one["members"]) == 4


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("split", "999"), "no story has entry 999"),
        (("join", "1", "999"), "no such story: 999"),
        (("join", "1", "1"), "cannot be joined to itself"),
        (("show", "999"), "no such story: 999"),
        (("show", "99999999999999999999"), "expected at most"),
    ],
)
def test_what_cannot_be_done_is_said(told: Shell, args: tuple[str, ...], said: str) -> None:
    ran = told.run("stories", *args)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_whole_story_is_not_split_and_several_are_not_split_at_once(told: Shell) -> None:
    every = [str(one["entry"]) for one in listed(told)[MEETING]["members"]]
    other = next(story for title, story in listed(told).items() if title != MEETING)
    assert "has no other entry" in told.run("stories", "split", *every).err
    assert "in several stories" in told.run("stories", "split", every[0], str(other["members"][0]["entry"])).err


TEXT = "Officers opened two containers on Tuesday and found the chemical in drums that were labelled as detergent."


def pair(a: str, b: str, text: str = "", **more: str) -> str:
    return json.dumps(
        {"a": {"title": a, "text": text, "feed": "x"}, "b": {"title": b, "text": text, "feed": "y", **more}}
    )


def test_pairs_are_judged_line_by_line(tmp_path: Path) -> None:
    shell = make_shell(tmp_path)
    lines = [
        pair(MEETING, f"{MEETING} | The Post", TEXT),
        pair(MEETING, f"{MEETING}, officials say", TEXT),
        pair(MEETING, "United States and India sign pact on fentanyl precursor in Washington"),
        pair("Navy seizes 1.1 tonnes of hashish off coast", "Navy seizes 3.2 tonnes of hashish off coast", TEXT),
        pair(MEETING, "Fishermen return to port", date="2026-01-27"),
    ]
    (tmp_path / "pairs.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    found = shell.run("stories", "pairs", str(tmp_path / "pairs.jsonl"), "--json").lines
    assert [one["relation"] for one in found] == ["duplicate", "duplicate", "same", "related", "different"]
    assert found[3]["reasons"][-1] == "numbers differ: 1.1, 3.2"
    assert "2 duplicate" in shell.run("stories", "pairs", str(tmp_path / "pairs.jsonl")).out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no pair"),
        ("{", "expected {"),
        ('{"a": 1, "b": 2}', "expected {"),
        ('{"a": {"title": 1}, "b": {}}', "`title` is a text"),
        ('{"a": {"date": "soon"}, "b": {}}', "`date` is an instant"),
    ],
)
def test_a_file_that_holds_no_pairs_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(text, encoding="utf-8")
    ran = make_shell(tmp_path).run("stories", "pairs", str(tmp_path / "pairs.jsonl"), "--json")
    assert ran.code == 2
    assert said in ran.err


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    ran = make_shell(tmp_path).run("stories", "pairs", str(tmp_path / "missing.jsonl"))
    assert (ran.code, "no such file" in ran.err) == (2, True)
