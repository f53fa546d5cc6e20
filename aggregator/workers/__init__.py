"""WALL: the processes that run core/reading and core/topics under a timeout and a memory cap."""

from aggregator.workers.workers import Workers

__all__ = ["Workers"]
