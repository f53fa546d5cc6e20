"""A point in time as a person types it -> the instant; the same words are understood wherever one is asked for."""

from datetime import datetime

from aggregator.cli.options import Context
from aggregator.core.errors import UsageError


def instant_of(here: Context, option: str, text: str) -> datetime:
    """So long ago (`7d`), the beginning of a UTC day, or an instant with its zone. Raises UsageError naming `option`."""
    from aggregator.app import make_clock
    from aggregator.feedlist.units import duration
    from aggregator.settings.values import instant

    try:
        return make_clock(here.settings(), runs_on=False)() - duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return instant(f"{text}T00:00Z" if is_day(text) else text)
    except ValueError as error:
        hint = "a time ago such as 48h or 7d, or a UTC day such as 2026-01-20, will do too"
        raise UsageError(f"{option} {text}: {error}", hint=hint) from None


def is_day(text: str) -> bool:
    """Whether it can only be meant as a day."""
    return len(text) == len("2026-01-20")
