"""What topics cost and how right the shipped pack is.

`python -m benchmarks.topics [LABELLED.jsonl]` prints entries a second of one core over made-up news of 2 KB an entry,
with one pack, 1,000 and 5,000 topics of twelve clauses, then the figures of `benchmarks.topic_quality`. Times are CPU
seconds, the best of three rounds after one that fills the caches.
"""

import gc
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.feedlist import pack_topic
from aggregator.workers.inside import compiled, define_all
from benchmarks import topic_quality
from benchmarks.news import News

LABELLED = Path("../shared/data/narcotics_dev.jsonl")
ENTRIES = 300
OFTEN = (100, 5_000)  # ranks of words that topics ask for when they are of the commoner kind
USUAL = (300, 20_000)


def main() -> None:
    print("entries/s   MB  read s  compile s  flags an entry")
    # A process for each, so that memory one has freed is not counted as found by the next.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as fresh:
        for work in (pack, usual, many, commoner, further):
            print(fresh.submit(work).result(), flush=True)
    labelled = Path(sys.argv[1]) if len(sys.argv) > 1 else LABELLED
    if labelled.is_file():
        topic_quality.report(labelled)
    else:
        print(f"\nno labelled items at {labelled}, so no figures of quality")


def pack() -> str:
    return measured("the pack narcotics-policy, off-topic news (at least 3,000)", [pack_topic("narcotics-policy")])


def usual() -> str:
    return measured("1,000 topics of 12 clauses (at least 300)", list(News().topics(1000, ranks=USUAL)))


def many() -> str:
    return measured("5,000 topics of 12 clauses (at least 150)", list(News().topics(5000, ranks=USUAL)))


def commoner() -> str:
    return measured("1,000 topics that ask for commoner words", list(News().topics(1000, ranks=OFTEN)))


def measured(name: str, topics: Sequence[Topic]) -> str:
    """Speed, memory of the compiled topics with the words they remember, time to read and to compile them, flags."""
    entries = News(seed=2).entries(ENTRIES)
    started = time.process_time()
    definitions = tuple(read for read in define_all(tuple(topics)) if isinstance(read, bytes))
    reading = time.process_time() - started
    gc.collect()
    before = psutil.Process().memory_info().rss
    started = time.process_time()
    index = compiled(definitions)
    compiling = time.process_time() - started
    seconds, flags = best(index, entries)
    gc.collect()
    taken = (psutil.Process().memory_info().rss - before) >> 20
    return f"{1 / seconds:9,.0f} {taken:4} {reading:7.1f} {compiling:10.1f} {flags:15.2f}  {name}"


def best(index: TopicIndex, entries: Sequence[EntryFields]) -> tuple[float, float]:
    """CPU seconds an entry in the best of three warm rounds, and flags an entry."""
    flags = sum(len(index.evaluate(entry)) for entry in entries)
    rounds = []
    for _ in range(3):
        started = time.process_time()
        for entry in entries:
            index.evaluate(entry)
        rounds.append(time.process_time() - started)
    return min(rounds) / len(entries), flags / len(entries)


def further() -> str:
    """What one more topic costs of which no word stands in an entry, beside 200 that have some."""
    news = News()
    base = list(news.topics(200))
    entries = news.entries(ENTRIES)
    silent = [
        Topic(
            id=f"silent-{number}",
            name="Silent",
            clauses=(Clause(name="never", kind=ClauseKind.SIGNAL, query=f'zzqx{number} OR "zzqx{number} zzqy"'),),
        )
        for number in range(2000)
    ]
    alone, _ = best(TopicIndex(base), entries)
    beside, _ = best(TopicIndex([*base, *silent]), entries)
    cost = max(0.0, beside - alone) / len(silent) * 1e6
    return f"{cost:9.3f} microseconds an entry: a further topic that no word hits (at most 2)"


if __name__ == "__main__":
    main()
