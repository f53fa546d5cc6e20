"""A feed that moved, died or became a page -> the feed that may follow it: found, read, and compared with what is stored.

Every request is one a person asked for; a host that shuts us out, or asks us to wait, ends the search.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aggregator.cli.discovering import ENOUGH, elsewhere, probe, same_origin
from aggregator.cli.live import Document, NoDocument, Reader
from aggregator.cli.output import count
from aggregator.core.checking.mending import Ailment, Confidence, Likeness, confidence, likeness
from aggregator.core.model.entries import Entry
from aggregator.core.model.feeds import FailureKind, Feed, FeedState
from aggregator.core.urls import canonical, host_of, link_hash, origin_url

MOST_LOOKS = 12  # documents a search asks for, besides five probes

_RANK = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
_HANDS_OFF = "is the host's decision, and nothing here goes around it"
_SHUT = frozenset({FailureKind.BOT_WALL, FailureKind.RATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A feed of the file with what checking learned of it and the newest entries that are stored."""

    feed: Feed
    state: FeedState
    stored: tuple[Entry, ...]
    ailment: Ailment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """An address where a feed was read. `reason` says how it was found; `obstacle` why the file may not just name it."""

    url: str
    reason: str
    title: str | None
    likeness: Likeness
    confidence: Confidence
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a search came to: a successor, or in `note` why there is none."""

    patient: Patient
    successor: Successor | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    url: str
    reason: str
    led: bool = False
    document: Document | None = None


class _ShutOutError(Exception):
    """A host wants to be left alone; its words are the argument."""


async def diagnose(reader: Reader, patient: Patient, listed: Sequence[Feed]) -> Diagnosis:
    """Search for the successor of a feed. `listed` are all feeds of the file: one of them is no successor."""
    if "${" in patient.feed.url or "@" in urlsplit(patient.feed.url).netloc:
        return Diagnosis(patient=patient, note="its address holds a secret, so only you can look for another")
    if patient.ailment is Ailment.BOT_WALL:
        return Diagnosis(patient=patient, note=f"that {_HANDS_OFF}")
    search = _Search(reader=reader, patient=patient, followed=_followed(patient, listed))
    try:
        return await search.run()
    except _ShutOutError as shut:
        note = "" if search.best else f"{shut}; that {_HANDS_OFF}"
        return Diagnosis(patient=patient, successor=search.best, note=note)


def _followed(patient: Patient, listed: Sequence[Feed]) -> dict[bytes, str]:
    return {link_hash(one.url): one.id for one in listed if one.id != patient.feed.id}


@dataclass(slots=True, kw_only=True)
class _Search:
    """One search under way: what was asked, and the best that was found."""

    reader: Reader
    patient: Patient
    followed: Mapping[bytes, str]
    best: Successor | None = None
    seen: dict[str, Document | NoDocument] = field(default_factory=dict)
    answers: bool = False  # the feed's own address gave a feed

    async def run(self) -> Diagnosis:
        """Follow every lead until one is surely the feed."""
        async for lead in self._leads():
            found = lead.document or await self._look(lead.url)
            if isinstance(found, Document):
                self._weigh(lead, found)
            if self.best and self.best.confidence is Confidence.HIGH:
                break
        if self.best:
            return Diagnosis(patient=self.patient, successor=self.best)
        if self.answers:
            return Diagnosis(patient=self.patient, note="its address answers with a feed; there is nothing to mend")
        return Diagnosis(
            patient=self.patient, note=f"no successor was found, at {count(len(self.seen), 'address', 'addresses')}"
        )

    async def _leads(self) -> AsyncIterator[_Lead]:
        """Where the feed may be now, the likeliest first."""
        state, feed = self.patient.state, self.patient.feed
        if state.url_in_use and canonical(state.url_in_use) != canonical(feed.url):
            yield _Lead(url=state.url_in_use, reason="it has redirected there for good, check after check", led=True)
        present = await self._look(feed.url)
        if isinstance(present, Document):
            self.answers = True
            if moved := present.answer.permanent_url:
                yield _Lead(url=moved, reason="it redirects there for good", led=True, document=present)
            elif state.self_link and host_of(state.self_link) == host_of(feed.url):
                yield _Lead(url=state.self_link, reason="its document says that it lives there")
            return
        if state.self_link:
            yield _Lead(url=state.self_link, reason="its last document said that it lives there")
        for url in present.candidates:
            yield _Lead(url=url, reason="the page that is there now names it")
        if feed.url.startswith("http:") and urlsplit(feed.url).port is None:
            yield _Lead(url=f"https:{feed.url[5:]}", reason="the same address over https")
        async for lead in self._leads_of_pages(named=bool(present.candidates)):
            yield lead

    async def _leads_of_pages(self, *, named: bool) -> AsyncIterator[_Lead]:
        """What the feed's site and its host's home page name; where no page names anything, the usual places."""
        home = origin_url(self.patient.feed.url)
        pages = dict.fromkeys(url for url in (self.patient.state.site, home) if url)
        for page in pages:
            found = await self._look(page)
            if isinstance(found, Document):
                yield _Lead(url=page, reason="its site is a feed itself", document=found)
                continue
            for url in found.candidates:
                yield _Lead(url=url, reason=f"the site {host_of(found.url)} names it")
            named = named or bool(found.candidates)
        last = await self._look(home)
        if named or isinstance(last, Document) or last.kind in ENOUGH:
            return
        if probed := await probe(self.reader, self.patient.feed, home):
            yield _Lead(url=probed.url, reason="it lies where feeds usually lie", document=probed.document)

    async def _look(self, url: str) -> Document | NoDocument:
        """What is at an address, asked for once. Raises _ShutOutError."""
        key = canonical(url)
        if key not in self.seen:
            if len(self.seen) >= MOST_LOOKS:
                return NoDocument(kind=FailureKind.NOT_A_FEED, detail="not asked any more")
            self.seen[key] = await self.reader.look(elsewhere(self.patient.feed, url))
        found = self.seen[key]
        if isinstance(found, NoDocument) and found.kind in _SHUT:
            raise _ShutOutError(found.detail)
        return found

    def _weigh(self, lead: _Lead, document: Document) -> None:
        """Keep a document's address when it is likelier the feed's than the best so far."""
        feed = self.patient.feed
        url = document.answer.permanent_url or lead.url
        if canonical(url) == canonical(feed.url):
            self.answers = True
            return
        if feed.url.startswith("https:") and not url.startswith("https:"):
            return
        seen = likeness(document.entries, document.read.feed.title, self.patient.stored, self.patient.state)
        sure = confidence(seen, led=lead.led)
        if self.best is None or _RANK.index(sure) > _RANK.index(self.best.confidence):
            title = document.read.feed.title
            self.best = Successor(
                url=url,
                reason=lead.reason,
                title=title,
                likeness=seen,
                confidence=sure,
                obstacle=self._obstacle(url),
            )

    def _obstacle(self, url: str) -> str:
        feed = self.patient.feed
        if known := self.followed.get(link_hash(url)):
            return f"it is followed already, as {known}: `aggregator feeds remove {feed.id}` would leave that one"
        if feed.headers and not same_origin(feed.url, url):
            return f"the feed's headers would go to {host_of(url)} too: edit the file yourself if they may"
        return ""
