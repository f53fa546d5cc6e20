"""Asks a Fetcher for one address, and insists on the sort of answer that a test is about."""

from datetime import UTC, datetime
from typing import Any

from aggregator.core.model.feeds import FailureKind, Fetched, FetchFailed, FetchRequest, FetchResult
from aggregator.fetch.client import Fetcher

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


async def ask(fetcher: Fetcher, url: str, **more: Any) -> FetchResult:
    return await fetcher.fetch(FetchRequest(url=url, **more), now=NOW)


def fetched(result: FetchResult) -> Fetched:
    assert isinstance(result, Fetched), result
    return result


def failed(result: FetchResult) -> FetchFailed:
    assert isinstance(result, FetchFailed), result
    return result


async def body_of(fetcher: Fetcher, url: str, **more: Any) -> bytes:
    return fetched(await ask(fetcher, url, **more)).body


async def failure_of(fetcher: Fetcher, url: str) -> FetchFailed:
    """The failure, whose words are a line that people can read."""
    failure = failed(await ask(fetcher, url))
    assert failure.detail
    assert "\n" not in failure.detail
    return failure


async def kind_of(fetcher: Fetcher, url: str) -> FailureKind:
    return (await failure_of(fetcher, url)).kind
