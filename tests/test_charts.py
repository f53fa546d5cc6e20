"""Charts as SVG: they show what they are given, run nothing and load nothing."""

import re
import sys
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import charts

DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(30)]


def test_a_chart_names_its_days_and_series() -> None:
    drawn = charts.bars("narcotics: stories a day", DAYS, {"stories": [1] * 29 + [0], "spike": [0] * 29 + [9]}).decode()
    words = [node.text for node in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert {"stories", "spike", "1 Jan", "narcotics: stories a day"} <= set(words)


def test_a_chart_is_told_to_those_who_do_not_see_it() -> None:
    root = ET.fromstring(charts.bars("narcotics: stories a day", DAYS, {"a": [1] * 30, "b": [0] * 29 + [9]}))
    assert root.get("role") == "img"
    spoken = {node.get("id"): node.text for node in root if node.get("id")}
    assert spoken[root.get("aria-labelledby")] == "narcotics: stories a day"
    assert spoken[root.get("aria-describedby")] == "1 Jan 2026 to 30 Jan 2026: 39 in all, most on 30 Jan 2026: 10."


def test_the_same_numbers_make_the_same_chart() -> None:
    once, again = (charts.bars("topic", DAYS, {"stories": [2] * 30}) for _ in range(2))
    assert once == again


@settings(max_examples=15, deadline=None)
@given(title=st.text(max_size=40), name=st.text(max_size=20))
def test_whatever_a_name_holds_the_chart_runs_and_loads_nothing(title: str, name: str) -> None:
    drawn = charts.bars(title, DAYS, {name: [3] * 30, "more": [1] * 30}).decode()
    root = ET.fromstring(drawn)
    assert not [node for node in root.iter() if node.tag.endswith(("script", "foreignObject", "image", "a"))]
    assert not [name for node in root.iter() for name in node.attrib if name.startswith("on") or "href" in name]
    assert not re.search(r"@import|url\(", drawn)


def test_drawing_a_chart_leaves_no_import_hook_behind() -> None:
    charts.bars("topic", DAYS, {"stories": [1] * 30})
    assert [finder for finder in sys.meta_path if type(finder).__module__.startswith("pygal")] == []
