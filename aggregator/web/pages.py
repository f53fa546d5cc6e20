"""Words -> whole HTML pages, through the templates beside this file, every value escaped by them.

A page loads nothing: its few styles stand in it, allowed by their hash, and there is no script.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from fastapi.responses import HTMLResponse
from markupsafe import Markup

from aggregator.core.digests.render.palette import DARK, LIGHT
from aggregator.core.digests.templates import templates

_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:17px/1.5 -apple-system,BlinkMacSystemFont,Segoe UI,Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:620px;margin:0 auto;padding:28px 20px 40px;background:var(--card);min-height:100vh}
main.wide{max-width:760px}
h1{font:bold 27px/1.25 Georgia,Cambria,Times New Roman,serif;margin:0 0 8px}
h2{font-size:18px;margin:34px 0 4px;padding-top:14px;border-top:2px solid var(--accent)}
p{margin:8px 0 12px}
.small{color:var(--muted);font-size:15px}
.done{background:var(--note);border-left:4px solid var(--accent);padding:12px 16px;margin:0 0 22px}
form{margin:12px 0}
ul{list-style:none;margin:8px 0;padding:0}
li{border-bottom:1px solid var(--rule);padding:2px 0}
li form{display:flex;gap:14px;align-items:center;justify-content:space-between;margin:6px 0}
button{font:inherit;line-height:1.3;min-height:46px;padding:10px 18px;border-radius:7px;cursor:pointer;
border:1px solid var(--accent);background:transparent;color:var(--accent);text-align:left}
button.main{background:var(--accent);color:var(--card);font-weight:bold}
li button{flex:none;padding:8px 14px}
button:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--link);outline-offset:2px}
a{color:var(--link)}
.two{display:flex;gap:12px;flex-wrap:wrap}
iframe{display:block;width:100%;height:78vh;border:1px solid var(--rule);background:var(--page);margin:14px 0}
pre{white-space:pre-wrap;font:14px/1.5 ui-monospace,Menlo,Consolas,monospace}
@media (min-width:900px){main{margin:40px auto;min-height:0;padding:40px 48px 48px;border-radius:10px}}
"""


def _variables(colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


STYLE = (
    f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}{_RULES}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A digest brings its own styles in its tags. It stands in a frame in which nothing runs and nothing is loaded.
DIGEST_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def page(name: str, *, status: int = 200, policy: str | None = None, **words: Any) -> HTMLResponse:
    """A template's page. `policy` replaces the content security policy that every answer gets."""
    # The only text that is not escaped: our own constant, whose hash the policy allows.
    style = Markup(STYLE)  # noqa: S704 - as above
    text = templates("aggregator.web").get_template(f"{name}.html.j2").render(style=style, **words)
    return HTMLResponse(text, status_code=status, headers={"content-security-policy": policy} if policy else None)


def not_here() -> HTMLResponse:
    """The answer to a link that is wrong, damaged, of another installation, or over: the same for all of them."""
    return page("message", status=404, title="This link does not work", lines=NOT_HERE)


NOT_HERE = (
    "It may have been cut off by a mail program, changed on the way, or be too old.",
    "Please open it from the mail itself, or copy all of it.",
    "If that does not help, reply to the mail: somebody reads it and can unsubscribe you.",
)
