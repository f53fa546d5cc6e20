"""The files that are shipped: they load without a warning, mail nobody, and their schema is current."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it publishes no types
import pytest
from ruamel.yaml import YAML

from aggregator import feedlist
from aggregator.core.errors import ConfigError
from aggregator.feedlist.schema import schema, schema_text

ROOT = Path(__file__).parents[2]


def plain(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def test_the_shipped_list_loads_without_a_warning_and_mails_nobody() -> None:
    shipped = feedlist.load(ROOT / "feeds.yaml", {})
    assert len(shipped.feeds) >= 36
    assert sorted(topic.id for topic in shipped.topics) == list(feedlist.pack_names())
    assert [(person.slug, person.address, person.timezone) for person in shipped.subscribers] == [
        ("desk", None, "Asia/Kolkata")
    ]
    assert shipped.warnings == ()


def test_every_shipped_feed_is_tended() -> None:
    for feed in feedlist.load(ROOT / "feeds.yaml", {}).feeds:
        assert feed.url.startswith("https://")
        assert feed.name
        assert feed.tags
        assert feed.tier != "other"
        assert feed.language


def test_the_shipped_list_points_editors_to_the_schema() -> None:
    first = (ROOT / "feeds.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./docs/feeds.schema.json"


def test_the_schema_in_docs_is_current() -> None:
    assert (ROOT / "docs" / "feeds.schema.json").read_text() == schema_text(), "run `make schema`"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


def test_the_schema_accepts_what_is_shipped() -> None:
    jsonschema.validate(plain(ROOT / "feeds.yaml"), schema())
    jsonschema.validate(plain(ROOT / "docs" / "subscribers.example.yaml"), schema())


@pytest.mark.parametrize(
    "feed",
    [
        {"id": "a"},
        {"id": "A b", "url": "https://a.example"},
        {"id": "a", "url": "https://a.example", "ulr": 1},
        {"id": "a", "url": "https://a.example", "tier": "oficial"},
        {"id": "a", "url": "https://a.example", "interval": "often"},
        {"id": "a", "url": "https://a.example", "active": "7-8"},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(feed: dict[str, object], tmp_path: Path) -> None:
    document = {"feeds": [feed]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
    path = tmp_path / "feeds.yaml"
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError):
        feedlist.load(path, {})


def test_the_example_of_subscribers_loads_beside_the_shipped_list(tmp_path: Path) -> None:
    for source, name in (
        (ROOT / "feeds.yaml", "feeds.yaml"),
        (ROOT / "docs/subscribers.example.yaml", "subscribers.yaml"),
    ):
        (tmp_path / name).write_text(source.read_text())
        (tmp_path / name).chmod(0o600)
    read = feedlist.load(tmp_path / "feeds.yaml", {"AGGREGATOR_BOARD_EMAIL": "board@example.org"})
    assert [person.slug for person in read.subscribers] == ["desk", "analyst", "weekly-board", "operator"]
    assert read.warnings == ()
