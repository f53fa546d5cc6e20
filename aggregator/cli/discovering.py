"""A web page's address -> the feed that lies where feeds usually lie. Only for a person who asked: the service never probes."""

from dataclasses import dataclass, replace

from aggregator.cli.live import Document, Reader
from aggregator.core.model.feeds import FailureKind, Feed
from aggregator.core.urls import origin_url

PROBED = ("/feed", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json")

# A host that answers so would answer the next probe no better, and has reason to be left alone.
ENOUGH = frozenset(
    {
        FailureKind.RATE,
        FailureKind.BOT_WALL,
        FailureKind.BLOCKED_ADDRESS,
        FailureKind.DNS,
        FailureKind.CONNECT,
        FailureKind.TLS,
        FailureKind.TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A feed that was found where none was named, and the address it was asked at."""

    url: str
    document: Document


async def probe(reader: Reader, feed: Feed, page: str) -> Probe | None:
    """The first feed at one of five usual addresses of `page`'s host, asked one after the other, as `feed` is asked."""
    root = origin_url(page)
    for path in PROBED if root else ():
        url = f"{root.rstrip('/')}{path}"
        found = await reader.look(elsewhere(feed, url))
        if isinstance(found, Document):
            return Probe(url=url, document=found)
        if found.kind in ENOUGH:
            break
    return None


def elsewhere(feed: Feed, url: str) -> Feed:
    """`feed` at another address. Its headers and its trust in a bad certificate stay with the origin they are meant for."""
    if same_origin(feed.url, url):
        return replace(feed, url=url)
    return replace(feed, url=url, headers=(), verify_tls=True)


def same_origin(one: str, other: str) -> bool:
    """Whether two http(s) URLs have one scheme, host and port (RFC 9110 4.3.1)."""
    return bool(origin_url(one)) and origin_url(one) == origin_url(other)
