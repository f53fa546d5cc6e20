"""Manners toward one relay: its pace, the number of connections, and how long each is used."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from aggregator.channels import make_transports
from aggregator.core.errors import ConfigError
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.pace import SLOW_FOR, Pace
from aggregator.mail.smtp import SmtpManners, SmtpTimeouts, SmtpTransport
from aggregator.settings import load
from tests.patience import PATIENCE, until

RunRelay = Callable[..., AbstractAsyncContextManager[Any]]

MESSAGE = b"Subject: three new\r\n\r\nWorking group meets\r\n"
PATIENT = SmtpTimeouts(connect=PATIENCE, command=PATIENCE, data=PATIENCE, quit=PATIENCE)
QUICK = SmtpManners(rate=10_000, rest=60)


class Hand:
    """A clock that a test moves, and that moves by itself where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def nothing() -> None:
    """Nothing to record."""


def to(relay: Any, *, manners: SmtpManners = QUICK, pace: Pace | None = None) -> SmtpTransport:
    return SmtpTransport("127.0.0.1", relay.port, tls="none", timeouts=PATIENT, manners=manners, pace=pace)


async def send(transport: SmtpTransport, recipient: str = "desk@example.org") -> SendResult:
    return await transport.send(sender="digest@example.org", recipient=recipient, message=MESSAGE, before_data=nothing)


def the_pace(rate: float = 10) -> tuple[Pace, Hand]:
    hand = Hand()
    return Pace(rate, monotonic=hand, sleep=hand.sleep), hand


async def seconds_for(pace: Pace, hand: Hand, turns: int) -> float:
    began = hand.now
    for _ in range(turns):
        await pace.turn()
    return hand.now - began


def test_a_second_s_worth_goes_at_once_and_the_rest_at_the_rate() -> None:
    async def once() -> None:
        pace, hand = the_pace()
        assert await seconds_for(pace, hand, 10) == pytest.approx(0, abs=1e-6)
        assert await seconds_for(pace, hand, 600) == pytest.approx(60)
        hand.now += 3600
        assert await seconds_for(pace, hand, 11) == pytest.approx(0.1)

    asyncio.run(once())


def test_a_relay_that_complains_is_given_half_for_fifteen_minutes() -> None:
    async def once() -> None:
        pace, hand = the_pace()
        await seconds_for(pace, hand, 10)
        pace.slow_down()
        assert pace.rate == 5
        assert await seconds_for(pace, hand, 300) == pytest.approx(60, abs=0.2)
        hand.now += SLOW_FOR
        assert pace.rate == 10

    asyncio.run(once())


