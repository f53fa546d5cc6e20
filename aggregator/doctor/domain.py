"""The sender's domain as receivers see it: where answers go, who may send for it, who signs, and what it asks of them.

SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489). Only DNS is asked, through `ask`; nothing is sent.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from aggregator.core.digests.address import domain_of
from aggregator.doctor.finding import Finding, ok, problem, warning

SUBJECT = "sender"
DNS_SECONDS = 5.0

# Names that no mail comes from (RFC 2606, RFC 6761).
_NOBODY = re.compile(r"(?:.*\.)?(?:example|test|invalid|localhost|example\.(?:com|net|org))")

Ask = Callable[[str, str], Sequence[str]]


class LookupFailedError(Exception):
    """DNS did not answer, which is something else than that there is no such record."""


class Signing(Protocol):
    """What signs our mail, as far as receivers have to know it: the domain, the selector, and its record in DNS."""

    domain: str
    selector: str
    record: str


def ask_dns(name: str, kind: str) -> Sequence[str]:
    """The records of a name by the system's resolver, texts whole; none when there are none.

    Raises LookupFailedError, and ImportError where dnspython is not installed.
    """
    from dns import resolver  # noqa: PLC0415 - an extra that need not be installed
    from dns.exception import DNSException  # noqa: PLC0415 - as above
    from dns.rdtypes.txtbase import TXTBase  # noqa: PLC0415 - as above

    try:
        found = resolver.resolve(name, kind, lifetime=DNS_SECONDS)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return ()
    except (DNSException, OSError) as error:
        raise LookupFailedError(str(error) or type(error).__name__) from None
    return tuple(
        b"".join(one.strings).decode("utf-8", "replace") if isinstance(one, TXTBase) else one.to_text() for one in found
    )


def sender(
    mail_from: str, *, signing: Signing | None, bounces_to: str | None = None, ask: Ask = ask_dns
) -> Iterator[Finding]:
    """What receivers will find of the domain that `mail_from` is at. Of DNS that is away it is said once.

    `bounces_to` is the envelope's sender when it is another address: SPF is asked of its domain.
    """
    domain = domain_of(mail_from)
    envelope = domain_of(bounces_to) if bounces_to else domain
    if signing and not _aligned(signing.domain, domain):
        told = f"we sign for {signing.domain}, which is not {domain} or above it: receivers' DMARC does not count it"
        yield problem(SUBJECT, told, "set AGGREGATOR_DKIM_DOMAIN to the domain of AGGREGATOR_MAIL_FROM")
    if not _aligned(envelope, domain):
        told = f"bounces go to {envelope}, which is not {domain} or around it: for DMARC only a DKIM signature counts"
        yield warning(SUBJECT, told, "use an address of the same domain in AGGREGATOR_BOUNCE_ADDRESS")
    if domain == "localhost":
        return  # `mail` speaks of it
    if _NOBODY.fullmatch(domain):
        told = f"{domain} is a name for examples, which nobody sends from"
        yield warning(SUBJECT, told, "set AGGREGATOR_MAIL_FROM to an address of yours")
        return
    try:
        yield from _receives(envelope, ask)
        yield from _spf(envelope, ask)
        yield from _dkim(signing, ask)
        yield from _dmarc(domain, ask)
    except ImportError:
        yield ok(SUBJECT, f"the records of {domain} were not looked up: pip install 'feed-aggregator[dkim]'")
    except LookupFailedError as error:
        yield warning(SUBJECT, f"DNS was asked about {domain} and did not answer: {error}", "ask again")


def _receives(domain: str, ask: Ask) -> Iterator[Finding]:
    hosts = ask(domain, "MX")
    if any(host.split()[-1] == "." for host in hosts):
        yield warning(SUBJECT, f"{domain} takes no mail (null MX), so bounces never come back", _MAILBOX)
    elif not hosts and not ask(domain, "A") and not ask(domain, "AAAA"):
        yield problem(SUBJECT, f"there is no domain {domain} that mail could be answered to", _MAILBOX)


_MAILBOX = "send from an address that takes mail: some servers refuse others"


def _spf(domain: str, ask: Ask) -> Iterator[Finding]:
    found = [text for text in ask(domain, "TXT") if re.match(r"v=spf1(?:\s|$)", text, re.IGNORECASE)]
    if not found:
        hint = f'publish a TXT record at {domain}: "v=spf1 include:YOUR-RELAY -all"; its provider tells the middle'
        yield warning(SUBJECT, f"{domain} has no SPF record, so nobody knows who may send for it", hint)
    elif len(found) > 1:
        yield problem(SUBJECT, f"{domain} has {len(found)} SPF records, which counts as an error", "join them into one")
    elif re.search(r"(?:^|\s)\+?all\b", found[0], re.IGNORECASE):
        yield warning(
            SUBJECT, f"the SPF record of {domain} lets everybody send: {found[0]}", "end it with -all or ~all"
        )
    else:
        yield ok(SUBJECT, f"SPF of {domain}: {found[0]}")


def _dkim(signing: Signing | None, ask: Ask) -> Iterator[Finding]:
    if signing is None:
        yield ok(SUBJECT, "DKIM is left to the relay; a test mail's Authentication-Results tell whether it signs")
        return
    name = f"{signing.selector}._domainkey.{signing.domain}"
    hint = f'publish a TXT record at {name}: "{signing.record}"'
    keys = [_tag(text, "p") for text in ask(name, "TXT")]
    if not keys:
        yield problem(SUBJECT, f"mail is signed, but no key is published at {name}", hint)
    elif keys != [_tag(signing.record, "p")]:
        yield problem(SUBJECT, f"the key at {name} is not the one that we sign with", hint)
    else:
        yield ok(SUBJECT, f"DKIM: the key at {name} is ours")


def _dmarc(domain: str, ask: Ask) -> Iterator[Finding]:
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        at = ".".join(labels[start:])
        found = [text for text in ask(f"_dmarc.{at}", "TXT") if text.lower().startswith("v=dmarc1")]
        if found:
            yield ok(SUBJECT, f"DMARC of {at}: {found[0]}")
            return
    hint = f'publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
    yield warning(SUBJECT, f"{domain} has no DMARC record, which large mailbox providers ask for", hint)


def _tag(record: str, name: str) -> str:
    """The value of one tag of a `name=value; ...` record, white space removed (RFC 6376 section 3.2)."""
    tags = (part.partition("=") for part in record.split(";"))
    return next((re.sub(r"\s+", "", value) for tag, _, value in tags if tag.strip() == name), "")


def _aligned(signer: str, domain: str) -> bool:
    """Whether DMARC, relaxed, counts a signature of `signer` for mail from `domain` (RFC 7489 section 3.1.1)."""
    return domain == signer or domain.endswith(f".{signer}") or signer.endswith(f".{domain}")
