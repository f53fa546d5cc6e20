"""The colours of a digest by their role, in light and in dark, and the inline styles made of them.

Styles are written into each tag by hand: no style sheet is ever loaded, and a mail without its <style> still reads.
"""

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "page": "#eceeea",
    "card": "#fcfcfa",
    "text": "#20262b",
    "muted": "#565e66",
    "link": "#0b559f",
    "mark": "#fbeab0",
    "on_mark": "#2a2310",
    "hit": "#c9a227",
    "high": "#9a1f14",
    "rule": "#d5d9d2",
    "accent": "#1d5c63",
    "note": "#eaf1f0",
}
DARK: Mapping[str, str] = {
    "page": "#14181a",
    "card": "#1c2124",
    "text": "#e3e6e2",
    "muted": "#a9b1b5",
    "link": "#8fbdf2",
    "mark": "#4f4216",
    "on_mark": "#f8ebbd",
    "hit": "#c9a227",
    "high": "#f4a397",
    "rule": "#3a4247",
    "accent": "#7fc4c8",
    "note": "#232d2f",
}
# What is read on what; each pair keeps a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
READ_ON: tuple[tuple[str, str], ...] = (
    ("text", "card"),
    ("muted", "card"),
    ("link", "card"),
    ("high", "card"),
    ("accent", "card"),
    ("on_mark", "mark"),
    ("text", "note"),
    ("muted", "page"),
)

_SANS = "-apple-system,BlinkMacSystemFont,Segoe UI,Roboto,Helvetica,Arial,sans-serif"
_SERIF = "Georgia,Cambria,Times New Roman,serif"
_SMALL = f"font-size:14px;line-height:1.5;color:{LIGHT['muted']}"

INLINE: Mapping[str, str] = {
    "page": f"margin:0;padding:0;background-color:{LIGHT['page']}",
    "card": f"padding:20px 16px;background-color:{LIGHT['card']};color:{LIGHT['text']};"
    f"font:16px/1.5 {_SANS};overflow-wrap:anywhere;word-break:break-word",
    "column": "max-width:600px;margin:0 auto",
    "hidden": "display:none;max-height:0;overflow:hidden;mso-hide:all",
    "top": f"margin:0 0 16px;{_SMALL}",
    "h1": f"margin:0 0 4px;font:bold 28px/1.2 {_SERIF};color:{LIGHT['text']}",
    "h2": f"margin:36px 0 0;padding:10px 0 0;border-top:3px solid {LIGHT['accent']};"
    f"font:bold 21px/1.3 {_SERIF};color:{LIGHT['accent']}",
    "h3": "margin:24px 0 2px;font-size:18px;line-height:1.35;font-weight:600",
    "h4": f"margin:16px 0 4px;font-size:15px;line-height:1.4;font-weight:600;color:{LIGHT['text']}",
    "rest": "margin:8px 0 0",
    "count": f"font:14px/1.5 {_SANS};color:{LIGHT['muted']};white-space:nowrap",
    "fine": f"font-size:14px;color:{LIGHT['muted']}",
    "small": f"margin:0 0 4px;{_SMALL}",
    "after": f"margin:8px 0 0;{_SMALL}",
    "quote": f"margin:8px 0;padding:0 12px;border-inline-start:3px solid {LIGHT['rule']}",
    "note": f"margin:16px 0 0;padding:10px 12px;background-color:{LIGHT['note']};color:{LIGHT['text']}",
    "link": f"color:{LIGHT['link']};text-decoration:underline",
    "title": f"color:{LIGHT['link']};text-decoration:none",
    "mark": f"background-color:{LIGHT['mark']};color:{LIGHT['on_mark']}",
    "hit": f"border-bottom:2px solid {LIGHT['hit']}",
    "high": f"color:{LIGHT['high']}",
    "ink": f"color:{LIGHT['accent']}",
    "gone": f"color:{LIGHT['high']};text-decoration:line-through",
    "come": f"color:{LIGHT['accent']};text-decoration:underline",
    "list": "margin:8px 0 0;padding:0 0 0 20px",
    "item": "margin:0 0 8px",
    "foot": f"margin:36px 0 6px;padding:10px 0 0;border-top:1px solid {LIGHT['rule']};"
    f"font:bold 17px/1.3 {_SERIF};color:{LIGHT['text']}",
}


def dark_rules() -> str:
    """The style rules that recolour a digest where the reader's screen is dark. Classes are the roles' names."""
    ink = "".join(f".{role}{{color:{DARK[role]}!important}}" for role in ("text", "muted", "link", "high", "accent"))
    ground = "".join(f".{role}{{background-color:{DARK[role]}!important}}" for role in ("page", "card", "note"))
    mark = f".mark{{background-color:{DARK['mark']}!important;color:{DARK['on_mark']}!important}}"
    lines = f".rule{{border-color:{DARK['rule']}!important}}.accent{{border-color:{DARK['accent']}!important}}"
    return f"{ink}{ground}{mark}{lines}"
