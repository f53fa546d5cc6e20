"""The worker processes, for real: what hangs, crashes or eats memory costs itself its turn and nobody else."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import psutil
import pytest

from aggregator.core.errors import ConfigError
from aggregator.core.model.entries import FeedFacts, ReadDone, ReadJob, ReadResult, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.workers import Workers
from aggregator.workers.crew import Crew
from aggregator.workers.inside import define_all
from aggregator.workers.workers import TOPICS_A_TASK
from tests.patience import PATIENCE, until

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FACTS = FeedFacts(feed_id="one", url="https://example.org/feed", tags=("asia",), tier="wire")
HANG = b"<item><author>" + b"a." * 50_000 + b"</author></item>"
ROOT = Path(__file__).parents[1]


def rss(items: bytes) -> bytes:
    return b'<rss version="2.0"><channel><title>Feed</title>' + items + b"</channel></rss>"


def item(title: str) -> bytes:
    return f"<item><title>{title}</title><link>https://example.org/{len(title)}</link></item>".encode()


def job(body: bytes) -> ReadJob:
    return ReadJob(facts=FACTS, body=body, now=NOW)


def topic(query: str, name: str = "drugs") -> Topic:
    return Topic(id=name, name=name, clauses=(Clause(name="words", kind=ClauseKind.SIGNAL, query=query),))


def titles(result: ReadResult) -> list[str]:
    assert isinstance(result, ReadDone)
    return [each.entry.title for each in result.entries]


@asynccontextmanager
async def crew(*topics: Topic, seconds: float = PATIENCE, memory: int = 512 * 2**20) -> AsyncIterator[Workers]:
    workers = Workers(topics=topics, timeout=seconds, memory=memory)
    await workers.start()
    try:
        yield workers
    finally:
        await workers.stop()


def run(scene: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(scene())


def test_bodies_come_back_in_order_with_the_topics_that_flag_their_entries() -> None:
    async def scene() -> None:
        async with crew(topic("fentanyl")) as workers:
            jobs = [job(rss(item(f"fentanyl {n}" if n % 2 else f"football {n}"))) for n in range(11)]
            results = await workers.read(jobs)
            assert [titles(each)[0].split()[1] for each in results] == [str(n) for n in range(11)]
            flagged = [bool(each.entries[0].flags) for each in results if isinstance(each, ReadDone)]
            assert flagged == [bool(n % 2) for n in range(11)]
            assert all(isinstance(each, ReadDone) and each.feed.entries == () for each in results)

    run(scene)


def test_what_the_feed_is_can_be_asked_for_too() -> None:
    async def scene() -> None:
        async with crew(topic("feed:one AND tier:wire AND tag:asia AND ship")) as workers:
            (result,) = await workers.read([job(rss(item("a ship")))])
            assert isinstance(result, ReadDone)
            assert result.entries[0].flags

    run(scene)


HOSTILE = {
    "author of dots": rss(HANG),
    "50,000 attributes on the root": b"<rss " + b" ".join(b"a%d='1'" % n for n in range(50_000)) + b"><channel/></rss>",
    "100,000 nested elements": b"<rss><channel>" + b"<a>" * 100_000,
    "a megabyte of ampersands": rss(b"<item><title>" + b"&" * 1_000_000 + b"</title></item>"),
    "20,000 broken entries": rss(b"".join(b"<item><title>%d & <b></title></item>" % n for n in range(20_000))),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_case_6_54_a_body_that_hangs_the_parser_costs_only_its_own_turn(shape: str) -> None:
    async def scene() -> None:
        async with crew(seconds=1.5) as workers:
            bodies = [rss(item("a")), rss(item("b")), HOSTILE[shape], rss(item("c"))]
            results = await workers.read([job(body) for body in bodies])
            assert [titles(results[at]) for at in (0, 1, 3)] == [["a"], ["b"], ["c"]]
            hostile = results[2]
            # A quick machine gets to the end of some of these, and says what is wrong with them.
            assert isinstance(hostile, ReadDone) or hostile.kind in {FailureKind.PARSE, FailureKind.PARSE_TIMEOUT}

    run(scene)


SURVIVABLE = {
    "comments without end": rss(item("x") + b"<item><title>q</title><description>" + b"&lt;!--" * 250_000),
    "a style of 50,000 letters": rss(
        item("x") + b"<item><title>q</title><description>&lt;p style='" + b"a" * 50_000 + b"'&gt;</description></item>"
    ),
    "urls without end": rss(
        item("x") + b'<item><title>q</title><description>&lt;p style="' + b"url('" * 20_000 + b"</description></item>"
    ),
    "two megabytes of HTML": rss(
        item("x") + b"<item><title>q</title><description>" + b"&lt;p&gt;x" * 200_000 + b"</description></item>"
    ),
    "300,000 half references": rss(item("x") + b"<item><title>q</title><description>" + b"&amp;a" * 300_000),
    "50,000 categories": rss(
        b"<item><title>x</title>" + b"".join(b"<category>c%d</category>" % n for n in range(50_000)) + b"</item>"
    ),
    "20,000 clean entries": rss(b"".join(item("x") for _ in range(20_000))),
    "entities that multiply": b'<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    + rss(item("x") + item("&b;")),
}


def test_shapes_that_only_look_dangerous_are_read() -> None:
    async def scene() -> None:
        async with crew() as workers:
            for shape, body in SURVIVABLE.items():
                (result,) = await workers.read([job(body)])
                assert titles(result)[0] == "x", shape

    run(scene)


def test_a_body_that_needs_too_much_memory_costs_only_its_own_turn() -> None:
    async def scene() -> None:
        async with crew(memory=24 * 2**20) as workers:
            huge = b'{"version":"https://jsonfeed.org/version/1","items":[' + b"[]," * 1_000_000 + b"[]]}"
            bad, good = await workers.read([job(huge), job(rss(item("a")))])
            assert isinstance(bad, Unreadable)
            assert bad.kind is FailureKind.PARSE_CRASH
            assert "memory" in bad.detail or "exit" in bad.detail
            assert titles(good) == ["a"]

    run(scene)


def test_work_goes_on_when_an_idle_process_is_killed() -> None:
    async def scene() -> None:
        async with crew() as workers:
            await workers.read([job(rss(item("a")))])
            for process in workers_of(os.getpid()):
                process.kill()
            await asyncio.sleep(0.2)
            for name in ("b", "c"):
                (result,) = await workers.read([job(rss(item(name)))])
                assert titles(result) == [name]

    run(scene)


def test_new_topics_take_over_and_a_topic_that_cannot_compile_changes_nothing() -> None:
    async def scene() -> None:
        async with crew(topic("fentanyl")) as workers:
            fields = [EntryFields(title="fentanyl"), EntryFields(title="heroin")]
            assert [bool(each) for each in await workers.evaluate(fields)] == [True, False]
            await workers.set_topics([topic("heroin")])
            assert [bool(each) for each in await workers.evaluate(fields)] == [False, True]
            with pytest.raises(ConfigError):
                await workers.set_topics([topic("AND (")])
            assert [bool(each) for each in await workers.evaluate(fields)] == [False, True]

    run(scene)


def test_a_topic_is_read_once_however_often_others_change(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    call = Crew.call

    async def noted(
        self: Crew, function: Callable[..., object], work: tuple[Topic, ...], seconds: float | None
    ) -> object:
        if function is define_all:
            read.extend(topic.id for topic in work)
        return await call(self, function, work, seconds)

    monkeypatch.setattr(Crew, "call", noted)

    async def scene() -> None:
        many = [topic(f"word{n}", f"topic-{n}") for n in range(TOPICS_A_TASK + 1)]
        async with crew(*many) as workers:
            assert sorted(read) == sorted(each.id for each in many)
            read.clear()
            changed = [topic("heroin", "topic-0"), *many[1:]]
            # Two that ask at once, as two ticks do, get what one of them had made.
            await asyncio.gather(workers.set_topics(changed), workers.set_topics(changed))
            assert read == ["topic-0"]
            fields = [EntryFields(title="heroin word50"), EntryFields(title="word0")]
            flags = await workers.evaluate(fields)
            assert [[verdict.topic_id for verdict in each] for each in flags] == [["topic-0", "topic-50"], []]
            # What was left out and comes back has to be read again: nothing is kept of topics that are gone.
            await workers.set_topics(many)
            assert read == ["topic-0", "topic-0"]

    run(scene)


def test_many_entries_are_evaluated_in_order() -> None:
    async def scene() -> None:
        async with crew(topic("odd")) as workers:
            fields = [EntryFields(title="odd" if n % 2 else "even") for n in range(200)]
            assert [bool(each) for each in await workers.evaluate(fields)] == [bool(n % 2) for n in range(200)]

    run(scene)


def test_reading_without_processes_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        asyncio.run(Workers(topics=()).read([job(rss(b""))]))


def test_stopping_ends_processes_that_hang() -> None:
    async def scene() -> None:
        async with crew() as workers:
            hanging = asyncio.ensure_future(workers.read([job(HOSTILE["author of dots"])]))
            await asyncio.sleep(0.2)
            assert workers_of(os.getpid())
            await workers.stop()
            assert workers_of(os.getpid()) == []
            with pytest.raises(asyncio.CancelledError):
                await hanging

    run(scene)


def test_no_process_outlives_a_parent_that_is_killed() -> None:
    script = (
        "import asyncio, sys\n"
        "from datetime import UTC, datetime\n"
        "from aggregator.core.model.entries import FeedFacts, ReadJob\n"
        "from aggregator.workers import Workers\n"
        "async def main():\n"
        "    workers = Workers(topics=(), timeout=60)\n"
        "    await workers.start()\n"
        "    body = b'<rss><channel><item><author>' + b'a.' * 50000 + b'</author></item></channel></rss>'\n"
        "    facts = FeedFacts(feed_id='x', url='https://example.org/')\n"
        "    job = ReadJob(facts=facts, body=body, now=datetime(2026, 1, 1, tzinfo=UTC))\n"
        "    reading = asyncio.ensure_future(workers.read([job]))\n"
        "    await asyncio.sleep(0.2)\n"
        "    print('hanging', flush=True)\n"
        "    await reading\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "hanging\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(workers_of(parent.pid)) >= 2
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while any(runs(process) for process in family) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(runs(process) for process in family)


def test_the_module_is_cheap_to_import() -> None:
    code = "import sys, aggregator.workers as w; sys.exit('feedparser' in sys.modules or 'nh3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def runs(process: psutil.Process) -> bool:
    """A zombie has ended; whoever adopted it has not looked yet."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def workers_of(pid: int) -> list[psutil.Process]:
    """The processes below `pid` that were forked by its fork server."""
    children = psutil.Process(pid).children(recursive=True)
    servers = {child.pid for child in children if child.ppid() == pid}
    return [child for child in children if child.ppid() in servers and runs(child)]


