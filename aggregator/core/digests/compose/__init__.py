"""What a digest says, before it is given a form: stories, their order, quotations, counts."""

from aggregator.core.digests.compose.content import Limits, compose

__all__ = ["Limits", "compose"]
