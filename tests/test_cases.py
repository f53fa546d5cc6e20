"""Keeps the list of what feeds and servers do: 60 oddities of feeds (6), 55 of servers (7), each held by a test that names it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HELD = ("tests/core", "tests/fetch", "tests/store/test_clock.py", "tests/test_crash.py", "tests/test_refresh.py")
ALSO = ("tests/test_odd_servers.py", "tests/test_workers.py")
PUSH = (7, 53)  # hubs that push to us need a public address; it is not offered
CASES = {(6, number) for number in range(1, 61)} | {(7, number) for number in range(1, 56)} - {PUSH}


def test_every_case_is_held_by_a_test_that_names_it() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *HELD, *ALSO]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    named = {(int(section), int(number)) for section, number in re.findall(r"case_([67])_(\d+)", done.stdout)}
    assert sorted(CASES - named) == [], "no test names these"
    assert sorted(named - CASES) == [], "there are no such cases"
