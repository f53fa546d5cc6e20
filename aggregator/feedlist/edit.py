"""A feed added to, removed from or given another address in feeds.yaml, every other line left as it is.

A broken file is never touched. Lines are cut and put in as text; the result is read again and written only when it says
exactly what it should. A file whose feeds do not stand one below the other goes through ruamel's round trip instead,
which keeps comments and order.
"""

import io
import os
import re
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from aggregator.core.errors import AggregatorError, ConfigError, UsageError
from aggregator.core.model.feeds import Feed, Hours, Tier
from aggregator.feedlist.document import Document, Findings, read_text
from aggregator.feedlist.feeds import read_feeds
from aggregator.feedlist.problems import check_keys
from aggregator.feedlist.shapes import FileShape
from aggregator.feedlist.units import duration_text, nearest

_BOM = "\ufeff"


def add_feeds(path: Path, feeds: Sequence[Feed]) -> None:
    """Append feeds to the file's list, all or none, writing only what differs from the defaults of `Feed`.

    Raises UsageError when an id is taken, ConfigError when the file, or the file with these feeds, has problems.
    """
    text = _read(path)
    document = _checked(text, path)
    listed = document.value.get("feeds") or []
    taken = {item["id"] for item in listed} & {feed.id for feed in feeds}
    if taken:
        raise UsageError(f"{path} already has a feed `{min(taken)}`", hint="choose another id")
    items = [written(feed) for feed in feeds]
    spliced = _with_lines(text, document, items)
    _save(path, text, [*listed, *items], spliced, lambda before: before.extend(items))


def remove_feed(path: Path, feed_id: str) -> None:
    """Take a feed out of the file's list; comments above it stay. Raises UsageError when there is none with this id."""
    text = _read(path)
    document = _checked(text, path)
    ids = [item["id"] for item in document.value.get("feeds") or []]
    if feed_id not in ids:
        near = nearest(feed_id, ids)
        raise UsageError(f"{path} has no feed `{feed_id}`", hint=f"did you mean `{near}`?" if near else "")
    index = ids.index(feed_id)
    wanted = [item for item in document.value["feeds"] if item["id"] != feed_id]
    _save(path, text, wanted, _without_lines(text, document, index), lambda listed: listed.pop(index))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A file's text before and after an edit that is not made yet."""

    before: str
    after: str


def readdressed(path: Path, urls: Mapping[str, str]) -> Rewrite:
    """What the file would say if the feeds with these ids had these addresses.

    Raises UsageError for an id the file lacks, ConfigError when the file has problems, before or after.
    """
    text = _read(path)
    document = _checked(text, path)
    listed = document.value.get("feeds") or []
    if missing := set(urls) - {item["id"] for item in listed}:
        raise UsageError(f"{path} has no feed `{min(missing)}`")

    def change(items: Any) -> None:
        for item in items:
            if item["id"] in urls:
                item["url"] = urls[item["id"]]

    wanted = [item | {"url": urls.get(item["id"], item["url"])} for item in listed]
    spliced = _with_urls(text, document, urls)
    after = spliced if _feeds_in(spliced) == wanted else _round_trip(text, change)
    _checked(after, path)
    return Rewrite(before=text, after=after)


def rewrite(path: Path, edit: Rewrite) -> None:
    """Make an edit. Raises AggregatorError when the file no longer says what the edit began with."""
    if _read(path) != edit.before:
        raise AggregatorError(f"{path} was changed meanwhile", hint="run the command again")
    _replace(path, edit.after)


def written(feed: Feed) -> dict[str, Any]:
    """A feed as plain values of feeds.yaml, without what is the default anyway."""
    plain: dict[str, Any] = {}
    for field in fields(Feed):
        value = getattr(feed, field.name)
        if value == field.default:
            continue
        if field.name in {"interval", "backlog"}:
            value = duration_text(value)
        elif field.name == "headers":
            value = dict(value)
        elif isinstance(value, Hours | Tier):
            value = str(value)
        plain[field.name] = list(value) if isinstance(value, tuple) else value
    order = ("id", "name", "url", "tags", "tier")
    return {name: plain[name] for name in (*order, *plain) if name in plain}


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AggregatorError(
            f"cannot read {path}: {reason}", hint="name the file with --config or AGGREGATOR_CONFIG"
        ) from None


def _checked(text: str, path: Path) -> Document:
    """The document in `text`, whose feeds are all as they should be. Raises ConfigError."""
    findings = Findings()
    document = read_text(text, str(path), findings)
    if document is not None and check_keys(document, FileShape, findings):
        read_feeds(document, {}, findings)
    if findings.problems or document is None:
        raise ConfigError(findings.problems)
    return document


