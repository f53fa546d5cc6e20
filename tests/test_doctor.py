"""Every examination of the doctor, on an installation that has that one thing wrong."""

import shutil
import subprocess
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import doctor
from aggregator.core.model.plans import FeedEvent
from aggregator.core.model.subscriptions import SendFailed, SendFailure, Sent
from aggregator.core.model.topics import TopicTest
from aggregator.doctor import Finding, Level
from aggregator.mail.files import FileTransport
from aggregator.store import claims, feeds, plans, subscribers
from aggregator.store.database import Store
from tests.databases import make_ready
from tests.factories import NOW, make_feed, make_plan, make_state, make_subscriber, make_topic
from tests.programs import need
from tests.world import MailBox


def told(found: Iterable[Finding]) -> list[tuple[str, str, str]]:
    return [(one.level.value, one.subject, one.message) for one in found]


def levels(found: Iterable[Finding]) -> list[Level]:
    return [one.level for one in found]


def the(found: Iterable[Finding]) -> Finding:
    (only,) = found
    return only


class Relay(MailBox):
    """A channel whose check brings what a test says."""

    def __init__(self, result: Sent | SendFailed) -> None:
        super().__init__()
        self.result = result

    async def check(self) -> Sent | SendFailed:
        return self.result


def git(folder: Path, *words: str) -> None:
    subprocess.run([need("git"), "-C", str(folder), *words], check=True, capture_output=True)


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    first, disk = doctor.data_folder(tmp_path / "a" / "b")
    assert (first.level, first.message) == (Level.OK, f"{tmp_path}/a/b will be made")
    assert disk.message.endswith("GiB free")
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_data_folder_should_be_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    found = the(doctor.data_folder(tmp_path / "data"))
    assert (found.level, found.message) == (Level.PROBLEM, f"{tmp_path}/data is a file")


@pytest.mark.parametrize(
    ("free", "level"), [(50 << 20, Level.PROBLEM), (500 << 20, Level.WARNING), (5 << 30, Level.OK)]
)
def test_a_disk_is_told_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 40, 0, free))
    _, disk = doctor.data_folder(tmp_path)
    assert disk.level is level


def test_a_secret_is_the_services_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert the(doctor.secret_file(path, is_set=False)).message == f"{path} is made at the first start"
    path.write_text("0123")
    path.chmod(0o644)
    found = the(doctor.secret_file(path, is_set=False))
    assert (found.level, found.hint) == (Level.PROBLEM, f"chmod 600 {path}")
    path.chmod(0o600)
    assert levels(doctor.secret_file(path, is_set=False)) == [Level.OK]
    path.write_text("")
    assert levels(doctor.secret_file(path, is_set=False)) == [Level.PROBLEM]
    assert levels(doctor.secret_file(path, is_set=True)) == [Level.OK]


def test_every_mistake_in_the_feed_list_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text("feeds:\n  - {id: a, url: x}\n  - {id: b, ulr: y}\n")
    wanted, found = doctor.feed_list(path, {})
    assert wanted is None
    assert {one.level for one in found} == {Level.PROBLEM}
    assert len(found) >= 4
    assert "the last good state stays in force" in found[-1].message


def test_a_readable_address_file_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds:\n  - {id: a, url: 'https://a.example/'}\n")
    people = tmp_path / "subscribers.yaml"
    people.write_text("subscribers: []\n")
    people.chmod(0o644)
    _, found = doctor.feed_list(tmp_path / "feeds.yaml", {})
    assert levels(found) == [Level.OK, Level.WARNING]
    assert found[1].hint == f"chmod 600 {people}"


def test_a_topic_that_breaks_its_own_promise_is_a_problem() -> None:
    good = make_topic("good", tests=(TopicTest(flag=True, title="fentanyl"),))
    bad = make_topic("bad", tests=(TopicTest(flag=True, title="football"), TopicTest(flag=False, title="tennis")))
    assert told(doctor.topics((good, bad))) == [
        ("problem", "topics", "bad: 1 of 2 tests fail, such as “football”"),
        ("ok", "topics", "2 compile, 2 tests pass"),
    ]


