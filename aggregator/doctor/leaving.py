"""Whether mail could leave now, by which way, and whether the links in it lead anywhere."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from aggregator.core.model.subscriptions import SendFailed
from aggregator.doctor.finding import Finding, ok, problem, warning
from aggregator.doctor.machine import writable
from aggregator.mail.transport import Transport


def mail(transport: Transport, *, folder: Path | None, people: int, sender: str) -> Iterator[Finding]:
    """Whether mail could leave now: into `folder`, else by SMTP. `people` is how many subscribers have an address."""
    if folder is not None and not folder.exists():
        yield writable("mail", folder)
        return
    result = asyncio.run(transport.check())
    if isinstance(result, SendFailed):
        yield problem("mail", f"{transport.describe()}: {result.detail}", _hint(result.detail))
        return
    yield ok("mail", result.response if folder is None else transport.describe())
    if people and folder is not None:
        told = f"{people} of the subscribers have an address, but every mail goes to a folder"
        yield warning("mail", told, "set AGGREGATOR_SMTP_HOST, or AGGREGATOR_MAIL_TRANSPORT=smtp")
    if folder is None and sender.rstrip(">").endswith("@localhost"):
        yield warning("mail", f"it is sent from {sender}", "set AGGREGATOR_MAIL_FROM to an address of yours")


def _hint(detail: str) -> str:
    """What mends a check that failed, by the step at which it did."""
    step = detail.partition(":")[0]
    if "certificate" in detail:
        return "name the relay as its certificate does, or let this machine trust who issued it (SSL_CERT_FILE)"
    if "STARTTLS" in detail:
        return "AGGREGATOR_SMTP_TLS=implicit is for port 465; a relay without encryption is used on this machine only"
    if "no TLS connection" in detail:
        return "AGGREGATOR_SMTP_TLS=implicit is for port 465, starttls for 587 and 25: which does this port speak?"
    if step == "login":
        return "AGGREGATOR_SMTP_USER and AGGREGATOR_SMTP_PASSWORD are what the relay refuses"
    if step == "connect":
        return "AGGREGATOR_SMTP_HOST and AGGREGATOR_SMTP_PORT name it; is there a way from this machine to it?"
    return "mend it, then ask again"


def redirected(address: str | None, folder: Path) -> Iterator[Finding]:
    """Whether people get their mail at all, or one address all of it."""
    if address is not None:
        told = f"every mail goes to {address}, webhooks and notifications into {folder}; what is due counts as sent"
        yield warning("mail", told, "take AGGREGATOR_REDIRECT_ALL_TO away when the trial is over")


def notifications(wanting: Sequence[str], *, installed: bool) -> Iterator[Finding]:
    """Whether the subscriptions that go to a service through Apprise can."""
    if not wanting:
        return
    told = f"used by {wanting[0]}" + (f" and {len(wanting) - 1} more" if len(wanting) > 1 else "")
    if installed:
        yield ok("apprise", told)
    else:
        yield problem("apprise", f"{told}, but it is not installed", "pip install 'feed-aggregator[apprise]'")


def base_url(url: str | None, *, sends: bool) -> Iterator[Finding]:
    """Whether links in mails lead anywhere: an https address that is not this machine's own (RFC 8058 wants https)."""
    host = (url or "").partition("://")[2].partition("/")[0]
    own = host.startswith(("127.", "localhost", "[::1]", "0.0.0.0"))  # noqa: S104 - recognised, never bound
    hint = "set AGGREGATOR_BASE_URL to the https address under which people reach the pages"
    if not sends:
        yield ok("base url", url or "not set, and not needed while mail goes to a folder")
    elif url is None:
        yield warning("base url", "not set, so mails carry no links to pages and no one-click unsubscribe", hint)
    elif own:
        yield warning("base url", f"links in mails lead to {url}, which only this machine can open", hint)
    elif not url.startswith("https://"):
        yield warning("base url", f"{url} is not https, so mails cannot offer one-click unsubscribe", hint)
    else:
        yield ok("base url", url)
