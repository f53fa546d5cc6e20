"""A text and the places where a topic fired -> the sentences that fired, in runs of marked and plain words.

Offsets are code points of the stored text and stay exact until the runs are cut; nothing here guesses at a match again.
"""

from collections.abc import Iterable, Sequence

from aggregator.core.digests.display import ELLIPSIS, boundary, clean
from aggregator.core.model.digests import Excerpt
from aggregator.core.text import sentences

_LETTER = 64  # code points; what is longer is no letter, whatever hangs on it
_SCAN = 200_000  # characters of a text that are searched for sentences; hits beyond stand in a window of their own

_LEFT_OUT = f" {ELLIPSIS} "

Range = tuple[int, int]


def excerpt(text: str, spans: Iterable[Range], limit: int = 280) -> Excerpt:
    """The part of `text` worth quoting: the sentence with most hits, its neighbours while they fit in `limit`.

    `spans` are `[start, end)` in code points; those outside the text are left out, overlapping ones become one, and a
    mark never splits a letter from its accents or an emoji from its parts. Without hits it is the beginning of the
    text. A sentence longer than `limit` is cut around its hits, between words. The runs hold at most `limit` characters,
    white space folded, no run empty; `cut_before` and `cut_after` say that text was left out. Never raises.
    """
    marks = _marks(text, spans)
    return _quote(text, marks, _window(text, marks, limit))


def new_words(text: str, things: Sequence[Sequence[Range]], limit: int = 280) -> Excerpt:
    """The sentences of `text` that hold the new `things`, marked, then their neighbours while they fit in `limit`.

    `things` are what is new, each with every place where it stands; the sentence with most of them is quoted in any
    case, further ones while they fit, in the order of the text. An ellipsis stands for those left out between them. A
    text without sentences, or with one too long, is quoted as by `excerpt`. Never raises.
    """
    marks = _marks(text, (place for places in things for place in places))
    parts = [part for found in sentences(text[:_SCAN]) if (part := _trimmed(text, found))[0] < part[1]]
    chosen = _covering(parts, things, limit)
    if len(text.strip()) <= limit or not chosen:
        return _quote(text, marks, _window(text, marks, limit))
    while True:
        beside = [at + step for step in (1, -1) for at in sorted(chosen)]  # what follows, before what leads there
        near = [n for n in beside if 0 <= n < len(parts) and n not in chosen]
        fitting = [n for n in near if _taken(parts, {*chosen, n}) <= limit]
        if not fitting:
            break
        chosen.add(fitting[0])
    return _quote(text, marks, *_blocks(parts, chosen))


def headline(title: str, spans: Iterable[Range], limit: int = 200) -> Excerpt:
    """The whole `title` with its hits marked; one longer than `limit` characters is cut at the end only."""
    end = len(title) if len(title) <= limit else _back_to_word(title, 0, limit)
    return _quote(title, _marks(title, spans), (0, end))


def _covering(parts: Sequence[Range], things: Sequence[Sequence[Range]], limit: int) -> set[int]:
    """The sentences that tell most of the things in `limit` characters; none when the one that tells most is longer."""
    telling = [{n for n, places in enumerate(things) if _hits(part, places)} for part in parts]
    chosen: set[int] = set()
    told: set[int] = set()
    while True:
        rest = [
            n for n in range(len(parts)) if telling[n] - told and (not chosen or _taken(parts, {*chosen, n}) <= limit)
        ]
        if not rest:
            return chosen
        best = max(rest, key=lambda n: (len(telling[n] - told), -n))
        if _taken(parts, {best}) > limit:
            return set()
        chosen.add(best)
        told |= telling[best]


def _blocks(parts: Sequence[Range], chosen: Iterable[int]) -> list[Range]:
    """The chosen sentences in the order of the text, those that follow each other as one range."""
    blocks: list[Range] = []
    last = -2
    for n in sorted(chosen):
        if n == last + 1:
            blocks[-1] = (blocks[-1][0], parts[n][1])
        else:
            blocks.append(parts[n])
        last = n
    return blocks


def _taken(parts: Sequence[Range], chosen: Iterable[int]) -> int:
    """How many characters a quotation of the chosen sentences takes at most."""
    blocks = _blocks(parts, chosen)
    return sum(end - start for start, end in blocks) + len(_LEFT_OUT) * (len(blocks) - 1)


def _marks(text: str, spans: Iterable[Range]) -> tuple[Range, ...]:
    """The hits inside `text`, widened to whole letters, in order and without overlap."""
    marks: list[Range] = []
    for start, end in sorted((max(start, 0), min(end, len(text))) for start, end in spans):
        if start >= end:
            continue
        first = next((at for at in range(start, max(start - _LETTER, -1), -1) if boundary(text, at)), start)
        last = next((at for at in range(end, min(end + _LETTER, len(text) + 1)) if boundary(text, at)), end)
        if marks and first <= marks[-1][1]:
            marks[-1] = (marks[-1][0], max(last, marks[-1][1]))
        else:
            marks.append((first, last))
    return tuple(marks)


