"""An installation -> what is wrong with it: each examination looks, says what it found, and mends nothing.

It makes no database, no secret and no mail; what it needs of the outside is asked for within seconds.
"""

import asyncio
import os
import pyexpat
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from aggregator.core.checking.notices import notices
from aggregator.core.digests import slots
from aggregator.core.errors import AggregatorError, ConfigError
from aggregator.core.model.subscriptions import Phase, SendFailed
from aggregator.core.model.topics import Topic
from aggregator.core.topics.check import run_tests
from aggregator.feedlist import FeedList, load
from aggregator.feedlist.load import SUBSCRIBERS_FILE
from aggregator.mail.transport import Transport
from aggregator.store import deliveries, dialect, feeds, health, migrate, subscribers
from aggregator.store.database import Connection, Store
from aggregator.store.feeds import FollowedFeed
from aggregator.store.migrate import Schema
from aggregator.workers.workers import SAFE_EXPAT

LITTLE_SPACE = 1 << 30  # bytes; a database of a hundred feeds grows by less in a year
NO_SPACE = 100 << 20
CLOCK_TOLERANCE = timedelta(seconds=5)
GIT_SECONDS = 5
NAMED = 3  # how many feeds a line names before it only counts

_WRITTEN_ADDRESS = re.compile(r"""\bemail["']?\s*:\s*["']?[^\s"'$,{}#]+@""")


class Level(StrEnum):
    """How bad a finding is. A warning is for a person to judge; a problem keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look at `subject` found, in one line, and what mends it."""

    level: Level
    subject: str
    message: str
    hint: str = ""


def ok(subject: str, message: str) -> Finding:
    """All is well with `subject`."""
    return Finding(level=Level.OK, subject=subject, message=message)


def warning(subject: str, message: str, hint: str = "") -> Finding:
    """Something to judge."""
    return Finding(level=Level.WARNING, subject=subject, message=message, hint=hint)


def problem(subject: str, message: str, hint: str = "") -> Finding:
    """Something that keeps the service from doing its work."""
    return Finding(level=Level.PROBLEM, subject=subject, message=message, hint=hint)


def data_folder(path: Path) -> Iterator[Finding]:
    """Whether the data folder, or the nearest folder above it that exists, can be written to and has room."""
    there = _existing(path)
    if there.is_dir():
        yield _writable("data folder", path)
    else:
        yield problem("data folder", f"{there} is a file", "name a folder in AGGREGATOR_DATA_DIR")
        return
    free = shutil.disk_usage(there).free
    told = f"{free / (1 << 30):,.1f} GiB free"
    if free < NO_SPACE:
        yield problem("disk", told, f"make room where {there} lies: nothing can be stored soon")
    else:
        yield warning("disk", told, f"make room where {there} lies") if free < LITTLE_SPACE else ok("disk", told)


def _existing(path: Path) -> Path:
    return next((folder for folder in (path, *path.absolute().parents) if folder.exists()), Path("/"))


def _writable(subject: str, path: Path) -> Finding:
    there = _existing(path)
    if not os.access(there, os.W_OK | os.X_OK):
        return problem(subject, f"{there} cannot be written to", "give it to the user that runs the service")
    return ok(subject, str(path) if there == path else f"{path} will be made")


