"""One connection to an SMTP relay, driven phase by phase, so that a failure says whether the mail may have gone out.

It never falls back to an unencrypted line and never names more than one recipient at a time.
"""

import asyncio
import contextlib
import os
import re
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from aggregator.core.digests.address import needs_smtputf8, wire_address
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.core.urls import is_loopback
from aggregator.mail.outcome import Step, broken, config, one_line, refused

Tls = Literal["starttls", "implicit", "none"]

_TROUBLE = (SMTPException, OSError, TimeoutError, ValueError)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpTimeouts:
    """Seconds to wait: for connection and greeting, for a command's reply, for the reply to a whole message.

    The last is long because giving up on it makes duplicates; RFC 5321 section 4.5.3.2.6 asks for ten minutes.
    """

    connect: float = 30
    command: float = 60
    data: float = 600
    quit: float = 5


class Session:
    """One connection to the relay. `step` is how far it came; every failure is judged by it."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Tls,
        credentials: tuple[str, str] | None,
        timeouts: SmtpTimeouts,
        context: ssl.SSLContext | None,
    ) -> None:
        self.step = Step.CONNECT
        self.mails = 0  # how many it was prepared for
        self._tls, self._credentials, self._timeouts = tls, credentials, timeouts
        self._client = SMTP(
            hostname=host,
            port=port,
            timeout=timeouts.command,
            local_hostname="localhost",  # never said; without one the library asks the DNS for our name
            use_tls=tls == "implicit",
            start_tls=False,
            tls_context=context,
        )

    async def open(self) -> SendFailed | None:
        """Connect, greet, encrypt, log in; None when the relay is ready for a mail."""
        try:
            return await self._connect() or await self._secure() or await self._login()
        except _TROUBLE as error:
            return _failed(self.step, error)

    async def prepare(self, sender: str, recipient: str) -> SendFailed | None:
        """Open the session where it is new, and name both ends of the mail; None when the relay will take the message."""
        self.mails += 1
        failed = await self.open() if self.mails == 1 else None
        if failed:
            return failed
        try:
            return await self._envelope(sender, recipient)
        except _TROUBLE as error:
            return _failed(self.step, error)

    async def transfer(self, message: bytes) -> SendResult:
        """Hand over the message. The library's own DATA would hide whether the relay had asked for it (354)."""
        try:
            self.step = Step.DATA
            reply = await self._client.execute_command(b"DATA", timeout=self._timeouts.command)
            if reply.code != 354:
                return refused(self.step, reply.code, reply.message)
            protocol = self._client.protocol
            if protocol is None:
                return broken(self.step, "connection lost")
            protocol.write(_on_the_wire(message))
            self.step = Step.BODY
            reply = await protocol.read_response(timeout=self._timeouts.data)
        except _TROUBLE as error:
            self.abort()  # a line that lost its place takes no goodbye
            return _failed(self.step, error)
        if 200 <= reply.code <= 299:
            return Sent(response=one_line(f"{reply.code} {reply.message}"))
        return refused(self.step, reply.code, reply.message)

    def was_stale(self, result: SendResult) -> bool:
        """Whether a connection that had rested turned out to be over before anything of this mail could count."""
        over = isinstance(result, SendFailed) and result.failure is SendFailure.RETRY and result.code in {None, 421}
        return over and self.mails > 1 and self.step in {Step.MAIL, Step.RCPT}

    async def ready_again(self, result: SendResult) -> bool:
        """Whether the next mail may follow on this connection. After a refusal the relay must forget this one (RSET)."""
        if isinstance(result, SendFailed):
            if result.code in {None, 421} or self.step not in {Step.MAIL, Step.RCPT, Step.DATA, Step.BODY}:
                return False
            try:
                await self._client.rset(timeout=self._timeouts.quit)
            except _TROUBLE:
                return False
        return self._client.is_connected

    @property
    def stands(self) -> bool:
        """Whether the relay still holds the line, as far as one can know without asking."""
        return self._client.is_connected

    async def leave(self) -> None:
        """Say goodbye if the line still stands; what the relay makes of that changes nothing any more."""
        line = self._client.transport  # the library forgets it with the goodbye
        with contextlib.suppress(*_TROUBLE):
            if self._client.is_connected:
                await self._client.quit(timeout=self._timeouts.quit)
        self.abort()
        _hang_up(line)

    def abort(self) -> None:
        """Close the connection at once."""
        line = self._client.transport
        self._client.close()
        _hang_up(line)

    def cipher(self) -> str:
        """The TLS version in use, or that there is none."""
        encrypted = self._client.get_transport_info("ssl_object") if self._client.is_connected else None
        return str(encrypted.version()) if encrypted else "unencrypted"

    async def _connect(self) -> SendFailed | None:
        await self._client.connect(timeout=self._timeouts.connect)
        if self._tls == "none" and not is_loopback(str(self._client.get_transport_info("peername")[0])):
            # The name was loopback's, its address is not: somebody else answers for it.
            return config(self.step, "unencrypted SMTP is for loopback only")
        self.step = Step.HELLO
        await self._client.ehlo(hostname=self._own_name())
        return None

    async def _secure(self) -> SendFailed | None:
        if self._tls != "starttls":
            return None
        self.step = Step.TLS
        if not self._client.supports_extension("starttls"):
            return config(self.step, "the relay does not offer STARTTLS, and mail is not sent unencrypted")
        await self._client.starttls()
        self.step = Step.HELLO
        await self._client.ehlo(hostname=self._own_name())
        return None

    async def _login(self) -> SendFailed | None:
        if self._credentials is None:
            return None
        self.step = Step.LOGIN
        if not self._client.supported_auth_methods:
            return config(self.step, "the relay offers no way to log in that we know")
        await self._client.login(*self._credentials)
        return None

    async def _envelope(self, sender: str, recipient: str) -> SendFailed | None:
        wide = needs_smtputf8(sender) or needs_smtputf8(recipient)
        self.step = Step.RCPT if needs_smtputf8(recipient) else Step.MAIL
        if wide and not self._client.supports_extension("smtputf8"):
            failure = SendFailure.RECIPIENT if needs_smtputf8(recipient) else SendFailure.CONFIG
            return SendFailed(failure=failure, detail=f"{self.step}: the address needs SMTPUTF8, which the relay lacks")
        encoding, options = ("utf-8", ["SMTPUTF8", "BODY=8BITMIME"]) if wide else ("ascii", [])
        self.step = Step.MAIL
        await self._client.mail(wire_address(sender), options=options, encoding=encoding)
        self.step = Step.RCPT
        await self._client.rcpt(wire_address(recipient), encoding=encoding)
        return None

    def _own_name(self) -> str:
        """Our name for EHLO: the host's full one, else its address as a literal (RFC 5321 section 4.1.4)."""
        name = socket.gethostname()
        if "." in name and name.isascii():
            return name
        address = ip_address(str(self._client.get_transport_info("sockname")[0]).partition("%")[0])
        return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _failed(step: Step, error: Exception) -> SendFailed:
    if isinstance(error, SMTPResponseException) and error.code > 0:
        return refused(step, error.code, error.message)
    return broken(step, _plain_words(error) or str(error) or type(error).__name__)


def _plain_words(error: BaseException) -> str | None:
    """What lies at the bottom of an error: the relay's certificate, its name, or what the system says of the line."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return f"the relay's certificate is not valid: {cause.verify_message.rstrip('.')}"
            case socket.gaierror():
                return f"no address for the relay: {cause.strerror}"
            case ssl.SSLError():
                return f"no TLS connection: {(cause.reason or str(cause)).replace('_', ' ').lower()}"
            case OSError() if cause.errno:
                return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return None


def _on_the_wire(message: bytes) -> bytes:
    """The message as DATA carries it: CRLF only, leading dots doubled, the final dot (RFC 5321 section 4.5.2)."""
    text = _LINE_END.sub(b"\r\n", message)
    whole = text if text.endswith(b"\r\n") else text + b"\r\n"
    return _LEADING_DOT.sub(b"..", whole) + b".\r\n"


def _hang_up(line: asyncio.BaseTransport | None) -> None:
    """Close a connection without waiting for the other side's half of a TLS goodbye, which may never come."""
    if isinstance(line, asyncio.WriteTransport):
        line.abort()
