"""A digest's content -> the words around its stories: subject, preheader, heading, notices, counts, and why it came.

It never speaks of a single story but in the subject and the preheader, which quote the headlines on top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from urllib.parse import urlsplit

from aggregator.core.digests.attention import ALERTS_A_DAY, BURST
from aggregator.core.digests.display import apart, cut, line
from aggregator.core.digests.render.health import is_clear, source_words
from aggregator.core.digests.render.links import Links, ours
from aggregator.core.digests.render.spikes import first_spike_words, spikes_words
from aggregator.core.digests.render.view import alerted_lines, is_high, joined, number_words, plain_words
from aggregator.core.digests.times import long_words, offset_words, short_words
from aggregator.core.model.digests import DigestContent, DigestKind, Section, Side, StoryLine

SUBJECT = 120  # characters
_TOPIC, _NAME, _PREHEADER, _TOPICS = 40, 60, 110, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameView:
    """The words around the stories; every text is one clean line."""

    subject: str
    preheader: str
    heading: str
    kicker: str
    when: str
    covers: str
    notices: tuple[str, ...]
    counts: tuple[str, ...]  # `Narcotics policy: 5`, when there are several topics
    silent: str
    repeats: str  # how much was left out because its reader knows it
    left_out: tuple[str, ...]
    why: tuple[str, ...]
    archive: str | None
    unsubscribe: str | None


def frame_of(content: DigestContent, zone: tzinfo | None, links: Links) -> FrameView:
    """Everything a digest says besides its stories. `zone` is None when the reader's zone has no such name."""
    known = zone or UTC
    return FrameView(
        subject=_subject(content),
        preheader=_preheader(content),
        heading=_heading(content),
        kicker=", ".join(filter(None, (line(content.subscriber_name, _NAME), line(content.subscription, _NAME)))),
        when=f"{long_words(content.slot_at, known)} ({_zone_words(content, zone)}; all times below)",
        covers=_covers(content, known),
        notices=_notices(content, zone),
        counts=_counts(content),
        silent=_silent(content),
        repeats=_repeats(content),
        left_out=_left_out(content),
        why=_why(content, zone, links),
        archive=ours(links.archive),
        unsubscribe=ours(links.unsubscribe),
    )


def _subject(content: DigestContent) -> str:
    """`[Topic] 12 new: <top headline>`, at most 120 characters, and never an encoded word."""
    top = [story for story in _by_weight(content) if plain_words(story.headline.runs)]
    names = [
        line(section.topic_name, _TOPIC)
        for section in content.sections
        if section.stories or section.brief or section.more
    ]
    if top:
        first = next(section for section in content.sections if top[0] in (*section.stories, *section.brief))
        names.sort(key=lambda name: name != line(first.topic_name, _TOPIC))
    rising = dict.fromkeys(one.due.topic_name for one in content.spikes) if not content.corrections else ()
    names = names or [line(name, _TOPIC) for name in rising or content.topics] or [line(content.subscription, _TOPIC)]
    label = f"[{names[0]} +{len(names) - 1}]" if len(names) > 1 else f"[{names[0]}]"
    told = f"{label} {_news(content, top)}"
    headline = plain_words(top[0].headline.runs) if top else _corrected_title(content) or first_spike_words(content)
    told = f"{told}: {line(headline, SUBJECT)}" if headline else told
    return cut(told.replace("=?", "= ?"), SUBJECT)


def _news(content: DigestContent, top: Sequence[StoryLine]) -> str:
    """What the subject says of the number of stories, of corrections and of unusual days."""
    besides = _besides(content)
    if content.story_count:
        if content.kind is DigestKind.ALERT and content.story_count == 1 and not besides:
            return "Developing" if top and top[0].news else "Alert"
        fresh = content.story_count - content.developing
        new = f"{fresh:,} {_kind(content)}" if fresh else ""
        return ", ".join(filter(None, (new, _developing(content), besides)))
    if besides:
        return besides
    report = content.sources
    shown, more = alerted_lines(content)
    if shown:
        alerted = number_words(len(shown) + more, "story", "stories")
        return f"Nothing new besides {alerted} already alerted to you"
    if is_clear(content):
        return f"All clear: {number_words(report.checked, 'source', 'sources')} checked, nothing new"
    trouble = [
        f"{len(found)} {word}"
        for found, word in ((report.failing, "failing"), (report.gaps, "with possible gaps"))
        if found
    ]
    unchecked = [f"{report.unchecked} not checked"] if report.unchecked else []
    return f"Nothing new ({', '.join(trouble + unchecked)})" if trouble or unchecked else "Nothing new"


