"""The ASGI application: its routes, and what is answered where there is none. Nothing is created at import time."""

from typing import cast
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from aggregator.app import App, installation_secrets
from aggregator.core.digests.address import split_sender
from aggregator.core.digests.tokens import Keyring
from aggregator.core.errors import StoreError
from aggregator.settings import Settings
from aggregator.web.pages import POLICY, not_here, page
from aggregator.web.shield import Asgi, Shield
from aggregator.web.subscriber import Desk, subscriber_pages

_HSTS = "max-age=31536000"


def make_web(app: App) -> Asgi:
    """The pages of an App, behind their shield. The App is entered and closed by whoever made it."""
    settings = app.settings
    web = FastAPI(title="aggregator", docs_url=None, redoc_url=None, openapi_url=None)
    desk = Desk(
        store=app.store,
        keys=Keyring(installation_secrets(settings)),
        clock=app.clock,
        contact=_contact(settings),
    )
    web.include_router(subscriber_pages(desk))

    @web.api_route("/", methods=["GET", "HEAD"])
    def home() -> Response:
        return page("message", title="aggregator", lines=("This service is running. Its mails have the links to it.",))

    @web.api_route("/robots.txt", methods=["GET", "HEAD"])
    def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    web.add_exception_handler(HTTPException, _refuse)
    web.add_exception_handler(StoreError, _database_away)
    headers = {"content-security-policy": POLICY}
    if urlsplit(settings.base_url or "").scheme == "https":
        headers["strict-transport-security"] = _HSTS
    return Shield(cast("Asgi", web), headers=headers)


def _contact(settings: Settings) -> str | None:
    """Whom readers can write to: the sender, unless that is a name of this machine alone."""
    address = split_sender(settings.mail_from)[1]
    return None if address.endswith("@localhost") else address


def _refuse(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return not_here()
    title = "This cannot be done here" if status == 405 else "This did not work"
    answer = page("message", status=status, title=title, lines=("Please open the link from the mail again.",))
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


def _database_away(_: Request, __: Exception) -> Response:
    lines = ("The database cannot be reached at the moment. Nothing was changed.", "Please try again in a few minutes.")
    answer = page("message", status=503, title="Not just now", lines=lines)
    answer.headers["retry-after"] = "120"
    return answer
