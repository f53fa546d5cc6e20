"""WALL: the processes that run core/reading and core/topics under a timeout and a memory cap."""

from aggregator.workers.workers import Workers, reads_articles

__all__ = ["Workers", "reads_articles"]
