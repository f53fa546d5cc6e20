"""Entries that are no longer what their reader was told -> what a digest says of them, with the difference shown.

It decides nothing about what is worth telling; each one given is told.
"""

from collections.abc import Sequence

from aggregator.core.digests.compose.differences import Runs, difference
from aggregator.core.digests.display import clean, line
from aggregator.core.model.digests import Change, CorrectionLine, DueCorrection, Side

_TITLE = 200
_TITLE_WORDS = 60


def corrected(found: Sequence[DueCorrection]) -> tuple[CorrectionLine, ...]:
    """What is said of each, the latest change first."""
    return tuple(_line(due) for due in sorted(found, key=lambda due: (due.at, due.entry_id), reverse=True))


def _line(due: DueCorrection) -> CorrectionLine:
    if due.change is Change.WITHDRAWN:
        return CorrectionLine(due=due, title=_plain(due.title or due.text))
    try:
        title = difference(due.title, due.title_now, words=_TITLE_WORDS, context=_TITLE_WORDS)
        text = difference(due.text, due.text_now)
    except Exception:  # noqa: BLE001 - one poisoned item must not cost the whole digest
        return CorrectionLine(due=due, title=_plain(due.title_now), more=True)
    return CorrectionLine(due=due, title=title.runs or _plain(due.title_now), text=text.runs, more=text.more)


def _plain(title: str) -> Runs:
    shown = line(clean(title), _TITLE)
    return ((shown, Side.BOTH),) if shown else ()
