"""Tells from two documents of one feed whether entries may have come and gone between them."""

from collections.abc import Collection

from aggregator.core.model.feeds import Fetched
from aggregator.core.model.plans import Check, Keyed, Known

GAP_ROUNDS = 5  # checks at half the interval after a gap
_IM_USED = 226  # RFC 3229: only what changed, which proves nothing about the rest


def is_gap(check: Check, keyed: Keyed, known: Known, recognised: Collection[str]) -> bool:
    """Whether a whole document shares nothing with what was known before it.

    `recognised` are the keys of entries that the store knows, under whatever name. Only a 200 with entries can show a
    gap, and only where an earlier check saw entries.
    """
    if not isinstance(check.fetched, Fetched) or check.fetched.answer.status == _IM_USED or not keyed.keys:
        return False
    before = {key for key in check.state.spans.values() if key}
    if check.state.baseline_at is None or not (before or known.times):
        return False
    return not recognised and not (keyed.keys & before)
