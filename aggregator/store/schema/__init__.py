"""The tables, named after the nouns. Every other file of the store reads and writes through these."""

from aggregator.store.schema.archive import entry, entry_alias, is_current, revision
from aggregator.store.schema.flags import evidence, is_in_force, match, review, topic, topic_version
from aggregator.store.schema.following import REQUESTS, feed, feed_day, feed_event, feed_state, heartbeat, host
from aggregator.store.schema.mailing import correction, delivery, digest, is_open, is_pending, ledger, relay
from aggregator.store.schema.people import bounce, opt_out, subscriber, subscription, subscription_topic
from aggregator.store.schema.stories import (
    story,
    story_link,
    story_member,
    story_posting,
    story_sentence,
    story_signature,
    story_wish,
    story_word,
)

__all__ = [
    "REQUESTS",
    "bounce",
    "correction",
    "delivery",
    "digest",
    "entry",
    "entry_alias",
    "evidence",
    "feed",
    "feed_day",
    "feed_event",
    "feed_state",
    "heartbeat",
    "host",
    "is_current",
    "is_in_force",
    "is_open",
    "is_pending",
    "ledger",
    "match",
    "opt_out",
    "relay",
    "review",
    "revision",
    "story",
    "story_link",
    "story_member",
    "story_posting",
    "story_sentence",
    "story_signature",
    "story_wish",
    "story_word",
    "subscriber",
    "subscription",
    "subscription_topic",
    "topic",
    "topic_version",
]
