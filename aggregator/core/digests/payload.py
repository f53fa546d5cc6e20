"""What a digest says -> the JSON document that a webhook is given. `docs/digests.md` explains each key.

A receiver's program relies on it: keys are added, never renamed, and `version` counts what would break one.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.core.model.digests import (
    CorrectionLine,
    DigestContent,
    DueItem,
    Excerpt,
    Rendered,
    Section,
    SourceNote,
    SourceReport,
    SpikeLine,
    StoryLine,
)
from aggregator.core.model.trends import TrendBar

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a payload says of itself: its id (of every try), the digest's, whose it is, and where it can be read."""

    message_id: str
    digest_id: int
    subscriber: str
    subscription: str
    subscription_id: int
    kind: str
    slot_at: datetime
    made_at: datetime
    page: str | None = None


def payload(stamp: Stamp, rendered: Rendered, content: DigestContent | None) -> bytes:
    """The document as UTF-8, the same bytes for the same arguments. A digest for the operator has words only."""
    told: dict[str, Any] = {
        "version": VERSION,
        "type": stamp.kind,
        "id": stamp.message_id,
        "timestamp": _instant(stamp.made_at),
        "digest": stamp.digest_id,
        "subscriber": stamp.subscriber,
        "subscription": {"id": stamp.subscription_id, "name": stamp.subscription},
        "slot_at": _instant(stamp.slot_at),
        "subject": rendered.subject,
        "text": rendered.text,
        "page": stamp.page,
    }
    if content is not None:
        told |= _content(content)
    # Lone surrogates cannot be UTF-8; JSON's own escapes would hand them on to the receiver's program.
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _content(content: DigestContent) -> dict[str, Any]:
    return {
        "since": _instant(content.since),
        "timezone": content.timezone,
        "archive": content.archive,
        "items": content.item_count,
        "stories": content.story_count,
        "known": content.known,
        "notes": list(content.notes),
        "spikes": [_spike(one) for one in content.spikes],
        "trends": [_bar(one) for one in content.bars],
        "topics": [_section(one) for one in content.sections],
        "corrections": [_correction(one) for one in content.corrections],
        "more_corrections": content.corrections_more,
        "sources": _sources(content.sources),
    }


def _spike(line: SpikeLine) -> dict[str, Any]:
    due = line.due
    return {
        "topic": due.topic_id,
        "name": due.topic_name,
        "day": str(due.day),
        "stories": due.counted,
        "usual": round(due.expected, 2),
        "chance": due.chance,
        "headlines": [
            {
                "entry": one.entry_id,
                "feed": one.feed_id,
                "source": one.feed_name,
                "title": one.title,
                "link": one.link,
                "language": one.language,
            }
            for one in line.stories
        ],
        "above": line.above,
        "below": line.below,
        "more": line.more,
    }


def _bar(bar: TrendBar) -> dict[str, Any]:
    return {
        "topic": bar.topic_id,
        "days": [
            {"day": str(day), "stories": number, "spike": day in bar.spikes}
            for day, number in zip(bar.days, bar.counts, strict=True)
        ],
        "usual": None if bar.usual is None else round(bar.usual, 2),
    }


def _section(section: Section) -> dict[str, Any]:
    flood = section.flood
    return {
        "id": section.topic_id,
        "name": section.topic_name,
        "stories": [_story(line) for line in (*section.stories, *section.brief)],
        "more": section.more,
        "alerted": [_story(line) for line in section.alerted],
        "flood": None if flood is None else {"count": flood.count, "usual": flood.usual},
    }


def _story(line: StoryLine) -> dict[str, Any]:
    return {
        "headline": _words(line.headline),
        "excerpt": None if line.excerpt is None else _words(line.excerpt),
        "score": line.score,
        "clauses": list(line.matched),
        "news": list(line.news),
        "told_at": _instant(line.told_at),
        "related_to_above": line.beside,
        "matches": [_match(item) for item in (line.lead, *line.also)],
    }


def _match(item: DueItem) -> dict[str, Any]:
    return {
        "id": item.match_id,
        "entry": item.entry_id,
        "feed": item.feed_id,
        "source": item.feed_name,
        "tier": item.tier,
        "title": item.title,
        "link": item.link,
        "language": item.language,
        "published": None if item.date_suspect else _instant(item.published),
        "first_seen": _instant(item.first_seen),
        "score": item.score,
        "alert": item.alert,
        "clauses": [
            {
                "name": fired.clause,
                "points": fired.points,
                "hits": [{"field": hit.field, "start": hit.start, "end": hit.end} for hit in fired.spans],
            }
            for fired in item.fired
        ],
    }


def _correction(line: CorrectionLine) -> dict[str, Any]:
    due = line.due
    return {
        "entry": due.entry_id,
        "change": due.change.value,
        "feed": due.feed_id,
        "source": due.feed_name,
        "link": due.link,
        "told_at": _instant(due.told_at),
        "changed_at": _instant(due.at),
        "title": {"told": due.title, "now": due.title_now},
    }


def _sources(report: SourceReport) -> dict[str, Any]:
    return {
        "feeds": report.feeds,
        "checked": report.checked,
        "checks": report.checks,
        "entries": report.entries,
        "failing": _notes(report.failing),
        "gaps": _notes(report.gaps),
        "quiet": _notes(report.quiet),
        "recovered": _notes(report.recovered),
    }


def _notes(notes: Iterable[SourceNote]) -> list[dict[str, Any]]:
    return [
        {"feed": one.feed_id, "source": one.name, "detail": one.detail, "since": _instant(one.since)} for one in notes
    ]


def _words(excerpt: Excerpt) -> str:
    text = "".join(run for run, _ in excerpt.runs)
    return f"{'…' if excerpt.cut_before else ''}{text}{'…' if excerpt.cut_after else ''}"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