def _developing(content: DigestContent) -> str:
    return f"{content.developing:,} developing" if content.developing else ""


def _besides(content: DigestContent) -> str:
    """What a digest tells that is no story: `1 correction, 2 unusual days`."""
    count = len(content.corrections)
    corrections = number_words(count, "correction", "corrections") if count else ""
    return ", ".join(filter(None, (corrections, spikes_words(content))))


def _corrected_title(content: DigestContent) -> str:
    if not content.corrections:
        return ""
    first = content.corrections[0]
    return line("".join(text for text, side in first.title if side is not Side.BEFORE), SUBJECT)


def _kind(content: DigestContent) -> str:
    """`new`, or what the stories of a first digest are."""
    if not content.archive:
        return "new"
    leads = [story.lead for section in content.sections for story in section.stories]
    return "from the archive" if all(lead.archive for lead in leads) else "new and from the archive"


def _heading(content: DigestContent) -> str:
    if content.kind is DigestKind.ALERT and content.story_count == 1 and not _besides(content):
        return "A story develops" if any(story.news for story in _by_weight(content)) else "A new story"
    if not content.story_count and _besides(content):
        alone = len(content.spikes) == 1 and not content.corrections
        return "An unusual day" if alone else _besides(content)
    if not content.story_count:
        return "All clear" if is_clear(content) and not alerted_lines(content)[0] else "Nothing new"
    fresh = content.story_count - content.developing
    if not fresh:
        return number_words(content.developing, "developing story", "developing stories")
    kind = _kind(content)
    words = ("new story", "new stories") if kind == "new" else (f"story, {kind}", f"stories, {kind}")
    return ", ".join(filter(None, (number_words(fresh, *words), _developing(content))))


def _preheader(content: DigestContent) -> str:
    """What a list of mails shows after the subject: how many are high, and the next headlines."""
    told = _by_weight(content)
    if not told:
        return line(first_spike_words(content) or source_words(content), _PREHEADER)
    high = sum(map(is_high, told))
    tiers = f"{high:,} high, {content.story_count - high:,} other: " if 0 < high < content.story_count else ""
    rest = "; ".join(apart(line(plain_words(story.headline.runs), _PREHEADER)) for story in told[1:4])
    return line(f"{tiers}{rest}" if rest else source_words(content), _PREHEADER)


def _by_weight(content: DigestContent) -> list[StoryLine]:
    """The stories told in full, each entry once, the weightiest of all topics first."""
    once: dict[int, StoryLine] = {}
    for section in content.sections:
        for story in section.stories or section.brief:
            once.setdefault(story.lead.entry_id, story)
    return sorted(once.values(), key=lambda story: (not is_high(story), -len({item.feed_id for item in story.also})))


def _covers(content: DigestContent, zone: tzinfo) -> str:
    """Which span it covers, how much came, and from how many articles."""
    alert = content.kind is DigestKind.ALERT
    # A first digest goes back to what came before it was asked for.
    since = (
        ""
        if alert or content.archive or content.since is None
        else f" since {short_words(content.since, zone, content.slot_at)}"
    )
    if not content.story_count:
        if content.spikes:
            return "" if alert else f"No story{since} that you were not told."
        topics = joined(content.topics, _TOPICS) if content.topics else "your topics"
        return f"Nothing new on {topics}{since}."
    if alert and content.item_count == 1:
        return ""
    articles = number_words(content.item_count, "article", "articles")
    stories = number_words(content.story_count, "story", "stories")
    return (
        f"{articles}{since}, told as {stories}." if content.item_count > content.story_count else f"{articles}{since}."
    )


