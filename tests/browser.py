"""The system's Chromium, driven without a network: where it is not installed a test skips, and with `CI` set it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.patience import PATIENCE
from tests.programs import need

QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-sandbox",
)


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser."""
    path = need("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET), timeout=PATIENCE * 1000)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, page: Path, *, width: int, dark: bool = False) -> tuple[Page, list[str]]:
    """A file's page at a width, and every address beyond the file itself that it asked for."""
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    view.set_default_timeout(PATIENCE * 1000)
    beyond: list[str] = []
    view.on("request", lambda request: beyond.append(request.url) if request.url != page.as_uri() else None)
    view.goto(page.as_uri())
    return view, beyond
