"""Matches -> JSON, an object a line, with everything: programs cut away what they do not need."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from aggregator.core.digests.export.evidence import fired_object
from aggregator.core.digests.times import iso
from aggregator.core.model.proofs import Proof


def lines(proofs: Iterable[Proof]) -> Iterator[str]:
    """A line a match. Spans are offsets into `title` and `text` as they are given here."""
    for proof in proofs:
        # Half of a surrogate pair has no UTF-8; as an escape it survives.
        yield json.dumps(_told(proof), ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n"


def _told(proof: Proof) -> dict[str, Any]:
    said = proof.words
    return {
        "match": proof.match_id,
        "topic": proof.topic_id,
        "topic_name": proof.topic_name,
        "topic_version": proof.topic_version,
        "score": proof.score,
        "origin": proof.origin.value,
        "matched_at": iso(proof.matched_at),
        "verdict": proof.verdict,
        "entry": proof.entry_id,
        "revision": said.n,
        "story": proof.story_id,
        "feed": {"id": proof.feed_id, "name": proof.feed_name, "tier": proof.tier},
        "first_seen": iso(proof.first_seen),
        "published": iso(proof.published),
        "date_suspect": proof.date_suspect,
        "withdrawn": proof.withdrawn,
        "title": said.title,
        "text": said.text,
        "link": said.link,
        "language": said.language,
        "authors": list(said.authors),
        "tags": list(said.tags),
        "fired": [fired_object(fired, said) for fired in proof.fired],
    }