def _notices(content: DigestContent, zone: tzinfo | None) -> tuple[str, ...]:
    """What is unusual about this digest."""
    told = list(content.notes)
    if content.archive:
        told.append(
            "This is the first digest of this subscription. It starts with the latest matches from the archive; "
            "from now on you get what is new."
        )
    if content.coalesced:
        earlier = number_words(content.coalesced, "earlier digest that was", "earlier digests that were")
        told.append(f"This digest also covers {earlier} not sent in time. Nothing was left out.")
    if content.late_alerts:
        late = number_words(content.late_alerts, "alert was", "alerts were")
        told.append(f"{late} not sent at once: at most {ALERTS_A_DAY} a day.")
    if zone is None:
        told.append(f"There is no time zone called {line(content.timezone, _NAME)}; times are in UTC.")
    return tuple(told)


def _zone_words(content: DigestContent, zone: tzinfo | None) -> str:
    if zone is None or content.timezone == "UTC":
        return "UTC"
    return f"{line(content.timezone, _NAME)}, {offset_words(content.slot_at, zone)}"


def _fresh(section: Section) -> int:
    return len(section.stories) + len(section.brief) + section.more


def _counts(content: DigestContent) -> tuple[str, ...]:
    """Each topic with its number of stories, when there are several."""
    told = [
        f"{line(section.topic_name, _NAME)}: {_fresh(section):,}" for section in content.sections if _fresh(section)
    ]
    if len(told) < 2:
        return ()
    rest = [f"{len(told) - _TOPICS} more topics"] if len(told) > _TOPICS else []
    return (*told[:_TOPICS], *rest)


def _silent(content: DigestContent) -> str:
    """Which of the watched topics have nothing new; empty when all have, or when none has and the heading says so."""
    if content.kind is DigestKind.ALERT:
        return ""
    told = {section.topic_name for section in content.sections if _fresh(section)}
    silent = [name for name in content.topics if name not in told]
    return f"Nothing new on {joined(silent, _TOPICS)}." if silent and told else ""


def _repeats(content: DigestContent) -> str:
    """How many articles brought nothing new to stories that this reader was told."""
    if not content.known:
        return ""
    articles = number_words(content.known, "more article repeats", "more articles repeat")
    return f"{articles} stories you were told, with nothing new."


def _left_out(content: DigestContent) -> tuple[str, ...]:
    """Topics whose stories all had to make room, with their numbers."""
    told = [
        f"{line(section.topic_name, _NAME)}: {number_words(section.more, 'story', 'stories')}"
        for section in content.sections
        if section.more and not section.stories and not section.brief
    ]
    rest = [f"and {number_words(len(told) - _TOPICS, 'more topic', 'more topics')}"] if len(told) > _TOPICS else []
    return (*told[:_TOPICS], *rest)


def _why(content: DigestContent, zone: tzinfo | None, links: Links) -> tuple[str, ...]:
    """Why this person gets this, and what the mail does not do."""
    names = content.topics or tuple(section.topic_name for section in content.sections)
    watches = f" watches {joined(names, _TOPICS)} and is sent" if names else " is sent"
    home = urlsplit(ours(links.base_url) or "").netloc
    sender = f" It was sent by aggregator at {line(home, _NAME)}." if home else ""
    alerted = " Stories you were alerted to are listed apart." if alerted_lines(content)[0] else ""
    name, clock = line(content.subscription, _NAME), "UTC" if zone is None else line(content.timezone, _NAME)
    besides = " or a topic has an unusual day" if content.spikes else ""
    when = (
        f"at once when a story reaches its alert level{besides}, at most {ALERTS_A_DAY} times a day; what comes within "
        f"{BURST // timedelta(minutes=1)} minutes shares a mail"
        if content.kind is DigestKind.ALERT
        else f"on {clock} time"
    )
    return (
        f"Your subscription \u201c{name}\u201d{watches} {when}.{alerted}{sender}",
        "This mail loads no images and counts no clicks; its links lead straight to the publishers.",
    )
