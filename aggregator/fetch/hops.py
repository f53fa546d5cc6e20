"""Redirects by hand: where a chain goes next, what it may carry there, and whether the whole of it is permanent. Pure."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from aggregator.core.errors import UsageError
from aggregator.core.model.feeds import FailureKind, FetchRequest
from aggregator.core.urls import absolute, host_of, origin_url, typed_url
from aggregator.fetch.failure import WireError

ACCEPT = (
    b"application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    b"application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_PERMANENT = frozenset({301, 308})
# What says how we speak to a server is not a feed's to change; the rest, User-Agent included, an operator may set.
_OURS = frozenset(
    {"host", "connection", "accept-encoding", "content-length", "transfer-encoding", "te", "upgrade", "range"}
    | {"referer", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"}
)

Header = tuple[bytes, bytes]

_ETAG, _DATE = b"If-None-Match", b"If-Modified-Since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One stop of a chain of redirects: an http(s) URL without user, password and fragment."""

    url: str
    seen: tuple[str, ...] = ()  # the stops before this one
    permanent: bool = True  # every redirect so far was 301 or 308, and none led from https to http
    pause: float = 0.0  # seconds to wait before it is asked

    @property
    def permanent_url(self) -> str | None:
        """Where the feed moved to for good, or None."""
        return self.url if self.seen and self.permanent else None


def first_hop(url: str) -> Hop:
    """Where a chain begins. Raises WireError of kind BAD_URL for what is no http(s) URL."""
    try:
        return Hop(url=_bare(typed_url(url)))
    except UsageError as error:
        raise WireError(FailureKind.BAD_URL, str(error)) from None


def next_hop(hop: Hop, status: int, location: bytes | None, *, secrets: bool, limit: int) -> Hop:
    """Where a redirect leads. `secrets`: the feed has credentials, which a step from https to http would expose.

    Raises WireError of kind REDIRECT: no or no usable Location, a loop, more than `limit` hops, an exposed secret.
    """
    if not location:
        raise WireError(FailureKind.REDIRECT, f"HTTP {status} without a Location")
    target = absolute(hop.url, location.decode("utf-8", "replace"))
    if target is None:
        where = location.decode("utf-8", "replace")
        raise WireError(FailureKind.REDIRECT, f"HTTP {status} to what is no web address: {where}")
    bare = _bare(target)
    seen = (*hop.seen, hop.url)
    if bare in seen:
        raise WireError(FailureKind.REDIRECT, f"the redirects go in a circle, back to {host_of(bare)}")
    if len(seen) > limit:
        raise WireError(FailureKind.REDIRECT, f"more than {limit} redirects, the last one to {host_of(bare)}")
    downgrade = hop.url.startswith("https:") and bare.startswith("http:")
    if downgrade and secrets:
        raise WireError(FailureKind.REDIRECT, f"{host_of(hop.url)} redirects a feed with credentials to plain http")
    return Hop(url=bare, seen=seen, permanent=hop.permanent and status in _PERMANENT and not downgrade)


def has_secrets(request: FetchRequest) -> bool:
    """Whether the feed has headers of its own or a password in its URL."""
    return bool(request.headers or _credentials(request.url))


def headers_for(request: FetchRequest, hop: Hop, user_agent: str) -> list[Header]:
    """The whole of what we say at `hop`, built anew for each one.

    A feed's own headers and password stay at the origin that `request.url` names, validators at the origin that gave
    them, whatever the redirects say (RFC 9110 15.4, 17.16). Raises WireError of kind PROTOCOL for an unsendable header.
    """
    said = [
        (b"User-Agent", user_agent.encode("ascii", "replace")),
        (b"Accept", request.accept.encode("ascii") or ACCEPT),
        (b"Accept-Encoding", b"identity" if request.plain else b"gzip, deflate"),
        (b"Connection", b"close"),
    ]
    here = origin_url(hop.url)
    home = origin_url(first_hop(request.url).url)
    if here == home:
        said += _credentials(request.url)
        said += _own_headers(request)
    if here == (origin_url(request.validators_from) if request.validators_from else home):
        said += _validators(request)
    # The last word on a name counts: an operator's Authorization wins over the URL's, their User-Agent over ours.
    return list({name.lower(): (name, value) for name, value in said}.values())


def is_conditional(headers: Sequence[Header]) -> bool:
    """Whether a 304 would be an answer to these headers."""
    return any(name in {_ETAG, _DATE} for name, _ in headers)


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], path=parts.path or "/", fragment=""))


def _credentials(url: str) -> list[Header]:
    """Basic authorization (RFC 7617) from the user and password that a person wrote into the feed's URL."""
    user, at, _ = urlsplit(typed_url(url)).netloc.rpartition("@")
    name, _, password = user.partition(":")
    pair = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
    return [(b"Authorization", b"Basic " + b64encode(pair))] if at else []


def _own_headers(request: FetchRequest) -> list[Header]:
    own: list[Header] = []
    for name, value in request.headers:
        if name.lower() in _OURS:
            continue
        try:
            own.append((name.encode("ascii"), value.strip().encode("latin-1")))
        except UnicodeEncodeError:
            raise WireError(FailureKind.PROTOCOL, f"the header {name} has characters that HTTP cannot carry") from None
    return own


def _validators(request: FetchRequest) -> list[Header]:
    return [(name, value) for name, value in ((_ETAG, request.etag), (_DATE, request.last_modified)) if value]
