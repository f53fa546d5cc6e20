"""How the log is written: one line an event on stderr, for people or as JSON, with secrets left out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_TRACEBACKS = structlog.dev.RichTracebackFormatter(show_locals=False)  # variables hold addresses, mails and keys
_HIDDEN = frozenset({"password", "secret", "token", "authorization", "headers"})


def configure(*, style: str, level: str) -> None:
    """Set up logging for this process: `style` is human or json, `level` a name of the standard library's."""
    shown = logging.getLevelNamesMapping()[level.upper()]
    final: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_TRACEBACKS)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if style == "json" else _keep,
            without_secrets,
            final,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(shown),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(shown, logging.WARNING), format="%(levelname)s %(name)s: %(message)s")


def _keep(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with credentials in URLs and values under telling names blanked out."""
    for key, value in event.items():
        if key.lower() in _HIDDEN:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _CREDENTIALS.sub("***@", value)
    return event