def test_a_zone_that_this_machine_does_not_know_is_told_with_its_user() -> None:
    found = the(doctor.zones({"Asia/Kolkata": "desk", "Mars/Olympus": "rover"}))
    assert found.level is Level.PROBLEM
    assert found.message.startswith("rover: unknown time zone")


def test_addresses_under_version_control_are_told(tmp_path: Path) -> None:
    config = tmp_path / "feeds.yaml"
    config.write_text("subscribers:\n  - id: desk\n    email: desk@example.org\n  - {id: b, email: ${AGGREGATOR_B}}\n")
    (tmp_path / "subscribers.yaml").write_text("[]")
    git(tmp_path, "init", "-q")
    assert told(doctor.version_control(config)) == []
    git(tmp_path, "add", "feeds.yaml", "subscribers.yaml")
    assert told(doctor.version_control(config)) == [
        ("warning", "addresses", "git tracks subscribers.yaml"),
        ("warning", "addresses", "git tracks an address: feeds.yaml:3"),
    ]


def test_looking_at_a_repository_runs_none_of_its_programs(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    git(tmp_path, "add", "feeds.yaml")
    git(tmp_path, "config", "core.fsmonitor", f"touch {tmp_path}/ran; false")
    assert told(doctor.version_control(tmp_path / "feeds.yaml")) == []
    assert not (tmp_path / "ran").exists()


def database(folder: Path) -> str:
    return f"sqlite:///{folder}/aggregator.db"


def examined(url: str, **changed: timedelta) -> list[Finding]:
    now = NOW + changed.get("later", timedelta())
    return list(doctor.database(url, url, now=now, compare_clocks="later" in changed))


def test_looking_for_a_database_does_not_make_one(tmp_path: Path) -> None:
    assert told(examined(database(tmp_path))) == [
        ("ok", "database", f"{tmp_path}/aggregator.db is made at the first start")
    ]
    assert list(tmp_path.iterdir()) == []


def test_something_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "aggregator.db").write_text("a letter to the editor, certainly no database, and quite long" * 40)
    assert levels(examined(database(tmp_path))) == [Level.PROBLEM]


def test_feeds_that_fail_are_counted_and_named(tmp_path: Path) -> None:
    url = database(tmp_path)
    make_ready(url)
    store = Store(url)
    store.write(feeds.save, [make_feed(name) for name in ("a", "b", "c", "d")], now=NOW)
    assert told(examined(url))[-1] == ("ok", "feeds", "4 followed, 0 checked, none fails")
    checked = "UPDATE feed_state SET checked_at = next_check_at"
    store.write(lambda c: c.exec_driver_sql(f"{checked}, error_kind = 'dns' WHERE feed_id < 'b'"))
    store.write(lambda c: c.exec_driver_sql(f"{checked} WHERE feed_id >= 'b'"))
    assert told(examined(url))[-1] == ("warning", "feeds", "1 of 4 fail: a")
    store.write(lambda c: c.exec_driver_sql("UPDATE feed_state SET error_kind = 'dns'"))
    assert told(examined(url))[-1] == ("problem", "feeds", "all 4 that were checked fail")
    store.close()


def test_case_6_38_a_feed_that_was_emptied_and_stays_so_is_told(tmp_path: Path) -> None:
    url = database(tmp_path)
    make_ready(url)
    store, feed = Store(url), make_feed("wire")
    store.write(feeds.save, [feed], now=NOW)
    emptied = FeedEvent(kind="emptied", detail="no entry any more")
    for days, events in ((0, (emptied,)), (3, ())):
        at = NOW + timedelta(days=days)
        store.write(claims.claim, now=at, lease="a", lasts=timedelta(minutes=2), only={"wire"})
        checked = make_state(feed, checked_at=at, succeeded_at=at)
        assert store.write(plans.apply, [make_plan(feed, "a", state=checked, events=events)], now=at)
    store.close()
    notice = told(examined(url, later=timedelta(days=3)))[-1]
    message = "wire: its document is valid and has held no entry for 3 days; what is stored stays"
    assert notice == ("warning", "feeds", message)


