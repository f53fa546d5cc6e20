"""Matches -> CSV (RFC 4180) that a spreadsheet shows and does not run."""

import csv
import io
from collections.abc import Iterable, Iterator

from aggregator.core.digests.display import clean
from aggregator.core.digests.export.evidence import quoted
from aggregator.core.digests.times import iso
from aggregator.core.model.proofs import Proof

BOM = "\ufeff"  # by which older spreadsheets tell UTF-8
COLUMNS = (
    "match",
    "topic",
    "topic_version",
    "score",
    "origin",
    "first_seen",
    "published",
    "tier",
    "feed",
    "feed_name",
    "title",
    "link",
    "language",
    "entry",
    "revision",
    "story",
    "clauses",
    "words",
    "verdict",
)
# What makes a spreadsheet take text for a formula, its full-width twins included: some fold them before they look.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """Text as a cell that is never a formula: one that would begin like one is led by an apostrophe."""
    told = clean(text).strip() if not text.startswith(("\t", "\r", "\n")) else f"'{clean(text).strip()}"
    return f"'{told}" if told.startswith(_FORMULA) else told


def lines(proofs: Iterable[Proof], *, bom: bool = False) -> Iterator[str]:
    """The header and a line a match, each ended as RFC 4180 has it."""
    yield (BOM if bom else "") + _line(COLUMNS)
    for proof in proofs:
        yield _line(_cells(proof))


def _cells(proof: Proof) -> tuple[str, ...]:
    said = proof.words
    clauses = "; ".join(f"{fired.clause} {fired.points:+g}" for fired in proof.fired)
    words = "; ".join(filter(None, (quoted(fired, said) for fired in proof.fired)))
    return (
        str(proof.match_id),
        cell(proof.topic_id),
        str(proof.topic_version),
        f"{proof.score:g}" if proof.score >= 0 else f"'{proof.score:g}",
        proof.origin.value,
        iso(proof.first_seen) or "",
        iso(proof.published) or "",
        cell(proof.tier),
        cell(proof.feed_id),
        cell(proof.feed_name),
        cell(said.title),
        cell(said.link or ""),
        cell(said.language or ""),
        str(proof.entry_id),
        str(said.n),
        "" if proof.story_id is None else str(proof.story_id),
        cell(clauses),
        cell(words),
        proof.verdict or "",
    )


def _line(cells: Iterable[str]) -> str:
    told = io.StringIO(newline="")
    csv.writer(told, lineterminator="\r\n").writerow(cells)
    return told.getvalue()
