"""`feeds`: health from the store, live checks, and edits of feeds.yaml that leave every other line alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.cli.feeds_edit import unknown
from aggregator.feedlist.opml import free_id
from tests.commands import Shell, make_shell
from tests.factories import make_feed
from tests.servers import ScriptedServer, reply
from tests.serving import serving
from tests.world import listed, rss, served

LIST = {
    "id",
    "url",
    "url_in_use",
    "state",
    "last_success_at",
    "next_check_at",
    "error",
    "etag",
    "last_modified",
    "gap",
    "quiet",
}
HOME = b'<!doctype html><title>Home</title><link rel="alternate" type="application/rss+xml" href="/feed">'


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with serving() as server:
        script(server)
        yield server


def script(server: ScriptedServer) -> None:
    server.on("/feed", served(rss(("1", "Customs seize fentanyl"), ("2", "Weather")), etag='W/"\xe9"'))
    server.on("/home", reply(HOME, headers=[("Content-Type", "text/html")]))
    server.on("/gone", reply(status=410))
    server.on("/old", reply(status=301, headers=[("Location", "/feed")]))


@pytest.fixture
def shell(tmp_path: Path, web: ScriptedServer) -> Shell:
    return followed(tmp_path, web)


def followed(folder: Path, web: ScriptedServer) -> Shell:
    """A feed that works, one that is gone, one that is disabled."""
    shell = make_shell(folder)
    off = "  - {id: off, url: 'https://off.example/', disabled: true}\ntopics:"
    text = listed([("wire", web.url("/feed")), ("gone", web.url("/gone"))]).replace("topics:", off, 1)
    shell.write(f"# what we follow{text}")
    return shell


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The same feeds, checked once."""
    with serving() as server:
        script(server)
        shell = followed(tmp_path_factory.mktemp("feeds"), server)
        shell.run("poll")
        return shell


def file_of(shell: Shell) -> str:
    return (shell.folder / "feeds.yaml").read_text(encoding="utf-8")


def test_a_database_that_follows_nothing_says_how_to_begin(shell: Shell) -> None:
    ran = shell.run("feeds", "list")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "no feed is followed yet; `aggregator apply` follows what feeds.yaml lists\n"
    assert shell.run("feeds", "list", "--json").out == ""


def test_a_feeds_health_is_a_line_of_json(polled: Shell) -> None:
    told = {line["id"]: line for line in polled.run("feeds", "list", "--json").lines}
    assert all(set(line) == LIST for line in told.values())
    assert told["wire"]["url"] == told["wire"]["url_in_use"]
    assert told["wire"] | {"next_check_at": None, "url": "", "url_in_use": ""} == {
        "id": "wire",
        "url": "",
        "url_in_use": "",
        "state": "ok",
        "last_success_at": "2026-01-27T08:00:00Z",
        "next_check_at": None,
        "error": None,
        "etag": 'W/"\xe9"',
        "last_modified": None,
        "gap": None,
        "quiet": None,
    }
    assert told["gone"]["error"] == {"kind": "gone", "detail": "HTTP 410: the feed is gone for good"}
    assert (told["off"]["state"], told["off"]["last_success_at"]) == ("disabled", None)


