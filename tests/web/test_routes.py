"""Every route there is, by what opens it: a page that somebody adds must be thought about here."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute

from aggregator.web.app import make_web
from aggregator.web.shield import Shield
from tests.world import run, world

OPEN_TO_ALL = {("/", "GET"), ("/", "HEAD"), ("/robots.txt", "GET"), ("/robots.txt", "HEAD")}
BEHIND_A_TOKEN = {("/u/{token}", "GET"), ("/u/{token}", "HEAD"), ("/u/{token}", "POST")}
BEHIND_A_TOKEN |= {("/r/{token}", "GET"), ("/r/{token}", "HEAD"), ("/r/{token}", "POST")}
BEHIND_A_TOKEN |= {("/d/{token}", "GET"), ("/d/{token}", "HEAD")}


def test_no_route_is_open_but_those_that_tell_nothing(tmp_path: Path) -> None:
    async def go() -> None:
        async with world(tmp_path) as w:
            shield = make_web(w.app)
            assert isinstance(shield, Shield)
            assert isinstance(shield._app, FastAPI)
            routes = list(_routes(shield._app.router.routes))
            assert {(route.path, method) for route in routes for method in route.methods or ()} == (
                OPEN_TO_ALL | BEHIND_A_TOKEN
            )

    run(go)


def _routes(found: Iterable[object]) -> Iterator[APIRoute]:
    """The routes, those of routers that were taken in too; anything of another kind is a surprise."""
    for route in found:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner.routes)
        else:
            assert isinstance(route, APIRoute), route
            yield route
