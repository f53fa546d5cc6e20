"""How right stories are on labelled pairs and on a made-up saga, and what giving entries their stories costs.

`python -m benchmarks.stories [PAIRS.jsonl]` prints the figures of `stories pairs` with their targets, what a day of one
saga becomes, and the seconds that 1,000 new matched entries take beside 100,000 recent ones. AGGREGATOR_BENCH_DATABASE
names a PostgreSQL database, which must be empty, to measure that instead of SQLite.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, product
from pathlib import Path

from aggregator.core.model.feeds import Feed
from aggregator.core.model.stories import StorySignature
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.stories.compact import packed
from aggregator.core.stories.group import group
from aggregator.core.stories.shelf import Item, postings
from aggregator.core.stories.signature import signature
from aggregator.core.stories.vocabulary import ENTRIES
from aggregator.store import feeds, migrate, stories, topics
from aggregator.store.database import Connection, Store
from aggregator.store.schema import entry, match, story, story_member, story_posting, story_signature, story_word
from benchmarks.news import News

PAIRS = Path("../shared/data/story_pairs_dev.jsonl")
RECENT = 100_000
NEW = 1_000
TOPIC = "watched"
FEEDS = 300
NOW = datetime(2026, 1, 27, 6, 30, tzinfo=UTC)
WITHIN = timedelta(hours=60)  # all of them are candidates of each other


def main() -> None:
    labelled = Path(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    if labelled.is_file():
        pairs(labelled)
    else:
        print(f"no labelled pairs at {labelled}, so no figures of them")
    saga()
    speed()


def pairs(labelled: Path) -> None:
    """Precision and recall of what `stories pairs` says."""
    command = [sys.executable, "-m", "aggregator", "stories", "pairs", str(labelled), "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    told = [json.loads(line)["relation"] for line in said]
    labels = [json.loads(line)["label"] for line in labelled.read_text(encoding="utf-8").splitlines()]
    one_story = [label != "different" for label in labels]
    twins = [label == "duplicate" for label in labels]
    print(f"{len(labels)} labelled pairs, precision and recall")
    figures("folded", [one in {"duplicate", "same"} for one in told], one_story, "precision >= .97")
    figures("with related", [one != "different" for one in told], one_story, "precision >= .90, recall >= .75")
    figures("duplicate", [one == "duplicate" for one in told], twins, "precision >= .95, recall >= .85")


def figures(name: str, found: Sequence[bool], true: Sequence[bool], target: str) -> None:
    hits = sum(one and other for one, other in zip(found, true, strict=True))
    precision, recall = hits / max(sum(found), 1), hits / max(sum(true), 1)
    print(f"{precision:6.3f} {recall:6.3f}  {name}: {hits} of {sum(found)} found, {sum(true)} there are ({target})")


PLACES = [
    "Mundra",
    "Chennai",
    "Kochi",
    "Mumbai",
    "Kandla",
    "Vizag",
    "Goa",
    "Haldia",
    "Paradip",
    "Kolkata",
    "Surat",
    "Tuticorin",
]
DRUGS = ["heroin", "cocaine", "methamphetamine", "mephedrone", "hashish", "tramadol", "fentanyl", "ketamine"]
ACTIONS = [
    "customs officers seize {n} kg of {drug} at {place} port",
    "police in {place} arrest {n} men with {drug}",
    "{place} court jails {n} over {drug} shipment",
    "navy intercepts boat with {drug} off {place}",
    "raid on {drug} laboratory near {place}",
]
WORDINGS = ["{}", "{} - The Wire", "{}, officials say", "Watch: {}", "{} | The Example Times"]


def saga() -> None:
    """A day of one topic's usual news: many events in the same few words, each told by one to five outlets."""
    chance = random.Random(7)
    told: list[tuple[str, datetime, StorySignature]] = []
    events: list[int] = []
    kinds = chance.sample(list(product(ACTIONS, DRUGS, PLACES)), 400)
    for event, (action, drug, place) in enumerate(kinds):
        said = action.format(n=chance.randint(2, 900), drug=drug, place=place)
        for outlet in range(chance.choice((1, 1, 1, 2, 3, 5))):
            at = NOW + timedelta(minutes=chance.randint(0, 1400))
            title = WORDINGS[outlet].format(said[0].upper() + said[1:])
            told.append((f"feed-{outlet}-{event % 40}", at, signature(title, "", "en")))
            events.append(event)
    groups = group(told)
    mixed = [members for members in groups if len({events[at] for at in members}) > 1]
    folded = [(one, other) for members in groups for one in members for other in members if one < other]
    right = sum(events[one] == events[other] for one, other in folded)
    copies = sum(number * (number - 1) // 2 for number in Counter(events).values())
    print(f"\n{len(told)} reports of 400 events in a day of the same few words")
    print(
        f"{right / max(len(folded), 1):6.3f} {right / copies:6.3f}  precision and recall of pairs folded into one story"
    )
    print(
        f"{len(mixed):6} of {len(groups)} stories hold more than one event; the largest story has {max(map(len, groups))}"
    )


def speed() -> None:
    """Seconds for new entries when all the others are there."""
    signed = signatures(RECENT + NEW)
    with tempfile.TemporaryDirectory() as folder:
        database = os.environ.get("AGGREGATOR_BENCH_DATABASE") or f"sqlite:///{folder}/stories.db"
        migrate.upgrade(database, now=NOW)
        store = Store(database)
        store.write(feeds.save, [Feed(id=f"f{n}", url=f"https://f{n}.example/") for n in range(FEEDS)], now=NOW)
        clause = Clause(name="query", kind=ClauseKind.SIGNAL, query="anything")
        store.write(topics.save, [Topic(id=TOPIC, name="Watched", clauses=(clause,))], now=NOW)
        for start in range(0, RECENT, 10_000):
            store.write(fill, start, signed[start : start + 10_000])
        store.write(count_words, signed[:RECENT])
        cost = store.write(arrive, RECENT, signed[RECENT:])
        store.close()
    kind = database.partition(":")[0]
    print(f"\n{NEW:,} new matched entries against {RECENT:,} recent ones, {kind}: at most 3 s")
    print(f"{cost[0]:6.2f} s, of which this process worked {cost[1]:.2f} s")


def signatures(count: int) -> list[StorySignature]:
    """Signatures as of made-up news of 50 words, of which nine in the title; a quarter are copies with one more word.

    The words are as many and as frequent as in real news. They are put together here rather than read from texts: what is
    measured is how entries find their stories.
    """
    chance, words = random.Random(5), News().vocabulary
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    found: list[StorySignature] = []
    for number in range(count):
        if found and chance.random() < 0.25:
            copied = chance.choice(found[-50:])
            title = copied.title_tokens | {chance.choice(words)}
            found.append(replace(copied, title_tokens=title, head=title, exact=number.to_bytes(16)))
            continue
        ranks = [bisect(weights, chance.random() * weights[-1]) for _ in range(50)]
        rarest = [*sorted(set(ranks[:9]))[-6:], *sorted(set(ranks[9:]))[-6:]]
        runs = frozenset(chance.getrandbits(32) for _ in range(38))
        title = frozenset(words[rank] for rank in ranks[:9])
        found.append(
            StorySignature(
                tokens=tuple(dict.fromkeys(words[rank] for rank in rarest)),
                title_tokens=title,
                shingles=runs,
                opening=runs,
                exact=number.to_bytes(16),
                head=title,
            )
        )
    return found


def store_entries(connection: Connection, start: int, count: int) -> None:
    """Matched entries without words, numbered from `start` + 1."""
    rows = [
        {
            "id": number, "feed_id": f"f{number % FEEDS}", "key": f"k{number}", "first_seen": at(number),
            "date_suspect": False, "current_revision": 1,
        }
        for number in range(start + 1, start + count + 1)
    ]  # fmt: skip
    connection.execute(entry.insert(), rows)
    matched = {"topic_id": TOPIC, "origin": "live", "score": 1.0, "first_seen": NOW}
    connection.execute(match.insert(), [{**matched, "entry_id": row["id"]} for row in rows])


def at(number: int) -> datetime:
    return NOW + number * WITHIN / (RECENT + NEW)


def fill(connection: Connection, start: int, signed: Sequence[StorySignature]) -> None:
    """Entries that are there already, each with a story of its own."""
    store_entries(connection, start, len(signed))
    numbered = list(enumerate(signed, start + 1))
    connection.execute(story.insert(), [{"first_seen": at(number)} for number, _ in numbered])
    member = {"relation": "first", "reasons": [], "at": NOW}
    members = [{**member, "entry_id": number, "story_id": number} for number, _ in numbered]
    connection.execute(story_member.insert(), members)
    kept = [{"entry_id": number, "at": at(number), "data": packed(one)} for number, one in numbered]
    connection.execute(story_signature.insert(), kept)
    posted = [
        {"token": token, "first_seen": at(number), "entry_id": number}
        for number, one in numbered
        for token in postings(Item(id=number, feed_id="", at=NOW, signed=one))
    ]
    connection.execute(story_posting.insert(), posted)


def count_words(connection: Connection, signed: Sequence[StorySignature]) -> None:
    """How often each word stands in them, as if all were of one day."""
    counted = Counter(word for one in signed for word in {ENTRIES, *one.title_tokens, *one.tokens})
    day = at(RECENT).date()
    rows = [{"word": word, "topic_id": TOPIC, "day": day, "items": items} for word, items in counted.items()]
    connection.execute(story_word.insert(), rows)


def arrive(connection: Connection, start: int, signed: Sequence[StorySignature]) -> tuple[float, float]:
    """Give new entries their stories; wall and CPU seconds that it took."""
    store_entries(connection, start, len(signed))
    wall, worked = time.perf_counter(), time.process_time()
    stories.join(connection, list(enumerate(signed, start + 1)), now=NOW)
    return time.perf_counter() - wall, time.process_time() - worked


if __name__ == "__main__":
    main()
