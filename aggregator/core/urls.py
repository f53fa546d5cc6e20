"""URLs as text: made absolute, compared, hashed and shown. It never looks a name up and never opens a connection.

What comes from a feed goes through `absolute`, which answers None for whatever it cannot trust; what a person types goes
through `typed_url`, which says what is wrong.
"""

import re
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urljoin, urlsplit

import idna

from aggregator.core.errors import UsageError

MAX_URL = 8192  # characters; longer ones are data smuggled into a link

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRACKING_PREFIXES = ("utm_", "at_")
_TRACKING = frozenset(
    {"fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "mc_cid", "mc_eid", "yclid", "igshid"}
)
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_BROKEN_LINES = re.compile(r"[\t\r\n]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ASCII_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_-])?\.?")
_USERINFO = re.compile(r"//[^/?#]*@")
_UNSAFE = re.compile(r"[\s\"<>`{}|^]")


def canonical(url: str) -> str:
    """The form two URLs share when they are the same address; for comparing, not for fetching.

    Scheme and host in lower case, default port, fragment and tracking parameters (`utm_*`, `at_*`, click ids) gone, all
    other parameters kept as they are and in their order. What is no http(s) URL comes back trimmed, otherwise unchanged.
    """
    trimmed = url.strip()
    parts = _parts(trimmed)
    if parts is None:
        return trimmed
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _is_tracking(pair))
    return parts._replace(netloc=_authority(parts), path=parts.path or "/", query=query, fragment="").geturl()


def absolute(base: str, url: str) -> str | None:
    """`url` resolved against `base` (RFC 3986 5.2), or None when the result is no usable http(s) URL. Never raises.

    As browsers do, line breaks and tabs inside are dropped and backslashes before the query are slashes; spaces and
    characters that could end an attribute are percent-encoded; a host in Unicode becomes its A-label form.
    """
    joined = _joined(_tidy(base), _tidy(url))
    if joined is None or len(joined) > MAX_URL or _CONTROLS.search(joined):
        return None
    parts = _parts(joined)
    if parts is None:
        return None
    host = parts.netloc.rpartition("@")[2]
    netloc = parts.netloc if host.isascii() else _authority(parts)
    return _UNSAFE.sub(_percent, parts._replace(netloc=netloc).geturl())


def host_of(url: str) -> str:
    """The host in lower-case A-label form, without port, brackets or final dot; empty when there is none."""
    parts = _parts(_tidy(url))
    return "" if parts is None else _host(parts)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name alone: `localhost` or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def origin_url(url: str) -> str:
    """`url` down to its origin (RFC 9110 4.3.1): no user, path or query, so that nothing secret is left; empty for none."""
    parts = _parts(url)
    return f"{parts.scheme.lower()}://{_authority(parts).rpartition('@')[2]}/" if parts else ""


def link_hash(url: str) -> bytes:
    """16 bytes that are equal for equal canonical URLs, http and https counted as one."""
    same = canonical(url)
    rest = same.partition(":")[2] if same.startswith(("http://", "https://")) else same
    return blake2b(rest.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def typed_url(text: str) -> str:
    """The http(s) URL a person meant: trimmed, `feed:` unwrapped, `https://` added when no scheme was given.

    Raises UsageError, which names what is wrong with the text.
    """
    typed = text.strip().strip("<>\"'").strip()
    shown = redacted(typed)
    if not typed:
        raise UsageError("the URL is empty", hint="give one like https://example.org/feed.xml")
    if _CONTROLS.search(typed) or re.search(r"\s", typed):
        raise UsageError(f"{shown!r} has a space or a control character in it", hint="write spaces as %20")
    if "\\" in typed:
        raise UsageError(f"{shown!r} has a backslash in it", hint="URLs use forward slashes")
    full = _with_scheme(typed, shown)
    parts = _parts(full)
    found = None if parts is None else absolute(full, full)
    if parts is None or found is None:
        raise UsageError(f"{shown!r} is not a URL: the host or the port cannot be right")
    return urlsplit(found)._replace(netloc=_authority(parts), path=parts.path or "/").geturl()


def redacted(url: str) -> str:
    """The same text with a user name and password replaced by `***`, for logs and messages."""
    return _USERINFO.sub("//***@", url)


def shown_target(url: str) -> str:
    """Where a webhook or an Apprise service leads to, as it may be shown: of http(s) the origin, of others the scheme."""
    return origin_url(url) or f"{url.partition('://')[0][:20]}://***"


def _tidy(url: str) -> str:
    """`url` trimmed, with the two spellings that browsers forgive put right."""
    whole = _BROKEN_LINES.sub("", url).strip("\x00\x1f \u00a0\ufeff")
    cut = re.search(r"[?#]", whole)
    at = cut.start() if cut else len(whole)
    return whole[:at].replace("\\", "/") + whole[at:]


def _joined(base: str, url: str) -> str | None:
    try:
        return urljoin(base, url)
    except ValueError:
        return None


def _parts(url: str) -> SplitResult | None:
    """The five parts of an http(s) URL whose host and port make sense, else None."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not _host(parts):
        return None
    return parts


def _host(parts: SplitResult) -> str:
    """The host of `parts` as host_of gives it, empty when it is no host at all."""
    name = parts.hostname or ""
    if "[" in parts.netloc:
        return _ipv6(name)
    if not name.isascii():
        name = _a_label(name)
    return name.rstrip(".") if _ASCII_HOST.fullmatch(name) and ".." not in name else ""


def _a_label(name: str) -> str:
    """IDNA of `name` (UTS 46), empty when there is none, or when look-alike digits spell an address."""
    try:
        label = idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
    return "" if label.rstrip(".").rpartition(".")[2].isdigit() else label


def _ipv6(name: str) -> str:
    try:
        return str(IPv6Address(name.partition("%")[0]))
    except ValueError:
        return ""


def _authority(parts: SplitResult) -> str:
    """Userinfo as it is, host in comparable form, port only when it is not the scheme's own."""
    user, at, _ = parts.netloc.rpartition("@")
    host = _host(parts)
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{user}{at}{shown}{port}"


def _is_tracking(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found.group().encode())


def _with_scheme(typed: str, shown: str) -> str:
    """`typed` with http or https in front. `localhost:8000` is a host with a port, not a scheme."""
    rest = re.sub(r"^feed:(//)?", "", typed, flags=re.IGNORECASE)
    scheme = _SCHEME.match(rest)
    if scheme and scheme.group(1).lower() in _DEFAULT_PORTS:
        return rest
    if scheme and not re.match(r"\d+(?:[/?#]|$)", rest[scheme.end() :]):
        raise UsageError(f"{shown!r} is not a web address", hint="feeds are read over http and https")
    name = re.split(r"[/?#]", rest.removeprefix("//"), maxsplit=1)[0]
    if "." not in name and ":" not in name and name.lower() != "localhost":
        raise UsageError(f"{shown!r} is not a URL", hint="give one like https://example.org/feed.xml")
    return f"https://{rest.removeprefix('//')}"
