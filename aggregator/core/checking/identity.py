"""Turns a document that was read into one whose entries have keys: text that names an entry within its feed for ever.

It looks at nothing but the document and the spans the last check saw. Whether a key is already stored, perhaps under
another name, is for `recognise`.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import TypeVar

from aggregator.core.model.entries import ParsedEntry, ReadDone, ReadEntry
from aggregator.core.model.plans import Check, Keyed, KeyedEntry
from aggregator.core.text import fold
from aggregator.core.urls import canonical, link_hash

LONGEST_KEY = 500  # characters

_HASHED_TEXT = 1024
_FEWEST = 3  # fewer ids prove no habit
_OLDEST = datetime.min.replace(tzinfo=UTC)
_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class _Names:
    """What one entry could be called by; empty where it does not say."""

    id: str
    link: str
    enclosure: str
    title: str
    hash: str


@dataclass(frozen=True, slots=True)
class _Habits:
    """What one document shows of its publisher's naming, and the policy in force."""

    policy: str
    atom: bool
    shared_links: Collection[str]
    shared_enclosures: Collection[str]
    twins: Collection[tuple[str, str]]  # (id, link) that entries of different titles carry


def policy_of(check: Check) -> str:
    """The identity policy a document is keyed by: the person's choice, else what was learned."""
    return check.state.identity if check.feed.identity == "auto" else check.feed.identity


def key_document(check: Check) -> Keyed:
    """Give every entry of `check.read` its key; entries known by their spans keep the keys they had.

    The first entry with an id is `id:`, others with that id `id+link:`; without an id it is `link:`, or `link+title:`
    where the link is shared or is the feed's own page; then `encl:`, then `hash:`. Entries that end with one key are
    versions of one entry (RFC 4287 4.1.1) and the newest stands for them. `aliases` are further keys to ask the store
    for. `spans` maps "" where the reader left an entry out. `policy` is the one for the next document: `link` once half
    of the ids repeat. Entries of older pages come last, marked; `keys` and `spans` speak of the feed itself. A check
    that read nothing gives an empty document.
    """
    policy = policy_of(check)
    if not isinstance(check.read, ReadDone):
        return Keyed(policy=policy)
    known = {span: check.state.spans[span] for span in check.read.feed.spans if span in check.state.spans}
    older = check.backfill.entries if check.backfill else ()
    read = (*check.read.entries, *older)
    names = [_names(one.entry) for one in read]
    habits = _habits(check.read, names, policy)
    versions = _key_all(read, names, habits, frozenset(known.values()))
    own = versions[: len(check.read.entries)]
    spans = _spans(check.read, own, known)
    keys = frozenset(one.key for one in own) | {key for key in spans.values() if key}
    entries = (*_newest_versions(own), *_older(versions[len(own) :], keys))
    if check.feed.identity == "auto" and policy == "id" and _ids_repeat(names, habits, frozenset(known.values())):
        policy = "link"
    return Keyed(
        entries=entries,
        keys=keys,
        spans=spans,
        policy=policy,
    )


def asked(check: Check, keyed: Keyed) -> tuple[frozenset[str], frozenset[bytes]]:
    """The keys, aliases and withdrawn ones included, and the link hashes that `Known` must speak of.

    Entries known by their spans are not asked for: most of a document costs the store nothing.
    """
    keys = {key for one in keyed.entries for key in (one.key, *one.aliases)}
    if isinstance(check.read, ReadDone):
        keys |= {id_key(ref) for ref in check.read.feed.withdrawn}
    return frozenset(keys), frozenset(one.link_hash for one in keyed.entries if one.link_hash)


def id_key(ref: str) -> str:
    """The key of an entry with this id: trimmed, otherwise verbatim (RFC 4287 4.2.6.1)."""
    return _bounded(f"id:{ref.strip()}")


def _bounded(key: str) -> str:
    """`key` as any database stores it, at most 500 characters: a long one keeps its start and gets a hash."""
    clean = key.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    if len(clean) <= LONGEST_KEY:
        return clean
    return f"{clean[: LONGEST_KEY - 65]}#{sha256(clean.encode()).hexdigest()}"


def _names(entry: ParsedEntry) -> _Names:
    title = " ".join(fold(entry.title).split())
    date = entry.published_raw or (entry.published.isoformat() if entry.published else "")
    text = " ".join(entry.text.split())[:_HASHED_TEXT]
    return _Names(
        id=(entry.id or "").strip(),
        link=canonical(entry.link) if entry.link else "",
        enclosure=canonical(entry.enclosures[0].url) if entry.enclosures else "",
        title=title,
        hash=sha256(f"{title}\n{date}\n{text}".encode("utf-8", "replace")).hexdigest(),
    )


