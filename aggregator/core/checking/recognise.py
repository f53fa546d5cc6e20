"""Tells which entries of a keyed document are stored already, perhaps under another name, and which are new.

One stored entry stands for one entry of a document. In doubt an entry is new: one told twice is a nuisance, one taken
for another is lost.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time

from aggregator.core.checking.evidence import alike, is_reused, is_same
from aggregator.core.checking.identity import id_key, policy_of
from aggregator.core.checking.revisions import same_title
from aggregator.core.model.entries import KnownEntry
from aggregator.core.model.plans import Check, Keyed, KeyedEntry, Known

_MASS = 5  # above so many entries, what happened to them happened to the feed
_FEWEST = 3  # fewer entries prove no habit


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """One entry of a document: stored as `known`, purged (`stored` without `known`), or new.

    `key` is the one it has or gets in the store, `aliases` are further ones to remember. A `historical` entry is new by
    every name, yet was there before its publisher moved.
    """

    keyed: KeyedEntry
    key: str
    known: KnownEntry | None = None
    stored: bool = False
    aliases: tuple[str, ...] = ()
    historical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """A document's read entries in its own order, and the identity policy for the next document."""

    entries: tuple[Recognised, ...]
    policy: str


def recognise(check: Check, keyed: Keyed, known: Known) -> Recognition:
    """Match the document's read entries with what the store knows of them.

    Names that no other entry shares come first, then links, then ids that several entries carry. A feed whose ids
    change with every fetch is known by its links from then on.
    """
    search = _Search(check, keyed, known)
    search.by_own_names()
    search.by_link()
    policy = keyed.policy
    if search.ids_are_volatile():
        policy = "link"
        search.by_link(trusting=True)
    search.by_shared_id()
    entries = search.results(policy)
    if not search.found and not search.present:
        entries = _with_history(entries, known)
    return Recognition(entries=entries, policy=policy)


