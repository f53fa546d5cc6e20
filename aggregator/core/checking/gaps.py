"""Tells from two documents of one feed whether entries may have come and gone between them, and how many.

It looks for no older pages itself: `pages` says where they are.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from math import ceil

from aggregator.core.checking.recognise import Recognised, recognise
from aggregator.core.model.feeds import Fetched
from aggregator.core.model.plans import Check, FeedEvent, Keyed, Known

GAP_ROUNDS = 5  # checks at half the interval after a gap
_IM_USED = 226  # RFC 3229: only what changed, which proves nothing about the rest
_MOST_TOLD = 1000
_TOLD = re.compile(r"up to about (\d+) items? may be missing")


def may_be_gap(check: Check, keyed: Keyed) -> bool:
    """Whether a whole document shares no key with the last one: what `is_gap` then asks the store's knowledge about.

    Only a 200 with entries can show a gap, and only after the first import.
    """
    if not isinstance(check.fetched, Fetched) or check.fetched.answer.status == _IM_USED or not keyed.keys:
        return False
    return check.state.baseline_at is not None and not keyed.keys & set(check.state.spans.values())


def is_gap(check: Check, keyed: Keyed, known: Known, recognised: Collection[str]) -> bool:
    """Whether a whole document shares nothing with what was known before it.

    `recognised` are the keys of its entries that the store knows, under whatever name. A feed of which nothing was
    known has no gap.
    """
    if not may_be_gap(check, keyed) or not (any(check.state.spans.values()) or known.times):
        return False
    return not recognised


def reaches_back(check: Check, keyed: Keyed, known: Known) -> bool:
    """Whether the older pages of `check.backfill` hold an entry that the store knows."""
    return any(one.stored for one in recognise(check, keyed, known).entries if one.keyed.older)


def gap_events(check: Check, entries: Sequence[Recognised], known: Known) -> tuple[FeedEvent, ...]:
    """What people should hear of a gap: what came, what older pages added, and what may still be missing."""
    new = [one for one in entries if not one.stored]
    older = sum(one.keyed.older for one in new)
    told = f"none of its {len(new) - older} entries was known"
    backfill = check.backfill
    if backfill and backfill.pages:
        pages = "1 older page" if backfill.pages == 1 else f"{backfill.pages} older pages"
        told = f"{told}; {pages} brought {older} more"
        if backfill.closed:
            detail = f"{told} and led back to what was known: nothing is missing"
            return FeedEvent(kind="gap", detail=detail), FeedEvent(kind="filled", detail=detail)
    return (FeedEvent(kind="gap", detail=f"{told}: {_missing(new, known)}"),)


def missing_in(detail: str) -> int:
    """How many entries a gap's own words say may be missing, 0 where they cannot tell."""
    found = _TOLD.search(detail)
    return int(found[1]) if found else 0


def _missing(new: Sequence[Recognised], known: Known) -> str:
    """How many entries may be missing and between when, by the pace of those that came; less where dates are silent."""
    came = sorted(at for one in new if (at := one.keyed.read.entry.published))
    last = max(known.times, default=None)
    if last is None or len(came) < 2 or came[0] <= last or came[-1] == came[0]:
        return "others may have come and gone since the last check"
    pace = (came[-1] - came[0]) / (len(came) - 1)
    count = min(ceil((came[0] - last) / pace), _MOST_TOLD)
    items = "1 item" if count == 1 else f"{count} items"
    return f"up to about {items} may be missing between {_instant(last)} and {_instant(came[0])} UTC"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
