"""What is written for people: it names everything there is, nothing that is not, and its examples work."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from aggregator.cli import root
from aggregator.core.model.feeds import FailureKind
from aggregator.core.topics.check import run_tests
from aggregator.feedlist import load, packs, shapes
from aggregator.settings import names
from aggregator.settings.model import SETTINGS

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
SHARED_OPTIONS = {"--config", "--database", "--data-dir", "--json", "--limit", "--help", "--version"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name, `feeds list`."""
    program: Any = typer.main.get_command(root)
    for name in program.list_commands(None):
        command = program.get_command(None, name)
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


COMMANDS = dict(commands())


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where it is shown."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert re.search(rf"^\| `aggregator {name}[` ]", text("docs/commands.md"), re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_said_of_a_command_names_only_options_it_has(name: str) -> None:
    (row,) = re.findall(rf"^\| `aggregator {name}[` ].*$", text("docs/commands.md"), re.MULTILINE)
    assert set(re.findall(r"(--[a-z-]+)", row)) <= options(COMMANDS[name])


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"run", "worker"}])
def test_every_option_of_its_own_is_named_beside_a_command(name: str) -> None:
    (row,) = re.findall(rf"^\| `aggregator {name}[` ].*$", text("docs/commands.md"), re.MULTILINE)
    assert options(COMMANDS[name]) - SHARED_OPTIONS <= set(re.findall(r"(--[a-z-]+)", row))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_a_page_names_no_command_that_does_not_exist(page: Path) -> None:
    named = re.findall(r"(?:^|`|bin/)aggregator ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", page.read_text(), re.MULTILINE)
    groups = {name.split()[0] for name in COMMANDS if " " in name}
    assert [pair for pair in named if (" ".join(pair) if pair[0] in groups else pair[0]) not in COMMANDS] == []


@pytest.mark.parametrize("name", names())
def test_every_setting_is_documented(name: str) -> None:
    assert len(re.findall(rf"^\| `{name}` \|", text("docs/configuration.md"), re.MULTILINE)) == 1


@pytest.mark.parametrize("name", [name for name, one in SETTINGS.items() if one.default])
def test_a_setting_is_documented_with_its_default(name: str) -> None:
    (default,) = re.findall(rf"^\| `{name}` \| `([^`]+)` \|", text("docs/configuration.md"), re.MULTILINE)
    assert default == SETTINGS[name].default


def test_a_page_names_no_setting_that_does_not_exist() -> None:
    own = {
        "AGGREGATOR_UNODC_KEY",
        "AGGREGATOR_UNODC_KEY_FILE",
        "AGGREGATOR_NAME",
        "AGGREGATOR_DESK_EMAIL",
        "AGGREGATOR_HOOK_URL",
        "AGGREGATOR_CHAT_URL",
        "AGGREGATOR_",
    }
    named = {name for page in PAGES for name in re.findall(r"AGGREGATOR_[A-Z_]*", page.read_text(encoding="utf-8"))}
    assert named - own <= {*names(), *{name.removesuffix("_FILE") for name in names()}}


@pytest.mark.parametrize(
    ("heading", "shape"),
    [
        ("### Feeds", shapes.FeedShape),
        ("### Topics", shapes.TopicShape),
        ("## Subscribers", shapes.SubscriberShape),
        ("Each subscription makes its own mail:", shapes.SubscriptionShape),
    ],
    ids=["feeds", "topics", "subscribers", "subscriptions"],
)
def test_every_key_of_the_files_is_documented_and_no_other(heading: str, shape: type[shapes.Shape]) -> None:
    table = text("docs/configuration.md").partition(heading)[2].partition("\n|---")[2].partition("\n\n")[0]
    named = {key for row in table.splitlines()[1:] for key in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert named == set(shape.model_fields)


def test_the_keys_that_defaults_know_are_marked() -> None:
    marked = re.findall(r"^\| `([a-z_]+)` \| d \|", text("docs/configuration.md"), re.MULTILINE)
    assert set(marked) == set(shapes.DefaultsShape.model_fields)


def test_every_error_of_a_feed_is_explained() -> None:
    table = text("docs/operations.md").partition("| error |")[2].partition("\n\n")[0]
    named = [kind for row in table.splitlines()[2:] for kind in re.findall(r"`([a-z_]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(FailureKind)


def test_every_pack_is_named() -> None:
    assert [name for name in packs.pack_names() if f"`{name}`" not in text("docs/topics.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8"))
    targets = [(page.parent / target if target else page, anchor) for target, anchor in links]
    assert [str(path) for path, _ in targets if not path.exists()] == []
    assert [anchor for path, anchor in targets if anchor and anchor not in anchors(path)] == []


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md", "docs/topics.md"])
def test_a_feed_list_in_a_page_can_be_read_and_passes_its_own_tests(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "feeds.yaml").write_text(block, encoding="utf-8")
        wanted = load(tmp_path / "feeds.yaml", {})
        assert {warning.message for warning in wanted.warnings} <= {"no feeds are listed"}
        assert all(outcome.passed for topic in wanted.topics for outcome in run_tests(topic))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_word_of_make_is_one_it_knows(page: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^|`|&& )make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= known


def test_the_picture_is_sharp_and_light() -> None:
    picture = (ROOT / "docs/images/digest.png").read_bytes()
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG")
    assert width >= 1600
    assert height >= 900
    assert len(picture) < 250_000
