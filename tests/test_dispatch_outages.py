"""What machines do while mail goes out: a process that sleeps past its lease, a full disk, a database that falls over."""

import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.farm import Farm
from tests.mailing import Mailing, killed_at_the_end
from tests.patience import PATIENCE
from tests.relays import OTHER, VICTIM, serving

VICTIMS_ROW = f"SELECT phase, lease, detail, attempts, ambiguous FROM delivery WHERE recipient = '{VICTIM}@example.org'"
PAGE = 4096
LIMITED = (
    "import resource, runpy, sys\n"
    "from aggregator.dispatch import sending\n"
    "sending.RECORD_WAITS = (0.1,)\n"  # nobody makes room meanwhile
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)\n"
    "runpy.run_module('aggregator', run_name='__main__')\n"
)


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(feeds=1, hosts=1) as one:
        yield one


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # The server is another user, who is locked out of pytest's own folders whenever a second pytest starts.
    with (
        tempfile.TemporaryDirectory(prefix="aggregator-pg-", ignore_cleanup_errors=True) as folder,
        closing(Cluster(Path(folder) / "postgresql")) as one,
    ):
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, farm: Farm) -> Mailing:
    database = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    return Mailing(tmp_path, farm, database)


def ended(process: subprocess.Popen[bytes]) -> str:
    """What a process that ends by itself said of errors."""
    _, errors = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in errors, errors.decode()
    return errors.decode()


@pytest.mark.parametrize(("point", "doubles"), [("recipient", 0), ("before 354", 1), ("inside", 0), ("after dot", 1)])
def test_a_process_that_slept_past_its_lease_mails_and_records_nothing_over_another(
    house: Mailing, point: str, doubles: int
) -> None:
    with serving(fault=point, stalls=True) as relay, killed_at_the_end(house.send(relay)) as sleeper:
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: house.sent() == 1)
        sleeper.send_signal(signal.SIGSTOP)
        with serving() as healthy:
            house.mail(healthy, after=timedelta(minutes=5))
        taken_over = house.ask(VICTIMS_ROW)
        relay.go_on.set()
        sleeper.send_signal(signal.SIGCONT)
        ended(sleeper)
        assert house.ask(VICTIMS_ROW) == taken_over
    relay.accepted += healthy.accepted
    house.made_up_for(relay, doubles=doubles)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # only its own clock is asked
def test_a_process_that_slept_past_its_lease_goes_on_where_nobody_took_over(house: Mailing) -> None:
    house.environ["AGGREGATOR_LEASE"] = "1s"
    with (
        serving(fault="recipient", stalls=True) as relay,
        killed_at_the_end(house.send(relay, "run", "--no-web")) as sleeper,
    ):
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: house.sent() == 1)
        sleeper.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            sleeper.wait(2)
        relay.go_on.set()
        sleeper.send_signal(signal.SIGCONT)
        house.wait(lambda: house.sent() == 2)
    house.made_up_for(relay, doubles=0)


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)  # the files of PostgreSQL are not the program's
def test_a_disk_that_is_full_at_any_moment_of_a_digest_loses_nothing(house: Mailing, tmp_path: Path) -> None:
    log = tmp_path / "data" / "aggregator.db-wal"
    failures, doubts, taken = 0, Counter[str](), Counter[str]()
    with serving() as relay:
        while house.sent() < 2:
            house.prepare(relay, after=timedelta(minutes=45 * failures))
            room = (log.stat().st_size if log.exists() else 0) + 6 * PAGE * failures
            call = [sys.executable, "-c", LIMITED, str(room), "digest", "run"]
            done = subprocess.run(call, env=house.environ, capture_output=True, check=False, timeout=PATIENCE)
            assert b"Traceback" not in done.stderr, done.stderr.decode()
            failures += 1
            doubts.update(house.doubted())
        taken.update(who for who, _ in relay.accepted)
    assert failures > 2
    assert all(1 <= taken[who] <= 1 + doubts[who] for who in (VICTIM, OTHER))
    assert len(set(relay.accepted)) == 2
    house.everything_is_settled()


def test_a_database_that_falls_over_while_the_relay_answers_doubles_nothing(
    tmp_path: Path, farm: Farm, cluster: Cluster
) -> None:
    house = Mailing(tmp_path, farm, cluster.make_database())
    with serving(fault="after dot", stalls=True) as relay:
        process = house.send(relay)
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: house.sent() == 1)
        cluster.fail()
        relay.go_on.set()
        assert relay.answered.wait(PATIENCE)
        cluster.recover()
        ended(process)
    assert house.sent() == 2
    house.made_up_for(relay, doubles=0)


@pytest.mark.parametrize("point", ["recipient", "before 354", "after dot"])
def test_a_database_that_falls_over_in_the_middle_of_a_mail_loses_nothing(
    tmp_path: Path, farm: Farm, cluster: Cluster, point: str
) -> None:
    house = Mailing(tmp_path, farm, cluster.make_database())
    with serving(fault=point, stalls=True) as relay, killed_at_the_end(house.send(relay)):
        assert relay.reached.wait(PATIENCE)
        house.wait(lambda: house.sent() == 1)
        cluster.fail()
        relay.go_on.set()
    cluster.recover()
    house.made_up_for(relay)


@pytest.mark.parametrize("step", ["INSERT", "UPDATE AND NEW.phase = 'sending'", "UPDATE AND NEW.phase = 'data'"])
def test_a_database_without_room_at_any_step_of_a_mail_loses_nothing(house: Mailing, step: str) -> None:
    event, _, condition = step.partition(" ")
    with serving() as relay, house.refusing(event, condition):
        assert "no room" in ended(house.send(relay))
    house.made_up_for(relay, doubles=0)


def test_a_mail_that_was_taken_is_recorded_when_the_database_has_room_again(house: Mailing) -> None:
    with serving() as relay:
        with house.refusing("UPDATE", "AND NEW.phase = 'sent'"):
            process = house.send(relay)
            assert relay.answered.wait(PATIENCE)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)  # it goes on trying
        ended(process)
    house.made_up_for(relay, doubles=0)