def _habits(read: ReadDone, names: Sequence[_Names], policy: str) -> _Habits:
    atom = read.feed.format == "atom"
    home = {canonical(read.feed.link)} if read.feed.link else set()
    # Two Atom entries with one id are versions whatever their titles; elsewhere a title tells them apart.
    identities = [(one.id, "" if atom and one.id else one.title) for one in names]
    links = _shared((one.link, who) for one, who in zip(names, identities, strict=True))
    twins = _shared(((one.id, one.link), who) for one, who in zip(names, identities, strict=True))
    return _Habits(
        policy=policy,
        atom=atom,
        shared_links=links | home,
        shared_enclosures=_shared((one.enclosure, one.title) for one in names),
        twins=twins,
    )


def _shared(pairs: Iterable[tuple[_Name, object]]) -> set[_Name]:
    """Names that more than one owner carries."""
    owners: dict[_Name, set[object]] = defaultdict(set)
    for name, owner in pairs:
        owners[name].add(owner)
    return {name for name, held_by in owners.items() if len(held_by) > 1}


def _ladder(names: _Names, habits: _Habits) -> tuple[str, ...]:
    """Every key an entry would answer to, best first; never empty."""
    if habits.policy == "hash":
        return (_bounded(f"hash:{names.hash}"),)
    if names.id and habits.policy == "id":
        unshared = [f"link:{names.link}"] if names.link and names.link not in habits.shared_links else []
        return tuple(map(_bounded, (f"id:{names.id}", _qualified_id(names, habits), *unshared)))
    if names.link:
        titled = f"link+title:{names.link} {names.title}" if names.title else f"hash:{names.hash}"
        alone = habits.policy != "link+title" and names.link not in habits.shared_links
        return tuple(map(_bounded, (f"link:{names.link}", titled) if alone else (titled,)))
    if names.enclosure and names.enclosure not in habits.shared_enclosures:
        return (_bounded(f"encl:{names.enclosure}"),)
    return (_bounded(f"hash:{names.hash}"),)


def _qualified_id(names: _Names, habits: _Habits) -> str:
    """What tells an entry from others with the same id."""
    if names.link and (names.id, names.link) not in habits.twins:
        return f"id+link:{names.id} {names.link}"
    return f"id+title:{names.id} {names.link} {names.title}"


def _key_all(
    entries: Sequence[ReadEntry], names: Sequence[_Names], habits: _Habits, known: Collection[str]
) -> list[KeyedEntry]:
    """Every read entry under its key, in document order; versions of one entry share theirs."""
    holder: dict[str, str] = {}  # `id:` key -> the qualified key of the entry that holds it
    keyed = []
    for read, one in zip(entries, names, strict=True):
        ladder = _ladder(one, habits)
        key = ladder[0]
        if key.startswith("id:"):
            held_elsewhere = holder.setdefault(key, ladder[1]) != ladder[1]
            # A span we know holds the id: in Atom this is a newer version of it, elsewhere another entry.
            if held_elsewhere or (key in known and not habits.atom):
                key = ladder[1]
        aliases = tuple(other for other in ladder if other != key)
        hashed = link_hash(read.entry.link) if read.entry.link else None
        keyed.append(KeyedEntry(key=key, read=read, aliases=aliases, link_hash=hashed))
    return keyed


def _newest_versions(keyed: Sequence[KeyedEntry]) -> tuple[KeyedEntry, ...]:
    """One entry a key, where its first version stood; the newest by its own dates, the first among equals."""
    newest: dict[str, KeyedEntry] = {}
    for one in keyed:
        if one.key not in newest or _dated(one) > _dated(newest[one.key]):
            newest[one.key] = one
    return tuple(newest.values())


def _older(keyed: Sequence[KeyedEntry], keys: Collection[str]) -> tuple[KeyedEntry, ...]:
    """Entries that only older pages hold: what moved there while we read is known from the feed itself."""
    return tuple(replace(one, older=True) for one in _newest_versions(keyed) if one.key not in keys)


def _dated(keyed: KeyedEntry) -> datetime:
    entry = keyed.read.entry
    return entry.updated or entry.published or _OLDEST


def _spans(read: ReadDone, keyed: Sequence[KeyedEntry], known: Mapping[bytes, str]) -> dict[bytes, str]:
    """Span -> key for the whole document.

    A document that could not be cut is remembered by hashes of its keys, which no span ever equals, so that gaps and
    removals are seen in it too. A span without an entry was left out by the reader and must not be read again.
    """
    if not read.feed.spans:
        return {blake2b(one.key.encode(), digest_size=16).digest(): one.key for one in keyed}
    mine = {one.read.entry.span: one.key for one in keyed}
    return {span: known.get(span) or mine.get(span, "") for span in read.feed.spans}


def _ids_repeat(names: Sequence[_Names], habits: _Habits, known: Collection[str]) -> bool:
    """Whether at least half of the ids were met before in this document, while links tell the entries apart."""
    with_id = {(one.id, _qualified_id(one, habits), one.link) for one in names if one.id}
    fresh = {id_ for id_, _, _ in with_id if _bounded(f"id:{id_}") not in known}
    linked = sum(1 for _, _, link in with_id if link and link not in habits.shared_links)
    return len(with_id) >= _FEWEST and 2 * (len(with_id) - len(fresh)) >= len(with_id) and 2 * linked >= len(with_id)
