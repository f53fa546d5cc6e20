"""A digest's words to any service that Apprise knows, by a process of its own that can be guarded and killed.

The target is a secret: it goes to that process by its standard input, and into no log, argument or answer.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult, Sent
from aggregator.mail.outcome import one_line
from aggregator.mail.transport import BeforeData, ToTheirOwn

AT_ONCE = 2  # processes
SECONDS = 60.0

TAKEN, REFUSED, NOT_INSTALLED, UNUSABLE = 0, 1, 2, 3  # exit codes of the process

_MEANINGS = {
    REFUSED: SendFailure.RETRY,
    NOT_INSTALLED: SendFailure.CONFIG,
    UNUSABLE: SendFailure.REJECTED,
}
_KEPT = ("PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")  # of our environment; secrets and proxies are not


class AppriseTransport(ToTheirOwn):
    """Runs `command` for each message. `allowed` are networks that may be reached although they are not public."""

    def __init__(
        self, command: Sequence[str], *, path: Sequence[str], allowed: Sequence[str] = (), seconds: float = SECONDS
    ) -> None:
        """`path` is where the process finds our modules; after `seconds` it is killed."""
        self._command = tuple(command)
        self._path = os.pathsep.join(path)
        self._allowed = tuple(allowed)
        self._seconds = seconds
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def send(self, *, sender: str, recipient: str | None, message: bytes, before_data: BeforeData) -> SendResult:
        """Notify the service `recipient`, as `Transport.send` says: the first line is the title, the rest the body."""
        del sender
        if recipient is None:
            return SendFailed(failure=SendFailure.REJECTED, detail="the subscription has no service to notify")
        title, _, body = message.decode("utf-8").partition("\n\n")
        job = json.dumps({"url": recipient, "title": title, "body": body, "allowed": self._allowed}).encode()
        async with self._slots:
            await before_data()
            code, reason = await self._run(job)
        if code == TAKEN:
            return Sent(response=one_line(reason))
        # What died or was killed may have been heard before.
        return SendFailed(failure=_MEANINGS.get(code, SendFailure.AMBIGUOUS), detail=one_line(reason))

    def describe(self) -> str:
        """The channel; each subscription has a service of its own."""
        return "services through Apprise"

    async def _run(self, job: bytes) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(prefix="aggregator-") as home:
            kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=home,
                env={**kept, "HOME": home, "PYTHONPATH": self._path, "PYTHONDONTWRITEBYTECODE": "1"},
            )
            try:
                async with asyncio.timeout(self._seconds):
                    out, _ = await process.communicate(job)
            except TimeoutError:
                return -1, f"the service did not take it within {self._seconds:g} s"
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        return process.returncode or 0, _reason(out, process.returncode)


def notifier_command() -> tuple[str, ...]:
    """The interpreter we run in, without what the environment would add to it."""
    return (sys.executable, "-s", "-m", "aggregator.notifier")


def _reason(out: bytes, code: int | None) -> str:
    try:
        return str(json.loads(out)["reason"])
    except (ValueError, KeyError, TypeError):
        return f"the process that notifies ended with {code}"
