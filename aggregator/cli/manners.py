"""Requests counted by kind -> what people and programs read of how we treat hosts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.store.politeness import Politeness

COUNTED_DAYS = 7


def manners(counted: "Politeness") -> str:
    """One line: how unchanged documents came, what was asked without a validator, and what too early."""
    if not counted.checks:
        return ""
    share = "" if counted.share is None else f"{_percent(counted.share)} of unchanged polls were 304; "
    told = (
        f"{counted.not_modified:,} not modified, {counted.same_body:,} same body, {counted.changed:,} changed, "
        f"{counted.failed:,} failed; {counted.unconditional:,} unconditional; "
        f"requests before Retry-After: {counted.early:,}"
    )
    return f"{share}{told}"


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
