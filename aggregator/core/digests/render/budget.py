"""A digest that is too large for a mail -> the same digest with less of it: excerpts go first, then items.

Nothing disappears: every story taken out is counted in its section's `more`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aggregator.core.model.digests import DigestContent, Section, StoryLine

_Place = tuple[int, int]  # section, position in it


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSize:
    """Bytes that one story takes in full, without its excerpt, and as a title only."""

    full: int
    lean: int
    brief: int


def lighter(
    content: DigestContent,
    excess: int,
    size_of: Callable[[StoryLine], LineSize],
    title_size_of: Callable[[Section], int],
) -> DigestContent:
    """`content` made lighter by at least `excess` bytes, or by everything that can go.

    `size_of` and `title_size_of` tell what a story and a section's title take. What stands lowest in its topic goes
    first, so that each topic keeps its best stories as long as there is room. A section may end up without stories, only
    with a count. Always takes something out unless nothing is left.
    """
    lines = [
        (rank, at, line, rank >= len(section.stories))
        for at, section in enumerate(content.sections)
        for rank, line in enumerate((*section.stories, *section.brief))
    ]
    lines.sort(key=lambda found: (found[3], found[0], found[1]), reverse=True)
    sizes = {(at, rank): size_of(line) for rank, at, line, _ in lines}
    bare: set[_Place] = set()
    gone: set[_Place] = set()
    saved = 0
    for rank, at, line, is_brief in lines:
        if saved < excess and not is_brief and line.excerpt is not None:
            bare.add((at, rank))
            saved += sizes[at, rank].full - sizes[at, rank].lean
    left = [len(section.stories) + len(section.brief) for section in content.sections]
    for rank, at, _, is_brief in lines:
        if saved < excess:
            gone.add((at, rank))
            size = sizes[at, rank]
            left[at] -= 1
            saved += size.brief if is_brief else size.lean
            saved += 0 if left[at] else title_size_of(content.sections[at])
    sections = tuple(_without(section, at, bare, gone) for at, section in enumerate(content.sections))
    return replace(content, sections=sections)


def _without(section: Section, at: int, bare: set[_Place], gone: set[_Place]) -> Section:
    stories = tuple(
        replace(line, excerpt=None) if (at, rank) in bare else line
        for rank, line in enumerate(section.stories)
        if (at, rank) not in gone
    )
    first = len(section.stories)
    brief = tuple(line for rank, line in enumerate(section.brief, first) if (at, rank) not in gone)
    lost = len(section.stories) + len(section.brief) - len(stories) - len(brief)
    return replace(section, stories=stories, brief=brief, more=section.more + lost)