def secret_file(path: Path, *, is_set: bool) -> Iterator[Finding]:
    """Whether the secret that signs our links is there and is the service's alone."""
    if is_set:
        yield ok("secret", "AGGREGATOR_SECRET is set")
    elif not path.exists():
        yield ok("secret", f"{path} is made at the first start")
    elif (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        yield problem("secret", f"others on this machine may read {path} (mode {mode:04o})", f"chmod 600 {path}")
    elif not path.read_bytes().strip():
        yield problem("secret", f"{path} is empty", "remove it: a new one is made at the next start")
    else:
        yield ok("secret", f"{path} is ours alone")


def feed_list(path: Path, environ: Mapping[str, str]) -> tuple[FeedList | None, tuple[Finding, ...]]:
    """The feed list, if it can be read, and what is wrong or odd in it and in subscribers.yaml beside it."""
    try:
        wanted = load(path, environ)
    except ConfigError as error:
        found = (problem("feed list", f"{one.where}: {one.message}", one.hint) for one in error.problems)
        kept = problem("feed list", "nothing of it is applied: the last good state stays in force until then")
        return None, (*found, kept)
    told = f"feeds {len(wanted.feeds)}, topics {len(wanted.topics)}, subscribers {len(wanted.subscribers)}"
    odd = (warning("feed list", f"{one.where}: {one.message}", one.hint) for one in wanted.warnings)
    return wanted, (ok("feed list", f"{' and '.join(map(str, wanted.files))}: {told}"), *odd)


def topics(watched: Sequence[Topic]) -> Iterator[Finding]:
    """Whether each topic agrees with its own tests; that it compiles is known since the feed list was read."""
    passed = 0
    for topic in watched:
        outcomes = run_tests(topic)
        failed = [one for one in outcomes if not one.passed]
        passed += len(outcomes) - len(failed)
        if failed:
            message = f"{topic.id}: {len(failed)} of {len(outcomes)} tests fail, such as “{failed[0].test.title}”"
            yield problem("topics", message, f"`aggregator topics test {topic.id}` shows them")
    if watched:
        yield ok("topics", f"{len(watched)} compile, {passed} tests pass")


def zones(named: Mapping[str, str]) -> Iterator[Finding]:
    """Whether every time zone, given with who uses it, is known on this machine."""
    for name, user in sorted(named.items()):
        if wrong := slots.zone_problem(name):
            yield problem("time zones", f"{user}: {wrong}", "write another, or bring the machine's tzdata up to date")


def version_control(config: Path) -> Iterator[Finding]:
    """Whether git keeps people's addresses: subscribers.yaml itself, or an address written into the feed list."""
    folder = config.absolute().parent
    if SUBSCRIBERS_FILE in (tracked := _tracked(folder, (config.name, SUBSCRIBERS_FILE))):
        yield warning(
            "addresses",
            f"git tracks {SUBSCRIBERS_FILE}",
            f"git rm --cached {SUBSCRIBERS_FILE}, and add it to .gitignore",
        )
    if config.name in tracked and (lines := _addresses_in(config)):
        where = ", ".join(f"{config.name}:{line}" for line in lines[:NAMED])
        yield warning(
            "addresses", f"git tracks an address: {where}", "write email: ${AGGREGATOR_DESK_EMAIL} and set the variable"
        )


def _tracked(folder: Path, names: Sequence[str]) -> frozenset[str]:
    git = shutil.which("git")
    if git is None or not folder.is_dir():
        return frozenset()
    # A repository may name programs for git to run; looking must not run any.
    command = [git, "-C", str(folder), "-c", "core.fsmonitor=false", "ls-files", "-z", "--", *names]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=GIT_SECONDS)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(done.stdout.decode("utf-8", "replace").split("\0")) - {""}


def _addresses_in(config: Path) -> list[int]:
    try:
        lines = config.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [at for at, line in enumerate(lines, 1) if _WRITTEN_ADDRESS.search(line.partition(" #")[0])]


def database(url: str, shown: str, *, now: datetime, compare_clocks: bool) -> Iterator[Finding]:
    """Whether the database can be used, and what it tells of feeds, mail and its clock. `shown` is its URL for people."""
    file = dialect.file_of(url)
    if file is not None and not file.exists():
        yield ok("database", f"{file} is made at the first start")
        return
    try:
        yield from _schema(schema := migrate.inspect_schema(url), shown)
        if schema is Schema.CURRENT:
            with closing(Store(url)) as store:
                yield from store.read(_stored, now=now, compare_clocks=compare_clocks)
    except AggregatorError as error:
        yield problem("database", error.message, error.hint)


def _schema(schema: Schema, shown: str) -> Iterator[Finding]:
    match schema:
        case Schema.CURRENT:
            yield ok("database", shown)
        case Schema.EMPTY:
            yield ok("database", f"{shown} is empty, tables are made at the first start")
        case Schema.OLDER:
            yield problem("database", f"{shown} was made by an older aggregator", "run `aggregator db upgrade`")
        case Schema.NEWER:
            yield problem("database", f"{shown} was made by a newer aggregator", "upgrade the program")
        case Schema.FOREIGN:
            hint = "set AGGREGATOR_DATABASE to an empty one"
            yield problem("database", f"{shown} holds tables that are not aggregator's", hint)