def _window(text: str, marks: Sequence[Range], limit: int) -> Range:
    """Where the quotation starts and ends."""
    whole = _trimmed(text, (0, len(text)))
    if whole[1] - whole[0] <= limit:
        return whole
    parts = [part for found in sentences(text[:_SCAN]) if (part := _trimmed(text, found))[0] < part[1]]
    if not parts:
        return _around(text, marks, _trimmed(text, (0, min(len(text), _SCAN))), limit)
    if marks and not any(_hits(part, marks) for part in parts):
        return _around(text, marks, whole, limit)
    best = max(range(len(parts)), key=lambda n: (_hits(parts[n], marks), -n)) if marks else 0
    if parts[best][1] - parts[best][0] > limit:
        return _around(text, marks, parts[best], limit)
    return _grown(parts, best, marks, limit)


def _grown(parts: Sequence[Range], best: int, marks: Sequence[Range], limit: int) -> Range:
    """The sentences around `best` that fit: a neighbour with hits first, else the one that follows."""
    first = last = best
    while True:
        room = [
            (0 if _hits(parts[n], marks) else 1, n < first, n)
            for n in (last + 1, first - 1)
            if 0 <= n < len(parts) and max(parts[n][1], parts[last][1]) - min(parts[n][0], parts[first][0]) <= limit
        ]
        if not room:
            return parts[first][0], parts[last][1]
        _, _, chosen = min(room)
        first, last = min(first, chosen), max(last, chosen)


def _around(text: str, marks: Sequence[Range], part: Range, limit: int) -> Range:
    """At most `limit` characters of a part that is too long, around the hits that lie closest together."""
    start, end = part
    inside = [mark for mark in marks if start <= mark[0] < end]
    if not inside:
        return start, _back_to_word(text, start, min(start + limit, end))
    densest = max(range(len(inside)), key=lambda n: (sum(mark[1] - inside[n][0] <= limit for mark in inside[n:]), -n))
    reach = [mark[1] for mark in inside[densest:] if mark[1] - inside[densest][0] <= limit]
    core_start = inside[densest][0]
    core_end = reach[-1] if reach else core_start
    lead = min((limit - (core_end - core_start)) // 2, core_start - start) if reach else 0
    left = _on_to_word(text, core_start - lead, core_start) if core_start - lead > start else start
    right = min(left + limit, end)
    return left, right if right == end else max(_back_to_word(text, left, right), core_end)


def _hits(part: Range, marks: Sequence[Range]) -> int:
    return sum(part[0] <= start < part[1] for start, _ in marks)


def _trimmed(text: str, part: Range) -> Range:
    """`part` without white space at its ends."""
    start, end = part
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _back_to_word(text: str, start: int, end: int) -> int:
    """The last place at or before `end` where a word ends; inside a long word, where a letter ends."""
    for at in range(end, max(start, end - 30), -1):
        if at == len(text) or text[at].isspace():
            return _trimmed(text, (start, at))[1]
    at = end
    while at > start and not boundary(text, at):
        at -= 1
    return at if at > start else end


def _on_to_word(text: str, at: int, stop: int) -> int:
    """The first place at or after `at`, and not after `stop`, where a word starts."""
    for place in range(at, min(stop, at + 30)):
        if text[place - 1].isspace() and not text[place].isspace():
            return place
    while at < stop and not boundary(text, at):
        at += 1
    return at


def _quote(text: str, marks: Sequence[Range], *parts: Range) -> Excerpt:
    """Parts of the text in runs, white space folded, and whether anything worth reading lies before or after."""
    told: list[tuple[str, bool]] = []
    for part in parts:
        told += [(_LEFT_OUT, False)] if told else []
        told += _runs(text, marks, part)
    start, end = parts[0][0], parts[-1][1]
    return Excerpt(runs=tuple(told), cut_before=bool(text[:start].strip()), cut_after=bool(text[end:].strip()))


def _runs(text: str, marks: Sequence[Range], part: Range) -> list[tuple[str, bool]]:
    start, end = part
    runs: list[tuple[str, bool]] = []
    at = start
    for mark_start, mark_end in marks:
        left, right = max(mark_start, start), min(mark_end, end)
        if left < right:
            runs += [(text[at:left], False), (text[left:right], True)]
            at = right
    runs.append((text[at:end], False))
    told: list[tuple[str, bool]] = []
    for run, marked in runs:
        shown = clean(run)
        if told and told[-1][0].endswith(" ") and shown.startswith(" "):
            if boundary(shown, 1):
                shown = shown[1:]
            else:  # an accent hangs on this space
                told[-1] = (told[-1][0][:-1], told[-1][1])
        if shown:
            told.append((shown, marked))
    return [(run, marked) for run, marked in told if run]
