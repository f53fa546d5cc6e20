"""What an operator must look after -> a subject, a plain text part and an HTML part, in the look of every digest.

It names what is wrong, since when, and what to do about it; what it does not name is well.
"""

from dataclasses import dataclass
from datetime import tzinfo

from aggregator.core.digests.display import apart, cut, line, underlined, wrap
from aggregator.core.digests.render.htmlpart import operator_page
from aggregator.core.digests.render.links import Links, ours
from aggregator.core.digests.render.view import number_words
from aggregator.core.digests.times import long_words, offset_words, short_words, zone_or_utc
from aggregator.core.model.digests import Rendered
from aggregator.core.model.operator import Matter, OperatorReport, Trouble
from aggregator.core.model.subscriptions import Subscriber, Subscription

_SUBJECT, _NAME, _DETAIL, _SHOWN = 120, 80, 200, 12

# What each kind of trouble is called, and what to do about it.
_KINDS: dict[Trouble, tuple[str, str]] = {
    Trouble.AUDIT: (
        "The ledger does not close",
        "Keep a copy of the database and run `aggregator audit`: it names what is off.",
    ),
    Trouble.RELAY: (
        "Mail is held back",
        "Our own settings or the mail server must be mended; `aggregator doctor` examines them. Nothing is lost.",
    ),
    Trouble.PARKED: (
        "Mails that wait for you",
        "Nobody can tell whether they arrived. `aggregator digest show ID` shows one, `aggregator digest retry ID` sends it.",
    ),
    Trouble.DEAD: ("Mails that were refused", "`aggregator digest show ID` shows one; the answer says why."),
    Trouble.BOUNCED: (
        "Addresses that bounce, paused",
        "`aggregator subscribers resume ID` mails them again once the address is right.",
    ),
    Trouble.POISONED: (
        "Feeds that cannot be read safely",
        "They are tried daily; `aggregator feeds show ID` tells more.",
    ),
    Trouble.GONE: (
        "Feeds that are gone",
        "Their publishers say so (410). `aggregator feeds fix` looks for successors.",
    ),
    Trouble.FAILING: (
        "Feeds that fail",
        "They are tried on. `aggregator feeds check ID` shows the answer, `aggregator feeds fix` looks for successors.",
    ),
    Trouble.FLOOD: (
        "Topics that were flooded",
        "Their digests were only sums. `aggregator topics why TOPIC` shows what a rule fires on.",
    ),
    Trouble.WARNING: ("The service itself", "`aggregator status` and `aggregator doctor` tell more."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFrame:
    """The words around the matters; every text is one clean line."""

    subject: str
    preheader: str
    heading: str
    kicker: str
    when: str
    covers: str
    why: tuple[str, ...]
    unsubscribe: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterView:
    """One matter in words."""

    name: str
    detail: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """All matters of a kind, what they are called, and what to do."""

    title: str
    count: int
    matters: tuple[MatterView, ...]
    more: int
    advice: str


def render_operator(report: OperatorReport, *, owner: Subscriber, of: Subscription, links: Links) -> Rendered:
    """The mail that tells `report` to whoever runs the service. Never raises for what came from outside."""
    zone = zone_or_utc(owner.timezone)
    frame, groups = _frame(report, owner, of, links, zone), _groups(report, zone)
    return Rendered(subject=frame.subject, text=_text(frame, groups), html=operator_page(frame, groups))


def _frame(report: OperatorReport, owner: Subscriber, of: Subscription, links: Links, zone: tzinfo) -> OperatorFrame:
    fresh = sum(one.new for one in report.matters)
    heading = (
        number_words(report.count, "matter to look after", "matters to look after") if report.count else "All clear"
    )
    groups = [group.title for group in _groups(report, zone)]
    told = "; ".join(groups) if groups else _covers(report, zone)
    return OperatorFrame(
        subject=cut(f"[aggregator] {_news(report.count, fresh)}: {told}".replace("=?", "= ?"), _SUBJECT),
        preheader=line("; ".join(one.name for one in report.matters) or _covers(report, zone), 110),
        heading=heading,
        kicker=", ".join(filter(None, (line(owner.name, _NAME), line(of.slug, _NAME)))),
        when=f"{long_words(report.slot_at, zone)} ({offset_words(report.slot_at, zone)}; all times below)",
        covers=_covers(report, zone),
        why=(
            f"Your subscription \u201c{line(of.slug, _NAME)}\u201d tells whoever runs this aggregator what to look after.",
            "It comes at most once a day: when something new goes wrong, and once a week while something stays open.",
            "This mail loads no images and counts no clicks.",
        ),
        unsubscribe=ours(links.unsubscribe),
    )


def _news(count: int, fresh: int) -> str:
    if not count:
        return "All clear"
    return f"{fresh} new" if fresh else f"{count} still open"


def _covers(report: OperatorReport, zone: tzinfo) -> str:
    since = short_words(report.since, zone, report.slot_at)
    sources = number_words(report.feeds, "source", "sources")
    return f"Since {since}: {report.checked:,} of {sources} read, {number_words(report.sent, 'mail', 'mails')} sent."


def _groups(report: OperatorReport, zone: tzinfo) -> tuple[GroupView, ...]:
    found: list[GroupView] = []
    for trouble, (title, advice) in _KINDS.items():
        mine = sorted((one for one in report.matters if one.trouble is trouble), key=lambda one: not one.new)
        if mine:
            views = tuple(_view(one, report, zone) for one in mine[:_SHOWN])
            more = max(len(mine) - _SHOWN, 0)
            found.append(GroupView(title=title, count=len(mine), matters=views, more=more, advice=advice))
    return tuple(found)


def _view(one: Matter, report: OperatorReport, zone: tzinfo) -> MatterView:
    since = "" if one.since is None else f"since {short_words(one.since, zone, report.slot_at)}"
    detail = line(one.detail, _DETAIL).rstrip(".")
    return MatterView(name=line(one.name, _NAME), detail=", ".join(filter(None, (detail, since))), new=one.new)


def _text(frame: OperatorFrame, groups: tuple[GroupView, ...]) -> str:
    head = [wrap(frame.kicker), underlined(frame.heading.upper(), "="), wrap(frame.when), wrap(frame.covers)]
    blocks = ["\n".join(head)]
    for group in groups:
        lines = [underlined(f"{group.title} ({group.count})", "-")]
        lines += [wrap(_matter(one), first="  - ", rest="    ") for one in group.matters]
        lines += [f"  - and {group.more} more"] if group.more else []
        blocks.append("\n".join([*lines, "", wrap(group.advice)]))
    why = [underlined("Why you get this", "-"), *map(wrap, frame.why)]
    why += [f"\nUnsubscribe:\n{frame.unsubscribe}"] if frame.unsubscribe else []
    return "\n\n".join([*blocks, "\n".join(why)]) + "\n"


def _matter(one: MatterView) -> str:
    told = f"{apart(one.name)}: {apart(one.detail)}" if one.detail else apart(one.name)
    return f"NEW: {told}" if one.new else told
