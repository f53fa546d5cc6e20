"""What people wrote: the feed list, its topics and zones, and whether version control keeps people's addresses."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aggregator.core.digests import slots
from aggregator.core.errors import ConfigError
from aggregator.core.model.topics import Topic
from aggregator.core.topics.check import run_tests
from aggregator.doctor.finding import Finding, ok, problem, warning
from aggregator.feedlist import FeedList, load
from aggregator.feedlist.load import SUBSCRIBERS_FILE

GIT_SECONDS = 5
NAMED = 3  # how many lines a finding names

_WRITTEN_ADDRESS = re.compile(r"""\bemail["']?\s*:\s*["']?[^\s"'$,{}#]+@""")


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
