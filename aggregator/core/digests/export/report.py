"""Matches -> one page to read, print and pass on: no script, nothing loaded from anywhere, light and dark.

Every word from outside is escaped by the templates beside this file, and only http(s) addresses become links.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.core.digests.compose.excerpt import excerpt, headline
from aggregator.core.digests.display import line
from aggregator.core.digests.export.evidence import quoted
from aggregator.core.digests.render.palette import DARK, LIGHT
from aggregator.core.digests.templates import templates
from aggregator.core.model.proofs import Proof
from aggregator.core.model.topics import ClauseKind, Fired

_TITLE, _EXCERPT, _NAME, _WORDS, _ADDRESS = 300, 600, 80, 300, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a report is about. `count` is how many matches there were when it was begun."""

    topics: tuple[str, ...]
    since: datetime
    until: datetime | None
    made_at: datetime
    count: int


def parts(heading: Heading, proofs: Iterable[Proof]) -> Iterator[str]:
    """The page in pieces: its head, an article a match, its foot."""
    page: Any = templates("aggregator.core.digests.export").get_template("report.html.j2").module
    told: str = page.head(
        title=line(", ".join(heading.topics), _TITLE),
        span=_span(heading),
        made=_minute(heading.made_at),
        count=f"{heading.count:,} {'match' if heading.count == 1 else 'matches'}",
        light=LIGHT,
        dark=DARK,
    )
    yield told
    for proof in proofs:
        yield f"{page.article(_view(proof))}\n"
    yield str(page.foot())


def _span(heading: Heading) -> str:
    until = f"until {_minute(heading.until)}" if heading.until else "until now"
    return f"from {_minute(heading.since)} {until}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _view(proof: Proof) -> dict[str, Any]:
    said = proof.words
    spans = {
        field: [(span.start, span.end) for fired in proof.fired for span in fired.spans if span.field == field]
        for field in ("title", "text")
    }
    title = headline(said.title, spans["title"], _TITLE) if said.title.strip() else None
    quote = excerpt(said.text, spans["text"], _EXCERPT)
    link = said.link if said.link and said.link.startswith(("http://", "https://")) else None
    return {
        "number": proof.match_id,
        "title": title.runs if title else (("(untitled)", False),),
        "link": link if link and len(link) <= _ADDRESS else None,
        "language": said.language or "",
        "quote": quote,
        "source": f"{line(proof.feed_name, _NAME)} ({line(proof.tier, _NAME)})",
        "published": _published(proof),
        "seen": _minute(proof.first_seen),
        "topic": line(proof.topic_name, _NAME),
        "score": f"{proof.score:g}",
        "versions": _versions(proof),
        "clauses": [_clause(fired, proof) for fired in sorted(proof.fired, key=lambda fired: -fired.points)],
    }


def _published(proof: Proof) -> str:
    if proof.published is None:
        return "no date given"
    return f"published {_minute(proof.published)}{' (doubtful)' if proof.date_suspect else ''}"


def _versions(proof: Proof) -> str:
    told = [
        f"match {proof.match_id}",
        f"topic version {proof.topic_version}",
        f"entry {proof.entry_id} in revision {proof.words.n}",
        str(proof.origin.value),
    ]
    told += [f"story {proof.story_id}"] if proof.story_id is not None else []
    told += ["withdrawn by its publisher"] if proof.withdrawn else []
    told += [f"judged {proof.verdict}"] if proof.verdict else []
    return ", ".join(told)


def _clause(fired: Fired, proof: Proof) -> dict[str, str]:
    fields = dict.fromkeys(span.field for span in fired.spans)
    return {
        "name": line(fired.clause, _NAME),
        "points": f"{fired.points:+g}",
        "kind": ClauseKind.LOWER.value if fired.points < 0 else "",
        "words": line(quoted(fired, proof.words), _WORDS) or ", ".join(fields) or "-",
    }
