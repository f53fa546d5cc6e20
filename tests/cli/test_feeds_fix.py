"""`feeds fix`: what became of feeds that moved, died or turned into a page; proposals first, edits only when asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Shell, make_shell
from tests.servers import ScriptedServer, reply
from tests.serving import serving
from tests.world import listed, rss, served

NEWS = (("1", "Customs seize fentanyl"), ("2", "Weather"))
OTHER = (("a", "A shop opens"), ("b", "A shop closes"))
LINE = {"id", "url", "ailment", "error", "note", "successor", "patch", "applied"}


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return make_shell(tmp_path)


def page(*links: str, title: str = "Home") -> bytes:
    named = "".join(f'<link rel="alternate" type="application/rss+xml" href="{link}">' for link in links)
    return reply(f"<!doctype html><title>{title}</title>{named}".encode(), headers=[("Content-Type", "text/html")])


def follow(shell: Shell, *feeds: tuple[str, str]) -> None:
    shell.write(f"# what we follow\n{listed(feeds)}")
    shell.run("poll")


def later(shell: Shell, day: int) -> None:
    """Check everything again at the same hour of another day of January."""
    shell.environ["AGGREGATOR_CLOCK"] = f"2026-01-{day}T08:00:00Z"
    shell.run("poll")


def file_of(shell: Shell) -> str:
    return (shell.folder / "feeds.yaml").read_text(encoding="utf-8")


def test_a_feed_that_became_a_page_is_found_again_through_that_page(shell: Shell, web: ScriptedServer) -> None:
    old = web.on("/old", served(rss(*NEWS)), page("/shop", "/new"))
    web.on("/shop", served(rss(*OTHER)))
    web.on("/new", served(rss(*NEWS)))
    follow(shell, ("wire", old))
    later(shell, 28)
    before = file_of(shell)
    line = shell.run("feeds", "fix", "--json").line
    assert set(line) == LINE
    assert (line["id"], line["ailment"], line["error"]["kind"], line["applied"]) == ("wire", "page", "html", False)
    assert line["successor"] | {"reason": ""} == {
        "url": web.url("/new"),
        "title": "Wire",
        "reason": "",
        "confidence": "high",
        "entries": 2,
        "known": 2,
        "obstacle": None,
    }
    assert file_of(shell) == before
    said = shell.run("feeds", "fix")
    assert said.code == 0
    assert f"-  - {{id: wire, url: '{old}'}}\n+  - {{id: wire, url: '{web.url('/new')}'}}\n" in said.out
    assert "nothing is changed yet" in said.err


def test_an_edit_keeps_every_other_byte_and_is_in_force_at_once(shell: Shell, web: ScriptedServer) -> None:
    old = web.on("/old", served(rss(*NEWS)), page("/new"))
    web.on("/new", served(rss(*NEWS)))
    follow(shell, ("wire", old))
    later(shell, 28)
    before = file_of(shell)
    assert shell.run("feeds", "fix", "--apply", "--json").line["applied"] is True
    assert file_of(shell) == before.replace("/old", "/new")
    assert shell.run("feeds", "list", "--json").line["url"] == web.url("/new")
    assert shell.run("feeds", "fix").out == (
        "no feed has moved, died or become a web page; `aggregator status` shows other errors\n"
    )


def test_a_feed_that_never_was_there_is_looked_for_on_its_hosts_home_page(shell: Shell, web: ScriptedServer) -> None:
    web.on("/", page("/feed"))
    web.on("/feed", served(rss(*NEWS)))
    follow(shell, ("wire", web.url("/nothing")))
    line = shell.run("feeds", "fix", "--json").line
    assert (line["ailment"], line["successor"]["url"]) == ("dead", web.url("/feed"))
    assert (line["successor"]["confidence"], line["patch"]) == ("low", None)
    assert "not proposed: look at it, then `aggregator feeds fix wire --apply`" in shell.run("feeds", "fix").out
    assert shell.run("feeds", "fix", "wire", "--apply", "--json").line["applied"] is True
    assert web.url("/feed") in file_of(shell)


def test_a_404_is_young_for_seven_days(shell: Shell, web: ScriptedServer) -> None:
    follow(shell, ("wire", web.on("/feed", served(rss(*NEWS)), reply(status=404))))
    later(shell, 28)
    assert shell.run("feeds", "fix", "--json").lines == []
    shell.environ["AGGREGATOR_CLOCK"] = "2026-02-04T08:00:00Z"
    line = shell.run("feeds", "fix", "--json").line
    assert (line["ailment"], line["successor"]) == ("dead", None)
    assert line["note"].startswith("no successor was found, at 2 addresses")


def test_a_page_that_names_nothing_is_probed_at_five_places_and_no_more(shell: Shell, web: ScriptedServer) -> None:
    web.on("/", page())
    web.on("/index.xml", served(rss(*NEWS)))
    follow(shell, ("wire", web.url("/nothing")))
    web.asked.clear()
    line = shell.run("feeds", "fix", "--json").line
    assert line["successor"]["url"] == web.url("/index.xml")
    assert web.paths() == ["/nothing", "/", "/feed", "/rss.xml", "/atom.xml", "/index.xml"]


def test_a_permanent_redirect_that_was_kept_is_proposed_and_forgets_nothing(shell: Shell, web: ScriptedServer) -> None:
    old = web.on("/old", reply(status=301, headers=[("Location", "/new")]))
    web.on("/new", served(rss(*NEWS), etag='"one"'))
    follow(shell, ("wire", old))
    later(shell, 28)
    later(shell, 30)
    assert "feed wire has moved for good to" in shell.run("plan").out
    web.asked.clear()
    line = shell.run("feeds", "fix", "--apply", "--json").line
    assert web.paths() == ["/new"]
    assert (line["ailment"], line["successor"]["confidence"], line["applied"]) == ("moved", "high", True)
    later(shell, 31)
    assert web.asked[-1].target == "/new"
    assert web.asked[-1].header("If-None-Match") == b'"one"'


def test_a_bot_check_is_named_and_left_alone(shell: Shell, web: ScriptedServer) -> None:
    follow(shell, ("wire", web.on("/feed", reply(status=403, headers=[("cf-mitigated", "challenge")]))))
    web.asked.clear()
    line = shell.run("feeds", "fix", "--json").line
    assert (line["ailment"], line["successor"], web.paths()) == ("bot_wall", None, [])
    assert "nothing here goes around it" in shell.run("feeds", "fix", "wire").out


def test_a_host_that_asked_us_to_wait_is_not_asked(shell: Shell, web: ScriptedServer) -> None:
    slow = web.on("/slow", reply(status=429, headers=[("Retry-After", "7200")]))
    follow(shell, ("slow", slow))
    web.asked.clear()
    line = shell.run("feeds", "fix", "slow", "--json").line
    assert web.paths() == []
    assert "asked for a pause" in line["note"]


def test_an_address_with_a_secret_is_not_looked_for(shell: Shell, web: ScriptedServer) -> None:
    shell.environ["AGGREGATOR_WIRE_KEY"] = "hush"
    follow(shell, ("wire", web.url("/feed?key=${AGGREGATOR_WIRE_KEY}")))
    web.asked.clear()
    ran = shell.run("feeds", "fix", "--json")
    assert "its address holds a secret" in ran.line["note"]
    assert (web.paths(), "hush" in ran.out) == ([], False)


def test_headers_are_not_taken_to_another_host_without_a_word(shell: Shell, web: ScriptedServer) -> None:
    with serving() as other:
        other.on("/new", served(rss(*NEWS)))
        old = web.on("/old", served(rss(*NEWS)), page(other.url("/new")))
        shell.write(listed([("wire", old)]).replace(f"'{old}'", f"'{old}', headers: {{X-Key: plain}}"))
        shell.run("poll")
        later(shell, 28)
        line = shell.run("feeds", "fix", "wire", "--apply", "--json").line
        assert (line["successor"]["confidence"], line["applied"], line["patch"]) == ("high", False, None)
        assert "headers would go to 127.0.0.1" in line["successor"]["obstacle"]
        assert all(asked.header("X-Key") is None for asked in other.asked)


def test_a_feed_that_is_followed_already_is_said_and_not_followed_twice(shell: Shell, web: ScriptedServer) -> None:
    web.on("/new", served(rss(*NEWS)))
    old = web.on("/old", served(rss(*NEWS)), page("/new"))
    follow(shell, ("fresh", web.url("/new")), ("wire", old))
    later(shell, 28)
    line = shell.run("feeds", "fix", "--apply", "--json").line
    assert line["successor"]["obstacle"].startswith("it is followed already, as fresh")
    assert (line["applied"], line["patch"]) == (False, None)


def test_a_named_feed_that_answers_needs_nothing(shell: Shell, web: ScriptedServer) -> None:
    follow(shell, ("wire", web.on("/feed", served(rss(*NEWS)))))
    line = shell.run("feeds", "fix", "wire", "--json").line
    assert (line["ailment"], line["note"]) == (None, "its address answers with a feed; there is nothing to mend")
    assert shell.run("feeds", "fix", "nope").code == 2


def calling_itself(url: str) -> bytes:
    return served(rss(*NEWS, extra=f"<link xmlns='http://www.w3.org/2005/Atom' rel='self' href='{url}'/>"))


def test_case_6_60_where_a_document_says_it_lives_is_looked_at_for_a_feed_that_is_named(
    shell: Shell, web: ScriptedServer
) -> None:
    old = web.on("/old", calling_itself("/own"))
    web.on("/own", served(rss(*NEWS)))
    follow(shell, ("wire", old))
    assert f"calls itself  {web.url('/own')}\n" in shell.run("feeds", "show", "wire").out
    assert shell.run("feeds", "show", "wire", "--json").line["self_link"] == web.url("/own")
    assert shell.run("feeds", "fix", "--json").lines == []
    assert "/own" not in web.paths()
    line = shell.run("feeds", "fix", "wire", "--json").line
    assert (line["ailment"], line["successor"]["confidence"]) == (None, "high")
    assert line["successor"]["reason"] == "its document says that it lives there"
    assert f"+  - {{id: wire, url: '{web.url('/own')}'}}" in line["patch"]


def test_case_6_60_another_host_that_a_living_feed_names_is_not_asked(shell: Shell, web: ScriptedServer) -> None:
    with serving("127.0.0.2") as other:
        other.on("/own", served(rss(*NEWS)))
        follow(shell, ("wire", web.on("/old", calling_itself(other.url("/own")))))
        assert shell.run("feeds", "fix", "wire", "--json").line["successor"] is None
        assert other.paths() == []


def test_case_6_60_a_feed_that_died_is_looked_for_where_its_last_document_said_it_lived(
    shell: Shell, web: ScriptedServer
) -> None:
    with serving("127.0.0.2") as other:
        other.on("/own", served(rss(*NEWS)))
        follow(shell, ("wire", web.on("/old", calling_itself(other.url("/own")), page())))
        later(shell, 28)
        line = shell.run("feeds", "fix", "--json").line
        assert (line["successor"]["url"], line["successor"]["confidence"]) == (other.url("/own"), "high")
