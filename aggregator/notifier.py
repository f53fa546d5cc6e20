"""A process of its own that hands one notification to Apprise: `python -m aggregator.notifier`, the job as JSON on stdin.

Apprise's plugins bring their own HTTP and SMTP clients, so the address guard stands below them, in the interpreter:
every connection that this process opens is judged by the address it goes to, redirects and rebinding included.
"""

import json
import logging
import re
import sys
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from aggregator.fetch.addresses import Network, parse_address, refusal
from aggregator.mail.apprise import NOT_INSTALLED, REFUSED, TAKEN, UNUSABLE

# What a plugin has no business with: other programs, and processes that this guard would not reach.
_CLOSED = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
_REACHING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_WORD = re.compile(r"[^\W_]{4,}")


class Guard:
    """An audit hook that lets connections through to acceptable addresses only, and remembers what it refused."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self.refused: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Raises PermissionError for what is refused."""
        if event in _CLOSED:
            self._refuse(f"a notification may not start programs ({event})")
        if event in _REACHING:
            reason = self._judged(args[1])
            if reason:
                self._refuse(reason)

    def _judged(self, target: object) -> str | None:
        if target is None:
            return None  # a datagram to where the socket is connected already
        if not isinstance(target, tuple) or not isinstance(target[0], str):
            return "only network addresses may be reached"
        address = parse_address(target[0].partition("%")[0])
        return "only addresses may be connected to, not names" if address is None else refusal(address, self._allowed)

    def _refuse(self, reason: str) -> None:
        self.refused.append(reason)
        raise PermissionError(reason)


class Overheard(logging.Handler):
    """Keeps the last thing that Apprise complained of."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Remember it."""
        self.last = record.getMessage()


def masked(text: str, url: str) -> str:
    """`text` without any word of `url`, whose parts are tokens; the service's own name may stay."""
    for word in sorted(set(_WORD.findall(url.partition("://")[2])), key=len, reverse=True):
        text = text.replace(word, "***")
    return text


def notify(job: dict[str, Any], guard: Guard) -> tuple[int, str]:
    """Hand the job to Apprise; the exit code and a reason without secrets. Needs Apprise installed."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, OverflowMode  # noqa: PLC0415 - below the guard

    overheard = Overheard()
    logging.getLogger("apprise").addHandler(overheard)
    service = Apprise.instantiate(job["url"], asset=AppriseAsset(app_id="aggregator", plugin_paths=[]))
    if service is None:
        return UNUSABLE, "Apprise knows no such service, or its address is incomplete"
    if "overflow=" not in job["url"]:
        service.overflow_mode = OverflowMode.SPLIT  # services cut what is too long for them, or refuse it
    one = Apprise()
    one.add(service)
    done = one.notify(body=job["body"], title=job["title"], body_format=NotifyFormat.TEXT)
    if done:
        return TAKEN, "taken by the service"
    return REFUSED, guard.refused[0] if guard.refused else masked(overheard.last, job["url"]) or "it was not taken"


def main() -> int:
    """Read the job, do it, say what came of it in one line on stdout."""
    job = json.loads(sys.stdin.buffer.read())
    guard = Guard([ip_network(text) for text in job["allowed"]])
    sys.addaudithook(guard)
    try:
        code, reason = notify(job, guard)
    except ImportError:
        code, reason = NOT_INSTALLED, "Apprise is not installed: pip install 'feed-aggregator[apprise]'"
    sys.stdout.write(json.dumps({"reason": reason}) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
