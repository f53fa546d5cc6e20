"""Counts by day -> a chart as SVG: no script, no remote resource, nothing random. The only importer of pygal, which comes with the extra `charts`."""

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.util import find_spec
from typing import Any

from aggregator.core.errors import UsageError

_SIZE = (960, 360)
_LABELS = 12  # along the axis, at most
_COLOURS = ("#2f6f9f", "#b3402a", "#4f8a4a", "#8a6d1f", "#6a5aa5", "#3b8686", "#a0527a", "#7a7a7a")
# Readers of dark pages see light words; bars keep their colours, which are told apart on both.
_DARK = "#chart-trend { background: #16181c } #chart-trend text { fill: #d8dade !important }"
_LINES = "#chart-trend .axis .guides path { stroke: %s !important; stroke-dasharray: none !important }"
_OURS = f"inline:{_LINES % '#d5d8dc'} @media (prefers-color-scheme: dark) {{ {_DARK} {_LINES % '#3a3f47'} }}"


def is_there() -> bool:
    """Whether charts can be drawn here."""
    return find_spec("pygal") is not None


def bars(title: str, days: Sequence[date], series: Mapping[str, Sequence[int]]) -> bytes:
    """Stacked bars, a column a day and a colour a series. Raises UsageError where the extra is not installed."""
    if not is_there():
        raise UsageError("charts need one more package", hint="pip install 'feed-aggregator[charts]'")
    pygal = _library()
    every = -(-len(days) // _LABELS)
    chart = pygal.StackedBar(
        style=_style(),
        width=_SIZE[0],
        height=_SIZE[1],
        js=(),
        css=("file://style.css", "file://graph.css", _OURS),
        title=_clean(title),
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        x_label_rotation=0,
        x_labels_major_every=every,
        show_minor_x_labels=False,
        print_values=False,
        disable_xml_declaration=True,
        max_scale=6,
        truncate_label=-1,
    )
    chart.x_labels = [_told(day) for day in days]
    for name, counts in series.items():
        chart.add(_clean(name), list(counts))
    chart.add_xml_filter(_without_scripts)
    chart.add_xml_filter(lambda root: _spoken(root, _clean(title), _clean(_words(days, series))))
    chart.uuid = "trend"  # the chart's id, which is random otherwise
    drawn: str = chart.render()
    return f"{drawn}\n".encode()


def _library() -> Any:
    """pygal, without its import hook: it looks for maps, which we draw none of, and makes each later failed import warn."""
    import pygal.style  # noqa: PLC0415 - the extra may be left out

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def _style() -> Any:
    words = "#3a3a3a"
    return _library().style.Style(
        background="transparent",
        plot_background="transparent",
        foreground=words,
        foreground_strong=words,
        foreground_subtle="#8a8a8a",
        opacity="1",
        opacity_hover="1",
        transition="0s",
        font_family="system-ui, sans-serif",
        colors=_COLOURS,
    )


def _without_scripts(root: Any) -> Any:
    """The tree without what a chart that is only looked at does not need: scripts, and comments that tell the date."""
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] == "script":
                parent.remove(child)
    return root


def _spoken(root: Any, title: str, words: str) -> Any:
    """The tree as one picture with a name and a description, for those who do not see it."""
    for tag in ("title", "desc"):
        for child in [child for child in root if child.tag.rpartition("}")[2] == tag]:
            root.remove(child)
    named = {"title": title, "desc": words}
    for at, (tag, said) in enumerate(named.items()):
        child = root.makeelement(tag, {"id": f"trend-{tag}"})
        child.text = said
        root.insert(at, child)
    root.set("role", "img")
    root.set("aria-labelledby", "trend-title")
    root.set("aria-describedby", "trend-desc")
    return root


def _words(days: Sequence[date], series: Mapping[str, Sequence[int]]) -> str:
    """What the bars show, in a sentence."""
    sums = [sum(counts) for counts in zip(*series.values(), strict=True)]
    if not sums or not any(sums):
        return "Nothing on any day."
    most = max(range(len(sums)), key=lambda at: (sums[at], -at))
    span = f"{_told(days[0])} {days[0].year} to {_told(days[-1])} {days[-1].year}"
    return f"{span}: {sum(sums):,} in all, most on {_told(days[most])} {days[most].year}: {sums[most]:,}."


def _told(day: date) -> str:
    return f"{day.day} {day:%b}"


def _clean(text: str) -> str:
    """Text that XML can hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
