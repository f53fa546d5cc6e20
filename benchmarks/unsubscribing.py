"""How long a reader's one-click request takes beside 100,000 other subscribers, each with a ledger, over a real connection.

    python -m benchmarks.unsubscribing [SUBSCRIBERS] [REQUESTS]

It builds a SQLite database in a temporary folder, serves the pages on loopback and prints percentiles in milliseconds.
"""

import asyncio
import socket
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection

from aggregator.app import build, installation_secrets, prepare_database
from aggregator.core.digests.tokens import Keyring, Purpose
from aggregator.settings import load
from aggregator.store import topics
from aggregator.store.codec import schedule_json
from aggregator.store.schema import entry, feed, ledger, match, subscriber, subscription, subscription_topic
from aggregator.web.app import make_web
from aggregator.web.server import listening
from tests.factories import NOW, make_subscriber, make_topic

MATCHES = 20  # that wait for each subscriber


def populate(connection: Connection, people: int) -> None:
    topics.save(connection, [make_topic()], now=NOW)
    connection.execute(
        feed.insert().values(id="a", url="https://a.example", definition={}, listed=True, active=True, added_at=NOW)
    )
    matched = range(1, MATCHES + 1)
    common = {"feed_id": "a", "first_seen": NOW, "date_suspect": False, "current_revision": 1}
    connection.execute(entry.insert(), [{"id": n, "key": str(n), **common} for n in matched])
    found = {"topic_id": "narcotics", "origin": "live", "score": 1.0, "first_seen": NOW}
    connection.execute(match.insert(), [{"id": n, "entry_id": n, **found} for n in matched])
    written = schedule_json(make_subscriber().subscriptions[0].schedule)
    for start in range(0, people, 5000):
        numbers = range(start + 1, min(start + 5000, people) + 1)
        person = {"timezone": "UTC", "state": "active", "state_at": NOW, "listed": True, "created_at": NOW}
        names = [{"id": n, "public_id": f"p{n}", "slug": f"s{n}", "address": f"{n}@example.org"} for n in numbers]
        connection.execute(subscriber.insert(), [{**one, **person} for one in names])
        what = {"slug": "morning", "schedule": written, "empty": "skip", "channel": "mail"}
        what |= {"created_at": NOW, "listed": True, "kind": "topics", "weekly": False}
        connection.execute(subscription.insert(), [{"id": n, "subscriber_id": n, **what} for n in numbers])
        watched = {"topic_id": "narcotics", "position": 0}
        connection.execute(subscription_topic.insert(), [{"subscription_id": n, **watched} for n in numbers])
        due = {"state": "pending", "at": NOW}
        rows = [{"subscription_id": n, "match_id": m, **due} for n in numbers for m in matched]
        connection.execute(ledger.insert(), rows)


async def post(port: int, token: str) -> float:
    body = b"List-Unsubscribe=One-Click"
    head = f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return 1000 * (time.perf_counter() - began)


async def main(people: int, requests: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        given = {"AGGREGATOR_DATA_DIR": folder, "AGGREGATOR_CONFIG": str(Path(folder) / "feeds.yaml")}
        settings = load(given)
        prepare_database(settings, now=NOW, upgrade=False)
        app = build(settings, given, clock=lambda: NOW)
        app.store.write(populate, people)
        keys = Keyring(installation_secrets(settings))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with app, listening(make_web(app), host="127.0.0.1", port=port, needed=True):
            step = max(1, people // requests)
            who = range(1, people + 1, step)
            await post(port, keys.sign(Purpose.UNSUBSCRIBE, "p1", 1))
            took = sorted([await post(port, keys.sign(Purpose.UNSUBSCRIBE, f"p{n}", n)) for n in who])
    shown = " ".join(f"p{share}={took[len(took) * share // 100]:.1f}" for share in (50, 95, 99))
    print(f"{people} subscribers, {len(took)} requests: {shown} max={took[-1]:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main(*(int(text) for text in (*sys.argv[1:], "100000", "200")[:2])))
