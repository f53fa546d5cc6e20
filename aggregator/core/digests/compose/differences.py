"""Two versions of a text -> the words that went and the words that came, in runs that a reader can follow.

The work is bounded whatever the texts are: equal ends are taken off first, and only so many words are compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from aggregator.core.digests.display import boundary, clean
from aggregator.core.model.digests import Side
from aggregator.core.text import has_unspaced

READ = 100_000  # characters of each version; nobody is told of a comma beyond
COMPARED = 240  # words of each version, from the first difference on
_JOINED = 3  # equal words between two differences, up to which both are told as one
_LONGEST = 24  # characters of what counts as one word
_GAP = " \u2026"

Runs = tuple[tuple[str, Side], ...]
_Pieces = list[tuple[list[str], Side]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Words of both versions in reading order, an ellipsis where equal ones are left out. No runs: nothing differs.

    Joined, the runs read as written: each begins with a space where its first word does. `more` says that there are
    differences beyond the ones told.
    """

    runs: Runs = ()
    more: bool = False


def difference(before: str, after: str, *, words: int = 60, context: int = 6) -> Difference:
    """What makes `after` another text than `before`, in about `words` words, with `context` equal ones around each.

    Only words count: white space and invisible characters are no difference. In scripts without spaces, letters stand
    for words. Never raises for what a text holds.
    """
    old, new = _words(before), _words(after)
    start, end = _equal_ends(old, new)
    if len(old) == len(new) == start:
        return Difference()
    left, right = old[start : len(old) - end], new[start : len(new) - end]
    beyond = max(len(left), len(right)) > COMPARED
    told, more = _within(_pieces(left[:COMPARED], right[:COMPARED]), words, context)
    if start:
        lead = new[max(start - context, 0) : start]
        told.insert(0, ([_GAP, *lead] if start > context else lead, Side.BOTH))
    rest = [] if more or beyond else new[len(new) - end :]
    told.append((rest[:context] + ([_GAP] if more or beyond or len(rest) > context else []), Side.BOTH))
    return Difference(runs=_runs(told), more=more or beyond)


def _words(text: str) -> list[str]:
    """The words of a text, each with a space before it but those that are pieces of one."""
    found: list[str] = []
    for word in clean(text[:READ]).split():
        pieces = list(_cut(word)) if len(word) > _LONGEST or has_unspaced(word) else [word]
        found += [f" {pieces[0]}", *pieces[1:]]
    return found


def _cut(word: str) -> Iterator[str]:
    """One letter at a time where no spaces are written, else as long as a word may be; never inside a letter."""
    longest = 1 if has_unspaced(word) else _LONGEST
    start = 0
    for at in range(1, len(word) + 1):
        if at - start >= longest and boundary(word, at):
            yield word[start:at]
            start = at
    if start < len(word):
        yield word[start:]


def _equal_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many words both begin with, and how many of the rest both end with."""
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] != new[at]), least)
    end = next((at for at in range(least - start) if old[-1 - at] != new[-1 - at]), least - start)
    return start, end


def _pieces(old: Sequence[str], new: Sequence[str]) -> _Pieces:
    """Equal, removed and added stretches in order; a few equal words between two differences belong to both."""
    told: list[tuple[list[str], list[str], bool]] = []
    for tag, *places in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = old[places[0] : places[1]], new[places[2] : places[3]]
        equal = tag == "equal" and (len(gone) > _JOINED or not told)
        if not told or equal or told[-1][2]:
            told.append(([*gone], [*come], equal))
        else:
            told[-1][0].extend(gone)
            told[-1][1].extend(come)
    pieces: _Pieces = []
    for gone, come, equal in told:
        pieces += [(come, Side.BOTH)] if equal else [(gone, Side.BEFORE), (come, Side.AFTER)]
    return [piece for piece in pieces if piece[0]]


def _within(pieces: _Pieces, words: int, context: int) -> tuple[_Pieces, bool]:
    """The first pieces that fit, long equal stretches without their middle, and whether differences were left out."""
    told: _Pieces = []
    left = words
    for at, (found, side) in enumerate(pieces):
        if left <= 0:
            return told, any(later is not Side.BOTH for _, later in pieces[at:])
        shown = found
        if side is Side.BOTH and len(found) > 2 * context:
            shown = [*found[:context], _GAP, *found[len(found) - context :]]
        # What goes and what comes share the room, so that a long old version never hides the new one.
        room = max(left // 2, 1) if side is Side.BEFORE else left
        shown = shown if len(shown) <= room else [*shown[:room], _GAP]
        told.append((shown, side))
        left -= len(shown)
    return told, False


def _runs(pieces: _Pieces) -> Runs:
    """The pieces as text, neighbours of one side joined, no ellipsis twice in a row, none of them empty."""
    runs: list[tuple[str, Side]] = []
    for found, side in pieces:
        again = runs and runs[-1][0].endswith(_GAP) and found[:1] == [_GAP]
        text = "".join(found[1:] if again else found)
        text = text if runs else text.lstrip()
        if text and runs and runs[-1][1] is side:
            runs[-1] = (runs[-1][0] + text, side)
        elif text:
            runs.append((text, side))
    return tuple(runs)
