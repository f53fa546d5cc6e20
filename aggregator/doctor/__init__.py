"""An installation -> what is wrong with it: each examination looks, says what it found, and mends nothing.

It makes no database, no secret and no mail; what it needs of the outside is asked for within seconds.
"""

from aggregator.doctor.domain import LookupFailedError, ask_dns, sender
from aggregator.doctor.files import feed_list, topics, version_control, zones
from aggregator.doctor.finding import Finding, Level, ok, problem, warning
from aggregator.doctor.leaving import base_url, mail, notifications, redirected
from aggregator.doctor.machine import data_folder, libraries, secret_file
from aggregator.doctor.returning import returns
from aggregator.doctor.stored import database

__all__ = [
    "Finding",
    "Level",
    "LookupFailedError",
    "ask_dns",
    "base_url",
    "data_folder",
    "database",
    "feed_list",
    "libraries",
    "mail",
    "notifications",
    "ok",
    "problem",
    "redirected",
    "returns",
    "secret_file",
    "sender",
    "topics",
    "version_control",
    "warning",
    "zones",
]
