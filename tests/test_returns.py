"""Mail that comes back, from the mailbox to people's state: only what is proven to be of our own mail counts."""

from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.app import installation_secrets
from aggregator.core.digests.fate import Fate
from aggregator.core.digests.headers import message_id
from aggregator.core.digests.tokens import Keyring, Purpose
from aggregator.core.model.subscriptions import Phase, SendFailed, SendFailure, SubscriberState
from aggregator.store import bounces, deliveries
from aggregator.store.schema import delivery
from tests.factories import NOW
from tests.readers import balance, claim, desk, freeze, match_one, populate
from tests.world import World, run, world

SAMPLES = Path(__file__).parent / "returned"
DAY = timedelta(days=1)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "bounces"
    (folder / "new").mkdir(parents=True)
    return folder


def keys(w: World) -> Keyring:
    return Keyring(installation_secrets(w.app.settings))


def drop(box: Path, name: str, w: World, digest_id: int, *, unsubscribe: str = "") -> None:
    """Deliver a sample, its tokens replaced by those of a digest."""
    raw = (SAMPLES / f"{name}.eml").read_text(encoding="utf-8")
    for token in ("41-0123456789abcdef0123", "41-0123456789ABCDEF0123"):
        raw = raw.replace(token, keys(w).return_token(digest_id))
    raw = raw.replace("v1.AbCdEfGh12345678.7.abcdefghijklmnopqrstuv", unsubscribe)
    (box / "new" / f"{len(list((box / 'new').iterdir()))}.{name}").write_text(raw, encoding="utf-8")


def sent_one(w: World, key: str = "1") -> int:
    """A digest that the relay took."""
    match_one(w.app.store, key, now=w.clock())
    made = freeze(w.app.store, now=w.clock())
    one = claim(w.app.store, now=w.clock())
    assert w.app.store.write(deliveries.record, one, Fate(phase=Phase.SENT, detail="250 ok"), now=w.clock())
    return made


def environ(box: Path) -> dict[str, str]:
    return {"AGGREGATOR_BOUNCE_MAILBOX": f"maildir:{box}", "AGGREGATOR_BOUNCE_ADDRESS": "bounces@news.example.org"}


async def collect(w: World) -> tuple[int, int]:
    assert w.app.returns is not None
    found = await w.app.returns.collect()
    return found.read, found.unread


def test_an_address_that_fails_on_two_days_is_mailed_no_more_and_what_was_sent_stays_sent(
    tmp_path: Path, box: Path
) -> None:
    async def go() -> None:
        async with world(tmp_path, **environ(box)) as w:
            populate(w.app.store)
            for name in ("postfix", "gmail"):
                digest_id = sent_one(w, name)
                drop(box, name, w, digest_id)
                drop(box, name, w, digest_id)
                assert await collect(w) == (2, 0)
                w.clock.now += DAY
            assert desk(w.app.store).subscriber.state is SubscriberState.BOUNCED
            assert balance(w.app.store).delivered == 2
            assert await collect(w) == (0, 0)

    run(go)


def test_a_complaint_unsubscribes_at_once_and_a_mail_that_asks_leaves_one_subscription(
    tmp_path: Path, box: Path
) -> None:
    async def go() -> None:
        async with world(tmp_path, **environ(box)) as w:
            populate(w.app.store)
            digest_id = sent_one(w)
            of = desk(w.app.store).subscriptions[0].id
            token = keys(w).sign(Purpose.UNSUBSCRIBE, "public-desk", of)
            drop(box, "leave", w, digest_id, unsubscribe=token)
            assert await collect(w) == (1, 0)
            assert desk(w.app.store).subscriptions[0].is_left
            assert desk(w.app.store).subscriber.state is SubscriberState.ACTIVE
            drop(box, "complaint", w, digest_id)
            assert await collect(w) == (1, 0)
            assert desk(w.app.store).subscriber.state is SubscriberState.UNSUBSCRIBED

    run(go)


def test_what_is_forged_or_cannot_be_read_does_nothing_and_waits_for_a_person(tmp_path: Path, box: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, **environ(box)) as w:
            populate(w.app.store)
            sent_one(w)
            for name in ("postfix", "complaint", "leave", "broken", "letter"):
                raw = (SAMPLES / f"{name}.eml").read_bytes()
                (box / "new" / name).write_bytes(raw)
            drop(box, "away", w, 1)
            assert await collect(w) == (6, 5)
            assert desk(w.app.store).subscriber.state is SubscriberState.ACTIVE
            assert w.app.store.read(bounces.of, desk(w.app.store).subscriber.id, now=NOW) == ()
            told = w.app.store.read(bounces.unread)
            assert "Please take me off your list" in {one.subject for one in told}
            assert len(list((box / "cur").glob("*:2,FS"))) == 5

    run(go)


def test_a_report_without_its_return_path_is_known_by_the_message_it_gives_back(tmp_path: Path, box: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, **environ(box)) as w:
            populate(w.app.store)
            digest_id = sent_one(w)
            ours = message_id(digest_id, "public-desk", b"secret", "news.example.org")

            def rename(connection: object) -> None:
                connection.execute(delivery.update().values(message_id=ours))  # type: ignore[attr-defined]  # a Connection

            w.app.store.write(rename)
            raw = (SAMPLES / "gmail.eml").read_text(encoding="utf-8")
            raw = raw.replace("<d.41.AbCdEfGh12345678.0123456789abcdef@news.example.org>", ours)
            (box / "new" / "1").write_text(raw, encoding="utf-8")
            assert await collect(w) == (1, 0)
            assert len(w.app.store.read(bounces.of, desk(w.app.store).subscriber.id, now=NOW)) == 1

    run(go)


def test_a_mailbox_that_cannot_be_read_is_told_and_nothing_else_stops(tmp_path: Path, box: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, **environ(box)) as w:
            (box / "new").rmdir()
            assert await collect(w) == (0, 0)
            assert "No such file" in (w.app.store.read(bounces.mailbox_problem) or "")
            (box / "new").mkdir()
            await collect(w)
            assert w.app.store.read(bounces.mailbox_problem) is None

    run(go)


def test_a_relay_that_knows_no_such_reader_counts_as_a_bounce_of_that_day(tmp_path: Path, box: Path) -> None:
    async def go() -> None:
        async with world(tmp_path, **environ(box)) as w:
            populate(w.app.store)
            refusal = SendFailed(failure=SendFailure.RECIPIENT, detail="550 5.1.1 unknown", code=550, enhanced="5.1.1")
            for day in range(2):
                match_one(w.app.store, str(day), now=w.clock())
                freeze(w.app.store, now=w.clock())
                w.mail.answers = [refusal]
                assert set((await w.app.dispatcher.send_due()).values()) == {Phase.DEAD}
                w.clock.now += DAY
            assert desk(w.app.store).subscriber.state is SubscriberState.BOUNCED
            assert balance(w.app.store).failed == 2

    run(go)
