"""The words of a digest -> its HTML part, through the templates beside this file, every value escaped by them.

Reading those templates, once, is the only file read of this room. Nothing in the result is loaded from anywhere.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment

from aggregator.core.digests.display import line
from aggregator.core.digests.render.budget import LineSize
from aggregator.core.digests.render.corrected import correction_view
from aggregator.core.digests.render.frame import FrameView
from aggregator.core.digests.render.health import source_notes, source_report
from aggregator.core.digests.render.palette import INLINE, dark_rules
from aggregator.core.digests.render.spikes import spike_view
from aggregator.core.digests.render.textpart import UNSHOWN
from aggregator.core.digests.render.trendbar import bar_views, bars_title
from aggregator.core.digests.render.view import (
    Place,
    alerted_lines,
    flood_words,
    number_words,
    story_view,
)
from aggregator.core.digests.templates import templates
from aggregator.core.model.digests import DigestContent, DigestKind, Section, StoryLine

# Mail readers show about this much of a body after the subject; what the preheader leaves free is filled with nothing.
_LIST_WIDTH = 150


def html_part(content: DigestContent, frame: FrameView, place: Place) -> str:
    """The whole HTML document. A story that cannot be told becomes a line that says so."""
    alerted, alerted_more = alerted_lines(content)
    page = _templates().get_template("digest.html.j2")
    return page.render(
        frame=frame,
        dark=dark_rules(),
        padding="\u200c\u00a0" * max(_LIST_WIDTH - len(frame.preheader), 0),
        sections=[_section(section, place) for section in content.sections if section.stories or section.brief],
        alerted=[story_html(story, place, "alerted") for story in alerted],
        alerted_more=alerted_more,
        corrections=[correction_view(one, place) for one in content.corrections],
        corrections_more=content.corrections_more,
        spikes=[spike_view(one, content) for one in content.spikes],
        sources=None if content.kind is DigestKind.ALERT else source_report(content),
        source_notes=source_notes(content, place),
        bars_title=bars_title(content),
        bars=bar_views(content),
    )


def operator_page(frame: object, groups: Sequence[object]) -> str:
    """The HTML document of an operator's mail, from its words (`render.operator`)."""
    return (
        _templates().get_template("operator.html.j2").render(frame=frame, groups=groups, dark=dark_rules(), padding="")
    )


def line_size(story: StoryLine, place: Place) -> LineSize:
    """Bytes of the story's HTML in each of its forms."""
    full, lean, brief = (len(story_html(story, place, form).encode()) for form in ("full", "lean", "brief"))
    return LineSize(full=full, lean=lean, brief=brief)


def title_size(section: Section) -> int:
    """Bytes of a section's title."""
    forms: Any = _templates().get_template("story.html.j2").module
    told: str = forms.title(*_title(section))
    return len(told.encode())


def story_html(story: StoryLine, place: Place, form: str) -> str:
    """One story's HTML, safe to stand in the page as it is. `form` is full, lean, brief or alerted."""
    forms: Any = _templates().get_template("story.html.j2").module
    try:
        told: str = getattr(forms, form)(story_view(story, place))
    except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
        told = forms.unshown(UNSHOWN.format(match=story.lead.match_id), form)
    return told


def _section(section: Section, place: Place) -> dict[str, Any]:
    return {
        "title": _title(section),
        "stories": [story_html(story, place, "full") for story in section.stories],
        "brief": [story_html(story, place, "brief") for story in section.brief],
        "flood": flood_words(section.flood) if section.flood else "",
        "more": number_words(section.more, "more story", "more stories") if section.more else "",
    }


def _title(section: Section) -> tuple[str, str]:
    count = len(section.stories) + len(section.brief) + section.more
    return line(section.topic_name, 60), number_words(count, "story", "stories")


@cache
def _templates() -> Environment:
    environment = templates("aggregator.core.digests.render")
    environment.globals["css"] = INLINE
    return environment
