"""STATION 1: from due hosts to stored entries. The refresher takes turns, a visit asks one feed, settling writes."""

from aggregator.refresh.refresher import Refresher
from aggregator.refresh.visit import Visitor

__all__ = ["Refresher", "Visitor"]