def test_a_crew_that_is_being_drained_can_be_dismissed_at_the_same_moment() -> None:
    leaving = Crew((), size=1, memory=512 * 2**20)
    join, inside = leaving.pool.join, Lock()

    def one_at_a_time() -> None:
        assert inside.acquire(blocking=False)
        time.sleep(0.05)
        inside.release()
        join()

    leaving.pool.join = one_at_a_time  # type: ignore[method-assign,assignment]  # pebble's own race is too rare to wait for
    with ThreadPoolExecutor(2) as threads:
        for ending in (threads.submit(leaving.drain), threads.submit(leaving.dismiss)):
            ending.result(PATIENCE)


def test_processes_that_are_ended_while_they_start_say_nothing() -> None:
    script = (
        "import operator, pickle, signal, time\n"
        "from aggregator.core.model.topics import Clause, ClauseKind, Topic\n"
        "from aggregator.core.topics.definition import define\n"
        "from aggregator.workers.crew import Crew\n"
        "class Made:\n"
        "    def __init__(self, function, *given):\n"
        "        self.how = function, given\n"
        "    def __reduce__(self):\n"
        "        return self.how\n"
        "if __name__ == '__main__':\n"
        # A process that is given this is deaf for half a second, and then takes up the pool's locks.
        "    deaf = Made(signal.pthread_sigmask, signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "    hears = Made(signal.pthread_sigmask, signal.SIG_UNBLOCK, [signal.SIGTERM])\n"
        "    clauses = (Clause(name='x', kind=ClauseKind.SIGNAL, query='x'),)\n"
        "    read = define(Topic(id='x', name='x', clauses=clauses))\n"
        "    last = pickle.dumps(Made(operator.getitem, (hears, read), 1))\n"
        "    slowly = Made(operator.getitem, (deaf, Made(time.sleep, 0.5), last), 2)\n"
        "    Crew((slowly,), size=2, memory=2**29).dismiss()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_processes_that_nobody_waits_for_any_more_are_ended() -> None:
    async def scene() -> None:
        before = len(workers_of(os.getpid()))
        workers = Workers(topics=())
        starting = asyncio.ensure_future(workers.start())
        await until(lambda: len(workers_of(os.getpid())) > before)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await until(lambda: len(workers_of(os.getpid())) == before)

    run(scene)