def test_people_see_what_is_wrong_first(polled: Shell) -> None:
    lines = polled.run("feeds", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["gone", "wire", "off"]
    assert lines[1].endswith("gone: HTTP 410: the feed is gone for good")
    assert lines[3].endswith("disabled in the file")
    assert lines[1].split()[1] == "retried"
    assert lines[-1] == "3 feeds: 1 retried, 1 ok, 1 disabled"
    assert {line["state"] for line in polled.run("feeds", "list", "--json").lines} == {"ok", "disabled"}
    assert len(polled.run("feeds", "list", "--limit", "1", "--json").lines) == 1


def test_one_feed_is_told_with_its_days_and_its_failures(polled: Shell) -> None:
    gone = polled.run("feeds", "show", "gone").out
    assert "problem     gone: HTTP 410: the feed is gone for good" in gone
    assert "failures    1 in a row, since 2026-01-27 08:00 UTC" in gone
    assert "2026-01-27       1   0    0     0" in gone
    assert "state       retried" in gone
    assert 'validators  ETag W/"\xe9"' in polled.run("feeds", "show", "wire").out
    wire = polled.run("feeds", "show", "wire", "--json").line
    assert set(wire) >= LIST
    assert (wire["entries"], wire["title"], wire["days"][0]["new"]) == (2, "Wire", 2)
    assert polled.run("feeds", "show", "wire").out.startswith("Wire\n")


def test_how_often_a_feed_has_an_entry_is_told_on_average(shell: Shell, web: ScriptedServer) -> None:
    dated = "<item><guid>{0}</guid><title>x</title><pubDate>{0} Jan 2026 06:00:00 GMT</pubDate></item>"
    items = "".join(dated.format(day) for day in (20, 22, 26))
    web.on("/feed", served(f"<rss version='2.0'><channel><title>Wire</title>{items}</channel></rss>".encode()))
    shell.run("poll", "wire")
    table = shell.run("feeds", "list").out.splitlines()
    assert "ENTRY EVERY" in table[0]
    wire = next(row for row in table if row.startswith("wire"))
    assert "3d" in wire.split()
    assert "3, one every 3d on average, known by id" in shell.run("feeds", "show", "wire").out
    assert shell.run("feeds", "show", "wire", "--json").line["mean_gap_seconds"] == 3 * 86400
    assert shell.run("feeds", "show", "gone", "--json").line["mean_gap_seconds"] is None


def test_a_feed_nobody_follows_cannot_be_shown(shell: Shell) -> None:
    ran = shell.run("feeds", "show", "nope")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: no such feed: nope\nhint: ")


def test_a_live_check_tells_what_came_and_stores_nothing(shell: Shell, web: ScriptedServer) -> None:
    ran = shell.run("feeds", "check", "--json")
    assert ran.code == 1
    told = {line["id"]: line for line in ran.lines}
    assert set(told) == {"wire", "gone"}
    assert (told["wire"]["ok"], told["wire"]["format"], told["wire"]["entries"]) == (True, "rss", 2)
    assert (told["gone"]["ok"], told["gone"]["error"]["kind"]) == (False, "gone")
    assert [path.name for path in shell.folder.iterdir()] == ["feeds.yaml"]
    assert shell.run("feeds", "check", "wire").code == 0
    assert "off.example" not in web.paths()


def test_people_see_failed_checks_first_and_where_a_feed_moved(shell: Shell, web: ScriptedServer) -> None:
    shell.write(listed([("gone", web.url("/gone")), ("old", web.url("/old"))]))
    lines = shell.run("feeds", "check").out.splitlines()
    assert lines[1].split()[:2] == ["gone", "failed"]
    assert lines[2].endswith(f"moved to {web.url('/feed')}")
    assert lines[-1] == "2 feeds: 1 ok, 1 failed"


def test_a_secret_in_an_address_is_used_and_not_shown(shell: Shell, web: ScriptedServer) -> None:
    shell.environ["AGGREGATOR_WIRE_KEY"] = "hush"
    web.on("/feed", reply(status=302, headers=[("Location", "/feed2")]))
    web.on("/feed2", served(rss(("1", "Customs"))))
    shell.write(listed([("wire", web.url("/feed?key=${AGGREGATOR_WIRE_KEY}"))]))
    ran = shell.run("feeds", "check", "--json")
    assert ran.code == 0
    assert web.paths()[0] == "/feed?key=hush"
    assert "hush" not in ran.out + shell.run("feeds", "check").out
    del shell.environ["AGGREGATOR_WIRE_KEY"]
    missing = shell.run("feeds", "check", "--json")
    assert missing.code == 1
    assert missing.line["error"] == {"kind": "no_credential", "detail": "AGGREGATOR_WIRE_KEY is not set"}


def test_an_unlisted_feed_cannot_be_checked(shell: Shell) -> None:
    assert shell.run("feeds", "check", "nope").err.startswith("error: feeds.yaml lists no feed nope\n")


def test_a_feed_is_read_before_it_is_followed(shell: Shell, web: ScriptedServer) -> None:
    web.on("/more", served(rss(("9", "Ports"))))
    before = file_of(shell)
    ran = shell.run("feeds", "add", web.url("/more"), "--tag", "ports", "--tier", "wire")
    assert ran.code == 0
    assert ran.out.startswith("wire-2 is followed: Wire, 1 entry\n")
    added = f"  - {{id: wire-2, name: Wire, url: {web.url('/more')}, tags: [ports], tier: wire}}\n"
    assert file_of(shell) == before.replace("topics:\n", f"{added}topics:\n", 1)
    assert "wire-2" in {line["id"] for line in shell.run("feeds", "list", "--json").lines}


def test_a_permanent_redirect_is_followed_before_a_feed_is_written_down(shell: Shell, web: ScriptedServer) -> None:
    ran = shell.run("feeds", "add", web.url("/old"))
    assert ran.code == 2
    assert ran.err == f"error: {web.url('/feed')} is followed already, as wire\n"
    web.on("/old", reply(status=308, headers=[("Location", "/new")]))
    web.on("/new", served(rss(("9", "Ports"))))
    line = shell.run("feeds", "add", web.url("/old"), "--id", "ports", "--name", "Ports", "--json").line
    assert line == {"id": "ports", "url": web.url("/new"), "name": "Ports", "entries": 1, "newest": None}


def test_a_page_offers_its_feeds_and_nothing_is_changed(shell: Shell, web: ScriptedServer) -> None:
    before = file_of(shell)
    ran = shell.run("feeds", "add", web.url("/home"))
    assert (ran.code, ran.out) == (1, "")
    assert f"\n       1  {web.url('/feed')}  (followed already, as wire)\n" in ran.err
    assert shell.run("feeds", "add", web.url("/home"), "--json").line["error"]["candidates"] == [web.url("/feed")]
    assert file_of(shell) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("/feed",), "is followed already, as wire"),
        (("/more", "--id", "wire"), "there is a feed wire already"),
        (("/more", "--id", "Not An Id"), "`id`: expected an id"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    shell: Shell, web: ScriptedServer, words: tuple[str, ...], said: str
) -> None:
    web.on("/more", served(rss(("9", "Ports"))))
    before = file_of(shell)
    ran = shell.run("feeds", "add", web.url(words[0]), *words[1:])
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert file_of(shell) == before