def _stored(connection: Connection, *, now: datetime, compare_clocks: bool) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if compare_clocks:
        apart = abs(health.database_time(connection) - now)
        if apart > CLOCK_TOLERANCE:
            told = f"ours and the database's are {apart.total_seconds():,.0f} s apart, so nothing is claimed"
            found.append(problem("clock", told, "set the clock of this machine or of the database's"))
        else:
            found.append(ok("clock", "agrees with the database's"))
    followed = feeds.followed(connection)
    found += _followed(followed)
    told_of = notices([(one.feed, one.state) for one in followed], health.emptied(connection), now=now)
    found += [warning("feeds", f"{one.feed_id}: {one.message}", one.hint) for one in told_of]
    found += _mail_stored(connection, now)
    named_zones = {one.subscriber.timezone: one.subscriber.slug for one in subscribers.members(connection)}
    return (*found, *zones(named_zones))


def _followed(followed: Sequence[FollowedFeed]) -> Iterator[Finding]:
    asked = [one for one in followed if one.state.checked_at is not None and not one.feed.disabled]
    ill = [one.feed.id for one in asked if one.state.error_kind is not None]
    if not followed:
        return
    if not ill:
        yield ok("feeds", f"{len(followed)} followed, {len(asked)} checked, none fails")
    elif len(ill) == len(asked) >= NAMED:
        hint = "is there a way out of this machine? `aggregator status` shows what each said"
        yield problem("feeds", f"all {len(ill)} that were checked fail", hint)
    else:
        named = ", ".join(ill[:NAMED]) + (f" and {len(ill) - NAMED} more" if len(ill) > NAMED else "")
        yield warning("feeds", f"{len(ill)} of {len(asked)} fail: {named}", "`aggregator status` shows why")


def _mail_stored(connection: Connection, now: datetime) -> Iterator[Finding]:
    for channel, detail in deliveries.parked(connection, now=now).items():
        yield problem("mail", f"the channel {channel} is parked: {detail}", "mend it; waiting mails then go out")
    for phase in (Phase.PARKED, Phase.DEAD):
        if number := deliveries.counts(connection).get(phase.value, 0):
            yield warning("mail", f"{number} mails are {phase.value}", "`aggregator digest list` shows which and why")


def mail(transport: Transport, *, folder: Path | None, people: int, sender: str) -> Iterator[Finding]:
    """Whether mail could leave now: into `folder`, else by SMTP. `people` is how many subscribers have an address."""
    if folder is not None and not folder.exists():
        yield _writable("mail", folder)
        return
    result = asyncio.run(transport.check())
    if isinstance(result, SendFailed):
        yield problem("mail", f"{transport.describe()}: {result.detail}", "mend it, then ask again")
        return
    yield ok("mail", result.response if folder is None else transport.describe())
    if people and folder is not None:
        told = f"{people} of the subscribers have an address, but every mail goes to a folder"
        yield warning("mail", told, "set AGGREGATOR_SMTP_HOST, or AGGREGATOR_MAIL_TRANSPORT=smtp")
    if folder is None and sender.rstrip(">").endswith("@localhost"):
        yield warning("mail", f"it is sent from {sender}", "set AGGREGATOR_MAIL_FROM to an address of yours")


def base_url(url: str | None, *, sends: bool) -> Iterator[Finding]:
    """Whether links in mails lead anywhere: an https address that is not this machine's own (RFC 8058 wants https)."""
    host = (url or "").partition("://")[2].partition("/")[0]
    own = host.startswith(("127.", "localhost", "[::1]", "0.0.0.0"))  # noqa: S104 - recognised, never bound
    hint = "set AGGREGATOR_BASE_URL to the https address under which people reach the pages"
    if not sends:
        yield ok("base url", url or "not set, and not needed while mail goes to a folder")
    elif url is None:
        yield warning("base url", "not set, so mails carry no links to pages or to unsubscribe", hint)
    elif own:
        yield warning("base url", f"links in mails lead to {url}, which only this machine can open", hint)
    elif not url.startswith("https://"):
        yield warning("base url", f"{url} is not https, so mails cannot offer one-click unsubscribe", hint)
    else:
        yield ok("base url", url)


def libraries() -> Iterator[Finding]:
    """Whether the XML parser below us bounds what hostile documents may unfold to."""
    version = ".".join(map(str, pyexpat.version_info))
    if pyexpat.version_info < SAFE_EXPAT:
        yield problem("expat", f"{version} has known holes", "use a Python built with expat 2.4.1 or newer")
    else:
        yield ok("expat", version)
