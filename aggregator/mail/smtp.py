"""Finished mails -> one SMTP relay, as a guest it likes to have: few connections, used again, at a measured pace.

Where a mail may have gone out is judged by the session; whether it is tried again is not decided here.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

from aggregator.core.digests.address import address_problem
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.core.urls import is_loopback
from aggregator.mail.outcome import Step, config, throttled
from aggregator.mail.pace import Pace
from aggregator.mail.session import Session, SmtpTimeouts, Tls
from aggregator.mail.transport import BeforeData

__all__ = ["SmtpManners", "SmtpTimeouts", "SmtpTransport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpManners:
    """What one relay is asked to bear: mails a second, connections at a time, mails on each, seconds one may rest."""

    rate: float = 10
    connections: int = 4
    mails: int = 100
    rest: float = 5


class SmtpTransport:
    """One relay, and the connections to it. Its user closes it in the event loop in which it was used."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: Tls = "starttls",
        user: str | None = None,
        password: str | None = None,
        timeouts: SmtpTimeouts | None = None,
        manners: SmtpManners | None = None,
        pace: Pace | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """`tls_context` replaces the system's trusted certificates, `pace` the one that `manners.rate` makes.

        Raises ValueError for `tls="none"` to a host that is not loopback by name.
        """
        if tls == "none" and not is_loopback(host):
            raise ValueError(f"unencrypted SMTP is for loopback only, not for {host}")
        self.host, self.port, self.tls = host, port, tls
        self.timeouts = timeouts or SmtpTimeouts()
        self.manners = manners or SmtpManners()
        self._credentials = (user, password or "") if user else None
        self._tls_context = tls_context
        self._pace = pace or Pace(self.manners.rate)
        self._lines = asyncio.Semaphore(self.manners.connections)
        self._resting: dict[Session, asyncio.TimerHandle] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, *, sender: str, recipient: str | None, message: bytes, before_data: BeforeData) -> SendResult:
        """Send `message` to `recipient`, as `Transport.send` says. `Sent.response` is the relay's final reply."""
        problem = _envelope_problem(sender, recipient)
        if problem:
            return problem
        async with self._lines:
            await self._pace.turn()
            result = await self._hand_over(sender, recipient or "", message, before_data)
        if throttled(result):
            self._pace.slow_down()
        return result

    async def check(self) -> SendResult:
        """Connect, encrypt and log in without sending anything."""
        session = self._session()
        try:
            failed = await session.open()
        except BaseException:
            session.abort()
            raise
        result = failed or Sent(response=f"{self.describe()}: ready, {session.cipher()}")
        await session.leave()
        return result

    def describe(self) -> str:
        """Host, port, encryption and user, without the password."""
        how = {"starttls": "STARTTLS required", "implicit": "TLS", "none": "unencrypted"}[self.tls]
        login = f", as {self._credentials[0]}" if self._credentials else ""
        return f"SMTP {self.host}:{self.port} ({how}{login})"

    async def aclose(self) -> None:
        """Say goodbye on the connections that rest, which may take a second, and close them."""
        for session, timer in list(self._resting.items()):
            timer.cancel()
            self._dismiss(session)
        if self._leaving:
            _, late = await asyncio.wait(self._leaving, timeout=1)
            for one in late:
                one.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _hand_over(self, sender: str, recipient: str, message: bytes, before_data: BeforeData) -> SendResult:
        rested = self._rested()
        if rested is not None:
            result = await self._through(rested, sender, recipient, message, before_data)
            if not rested.was_stale(result):
                return result
        return await self._through(self._session(), sender, recipient, message, before_data)

    async def _through(
        self, session: Session, sender: str, recipient: str, message: bytes, before_data: BeforeData
    ) -> SendResult:
        try:
            result: SendResult | None = await session.prepare(sender, recipient)
            if result is None:
                await before_data()
                result = await session.transfer(message)
            if session.mails < self.manners.mails and await session.ready_again(result):
                self._let_rest(session)
                return result
        except BaseException:
            session.abort()
            raise
        await session.leave()
        return result

    def _rested(self) -> Session | None:
        """A connection that waits for its next mail, the latest used first; those the relay closed are dropped."""
        while self._resting:
            session, timer = self._resting.popitem()
            timer.cancel()
            if session.stands:
                return session
            session.abort()
        return None

    def _let_rest(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        self._resting[session] = loop.call_later(self.manners.rest, self._dismiss, session)

    def _dismiss(self, session: Session) -> None:
        self._resting.pop(session, None)
        leaving = asyncio.get_running_loop().create_task(self._leave(session))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    @staticmethod
    async def _leave(session: Session) -> None:
        try:
            with suppress(Exception):  # a goodbye that fails changes nothing
                await session.leave()
        finally:
            session.abort()

    def _session(self) -> Session:
        if self._tls_context is None and self.tls != "none":
            self._tls_context = ssl.create_default_context()
        return Session(
            host=self.host,
            port=self.port,
            tls=self.tls,
            credentials=self._credentials,
            timeouts=self.timeouts,
            context=self._tls_context,
        )


def _envelope_problem(sender: str, recipient: str | None) -> SendFailed | None:
    if recipient is None:
        return SendFailed(failure=SendFailure.RECIPIENT, detail="the subscriber has no address")
    wrong = address_problem(sender)
    if wrong:
        return config(Step.MAIL, f"the sender's address is wrong: {wrong}")
    wrong = address_problem(recipient)
    return SendFailed(failure=SendFailure.RECIPIENT, detail=f"recipient: {wrong}") if wrong else None