def test_a_removed_feed_leaves_the_file_and_keeps_its_entries(shell: Shell) -> None:
    shell.run("poll")
    ran = shell.run("feeds", "remove", "wire")
    assert ran.code == 0
    assert "id: wire" not in file_of(shell)
    assert file_of(shell).startswith("# what we follow")
    assert "wire" not in {line["id"] for line in shell.run("feeds", "list", "--json").lines}
    assert len(shell.run("entries", "--feed", "wire", "--json").lines) == 2
    shown = shell.run("feeds", "show", "wire").out
    assert "state       removed" in shown
    assert "next check" not in shown
    assert shell.run("feeds", "show", "wire", "--json").line["next_check_at"] is None
    assert shell.run("feeds", "remove", "wire").code == 2


def test_an_exported_list_comes_back_as_it_was(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("feeds", "export").out.startswith("<?xml")
    assert shell.run("feeds", "export", "out.opml").err == "3 feeds written to out.opml\n"
    other = make_shell(tmp_path / "other")
    other.folder.mkdir()
    other.write(listed([("mine", "https://mine.example/feed")]))
    ran = other.run("feeds", "import", str(shell.folder / "out.opml"), "--json")
    assert [line["id"] for line in ran.lines] == ["wire", "gone", "off"]
    assert ran.err == "3 feeds added\n"
    assert len(other.run("feeds", "list", "--json").lines) == 4
    again = other.run("feeds", "import", str(shell.folder / "out.opml"))
    assert (again.out, again.err) == ("", "0 feeds added, 3 followed already\n")


def test_what_is_no_opml_is_refused(shell: Shell) -> None:
    shell.write("<rss/>", "a.opml")
    ran = shell.run("feeds", "import", "a.opml")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: parse: ")
    assert shell.run("feeds", "export", "no/such/folder").code == 1


@given(st.lists(st.text(alphabet="ab -2", max_size=4)))
def test_new_ids_are_never_taken(labels: list[str]) -> None:
    offered = [make_feed(free_id(label, ()), f"https://{n}.example/") for n, label in enumerate(labels)]
    fresh = unknown(offered, [make_feed("a"), make_feed("a-2")])
    assert len({feed.id for feed in fresh} | {"a", "a-2"}) == len(labels) + 2
