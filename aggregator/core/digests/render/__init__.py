"""The content of a digest -> its final words, as plain text and as HTML."""

from aggregator.core.digests.render.fitting import HTML_BUDGET, Links, render

__all__ = ["HTML_BUDGET", "Links", "render"]
