"""When a delivery is tried again: later each time, not all at once, and never before the server wants to hear of us."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.digests.fate import GIVE_UP_AFTER, LATER, LONGEST_WAIT, RETRIES, SPREAD, after_try
from aggregator.core.model.subscriptions import Delivery, Phase, SendFailed, SendFailure

NOW = datetime(2026, 1, 22, 2, 0, tzinfo=UTC)


def delivery(attempts: int = 0, message_id: str = "<d.1@example.org>", channel: str = "mail") -> Delivery:
    return Delivery(
        id=1,
        digest_id=1,
        subscriber_id=1,
        message_id=message_id,
        sender="a@example.org",
        recipient="b@example.org",
        channel=channel,
        message=b"",
        phase=Phase.SENDING,
        attempts=attempts,
        lease="a",
        next_try_at=NOW,
    )


def waits(one: Delivery, pause: timedelta | None = None) -> timedelta:
    fate = after_try(one, SendFailed(failure=SendFailure.RETRY, detail="no", retry_after=pause), now=NOW)
    assert fate.phase is Phase.QUEUED
    assert fate.next_try_at is not None
    return fate.next_try_at - NOW


@pytest.mark.parametrize(("attempts", "wait"), [*enumerate(RETRIES), (4, LATER), (GIVE_UP_AFTER - 1, LATER)])
def test_each_wait_is_the_table_s_and_at_most_a_fifth_more(attempts: int, wait: timedelta) -> None:
    given_waits = [waits(delivery(attempts, f"<d.{number}@example.org>")) for number in range(200)]
    assert wait <= min(given_waits) < wait * 1.02
    assert wait * (1 + SPREAD * 0.9) < max(given_waits) <= wait * (1 + SPREAD)


def test_the_last_try_leaves_it_to_a_person() -> None:
    fate = after_try(delivery(GIVE_UP_AFTER), SendFailed(failure=SendFailure.RETRY, detail="no"), now=NOW)
    assert (fate.phase, fate.next_try_at) == (Phase.PARKED, None)


@given(st.integers(0, GIVE_UP_AFTER - 1), st.timedeltas(min_value=timedelta(), max_value=timedelta(days=4000)))
def test_a_server_that_asks_for_a_pause_gets_it_up_to_a_day(attempts: int, pause: timedelta) -> None:
    waited = waits(delivery(attempts), pause)
    assert min(pause, LONGEST_WAIT) <= waited <= LONGEST_WAIT * (1 + SPREAD)
    assert waited >= waits(delivery(attempts))
