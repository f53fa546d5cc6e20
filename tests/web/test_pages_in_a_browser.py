"""Readers' pages as a browser without JavaScript shows them: they fit a phone, load nothing, and their buttons work."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from aggregator.core.digests.tokens import Purpose
from aggregator.core.model.subscriptions import SubscriberState
from aggregator.store import frozen
from aggregator.web.app import make_web
from aggregator.web.server import listening
from tests.browser import launched
from tests.patience import PATIENCE
from tests.readers import desk, match_one
from tests.web.test_subscriber_pages import Visit, visiting


@dataclass(slots=True)
class Site:
    """Pages on loopback, by what they are about."""

    base: str
    links: dict[str, str]
    visit: Visit


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """The pages of a world with one digest, served from a thread for as long as the block lasts."""
    ready, over = threading.Event(), threading.Event()
    found: list[Site] = []

    async def serve() -> None:
        async with visiting(folder, AGGREGATOR_BASE_URL="https://news.example.org") as visit:
            store = visit.w.app.store
            match_one(store, "1")
            visit.w.clock.forward(days=1)
            await visit.w.app.dispatcher.run()
            (made,) = store.read(frozen.latest)
            links = {
                "unsubscribe": visit.link(),
                "digest": visit.link(Purpose.VIEW, made.id),
                "review": visit.link(Purpose.REVIEW, 1),
                "wrong": "/u/x",
            }
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            async with listening(make_web(visit.w.app), host="127.0.0.1", port=port, needed=True):
                found.append(Site(f"http://127.0.0.1:{port}", links, visit))
                ready.set()
                while not over.is_set():  # noqa: ASYNC110 - the other thread rings no bell of this loop
                    await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield found[0]
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("pages")) as served:
        yield served


def opened(browser: Browser, url: str, *, width: int = 390, dark: bool = False) -> tuple[Page, list[str]]:
    """A page without JavaScript, and every address beyond itself that it asked for."""
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    page, beyond = context.new_page(), list[str]()
    page.on("request", lambda request: beyond.append(request.url) if request.url != url else None)
    page.goto(url)
    return page, beyond


@pytest.mark.parametrize("name", ["unsubscribe", "digest", "review", "wrong"])
@pytest.mark.parametrize(("width", "dark"), [(320, False), (390, True), (1200, False)])
def test_a_page_fits_and_loads_nothing(browser: Browser, pages: Site, name: str, width: int, dark: bool) -> None:
    page, beyond = opened(browser, pages.base + pages.links[name], width=width, dark=dark)
    shown = page.locator("main").bounding_box()
    assert shown is not None
    assert shown["width"] <= width
    assert [url for url in beyond if not url.startswith("about:")] == []
    styled = page.locator("main").evaluate("one => getComputedStyle(one).backgroundColor")
    assert styled == ("rgb(28, 33, 36)" if dark else "rgb(252, 252, 250)")  # the policy lets the page's own styles in
    for button in page.locator("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] + box["width"] <= width
    page.context.close()


def test_the_digest_stands_in_its_frame_and_runs_nothing(browser: Browser, pages: Site) -> None:
    page, _ = opened(browser, pages.base + pages.links["digest"])
    assert "Customs seize fentanyl" in page.frame_locator("iframe").locator("body").inner_text()
    assert "allow-scripts" not in (page.locator("iframe").get_attribute("sandbox") or "")
    page.context.close()


def test_a_reader_pauses_then_unsubscribes_with_two_presses(browser: Browser, tmp_path: Path) -> None:
    with site(tmp_path) as own:
        page, _ = opened(browser, own.base + own.links["unsubscribe"])
        page.get_by_role("button", name="Pause all my mail").click()
        assert "Done. All your mail is paused until" in page.inner_text("main")
        assert own.visit.state() is SubscriberState.PAUSED
        page.get_by_role("button", name="Unsubscribe from “morning”").click()
        assert "You are unsubscribed from “morning”" in page.inner_text("[role=status]")
        assert desk(own.visit.w.app.store).subscriptions[0].is_left
        page.reload()
        assert page.get_by_role("button", name="Unsubscribe from “morning”").count() == 0
        page.context.close()
