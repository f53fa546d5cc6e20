"""One page as a topic sees it: its own words without the frame around them."""

from aggregator.core.model.entries import Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading.webpage import read_webpage

PAGE = """<!doctype html><html><head><title>Haul at the port | The Wire</title>
<meta property="og:title" content="Haul &amp; arrests at the port"></head>
<body><nav><a href="/">Drugs desk</a></nav>
<article><h1>Haul &amp; arrests at the port</h1><p>Customs <b>seized</b> cocaine.</p><aside>Most read: heroin</aside></article>
<footer>Contact</footer></body></html>"""


def test_an_article_is_read_without_what_surrounds_it() -> None:
    assert read_webpage(PAGE.encode(), "text/html") == ("Haul & arrests at the port", "Customs seized cocaine.")


def test_a_page_without_an_article_is_read_without_its_frame() -> None:
    page = PAGE.replace("article>", "div>").replace('<meta property="og:title"', "<meta")
    title, text = read_webpage(page.encode(), "text/html")  # type: ignore[misc]  # it can be read
    assert title == "Haul at the port | The Wire"
    assert text == "Haul & arrests at the port\nCustoms seized cocaine."


def test_a_page_is_read_in_the_charset_it_names() -> None:
    page = '<html><head><meta charset="iso-8859-1"><title>Perú</title></head><body>Señales</body></html>'
    assert read_webpage(page.encode("latin-1")) == ("Perú", "Señales")


def test_a_frame_that_is_never_closed_swallows_nothing() -> None:
    assert read_webpage(b"<html><title>T</title><body><nav>Home<p>The news.</body></html>") == ("T", "Home\nThe news.")


def test_a_wall_and_an_empty_page_are_no_articles() -> None:
    wall = read_webpage(b"<html><title>Just a moment...</title></html>")
    empty = read_webpage(b"<html><body><script>1</script></body></html>")
    assert isinstance(wall, Unreadable)
    assert isinstance(empty, Unreadable)
    assert (wall.kind, empty.kind) == (FailureKind.BOT_WALL, FailureKind.EMPTY)