class _Search:
    """One document's search. `found` maps places in it to stored entries, None for purged ones."""

    def __init__(self, check: Check, keyed: Keyed, known: Known) -> None:
        self.entries = keyed.entries
        self.total = len(keyed.keys)
        self.known = known
        self.policy = policy_of(check)
        self.learning = check.feed.identity == "auto" and keyed.policy == "id"
        self.trusts_ids = check.feed.identity == "id"
        self.present = {key for span, key in keyed.spans.items() if key and span in check.state.spans}
        self.ids = Counter(one.read.entry.id for one in keyed.entries if one.read.entry.id)
        self.found: dict[int, KnownEntry | None] = {}
        self.by_name: set[int] = set()  # places found by their own keys
        self.claimed: set[int] = set()  # stored entries that have their place

    def by_own_names(self) -> None:
        """By the keys that only this entry carries, the most telling first."""
        for place, one in enumerate(self.entries):
            names = [name for name in one.aliases if not name.startswith(("id:", "link:"))]
            if not self._shares_id(one):
                names.append(one.key)
            if any(self._take(place, one, name) for name in names):
                self.by_name.add(place)

    def by_link(self, *, trusting: bool = False) -> None:
        """By the link beside the title; `trusting` asks only that the words do not speak against it."""
        if self.trusts_ids:
            return
        for place, one in self._open():
            for candidate in self._linked(one):
                if candidate is None or self._is_moved(candidate, one, trusting=trusting):
                    self._put(place, candidate)
                    break

    def by_shared_id(self) -> None:
        """By an id that several entries of the document carry, where something says that it is the same entry."""
        for place, one in self._open():
            if one.key.startswith("id:"):
                self._take(place, one, one.key)

    def ids_are_volatile(self) -> bool:
        """At least 80 % of the entries are known by id or link, but less than 20 % by id."""
        if not self.learning or self.total < _FEWEST:
            return False
        by_id = len(self.present) + len(self.by_name)
        moved = sum(
            any(found is not None and self._is_moved(found, one, trusting=True) for found in self._linked(one))
            for _, one in self._open()
        )
        known = len(self.present) + len(self.found) + moved
        return known >= 0.8 * self.total and by_id < 0.2 * self.total

    def results(self, policy: str) -> tuple[Recognised, ...]:
        """Every entry with the key it has or gets, and the names to remember it by."""
        taken = set(self.known.entries)
        results = []
        for place, one in enumerate(self.entries):
            if place in self.found:
                results.append(self._stored(place, one, policy))
                continue
            key = self._free_key(one, policy, taken)
            if key is None:
                results.append(Recognised(keyed=one, key=one.key, stored=True))
                continue
            taken.add(key)
            names = _telling(one) if self._shares_id(one) else ()
            names += _links(one) if policy == "link" else ()
            aliases = tuple(name for name in names if name not in taken)
            taken.update(aliases)
            results.append(Recognised(keyed=one, key=key, aliases=aliases))
        return tuple(results)

    def _stored(self, place: int, one: KeyedEntry, policy: str) -> Recognised:
        known = self.found[place]
        if known is None:
            return Recognised(keyed=one, key=one.key, stored=True)
        names = _links(one) if policy == "link" else ()
        if place not in self.by_name and policy != "link" and not any(n in self.known.entries for n in _links(one)):
            # Once a link is an alias it leads here again: an id that changes each time adds nothing more.
            names = (one.key, *_links(one))
        aliases = tuple(name for name in names if name not in self.known.entries and name != known.key)
        return Recognised(keyed=one, key=known.key, known=known, stored=True, aliases=aliases)

    def _free_key(self, one: KeyedEntry, policy: str, taken: set[str]) -> str | None:
        """The best name of a new entry that no other has; None when all are taken by purged or other entries."""
        preferred = _links(one) if policy == "link" else ()
        names = (*preferred, one.key, *(name for name in one.aliases if not name.startswith("id:")))
        return next((name for name in names if name not in taken), None)

    def _open(self) -> Iterator[tuple[int, KeyedEntry]]:
        return ((place, one) for place, one in enumerate(self.entries) if place not in self.found)

    def _shares_id(self, one: KeyedEntry) -> bool:
        return one.read.entry.id is not None and self.ids[one.read.entry.id] > 1 and one.key.startswith("id")

    def _take(self, place: int, one: KeyedEntry, name: str) -> bool:
        if place in self.found or name not in self.known.entries:
            return False
        known = self.known.entries[name]
        if known is not None:
            reused = name.startswith("id:") and is_reused(
                known, one.read.entry, one.link_hash, shared=self._shares_id(one)
            )
            if reused or known.entry_id in self.claimed:
                return False
        elif self._shares_id(one) and name.startswith("id:"):
            return False
        self._put(place, known)
        return True

    def _put(self, place: int, known: KnownEntry | None) -> None:
        self.found[place] = known
        if known is not None:
            self.claimed.add(known.entry_id)

    def _linked(self, one: KeyedEntry) -> Iterator[KnownEntry | None]:
        for name in _links(one):
            if name in self.known.entries:
                yield self.known.entries[name]
        if one.link_hash and one.link_hash in self.known.by_link:
            yield self.known.by_link[one.link_hash]

    def _is_moved(self, known: KnownEntry, one: KeyedEntry, *, trusting: bool) -> bool:
        """Whether `one` is `known` under another id. An entry that stands in the document itself has not moved."""
        entry = one.read.entry
        same_id = entry.id is not None and known.key == id_key(entry.id)
        if known.entry_id in self.claimed or (known.key in self.present and not same_id):
            return False
        if self.policy == "link" and _links(one):
            return True
        if trusting:
            return bool(_links(one)) and same_title(known.title, entry.title) and alike(known, entry) is not False
        return is_same(known, entry)


def _links(one: KeyedEntry) -> tuple[str, ...]:
    """The entry's `link:` name; none where the document's entries share the link."""
    return tuple(name for name in (one.key, *one.aliases) if name.startswith("link:"))


def _telling(one: KeyedEntry) -> tuple[str, ...]:
    """The names that tell an entry from others with its id."""
    return tuple(name for name in one.aliases if name.startswith(("id+link:", "id+title:")))


def _with_history(entries: tuple[Recognised, ...], known: Known) -> tuple[Recognised, ...]:
    """Mark entries whose publish times, to the second, are those of more than five stored ones.

    That is how a feed looks whose publisher moved to another host: every id and link is new, the instants are not.
    Midnight is no instant: it is how a date without a time is read.
    """
    before = {at for at in known.times if at.time() != time()}
    instants = {one.keyed.read.entry.published for one in entries if one.keyed.read.entry.published in before}
    if len(instants) <= _MASS or 2 * len(instants) < len(entries):
        return entries
    return tuple(
        replace(one, historical=not one.stored and one.keyed.read.entry.published in before) for one in entries
    )
