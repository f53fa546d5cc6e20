"""An HTTP status that brings no document, into the kind of failure it is and words for people. Pure."""

import html
import re
from datetime import timedelta

import httpx

from aggregator.core.model.feeds import FailureKind, FetchFailed
from aggregator.fetch.failure import one_line

UNSAID_PAUSE = timedelta(hours=1)  # for a 429 that does not say how long
BUSY_PAUSE = timedelta(minutes=15)  # for a 503 that does not: it may speak of one page only

_WORDS = {
    400: "the host does not understand the request",
    401: "the feed needs credentials; give it a header in feeds.yaml",
    402: "the feed is for paying readers",
    403: "the host forbids access",
    404: "there is nothing at this address",
    405: "the host does not allow this address to be read",
    406: "the host has no form of it that we accept",
    407: "a proxy in between wants credentials",
    408: "the host grew tired of waiting for us",
    410: "the feed is gone for good",
    421: "this address is not served there",
    425: "the host wants to be asked later",
    429: "the host asks us to come less often",
    431: "the host finds our headers too long",
    451: "withheld for legal reasons",
    500: "the host failed",
    501: "the host cannot do this",
    502: "a gateway got no good answer from the host behind it",
    503: "the host is not available now",
    504: "a gateway got no answer from the host behind it in time",
    508: "the host found itself going in circles",
    509: "the host has used up its bandwidth",
    511: "the network in between wants a login",
    520: "the host behind Cloudflare gave an unknown error",
    521: "the host behind Cloudflare refused the connection",
    522: "the host behind Cloudflare did not answer in time",
    523: "the host behind Cloudflare cannot be reached",
    524: "the host behind Cloudflare took too long",
    525: "the TLS handshake with the host behind Cloudflare failed",
    526: "the certificate of the host behind Cloudflare is not valid",
    530: "the host behind Cloudflare cannot be found",
}

# A header that only an interstitial carries, and the word its value has there.
_WALL_HEADERS = (("cf-mitigated", "challenge"), ("sg-captcha", "challenge"), ("x-amzn-waf-action", ""))
_WALL_MARKS = (
    b"/cdn-cgi/challenge-platform/",
    b"cf-browser-verification",
    b"cf_chl_opt",
    b"_incapsula_resource",
    b"captcha-delivery.com",
    b"px-captcha",
    b"awswafcookiedomainlist",
    b"ddos-guard/js-challenge",
    b"/.well-known/sgcaptcha/",
    b"errors.edgesuite.net",
    b"making sure you&#39;re not a bot",
    b"making sure you're not a bot",
)
_WALL_STATUSES = frozenset({401, 403, 405, 429, 503})
_TITLE = re.compile(rb"<title[^>]{0,80}>([^<]{1,400})", re.IGNORECASE)


def is_bot_wall(status: int, headers: httpx.Headers, head: bytes = b"") -> bool:
    """Whether a machine for keeping machines out spoke instead of the publisher. `head`: the first bytes of the body."""
    for name, word in _WALL_HEADERS:
        if name in headers and word in headers[name].lower():
            return True
    return status in _WALL_STATUSES and any(mark in head.lower() for mark in _WALL_MARKS)


def refusal_kind(status: int, *, retry: bool) -> FailureKind:
    """The kind of a status that is neither 2xx nor a redirect. `retry`: a usable Retry-After came with it."""
    if status == 410:
        return FailureKind.GONE
    if status == 429 or (status == 503 and retry):
        return FailureKind.RATE
    if 400 <= status < 500:
        return FailureKind.CLIENT
    if 500 <= status < 600:
        return FailureKind.SERVER
    return FailureKind.PROTOCOL


def asked_pause(failed: FetchFailed) -> timedelta | None:
    """How long the host of a refusal is left alone: after a 429, a 503, and a redirect to be followed later."""
    if failed.kind is FailureKind.RATE:
        return failed.retry_after if failed.retry_after is not None else UNSAID_PAUSE
    return BUSY_PAUSE if failed.status == 503 else None


def refusal_words(status: int, head: bytes, *, wall: bool) -> str:
    """One line on a refusal: the status, what it means, and the title of the page the publisher sent with it."""
    meaning = "a bot check stands in the way" if wall else _WORDS.get(status, _family(status))
    title = _TITLE.search(head)
    said = one_line(html.unescape(title[1].decode("utf-8", "replace")), limit=120) if title else ""
    return f'HTTP {status}: {meaning}; it says "{said}"' if said else f"HTTP {status}: {meaning}"


def _family(status: int) -> str:
    if 400 <= status < 500:
        return "the host refuses"
    return "the host failed" if 500 <= status < 600 else "not an answer to a plain request"
