"""feeds.yaml, subscribers.yaml and OPML <-> wanted state; a plan of changes before any change. No database, no network."""

from aggregator.feedlist.drafts import load_draft, pack_topic, topic_ids
from aggregator.feedlist.load import FeedList, load, load_topics
from aggregator.feedlist.packs import pack_names
from aggregator.feedlist.references import MissingSecret, expand, fill

__all__ = [
    "FeedList",
    "MissingSecret",
    "expand",
    "fill",
    "load",
    "load_draft",
    "load_topics",
    "pack_names",
    "pack_topic",
    "topic_ids",
]
