"""A feed list of any shape is read, or refused with places; it never crashes its reader."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import feedlist
from aggregator.core.errors import ConfigError
from aggregator.feedlist.shapes import FeedShape, FileShape, SubscriberShape, SubscriptionShape, TopicShape

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.sampled_from(
        [
            "a",
            "t",
            "https://a.example/f",
            "${AGGREGATOR_X}",
            "${",
            "07:30",
            "22:00-06:00",
            "48h",
            "daily",
            "narcotics-policy",
        ]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "query", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def shaped_like(shape: type[Any], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mappings with the shape's own keys, each with something that may or may not belong there."""
    known = {name: parts.get(name, VALUES) for name in shape.model_fields}
    return st.fixed_dictionaries({}, optional=known) | VALUES


SUBSCRIPTIONS = st.lists(shaped_like(SubscriptionShape), max_size=2) | VALUES
DOCUMENTS = shaped_like(
    FileShape,
    feeds=st.lists(shaped_like(FeedShape), max_size=3) | VALUES,
    topics=st.lists(shaped_like(TopicShape), max_size=2) | VALUES,
    subscribers=st.lists(shaped_like(SubscriberShape, subscriptions=SUBSCRIPTIONS), max_size=2) | VALUES,
)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_a_list_of_any_shape_is_read_or_refused_with_places(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feeds.yaml"
        path.write_text(json.dumps(document))
        try:
            feedlist.load(path, {})
        except ConfigError as error:
            places = [problem.where for problem in error.problems]
        else:
            return
    assert places
    assert all(place.startswith(f"{path}:1:") for place in places)
