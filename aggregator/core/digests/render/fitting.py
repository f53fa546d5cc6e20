"""The content of a digest -> its final words: a subject, a plain text part and an HTML part that mail readers keep whole.

It builds no message and knows no header; it loads nothing but its own templates.
"""

from aggregator.core.digests.render.budget import lighter
from aggregator.core.digests.render.frame import FrameView, frame_of
from aggregator.core.digests.render.htmlpart import html_part, line_size, title_size
from aggregator.core.digests.render.links import Links
from aggregator.core.digests.render.textpart import text_part
from aggregator.core.digests.render.view import Place, place_of
from aggregator.core.digests.times import zone_of
from aggregator.core.model.digests import DigestContent, Rendered

__all__ = ["HTML_BUDGET", "Links", "render"]

HTML_BUDGET = 90 * 1024  # bytes; Gmail cuts a mail off near 102 KB


def render(content: DigestContent, *, links: Links) -> Rendered:
    """Subject (one line, at most 120 characters), text part (at most 76 columns but for addresses), HTML part.

    When the HTML would pass 90 KB, excerpts go first, from the lowest stories up, then items; both parts then tell the
    same, and every topic says how many stories more there are. A story that cannot be told is named as such. Never
    raises for what came from outside.
    """
    zone = zone_of(content.timezone)
    place = place_of(content, zone, links)
    told = content
    frame, html = _laid_out(told, links, place)
    while (excess := len(html.encode()) - HTML_BUDGET) > 0:
        less = lighter(told, excess, lambda story: line_size(story, place), title_size)
        if less == told:
            break
        told = less
        frame, html = _laid_out(told, links, place)
    return Rendered(subject=frame.subject, text=text_part(told, frame, place), html=html)


def _laid_out(content: DigestContent, links: Links, place: Place) -> tuple[FrameView, str]:
    frame = frame_of(content, zone_of(content.timezone), links)
    return frame, html_part(content, frame, place)
