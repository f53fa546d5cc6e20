"""Corrections -> their words, cleaned and bounded, the same for plain text and for HTML. It lays nothing out."""

from dataclasses import dataclass

from aggregator.core.digests.display import ELLIPSIS, clean, cut, line
from aggregator.core.digests.render.view import Place, language_of, safe_link
from aggregator.core.digests.times import short_words
from aggregator.core.model.digests import Change, CorrectionLine, Side

_NAME, _TITLE, _TEXT = 60, 400, 700

Runs = tuple[tuple[str, Side], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """One correction. `what` says what happened and when, `told` when its reader had the first version."""

    title: Runs
    href: str | None
    language: str | None
    source: str
    what: str
    told: str
    text: Runs
    more: bool


def correction_view(one: CorrectionLine, place: Place) -> CorrectionView:
    """The words of one correction."""
    due = one.due
    at = short_words(due.at, place.zone, place.now)
    withdrawn = due.change is Change.WITHDRAWN
    return CorrectionView(
        title=_bounded(one.title, _TITLE) or (("(untitled)", Side.BOTH),),
        href=None if withdrawn else safe_link(due.link),
        language=language_of(due.language),
        source=line(due.feed_name, _NAME) or line(due.feed_id, _NAME),
        what=f"Withdrawn by the publisher {at}" if withdrawn else f"Changed {at}",
        told=f"mailed to you {short_words(due.told_at, place.zone, place.now)}",
        text=_bounded(one.text, _TEXT),
        more=one.more,
    )


def _bounded(runs: Runs, limit: int) -> Runs:
    """The runs cleaned, at most `limit` characters in all, every space outside what is marked, none of them empty."""
    told: list[tuple[str, Side]] = []
    left = limit
    for text, side in runs:
        shown = cut(clean(text), left) if left > 0 else ""
        left -= len(shown)
        word = shown.strip()
        if not word:
            continue
        if told and (shown[:1].isspace() or told[-1][0][-1:].isspace()):
            told.append((" ", Side.BOTH))
        told.append((word, side))
    if left <= 0 and told and not told[-1][0].endswith(ELLIPSIS):
        told.append((f" {ELLIPSIS}", Side.BOTH))
    return tuple(told)