def test_a_clock_apart_from_the_databases_is_a_problem(tmp_path: Path) -> None:
    url = database(tmp_path)
    make_ready(url)
    found = examined(url, later=timedelta(days=-30))
    assert ("problem", "clock") in [(one.level.value, one.subject) for one in found]
    assert [one.subject for one in examined(url)] == ["database"]


def test_a_parked_channel_is_a_problem_with_the_relays_words(tmp_path: Path) -> None:
    url = database(tmp_path)
    make_ready(url)
    store = Store(url)
    later = (NOW + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S.000000")
    store.write(lambda c: c.exec_driver_sql("INSERT INTO relay VALUES ('mail', ?, 'login: 535 no')", (later,)))
    store.close()
    assert ("problem", "mail", "the channel mail is parked: login: 535 no") in told(examined(url))


def test_who_is_mailed_no_more_since_mail_came_back_is_named(tmp_path: Path) -> None:
    url = database(tmp_path)
    make_ready(url)
    store = Store(url)
    people = [make_subscriber(slug, topics=()) for slug in ("desk", "ops")]
    store.write(subscribers.save, people, {"desk": "p", "ops": "q"}, now=NOW)
    store.write(lambda c: c.exec_driver_sql("UPDATE subscriber SET state = 'bounced' WHERE slug = 'ops'"))
    store.close()
    assert ("warning", "mail", "nothing is mailed to ops, whose mail came back") in told(examined(url))


def test_a_relay_is_asked_and_its_answer_told() -> None:
    ready = Relay(Sent(response="SMTP relay.example:587: ready, TLSv1.3"))
    assert told(doctor.mail(ready, folder=None, people=3, sender="desk@example.org")) == [
        ("ok", "mail", "SMTP relay.example:587: ready, TLSv1.3")
    ]
    refusing = Relay(SendFailed(failure=SendFailure.CONFIG, detail="login: 535 no", code=535))
    found = the(doctor.mail(refusing, folder=None, people=3, sender="desk@example.org"))
    assert (found.level, found.message) == (Level.PROBLEM, "a list: login: 535 no")


def test_mail_from_nowhere_is_a_warning() -> None:
    found = list(doctor.mail(Relay(Sent(response="ready")), folder=None, people=0, sender="A <a@localhost>"))
    assert levels(found) == [Level.OK, Level.WARNING]


def test_people_whose_mail_goes_to_a_folder_are_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    transport = FileTransport(folder)
    assert levels(doctor.mail(transport, folder=folder, people=2, sender="a@example.org")) == [Level.OK]
    assert not folder.exists()
    folder.mkdir()
    assert levels(doctor.mail(transport, folder=folder, people=2, sender="a@example.org")) == [Level.OK, Level.WARNING]
    assert levels(doctor.mail(transport, folder=folder, people=0, sender="a@example.org")) == [Level.OK]


@pytest.mark.parametrize(
    ("url", "sends", "level"),
    [
        (None, False, Level.OK),
        (None, True, Level.WARNING),
        ("http://127.0.0.1:8080", True, Level.WARNING),
        ("http://news.example.org", True, Level.WARNING),
        ("https://news.example.org", True, Level.OK),
        ("https://localhost:8443/", True, Level.WARNING),
    ],
)
def test_links_in_mails_must_lead_somewhere_over_https(url: str | None, sends: bool, level: Level) -> None:
    assert the(doctor.base_url(url, sends=sends)).level is level


def test_an_xml_parser_with_known_holes_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyexpat.version_info", (2, 4, 0))
    assert the(doctor.libraries()).level is Level.PROBLEM
    monkeypatch.setattr("pyexpat.version_info", (2, 4, 1))
    assert the(doctor.libraries()).level is Level.OK
