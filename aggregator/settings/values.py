"""One environment value's text -> a typed value. A function here raises ValueError saying what was expected.

It never says what was found: the caller knows whether the value may be shown.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aggregator.core.digests.address import address_problem, split_sender

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SQL_SCHEMES = {"postgres", "postgresql", "postgresql+psycopg"}


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that no repr, log line or traceback shows; `reveal` is called where it is used, and nowhere else."""

    _text: str

    def reveal(self) -> str:
        """The secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """How the log is written: `format` is human or json, `level` a name of the standard library's in lower case."""

    format: str = "human"
    level: str = "info"


def one_of(*names: str) -> Callable[[str], str]:
    """A reader of one of these words, in lower case."""

    def parse(value: str) -> str:
        if value.lower() not in names:
            raise ValueError(f"expected {_listed(names)}")
        return value.lower()

    return parse


def whole(value: str) -> int:
    """A whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        raise ValueError("expected a whole number of at least 1")
    return int(value)


def rate(value: str) -> float:
    """How many a second: `10`, or `0.2` for one in five seconds."""
    if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", value) or float(value) == 0:
        raise ValueError("expected how many a second, such as 10 or 0.5")
    return float(value)


def port(value: str) -> int:
    """A TCP port."""
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 1 << 16:
        raise ValueError("expected a port from 1 to 65535")
    return int(value)


def size(value: str) -> int:
    """`512M`, `64K`, `10MiB` or plain bytes, as bytes; K, M and G are powers of 1024."""
    found = re.fullmatch(r"([0-9]{1,12})([KMG]?)(?:i?B)?", value, re.IGNORECASE)
    if not found or int(found[1]) == 0:
        raise ValueError("expected a size in bytes such as 512M, 10M or 65536")
    return int(found[1]) * _SIZES[found[2].upper()]


def duration(value: str) -> timedelta:
    """`30`, `1.5s`, `2m`, `1h` or `7d`; a bare number is seconds."""
    found = re.fullmatch(r"([0-9]{1,7}(?:\.[0-9]{1,6})?) ?([smhd]?)", value)
    if not found:
        raise ValueError("expected a duration such as 30, 1.5s, 2m or 1h")
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def span(value: str) -> timedelta:
    """A duration longer than 0."""
    length = duration(value)
    if not length:
        raise ValueError("expected a duration longer than 0")
    return length


def instant(value: str) -> datetime:
    """An ISO 8601 instant that names its zone, as UTC."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("expected an instant such as 2026-01-20T06:30:00Z") from None
    raise ValueError("the instant names no zone, write for example 2026-01-20T06:30:00Z")


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Comma-separated networks or single addresses."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"expected networks such as 127.0.0.0/8,10.1.0.0/16: {error}") from None


def listen(value: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPv6]:PORT`, the brackets removed."""
    host, _, number = value.rpartition(":")
    if not host:
        raise ValueError("expected HOST:PORT such as 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), port(number)


def base_url(value: str) -> str:
    """An http(s) address without a login or a query, its trailing slashes removed."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("expected the address people open, such as https://news.example.org")
    if "@" in parts.netloc:  # every reader would be mailed it
        raise ValueError("expected an address without a login, for every mail shows it to its reader")
    return value.rstrip("/")


def log(value: str) -> Log:
    """`human`, `json,debug` and the like, in any order."""
    chosen = Log()
    for word in re.split(r"[,:\s]+", value.lower()):
        if word in {"human", "json"}:
            chosen = dataclasses.replace(chosen, format=word)
        elif word in {"debug", "info", "warning", "error"}:
            chosen = dataclasses.replace(chosen, level=word)
        else:
            raise ValueError("expected human or json, and debug, info, warning or error, such as json,warning")
    return chosen


def sender(value: str) -> str:
    """One mail address, with or without a name before it."""
    if not value.isprintable():
        raise ValueError("expected one mail address, such as Desk <desk@example.org>")
    address(split_sender(value)[1])
    return value


def address(value: str) -> str:
    """One bare mail address."""
    wrong = address_problem(value)
    if wrong:
        raise ValueError(wrong)
    return value


def dns_name(value: str) -> str:
    """A domain, or a part of one such as a DKIM selector, in small letters; other scripts as they are written in DNS."""
    name = value.rstrip(".").lower()
    if not re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", name) or len(name) > 253:
        raise ValueError("expected a name as DNS has it, such as mail.example.org or s2026")
    return name


def mailbox(value: str) -> str:
    """`maildir:/path`, or `imaps://user@host/folder` without a password."""
    parts = urlsplit(value)
    if parts.scheme == "maildir" and parts.path.strip("/") and not parts.netloc:
        return value
    if parts.scheme == "imaps" and parts.hostname and parts.username and parts.password is None and value.isascii():
        _ = parts.port  # raises on a port that is none
        return value
    raise ValueError("expected maildir:/path or imaps://user@host/folder, the password apart")


def database(value: str) -> str:
    """A plain path, `sqlite:///path` or `postgresql://..`, as one of the latter two."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "sqlite", f"/{value}"
    if scheme == "sqlite" and rest.startswith("/") and rest[1:] and ":memory:" not in rest:
        return f"sqlite://{rest}"
    if scheme in _SQL_SCHEMES:
        _ = urlsplit(f"postgresql://{rest}").port  # raises on a port that is none
        return f"postgresql://{rest}"
    raise ValueError("expected a file path, sqlite:///path or postgresql://user@host/name")


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def mask_password(url: str) -> str:
    """A database URL as it may be shown: the password between `:` and `@`, or in the query, becomes `***`."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    netloc = f"{user}:***@{host}" if colon else f"{login}{at}{host}"
    query = [(name, "***" if name == "password" else value) for name, value in parse_qsl(parts.query)]
    if url.startswith("sqlite:"):
        return url
    return urlunsplit((parts.scheme, netloc, parts.path, urlencode(query, safe="/*"), parts.fragment))
