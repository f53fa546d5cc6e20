"""One topic out of a file: a draft is read whatever is wrong beside it."""

from pathlib import Path

import pytest

from aggregator.core.errors import ConfigError, UsageError
from aggregator.feedlist import load_draft, pack_names, pack_topic, topic_ids

LIST = "feeds: []\ntopics:\n  - {id: a, query: fentanyl}\n  - {id: b, query: '(broken'}\n"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "Port drugs.yaml"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_a_sound_topic_is_read_beside_a_broken_one(written: Path) -> None:
    assert load_draft(written, "a").clauses[0].query == "fentanyl"


def test_a_broken_topic_is_told_where_it_stands(written: Path) -> None:
    with pytest.raises(ConfigError) as told:
        load_draft(written, "b")
    assert told.value.problems[0].where.endswith("Port drugs.yaml:4:20")


def test_of_several_topics_one_must_be_named(written: Path) -> None:
    with pytest.raises(UsageError, match="2 topics") as told:
        load_draft(written)
    assert "there are: a, b" in told.value.hint


def test_ids_are_known_of_broken_topics_too(written: Path) -> None:
    assert topic_ids(written) == ("a", "b")


@pytest.mark.parametrize(
    "text",
    [
        "keywords: [fentanyl]",
        "- {keywords: [fentanyl]}",
        "description: a draft\nname: Ports\nsignal: [{name: s, query: fentanyl}]",
    ],
    ids=["bare", "in a list", "as a pack is"],
)
def test_a_file_may_hold_nothing_but_the_topic_which_is_then_named_after_it(written: Path, text: str) -> None:
    written.write_text(text if "- {" not in text else "- {id: port-drugs, keywords: [fentanyl]}", encoding="utf-8")
    assert load_draft(written).id == "port-drugs"


def test_a_draft_may_stand_in_for_a_topic_of_another_name(written: Path) -> None:
    written.write_text("query: fentanyl", encoding="utf-8")
    assert load_draft(written, "narcotics").id == "narcotics"


def test_a_mistake_in_a_bare_topic_is_told_where_it_stands(written: Path) -> None:
    written.write_text("name: Ports\nquery: fentanyl AND\n", encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_draft(written)
    assert ":2:" in told.value.problems[0].where


@pytest.mark.parametrize("text", ["just words", "[1, 2]", ""])
def test_what_is_no_topic_is_refused(written: Path, text: str) -> None:
    written.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_draft(written)


@pytest.mark.parametrize("name", pack_names())
def test_a_pack_is_a_topic_of_its_own_name(name: str) -> None:
    assert pack_topic(name).id == name
