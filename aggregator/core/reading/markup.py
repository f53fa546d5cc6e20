"""Untrusted markup -> plain text for matching and storing, and -> safe HTML for showing.

Stored HTML is never cleaned in place: `clean_html` runs each time it is shown, so a better rule reaches old entries too.
"""

import re
from html import escape, unescape

import nh3

from aggregator.core.reading.tags import pieces
from aggregator.core.urls import absolute

MAX_TITLE = 1000  # characters
MAX_TEXT = 64 * 1024  # characters
MAX_HTML = 1024 * 1024  # characters, raw
MAX_DEPTH = 200  # open elements; the HTML tree builder is quadratic in them
MAX_ENTITIES = 50_000  # and in character references


def _names(written: str) -> frozenset[str]:
    return frozenset(written.split())


_LINES = _names(
    "address article aside blockquote body br caption center dd details dir div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol option p pre section summary table tbody tfoot thead "
    "title tr ul"
)
_CELLS = frozenset({"td", "th", "img", "input", "button", "label"})
_VOID = _names("area base br col embed hr img input link meta source track wbr")
_SELF_CLOSING = _names("p li dt dd tr td th option thead tbody tfoot")
# Bidirectional controls and zero-width characters; joiners stay where Indic and Arabic scripts or emoji need them.
_INVISIBLE = re.compile(
    r"[\u200b\u2060-\u2064\ufeff\u00ad\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]|(?<![^\x00-\u024f])[\u200c\u200d]"
)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,32};)")

_TAGS = _names(
    "a abbr b blockquote br caption cite code dd del dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins "
    "kbd li mark ol p pre q s samp small span strong sub sup table tbody td tfoot th thead time tr u ul var"
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "q": {"cite"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
    "*": {"dir", "lang"},
}
_URL_ATTRIBUTES = frozenset({"href", "src", "cite"})
_DROPPED_WHOLE = _names("script style svg math template noscript iframe object embed applet head select")


def plain_text(html: str, *, limit: int = MAX_TEXT) -> str:
    """The words of `html`: block elements on lines of their own, entities decoded once, scripts and styles left out.

    Runs of blanks are one space, empty lines are gone, invisible controls are stripped; at most `limit` characters.
    """
    written: list[str] = []
    size = 0
    for tag, text in pieces(html):
        name = tag.removeprefix("/")
        if not tag:
            written.append(_flat(unescape(text)))
            size += len(text)
        elif name in _LINES:
            written.append("\n")
        elif name in _CELLS:
            written.append(" ")
        if size > 2 * limit:
            break
    return tidy_text("".join(written), limit=limit)


def tidy_text(text: str, *, limit: int = MAX_TEXT) -> str:
    """Plain text in the same form: single spaces, no empty lines, no invisible controls, at most `limit` characters."""
    seen = _INVISIBLE.sub("", _ILLEGAL.sub("", text[: 4 * limit]))
    lines = (" ".join(line.split()) for line in re.split(r"[\r\n\u2028\u2029]+", seen))
    return "\n".join(line for line in lines if line)[:limit].rstrip()


def one_line(text: str, *, limit: int = MAX_TITLE) -> str:
    """Plain text on one line."""
    return " ".join(tidy_text(text, limit=limit).split())


def title_text(html: str) -> str:
    """A title given as HTML, as one line of plain text of at most 1,000 characters."""
    return one_line(plain_text(html, limit=MAX_TITLE))


def as_html(text: str) -> str:
    """Plain text as HTML that shows it literally, line by line."""
    return "<br>".join(escape(line) for line in text.splitlines())


def clean_html(html: str, base: str) -> str:
    """`html` as safe HTML for showing: an allow-list of elements and attributes, URLs absolute against `base`.

    No scripts, styles, classes, ids, frames, forms, SVG or MathML; links http, https and mailto only, with `rel` set.
    Markup nested deeper, or with more entities, than any article has is shown as its plain text.
    """
    capped = _BARE_AMPERSAND.sub("&amp;", _ILLEGAL.sub("", html[:MAX_HTML]))
    if capped.count("&") > MAX_ENTITIES or _deeper_than(capped, MAX_DEPTH):
        return as_html(plain_text(capped))

    def safe(_tag: str, attribute: str, value: str) -> str | None:
        if attribute not in _URL_ATTRIBUTES:
            return value
        if attribute == "href" and re.fullmatch(r"mailto:[\w.+-]+@[\w.-]+", value, re.ASCII):
            return value
        return absolute(base, value)

    return nh3.clean(
        capped,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        clean_content_tags=set(_DROPPED_WHOLE),
        attribute_filter=safe,
        url_schemes={"http", "https", "mailto"},
        url_relative="pass_through",
        link_rel="noopener noreferrer nofollow",
    )


def _flat(text: str) -> str:
    """Line breaks in HTML's text are blanks."""
    return text.replace("\n", " ").replace("\r", " ")


def _deeper_than(html: str, limit: int) -> bool:
    depth = 0
    for tag, text in pieces(html):
        name = tag.removeprefix("/")
        if not tag or name in _VOID or name in _SELF_CLOSING or text.endswith("/"):
            continue
        depth = max(0, depth - 1) if tag.startswith("/") else depth + 1
        if depth > limit:
            return True
    return False
