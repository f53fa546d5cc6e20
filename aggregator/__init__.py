"""Follows feeds, flags what matches the topics people watch, and mails a digest they can trust."""

__version__ = "0.1.0"
