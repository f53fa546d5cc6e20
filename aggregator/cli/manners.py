"""Requests counted by kind -> what people and programs read of how we treat hosts."""

from typing import TYPE_CHECKING, Any

from aggregator.cli.output import count

if TYPE_CHECKING:
    from aggregator.store.politeness import Politeness

COUNTED_DAYS = 7


def manners(counted: "Politeness") -> str:
    """Up to three lines: how checks ended, what unchanged ones cost the host, what was asked bluntly or too early."""
    if not counted.checks:
        return ""
    unchanged = counted.not_modified + counted.same_body
    ends = f"{counted.changed:,} brought something new, {unchanged:,} nothing new, {counted.failed:,} failed"
    lines = [f"{count(counted.checks, 'check')} in {COUNTED_DAYS} days: {ends}"]
    if counted.share is not None:
        again = f", {counted.same_body:,} sent the same document again" if counted.same_body else ""
        lines.append(f"{_percent(counted.share)} of those with nothing new needed no download (304){again}")
    bluntly, early = (f"{number:,}" if number else "none" for number in (counted.unconditional, counted.early))
    lines.append(f"{bluntly} asked without a validator, {early} before a Retry-After was over")
    return "\n".join(lines)


def extras(counted: "Politeness") -> str:
    """One line on what was asked besides feeds; empty when nothing was."""
    told = []
    if counted.pages:
        told.append(f"{counted.pages:,} older pages after gaps")
    if counted.articles:
        told.append(f"{counted.articles:,} articles, {counted.articles_failed:,} of them without success")
    return "; ".join(told)


def manners_json(counted: "Politeness") -> dict[str, Any]:
    """The same for programs; `not_modified_share` is null when no poll was unchanged."""
    return {
        "days": COUNTED_DAYS,
        "checks": counted.checks,
        "not_modified": counted.not_modified,
        "same_body": counted.same_body,
        "changed": counted.changed,
        "failed": counted.failed,
        "not_modified_share": counted.share,
        "unconditional": counted.unconditional,
        "before_retry_after": counted.early,
        "older_pages": counted.pages,
        "articles": counted.articles,
        "articles_failed": counted.articles_failed,
    }


def _percent(share: float) -> str:
    # Only all of them are a hundred percent.
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"