@pytest.mark.parametrize("rate", [0, -1])
def test_a_pace_of_nothing_is_none(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace(rate)


def test_settings_say_what_a_relay_is_asked_to_bear() -> None:
    given = {
        "HOST": "localhost",
        "RATE": "0.5",
        "CONNECTIONS": "2",
        "REUSE": "7",
        "TIMEOUT": "5s",
        "DATA_TIMEOUT": "1m",
    }
    relay = make_transports(load({f"AGGREGATOR_SMTP_{name}": value for name, value in given.items()}))["mail"]
    assert isinstance(relay, SmtpTransport)
    assert relay.manners == SmtpManners(rate=0.5, connections=2, mails=7)
    assert relay.timeouts == SmtpTimeouts(connect=30, command=5, data=60)


@pytest.mark.parametrize("value", ["0", "-1", "ten", "1e3", ""])
def test_a_rate_that_is_none_is_refused_and_an_empty_one_is_unset(value: str) -> None:
    if not value:
        assert load({"AGGREGATOR_SMTP_RATE": value}).smtp_rate == 10
        return
    with pytest.raises(ConfigError, match="AGGREGATOR_SMTP_RATE"):
        load({"AGGREGATOR_SMTP_RATE": value})


def test_mails_in_a_row_share_one_connection_until_it_has_carried_its_share(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay() as relay:
            transport = to(relay, manners=SmtpManners(rate=10_000, mails=3))
            for _ in range(7):
                assert isinstance(await send(transport), Sent)
            await transport.aclose()
        return relay

    relay = asyncio.run(once())
    assert (relay.connections, len(relay.messages), relay.verbs.count("QUIT")) == (3, 7, 3)
    assert "RSET" not in relay.verbs


def test_no_more_connections_stand_at_once_than_the_relay_is_asked_to_bear(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay() as relay:
            transport = to(relay)
            results = await asyncio.gather(*(send(transport) for _ in range(40)))
            await transport.aclose()
        assert all(isinstance(result, Sent) for result in results)
        return relay

    relay = asyncio.run(once())
    assert (relay.most, relay.connections, len(relay.messages)) == (4, 4, 40)


def test_a_connection_that_rests_too_long_is_given_back_with_a_goodbye(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay() as relay:
            transport = to(relay, manners=SmtpManners(rate=10_000, rest=0.05))
            await send(transport)
            await until(lambda: relay.open == 0)
            await transport.aclose()
        return relay

    assert asyncio.run(once()).verbs[-1] == "QUIT"


def test_after_a_refusal_the_relay_forgets_the_mail_and_the_connection_goes_on(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay(RCPT="550 5.1.1 no such user") as relay:
            transport = to(relay)
            refused = await send(transport)
            relay.script["RCPT"] = "250 fine"
            accepted = await send(transport)
            await transport.aclose()
        assert isinstance(refused, SendFailed)
        assert (refused.failure, refused.enhanced) == (SendFailure.RECIPIENT, "5.1.1")
        assert isinstance(accepted, Sent)
        return relay

    relay = asyncio.run(once())
    assert (relay.connections, relay.verbs) == (
        1,
        ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA", "QUIT"],
    )


@pytest.mark.parametrize("goodbye", ["drop", "421 4.4.2 idle too long"])
@pytest.mark.parametrize("moment", ["MAIL", "RCPT"])
def test_a_rested_connection_that_turns_out_to_be_over_costs_nothing(
    run_relay: RunRelay, goodbye: str, moment: str
) -> None:
    async def once() -> Any:
        async with run_relay() as relay:
            pace, _ = the_pace()
            transport = to(relay, pace=pace)
            await send(transport)
            relay.script[moment] = goodbye

            async def healed(now_at: str) -> None:
                if now_at == "greeting":
                    relay.script[moment] = "250 fine"

            relay.before_answer = healed
            assert isinstance(await send(transport), Sent)
            await transport.aclose()
            assert pace.rate == 10
        return relay

    relay = asyncio.run(once())
    assert (relay.connections, len(relay.messages)) == (2, 2)


def test_a_connection_that_the_relay_closed_while_it_rested_is_not_tried(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay(final="250 taken\r\n421 closing") as relay:
            transport = to(relay)
            assert isinstance(await send(transport), Sent)
            relay.script["final"] = "250 taken"
            assert isinstance(await send(transport), Sent)
            await transport.aclose()
        return relay

    assert len(asyncio.run(once()).messages) == 2


@pytest.mark.parametrize("fault", ["drop", "421 too much", "451 4.7.1 greylisted"])
def test_a_fresh_connection_that_fails_is_a_later_try(run_relay: RunRelay, fault: str) -> None:
    async def once() -> Any:
        async with run_relay(MAIL=fault) as relay:
            pace, _ = the_pace()
            transport = to(relay, pace=pace)
            result = await send(transport)
            await transport.aclose()
        assert isinstance(result, SendFailed)
        assert result.failure is SendFailure.RETRY
        assert pace.rate == (10 if fault == "drop" else 5)
        return relay

    assert asyncio.run(once()).connections == 1


def test_what_the_relay_does_after_data_was_asked_for_is_never_repeated(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay() as relay:
            transport = to(relay)
            await send(transport)
            relay.script["DATA"] = "drop"
            broken = await send(transport)
            relay.script |= {"DATA": "354 go on", "final": "drop"}
            unclear = await send(transport)
            await transport.aclose()
        assert isinstance(broken, SendFailed)
        assert isinstance(unclear, SendFailed)
        assert (broken.failure, unclear.failure) == (SendFailure.RETRY, SendFailure.AMBIGUOUS)
        return relay

    assert len(asyncio.run(once()).messages) == 2


def test_a_send_that_is_cancelled_in_the_queue_takes_nobody_s_place(run_relay: RunRelay) -> None:
    async def once() -> Any:
        async with run_relay() as relay:
            transport = to(relay, manners=SmtpManners(rate=10_000, connections=1))
            held = asyncio.Event()

            async def hold(moment: str) -> None:
                if moment == "final":
                    await held.wait()

            relay.before_answer = hold
            first, second = (asyncio.create_task(send(transport)) for _ in range(2))
            await until(lambda: len(relay.messages) == 1)
            second.cancel()
            held.set()
            assert isinstance(await first, Sent)
            assert isinstance(await send(transport), Sent)
            await transport.aclose()
        return relay

    assert len(asyncio.run(once()).messages) == 2
