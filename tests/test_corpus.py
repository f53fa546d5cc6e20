"""The two thousand documents that feedparser is tested with are read as feedparser reads them, through real workers."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aggregator.core.model.entries import ParsedEntry, ParsedFeed, ReadJob, ReadResult, Unreadable
from aggregator.core.model.feeds import FailureKind
from aggregator.core.reading import document
from aggregator.core.reading.document import read_document
from aggregator.workers import Workers
from tests.corpus import FOLDER, Case, cases, differences, plain_call

LISTED = Path(__file__).with_name("corpus_differences.yaml")
FEWEST = 2_000  # documents; fewer mean that the corpus is not whole


@pytest.fixture(scope="module")
def documents() -> Sequence[Case]:
    if not (FOLDER.parent / ".complete").exists():
        if os.environ.get("CI"):
            pytest.fail("the corpus is not here: run `make corpus`")
        pytest.skip("the corpus is not here; `make corpus` fetches it")
    return tuple(cases())


@pytest.fixture(scope="module")
def results(documents: Sequence[Case]) -> Sequence[ReadResult]:
    return asyncio.run(read([case.job() for case in documents]))


async def read(jobs: Sequence[ReadJob]) -> Sequence[ReadResult]:
    workers = Workers(topics=(), size=2)
    await workers.start()
    try:
        return await workers.read(jobs)
    finally:
        await workers.stop()


def test_no_document_hangs_or_kills_its_worker(documents: Sequence[Case], results: Sequence[ReadResult]) -> None:
    assert len({case.name.partition(" ")[0] for case in documents}) >= FEWEST
    killed = {FailureKind.PARSE_TIMEOUT, FailureKind.PARSE_CRASH}
    pairs = zip(documents, results, strict=True)
    assert not [case.name for case, read in pairs if isinstance(read, Unreadable) and read.kind in killed]


def test_entries_ids_links_and_titles_are_feedparsers_but_for_what_is_listed(
    documents: Sequence[Case], results: Sequence[ReadResult]
) -> None:
    groups = YAML(typ="safe").load(LISTED)
    listed = {(name, group["in"]) for group in groups for name in group["documents"]}
    found = {
        (case.name, what)
        for case, ours in zip(documents, results, strict=True)
        for what in differences(plain_call(case), ours)
    }
    assert sorted(found - listed) == [], "not listed"
    assert sorted(listed - found) == [], "listed, but gone"


def test_cut_documents_read_as_whole_ones_and_known_spans_bring_nothing(
    documents: Sequence[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = {case.name: read_document(case.job()) for case in documents}
    again = {
        case.name: read_document(replace(case.job(), known_spans=frozenset(first.spans)))
        for case in documents
        if isinstance(first := cut[case.name], ParsedFeed) and first.spans
    }
    assert len(again) >= FEWEST // 2
    assert [name for name, second in again.items() if not isinstance(second, ParsedFeed) or second.entries] == []
    monkeypatch.setattr(document, "cut", lambda *_, **__: None)
    whole = {case.name: read_document(case.job()) for case in documents}
    assert [name for name, first in cut.items() if entries_of(first) != entries_of(whole[name])] == []


def entries_of(read: ParsedFeed | Unreadable) -> list[ParsedEntry] | None:
    return [replace(entry, span=None) for entry in read.entries] if isinstance(read, ParsedFeed) else None


def test_every_listed_difference_has_a_reason() -> None:
    assert all(group["because"].strip() for group in YAML(typ="safe").load(LISTED))
