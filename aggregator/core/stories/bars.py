"""Counts -> bars: block characters for text and terminals, heights in pixels for the cells of a mail's table."""

from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN = " .:-=+*%#"  # for terminals that know ASCII alone


def line(counts: Sequence[int], *, signs: str = BLOCKS) -> str:
    """One sign a count, the largest as high as a line; a count above none is never shown as none."""
    most = max(counts, default=0)
    top = len(signs) - 1
    return "".join(signs[max(1, round(count * top / most))] if count > 0 else signs[0] for count in counts)


def rows(counts: Sequence[int], *, height: int, signs: str = BLOCKS) -> list[str]:
    """A chart of `height` lines, the top one first; the largest count fills them all."""
    most = max(counts, default=0)
    steps = len(signs) - 1
    filled = [max(1, round(count * height * steps / most)) if count > 0 else 0 for count in counts]
    return [
        "".join(signs[min(max(fill - level * steps, 0), steps)] for fill in filled)
        for level in range(height - 1, -1, -1)
    ]


def heights(counts: Sequence[int], *, most: int = 24) -> tuple[int, ...]:
    """Pixels for each count, up to `most`; 1 for none, so that every day has its place."""
    top = max(counts, default=0)
    return tuple(max(2, round(count * most / top)) if count > 0 else 1 for count in counts)


def gathered(counts: Sequence[int], columns: int) -> tuple[list[int], int]:
    """Counts in at most so many columns, and how many each column sums; the last column ends with the last count."""
    each = max(1, -(-len(counts) // max(1, columns)))
    short = -len(counts) % each
    padded = [0] * short + list(counts)
    return [sum(padded[at : at + each]) for at in range(0, len(padded), each)], each
