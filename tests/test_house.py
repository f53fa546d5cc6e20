"""The laws of the house that no linter knows: sizes, names, reasons beside exceptions, and one reader of the clock."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 300
LONGEST_FUNCTION = 40

# A function that is longer says here why it is clearer in one piece.
LONG_FUNCTIONS: dict[str, str] = {}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base", "stuff"}
# Only the composition root makes the clock; everyone else is given the time.
CLOCK_READERS = {"aggregator/app.py"}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
}

SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)")
REASONED_NOQA = re.compile(r"^: ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - \S.{5,}")
REASONED_IGNORE = re.compile(r"^\[[a-z-]+(, ?[a-z-]+)*\]\s+(# |- )\S.{5,}")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def is_suppression(comment: str) -> bool:
    return SUPPRESSION.search(comment) is not None


def is_reasoned(comment: str) -> bool:
    found = SUPPRESSION.search(comment)
    if found is None:
        return False
    rule = REASONED_NOQA if found[1] == "noqa" else REASONED_IGNORE
    return rule.match(found["rest"]) is not None


def clock_reads(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (_last(node.value), node.attr) in CLOCKS:
            yield node.lineno


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def longer_files() -> dict[str, int]:
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE}
    return {name: size for name, size in sizes.items() if size > LONGEST_FILE}


def longer_functions() -> dict[str, int]:
    sizes = {
        f"{name_of(path)}:{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in PACKAGE
        for function in functions(ast.parse(path.read_text(encoding="utf-8")))
    }
    return {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION}


# A migration is one script by nature: it is written once, and read from top to bottom.
PACKAGE = [path for path in modules("aggregator", "db") if path.parent.name != "versions"]
EVERYTHING = modules("aggregator", "db", "tests", "benchmarks")


def test_a_file_fits_into_one_head() -> None:
    assert not longer_files(), "split along a noun"


def test_a_function_fits_onto_one_screen() -> None:
    crowded = {name: size for name, size in longer_functions().items() if name not in LONG_FUNCTIONS}
    assert not crowded, f"name the steps: {crowded}"


def test_an_allowance_is_withdrawn_when_it_is_no_longer_needed() -> None:
    assert set(LONG_FUNCTIONS) <= set(longer_functions())


def test_no_room_is_a_place_for_odds_and_ends() -> None:
    assert [name_of(path) for path in PACKAGE if FORBIDDEN_NAMES & {path.stem, *path.relative_to(ROOT).parts}] == []


def test_every_module_says_what_it_is_for() -> None:
    trees = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in EVERYTHING}
    assert [name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_an_exception_to_a_rule_gives_its_reason_on_the_same_line() -> None:
    bare = []
    for path in EVERYTHING:
        for line, comment in comments(path):
            if is_suppression(comment) and not is_reasoned(comment):
                bare.append(f"{name_of(path)}:{line} {comment}")
    assert bare == []


def test_only_the_composition_root_reads_the_clock() -> None:
    reads = {name_of(path): list(clock_reads(ast.parse(path.read_text(encoding="utf-8")))) for path in PACKAGE}
    assert {name: lines for name, lines in reads.items() if lines and name not in CLOCK_READERS} == {}


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    assert [name_of(path) for path in PACKAGE if later.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("# noqa: BLE001 - one feed must not stop the others", True),
        ("# noqa: S311, S324 - not a secret, a jitter", True),
        ("# noqa", False),
        ("# noqa: BLE001", False),
        ("# noqa: BLE001 -", False),
        ("# type: ignore[import-untyped]  # no types are published", True),
        ("# type: ignore[import-untyped]", False),
        ("# type: ignore", False),
    ],
)
def test_a_reason_is_told_from_a_bare_exception(comment: str, reasoned: bool) -> None:
    assert is_suppression(comment)
    assert is_reasoned(comment) is reasoned


@pytest.mark.parametrize(
    "code", ["datetime.now(UTC)", "datetime.datetime.now()", "date.today()", "time.time()", "clock = datetime.utcnow"]
)
def test_a_look_at_the_clock_is_seen(code: str) -> None:
    assert list(clock_reads(ast.parse(code))) == [1]
