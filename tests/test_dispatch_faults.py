"""Relays that die and processes that are killed at every point of a mail: real processes, real signals, a real wire."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm import Farm
from tests.mailing import Mailing, killed_at_the_end
from tests.patience import PATIENCE
from tests.relays import Relay, serving

# The crash points of a mail that no relay can see: what is being done to its row of the outbox when the program dies.
POINTS = {
    "inside the digest's transaction": ("INSERT", ""),
    "with the digest made, before its claim": ("UPDATE", "AND NEW.lease IS NOT NULL AND OLD.lease IS NULL"),
    "with the claim made, before its try": ("UPDATE", "AND NEW.phase = 'sending'"),
    "before DATA is on record": ("UPDATE", "AND NEW.phase = 'data'"),
    "between the reply and its record": ("UPDATE", "AND NEW.phase = 'sent'"),
}


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=1, hosts=1) as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, farm: Farm) -> Mailing:
    database = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    return Mailing(tmp_path, farm, database)


def killed(house: Mailing, relay: Relay) -> None:
    """Kill the program when the victim's session is at the point where the relay stalls."""
    with killed_at_the_end(house.send(relay)):
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: house.sent() == 1)  # so that only the victim's session is in question
    relay.go_on.set()


@pytest.mark.parametrize(("point", "doubles"), [("recipient", 0), ("before 354", 0), ("inside", 0), ("after dot", 1)])
def test_a_program_killed_in_the_middle_of_a_mail_is_made_up_for(house: Mailing, point: str, doubles: int) -> None:
    with serving(fault=point, stalls=True) as relay:
        killed(house, relay)
    house.made_up_for(relay, doubles=doubles)


@pytest.mark.parametrize("point", POINTS)
def test_a_program_killed_at_any_step_of_a_digest_loses_nothing(house: Mailing, point: str) -> None:
    with serving() as relay, house.holding(*POINTS[point]), killed_at_the_end(house.send(relay)):
        house.wait_until_held()
    house.made_up_for(relay)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # its processes are the same on both
def test_a_service_killed_in_the_middle_of_a_mail_leaves_no_process_behind(house: Mailing) -> None:
    with serving(fault="after dot", stalls=True) as relay, killed_at_the_end(house.send(relay, "run", "--no-web")):
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: house.sent() == 1)
    house.made_up_for(relay, doubles=1)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # what a relay does is nothing to the database
@pytest.mark.parametrize(
    ("point", "takes", "doubles"),
    [("greeting", False, 0), ("before 354", False, 0), ("after dot", False, 0), ("after dot", True, 1)],
)
def test_a_relay_that_dies_in_the_middle_of_a_mail_is_made_up_for(
    house: Mailing, point: str, doubles: int, *, takes: bool
) -> None:
    with serving(fault=point, takes=takes) as relay:
        ran = house.mail(relay)
    assert relay.reached.is_set()
    assert ran.code == 1
    house.made_up_for(relay, doubles=doubles)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # as above
@pytest.mark.parametrize(
    ("point", "setting", "doubles"),
    [("before 354", "AGGREGATOR_SMTP_TIMEOUT", 0), ("after dot", "AGGREGATOR_SMTP_DATA_TIMEOUT", 1)],
)
def test_a_relay_that_stalls_is_given_up_in_time_and_made_up_for(
    house: Mailing, point: str, setting: str, doubles: int
) -> None:
    house.environ[setting] = "10s"  # the other mail must not be given up as well on a busy machine
    with serving(fault=point, stalls=True) as relay:
        ran = house.mail(relay)
    assert ran.code == 1
    del house.environ[setting]
    house.made_up_for(relay, doubles=doubles)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # as little is what a signal does
@pytest.mark.parametrize("command", [("digest", "run"), ("run", "--no-web")])
def test_a_program_told_to_stop_waits_for_the_reply_to_a_mail(house: Mailing, command: tuple[str, ...]) -> None:
    with serving(fault="after dot", stalls=True) as relay:
        process = house.send(relay, *command)
        try:
            assert relay.reached.wait(PATIENCE)
            house.wait(lambda: house.sent() == 1)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            relay.go_on.set()
            process.wait(PATIENCE)
        finally:
            process.kill()
            _, errors = process.communicate()
    assert b"Traceback" not in errors, errors.decode()
    assert house.sent() == 2
    house.made_up_for(relay, doubles=0)
