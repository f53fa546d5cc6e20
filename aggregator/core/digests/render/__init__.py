"""What a mail has to say -> its final words, as plain text and as HTML."""

from aggregator.core.digests.render.fitting import HTML_BUDGET, render
from aggregator.core.digests.render.links import Links
from aggregator.core.digests.render.operator import render_operator

__all__ = ["HTML_BUDGET", "Links", "render", "render_operator"]
