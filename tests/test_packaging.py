"""What is shipped: the lock files, the image, the composition and the wheel say what the code needs, and no more."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from aggregator import settings

ROOT = Path(__file__).parents[1]
LOCKS = ("locks/runtime.txt", "locks/dev.txt")
# Names that .env may carry besides settings: its own, for docker compose, and an example of a name that feeds.yaml uses.
COMPOSE_NAMES = {"POSTGRES_PASSWORD", "FEEDS_FOLDER"}
EXAMPLE_NAMES = {"AGGREGATOR_DESK_EMAIL"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pinned(lock: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)", read(lock), flags=re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(read("docker-compose.yml"))
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[list[str]]:
    joined = read("Dockerfile").replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_download_from(lock: str) -> None:
    text = read(lock)
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|file:", text)
    assert not re.search(r"(^|\s)/\w", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_a_hash_for_every_requirement(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", read(lock).strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert all(re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==", block) for block in blocks)


def test_both_locks_agree_on_every_version_they_share() -> None:
    runtime, dev = (pinned(lock) for lock in LOCKS)
    assert {name: version for name, version in runtime.items() if dev.get(name) != version} == {}


def test_the_locks_satisfy_what_the_project_asks_for(project: dict[str, Any]) -> None:
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["postgres"]]
    for_tests = [wish for wish in project["dependency-groups"]["dev"] if isinstance(wish, str)]
    for lock, wishes in (
        (LOCKS[0], [*asked, *project["dependency-groups"]["build"]]),
        (LOCKS[1], [*asked, *for_tests]),
    ):
        have = pinned(lock)
        for wish in map(Requirement, wishes):
            assert wish.specifier.contains(have[canonicalize_name(wish.name)], prereleases=True), (
                f"{lock}: {wish}; run make lock"
            )


def test_the_image_installs_locked_hashes_and_runs_as_nobody_in_particular(dockerfile: list[list[str]]) -> None:
    runs = [argument for word, argument in dockerfile if word == "RUN"]
    assert any("--require-hashes --requirement locks/runtime.txt" in run for run in runs)
    assert all("--require-hashes" in run or "--no-deps" in run for run in runs if "pip install" in run)
    users = [argument for word, argument in dockerfile if word == "USER"]
    assert users == ["1000:1000"]
    after_user = dockerfile[[word for word, _ in dockerfile].index("USER") :]
    assert not [argument for word, argument in after_user if word in {"RUN", "COPY", "ADD"}]


def test_the_image_asks_the_service_itself_for_its_health(dockerfile: list[list[str]]) -> None:
    health = next(argument for word, argument in dockerfile if word == "HEALTHCHECK")
    assert json.loads(health[health.index("CMD") + 3 :]) == ["aggregator", "status", "--check"]
    assert ["ENTRYPOINT", '["aggregator"]'] in dockerfile


def test_everything_that_the_image_copies_is_in_its_context(dockerfile: list[list[str]]) -> None:
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert read(".dockerignore").splitlines()[1] == "*"
    for word, argument in dockerfile:
        if word == "COPY" and not argument.startswith("--from"):
            for source in shlex.split(argument)[:-1]:
                assert source in allowed
                assert (ROOT / source).exists()


@pytest.mark.parametrize("name", ["app", "worker"])
def test_our_containers_can_write_only_to_their_data_and_gain_no_privileges(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all("noexec" in mount for mount in service["tmpfs"])
    writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
    assert writable == ["data:/data"]
    assert service["healthcheck"]["test"] == ["CMD", "aggregator", "status", "--check"]


def test_a_container_is_given_the_time_to_finish_a_mail(compose: dict[str, Any]) -> None:
    assert int(compose["services"]["app"]["stop_grace_period"].removesuffix("s")) > 25


def test_workers_come_with_the_scale_profile_and_without_being_asked_nothing_does(compose: dict[str, Any]) -> None:
    worker = compose["services"]["worker"]
    assert worker["profiles"] == ["scale"]
    assert worker["deploy"]["replicas"] == 2
    assert worker["environment"]["AGGREGATOR_ENGINE"] == "procrastinate"
    assert worker["command"] == ["worker"]
    assert {name for name, service in compose["services"].items() if "profiles" not in service} == {
        "app",
        "postgres",
        "mailpit",
    }


def test_every_port_is_bound_to_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_tells_whether_it_is_healthy_and_the_database_is_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "healthcheck" not in service] == []
    assert services["app"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert services["postgres"]["image"] == "postgres:18"
    assert all(volume.split(":")[0] in compose["volumes"] for volume in services["postgres"]["volumes"])


def test_no_secret_is_written_into_the_composition(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|DATABASE", name):
                assert "${POSTGRES_PASSWORD:?" in value


def test_the_composition_starts_the_service_with_settings_that_it_accepts(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    given = {"POSTGRES_PASSWORD": "example"}
    environment = {name: fill(value, given) for name, value in compose["services"]["app"]["environment"].items()}
    loaded = settings.load(environment, config=tmp_path / "feeds.yaml")
    assert loaded.database.startswith("postgresql:")
    assert (loaded.mail_transport, loaded.smtp_host, loaded.smtp_port) == ("smtp", "127.0.0.1", 1025)
    worker = {name: fill(value, given) for name, value in compose["services"]["worker"]["environment"].items()}
    assert settings.load(worker, config=tmp_path / "feeds.yaml").engine == "procrastinate"


def fill(value: str, given: dict[str, str]) -> str:
    """What docker compose makes of `${NAME:-default}` and `${NAME:?complaint}`."""
    return re.sub(
        r"\$\{(\w+):([-?])([^}]*)\}", lambda found: given.get(found[1]) or (found[3] if found[2] == "-" else ""), value
    )


def test_every_name_in_the_example_environment_is_known_and_every_setting_is_in_it(compose: dict[str, Any]) -> None:
    example = set(re.findall(r"^(?:# )?([A-Z_]+)=", read(".env.example"), flags=re.MULTILINE))
    known = set(settings.names())
    assert example - known == COMPOSE_NAMES | EXAMPLE_NAMES
    assert {name for name in known if not name.endswith("_FILE")} <= example
    used = {name for service in compose["services"].values() for name in service.get("environment", {})}
    assert {name for name in used if name.startswith("AGGREGATOR_")} <= known


def test_the_example_environment_is_accepted_when_every_default_in_it_is_taken(tmp_path: Path) -> None:
    lines = re.findall(r"^# (AGGREGATOR_[A-Z_]+=.*)$", read(".env.example"), flags=re.MULTILINE)
    environment = dict(shlex.split(line)[0].split("=", 1) for line in lines)
    environment |= dict.fromkeys(EXAMPLE_NAMES, "")
    assert settings.load(environment, config=tmp_path / "feeds.yaml") == settings.load(
        {}, config=tmp_path / "feeds.yaml"
    )


def test_the_wheel_carries_the_package_its_migrations_and_its_data(wheel: zipfile.ZipFile) -> None:
    carried = set(wheel.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "aggregator").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    migrations = {f"aggregator/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "db").rglob("*.py")}
    assert wanted - carried == set()
    assert migrations - carried == set()
    assert {"aggregator/db/env.py", "aggregator/py.typed"} <= carried
    assert any(name.startswith("aggregator/core/digests/render/templates/") for name in carried)
    assert any(name.startswith("aggregator/packs/") for name in carried)


def test_the_wheel_carries_nothing_that_belongs_to_a_person_or_a_machine(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.startswith("feed_aggregator-")} == {"aggregator"}
    assert not [
        name for name in wheel.namelist() if "__pycache__" in name or name.endswith((".env", ".db", "subscribers.yaml"))
    ]


def test_the_wheel_says_its_version_licence_and_command(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith("/METADATA")).rsplit("/", 1)[0]
    told = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in told
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    assert "aggregator = aggregator.__main__:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_the_changelog_has_a_section_for_the_present_version() -> None:
    version = re.search(r'__version__ = "([^"]+)"', read("aggregator/__init__.py"))
    assert version is not None
    assert re.search(rf"^## \[({re.escape(version[1])}|Unreleased)\]", read("CHANGELOG.md"), flags=re.MULTILINE)


@pytest.mark.parametrize("script", [".ci/run", "locks/renew"])
def test_a_script_is_sound_bash_that_stops_at_the_first_failure(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert "set -euo pipefail" in read(script)
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_every_word_of_the_makefile_is_explained_and_the_suite_is_one_of_them() -> None:
    makefile = read("Makefile")
    words = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    told = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert told is not None
    assert words == explained == set(told[1].split())
    assert {"install", "run", "demo", "test", "bench", "faults", "help"} <= words
    assert read(".ci/run").rstrip().endswith("make test")
