"""Judges mail addresses and brings them into the form that goes over the wire. It never looks anything up."""

import re

import idna

from aggregator.core.urls import shown_target

LOCAL_LIMIT = 64  # octets, RFC 5321 section 4.5.3.1.1
ADDRESS_LIMIT = 254  # octets: the path of section 4.5.3.1.3 without its angle brackets

_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")


def address_problem(address: str) -> str | None:
    """Say in one line why no mail can go to `address`, or None when it can.

    The local part is a dot-atom (RFC 5321 section 4.1.2); quoted forms and address literals are refused. A local part
    beyond ASCII is fine here: whether it can be sent is the relay's say (see `needs_smtputf8`). The domain may be
    written in any script and must have an A-label form (RFC 5891).
    """
    local, at, domain = address.rpartition("@")
    if not (at and local and domain):
        return "expected one address such as desk@example.org"
    ascii_domain = None if _octets(address) > ADDRESS_LIMIT else _a_label(domain)
    if _octets(f"{local}@{ascii_domain or domain}") > ADDRESS_LIMIT:
        return f"longer than {ADDRESS_LIMIT} bytes"
    if _octets(local) > LOCAL_LIMIT:
        return f"the part before the @ is longer than {LOCAL_LIMIT} bytes"
    if not all(_is_atom(atom) for atom in local.split(".")):
        return "the part before the @ has a character, or dots, that an address cannot have"
    return None if ascii_domain else f"{domain!r} is not a domain name"


def wire_address(address: str) -> str:
    """Bring a valid `address` into the form of SMTP and of headers: its domain as A-labels, in lower case.

    Raises ValueError for a domain without such a form; ask `address_problem` first.
    """
    local, _, domain = address.rpartition("@")
    ascii_domain = _a_label(domain)
    if ascii_domain is None:
        raise ValueError(f"{domain!r} is not a domain name")
    return f"{local}@{ascii_domain}"


def needs_smtputf8(address: str) -> bool:
    """Whether `address` can only travel through relays that offer SMTPUTF8 (RFC 6531): its local part is not ASCII."""
    return not address.rpartition("@")[0].isascii()


def shown_recipient(channel: str, recipient: str | None) -> str:
    """Where a delivery goes, as it may be shown: of a URL only its service, for its rest is what lets one in."""
    if recipient is None or channel == "outbox":
        return "outbox folder"
    return shown_target(recipient) if "://" in recipient else recipient


def masked_address(address: str) -> str:
    """An address that its owner recognises and nobody can use: `d***@example.org`; what is no address, as it is."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at and "://" not in address else address


def split_sender(sender: str) -> tuple[str, str]:
    """Take `Name <address>`, or a bare address, apart into (name, address); the name may be empty."""
    name, bracket, rest = sender.strip().rpartition("<")
    if not bracket or not rest.endswith(">"):
        return "", sender.strip()
    return name.strip().strip('"').strip(), rest[:-1].strip()


def domain_of(sender: str) -> str:
    """The domain, as A-labels, of `Name <address>` or a bare address. Raises ValueError as `wire_address`."""
    return wire_address(split_sender(sender)[1]).rpartition("@")[2]


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _is_atom(atom: str) -> bool:
    ascii_only = "".join(char for char in atom if char.isascii())
    if ascii_only and not _ATEXT.fullmatch(ascii_only):
        return False
    return bool(atom) and atom.isprintable() and not any(char.isspace() for char in atom)


def _a_label(domain: str) -> str | None:
    if domain.endswith("."):
        return None
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # IDNAError is one of them
        return None
