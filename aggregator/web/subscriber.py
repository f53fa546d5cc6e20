"""A reader's own pages, each behind a signed link: unsubscribe or get less, read a digest again, judge a match.

Looking changes nothing, however often a link scanner looks; only a form that is sent does. A program may unsubscribe
with one request (RFC 8058). No cookie, no session, no script.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from aggregator.core.digests.display import line
from aggregator.core.digests.tokens import Claim, Keyring, Purpose
from aggregator.core.errors import StoreError
from aggregator.store import holders
from aggregator.store.database import Connection, Store
from aggregator.store.holders import Holder, Judged
from aggregator.web.pages import DIGEST_POLICY, not_here, page
from aggregator.web.standing import standing
from aggregator.web.wishes import grant

_LOOK = ["GET", "HEAD"]
_TITLE = 300  # characters of a headline


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages work with. `contact` is whom a reader can write to, None when that is nobody's address."""

    store: Store
    keys: Keyring
    clock: Callable[[], datetime]
    contact: str | None = None


def subscriber_pages(desk: Desk) -> APIRouter:
    """The routes `/u/{token}`, `/d/{token}` and `/r/{token}`."""
    router = APIRouter()
    _add_standing(router, desk)
    _add_review(router, desk)

    @router.api_route("/d/{token}", methods=_LOOK)
    def read(token: str) -> Response:
        return _digest(desk, token)

    return router


def _add_standing(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/u/{token}", methods=_LOOK)
    def look(token: str) -> Response:
        claim = _claim(desk, Purpose.UNSUBSCRIBE, token)
        found = None if claim is None else desk.store.read(holders.holder, claim.public_id, claim.number)
        return not_here() if found is None else _standing(desk, found, None)

    @router.post("/u/{token}")
    async def act(token: str, request: Request) -> Response:
        claim = _claim(desk, Purpose.UNSUBSCRIBE, token)
        fields = _fields(request.headers.get("content-type", ""), await request.body())
        one_click = fields.get("List-Unsubscribe", "").lower() == "one-click"
        wish = "leave" if one_click else fields.get("act", "")
        if claim is None:
            return not_here()
        topic_id = fields.get("topic", "")
        try:
            result = await desk.store.writing(_done, claim, wish, topic_id, now=desk.clock())
        except StoreError:  # a digest that was just being made may have held the same rows: once more
            result = await desk.store.writing(_done, claim, wish, topic_id, now=desk.clock())
        if result is None:
            return not_here()
        return PlainTextResponse("You are unsubscribed.\n") if one_click else _standing(desk, *result)


def _add_review(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/r/{token}", methods=_LOOK)
    def consider(token: str) -> Response:
        claim = _claim(desk, Purpose.REVIEW, token)
        found = None if claim is None else desk.store.read(holders.judged, claim.public_id, claim.number)
        return not_here() if found is None else _review(found, said=found.relevant, done=None)

    @router.post("/r/{token}")
    async def judge(token: str, request: Request) -> Response:
        claim = _claim(desk, Purpose.REVIEW, token)
        said = _fields(request.headers.get("content-type", ""), await request.body()).get("verdict")
        if claim is None:
            return not_here()
        who, what = claim.public_id, claim.number
        if said not in {"relevant", "noise"}:
            found = await desk.store.reading(holders.judged, who, what)
            return not_here() if found is None else _review(found, said=found.relevant, done=None)
        relevant = said == "relevant"
        found = await desk.store.writing(holders.judge, who, what, relevant=relevant, now=desk.clock())
        return not_here() if found is None else _review(found, said=relevant, done=f"Thank you. You called it {said}.")


def _claim(desk: Desk, purpose: Purpose, token: str) -> Claim | None:
    return desk.keys.read(purpose, token, today=desk.clock().date())


def _done(
    connection: Connection, claim: Claim, wish: str, topic_id: str, *, now: datetime
) -> tuple[Holder, str | None] | None:
    """Do what a reader asks for: their standing after it, and what was done; None when the link is nobody's."""
    found = holders.holder(connection, claim.public_id, claim.number)
    if found is None:
        return None
    told = grant(connection, found, wish, topic_id, now=now)
    return holders.holder(connection, claim.public_id, claim.number) or found, told


def _fields(content_type: str, body: bytes) -> dict[str, str]:
    """What a form says, in either of the two forms that RFC 8058 section 3.1 allows; empty for anything else."""
    if content_type.lower().startswith("multipart/form-data"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii", "replace")
        mail = message_from_bytes(head + body, policy=policy.compat32)
        parts = mail.get_payload() if mail.is_multipart() else []
        named = (
            (part.get_param("name", header="content-disposition"), part) for part in parts if not isinstance(part, str)
        )
        return {name: str(part.get_payload()).strip() for name, part in named if isinstance(name, str)}
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20)) if body.count(b"&") < 20 else {}


def _standing(desk: Desk, found: Holder, done: str | None) -> Response:
    return page("standing", **standing(found, done=done, contact=desk.contact))


def _digest(desk: Desk, token: str) -> Response:
    claim = _claim(desk, Purpose.VIEW, token)
    raw = None if claim is None else desk.store.read(holders.sent_digest, claim.public_id, claim.number)
    if claim is None or claim.until is None or raw is None:
        return not_here()
    mail = message_from_bytes(raw, policy=policy.default)
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    words = str(html.get_content()) if html is not None else ""
    return page(
        "digest",
        policy=DIGEST_POLICY,
        subject=line(str(mail["Subject"] or "Digest"), _TITLE),
        sent=_sent_words(str(mail["Date"] or "")),
        until=f"{claim.until:%-d %B %Y}",
        # Its links open beside this page: nothing that a publisher serves ever stands in a frame of ours.
        html=words.replace("<head>", '<head><base target="_blank">', 1),
        text=str(text.get_content()) if text is not None else "",
    )


def _sent_words(date: str) -> str:
    try:
        return f"{parsedate_to_datetime(date):%A %-d %B %Y at %H:%M} UTC"
    except ValueError:
        return "an unknown day"


def _review(found: Judged, *, said: bool | None, done: str | None) -> Response:
    link = found.link if found.link and urlsplit(found.link).scheme in {"http", "https"} else None
    return page(
        "review",
        done=done,
        headline=line(found.title, _TITLE) or "(untitled)",
        about=f"{line(found.source, _TITLE)}, {found.at:%-d %B %Y}, flagged for {line(found.topic, _TITLE)}.",
        topic=line(found.topic, _TITLE),
        link=link,
        host=urlsplit(link).hostname if link else None,
        said=said,
    )
