"""A schedule in a few words, for lists and for the reader's own page."""

from itertools import pairwise

from aggregator.core.model.subscriptions import WEEKDAYS, Schedule

_NAMED = {frozenset(range(7)): "daily", frozenset(range(5)): "weekdays", frozenset({5, 6}): "weekends"}
_MANY = 4  # times that are told one by one


def when_words(schedule: Schedule) -> str:
    """`07:30 weekdays`, `hourly`, `hourly 08:00-18:00 daily`, `at once, quiet 22:00-06:00`."""
    if schedule.immediate:
        return "at once" + (f", quiet {schedule.quiet}" if schedule.quiet else "")
    days = _NAMED.get(schedule.days) or " ".join(WEEKDAYS[day][:3] for day in sorted(schedule.days))
    times = times_words(schedule)
    return times if (times, days) == ("hourly", "daily") else f"{times} {days}"


def times_words(schedule: Schedule, between: str = " ") -> str:
    """The times of a day, `between` them what is given; many that are an hour apart as `hourly 08:00-18:00`."""
    minutes = [time.hour * 60 + time.minute for time in schedule.at]
    hourly = len(minutes) > _MANY and all(later - early == 60 for early, later in pairwise(minutes))
    if not hourly:
        return between.join(f"{time:%H:%M}" for time in schedule.at)
    return "hourly" if len(minutes) == 24 else f"hourly {schedule.at[0]:%H:%M}-{schedule.at[-1]:%H:%M}"