def _with_lines(text: str, document: Document, items: Sequence[dict[str, Any]]) -> str:
    """The text with the items below the last one, in that one's indentation and style."""
    lines, end = text.splitlines(keepends=True), "\r\n" if "\r\n" in text else "\n"
    listed = document.value.get("feeds")
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += end
    if listed:
        first, last = _extent(lines, document, len(listed) - 1)
        indent, flow = _dash(lines[first])
        return _joined(lines[:last], _all_rendered(items, indent, end, flow=flow), lines[last:])
    fresh = _all_rendered(items, 2, end, flow=True)
    if "feeds" not in document.value:
        return _joined(lines, [f"feeds:{end}", *fresh], [])
    line = document.keys["feeds",].line
    lines[line - 1] = re.sub(r"^(feeds:)\s*(?:\[\s*\]|null|~)", r"\1", lines[line - 1])
    return _joined(lines[:line], fresh, lines[line:])


def _without_lines(text: str, document: Document, index: int) -> str:
    lines = text.splitlines(keepends=True)
    first, last = _extent(lines, document, index)
    if len(document.value["feeds"]) == 1:
        line = document.keys["feeds",].line - 1
        lines[line] = re.sub(r"^feeds:", "feeds: []", lines[line])
    return _joined(lines[:first], [], lines[last:])


def _with_urls(text: str, document: Document, urls: Mapping[str, str]) -> str:
    """The text with the addresses of these feeds exchanged where they stand in it letter for letter."""
    lines = text.splitlines(keepends=True)
    for index, item in enumerate(document.value["feeds"]):
        mark = document.values["feeds", index, "url"]
        if item["id"] in urls and mark.inner:
            line, start = lines[mark.line - 1], mark.inner - 1
            lines[mark.line - 1] = line[:start] + urls[item["id"]] + line[start + len(item["url"]) :]
    return "".join(lines)


def _extent(lines: list[str], document: Document, index: int) -> tuple[int, int]:
    """The lines of an item, from 0, the second one excluded: up to the first that is no deeper than its dash.

    Blank lines and comments that follow belong to what comes next.
    """
    first = document.values["feeds", index].line - 1
    indent, _ = _dash(lines[first])
    last = first + 1
    for number in range(first + 1, len(lines)):
        body = lines[number].strip()
        if body and not body.startswith("#"):
            if len(lines[number]) - len(lines[number].lstrip(" ")) <= indent:
                break
            last = number + 1
    return first, last


def _dash(line: str) -> tuple[int, bool]:
    """How far an item's dash is indented, and whether the item is written in braces."""
    found = re.match(r"( *)- *(\{?)", line)
    return (len(found[1]), bool(found[2])) if found else (0, False)


def _all_rendered(items: Sequence[dict[str, Any]], indent: int, end: str, *, flow: bool) -> list[str]:
    return [line for item in items for line in _rendered(item, indent, end, flow=flow)]


def _rendered(item: dict[str, Any], indent: int, end: str, *, flow: bool) -> list[str]:
    buffer = io.StringIO()
    yaml = YAML()
    yaml.width = 1 << 20
    mapping = CommentedMap({name: _flowing(value) for name, value in item.items()})
    if flow:
        mapping.fa.set_flow_style()
    yaml.dump(mapping, buffer)
    body = buffer.getvalue().splitlines()
    return [f"{' ' * indent}{'- ' if not number else '  '}{line}{end}" for number, line in enumerate(body)]


def _flowing(value: Any) -> Any:
    """A list or mapping as one that is written in brackets."""
    if not isinstance(value, list | dict):
        return value
    kept: Any = CommentedSeq(value) if isinstance(value, list) else CommentedMap(value)
    kept.fa.set_flow_style()
    return kept


def _joined(before: list[str], between: list[str], after: list[str]) -> str:
    return "".join([*before, *between, *after])


def _save(path: Path, text: str, wanted: list[Any], spliced: str, change: Callable[[Any], object]) -> None:
    """Write `spliced` when its feeds are `wanted`, else the round trip of `text` with `change` made in its list."""
    new = spliced if _feeds_in(spliced) == wanted else _round_trip(text, change)
    _checked(new, path)
    _replace(path, new)


def _feeds_in(text: str) -> Any:
    document = read_text(text, "", Findings())
    return document.at(("feeds",)) if document else None


def _round_trip(text: str, change: Callable[[Any], object]) -> str:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    loaded = yaml.load(text)
    change(loaded.setdefault("feeds", []))
    buffer = io.StringIO()
    yaml.dump(loaded, buffer)
    return buffer.getvalue().replace("\n", "\r\n") if "\r\n" in text else buffer.getvalue()


def _replace(path: Path, text: str) -> None:
    """Put the new text in the file's place at once: a crash leaves the old file or the new one, whole."""
    path = path.resolve()
    bom = _BOM if path.read_bytes().startswith(_BOM.encode()) else ""
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
        fresh = Path(file.name)
        try:
            file.write((bom + text).encode())
            file.flush()
            os.fsync(file.fileno())
            fresh.chmod(stat.S_IMODE(path.stat().st_mode))
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
