"""`feeds add` on a web page: what it offers, in which order, and that only a person's word takes one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Shell, make_shell
from tests.servers import ScriptedServer, reply
from tests.serving import serving
from tests.world import listed, rss, served

NEWS = (("1", "Customs seize fentanyl"), ("2", "Weather"))


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with serving() as server:
        server.on("/feed", served(rss(*NEWS)))
        server.on("/wire", served(rss(*NEWS)))
        yield server


@pytest.fixture
def shell(tmp_path: Path, web: ScriptedServer) -> Shell:
    shell = make_shell(tmp_path)
    shell.write(listed([("wire", web.url("/wire"))]))
    return shell


def page(body: str = "", **headers: str) -> bytes:
    given = [("Content-Type", "text/html"), *headers.items()]
    return reply(f"<!doctype html><title>Home</title>{body}".encode(), headers=given)


def link(href: str) -> str:
    return f'<link rel="alternate" type="application/rss+xml" href="{href}">'


def test_offers_stand_in_order_and_what_is_followed_is_said(shell: Shell, web: ScriptedServer) -> None:
    header = '</headed>; rel=alternate; type="application/atom+xml"'
    home = web.on("/home", page(f"<a href='/x.rss'>x</a>{link('/comments/feed')}{link('/wire')}", Link=header))
    ran = shell.run("feeds", "add", home)
    assert (ran.code, ran.out) == (1, "")
    assert [line.split()[:2] for line in ran.err.splitlines()[2:]] == [
        ["1", web.url("/wire")],
        ["2", web.url("/headed")],
        ["3", web.url("/x.rss")],
        ["4", web.url("/comments/feed")],
    ]
    assert "(followed already, as wire)" in ran.err
    assert f"`aggregator feeds add {home} --pick N`" in ran.err
    told = shell.run("feeds", "add", home, "--json").line["error"]
    assert told["offers"][:2] == [
        {"url": web.url("/wire"), "followed_as": "wire"},
        {"url": web.url("/headed"), "followed_as": None},
    ]
    assert set(web.paths()) == {"/home"}


def test_yes_takes_the_first_that_is_not_followed(shell: Shell, web: ScriptedServer) -> None:
    home = web.on("/home", page(link("/wire") + link("/feed")))
    line = shell.run("feeds", "add", home, "--yes", "--id", "mine", "--json").line
    assert (line["id"], line["url"], line["entries"]) == ("mine", web.url("/feed"), 2)
    again = shell.run("feeds", "add", home, "--yes")
    assert (again.code, again.out) == (2, "")
    assert "offers is followed already" in again.err


def test_a_number_picks_one(shell: Shell, web: ScriptedServer) -> None:
    home = web.on("/home", page(link("/wire") + link("/feed")))
    assert shell.run("feeds", "add", home, "--pick", "2", "--json").line["url"] == web.url("/feed")
    assert "followed already, as wire" in shell.run("feeds", "add", home, "--pick", "1").err
    assert "offers 2 feeds, not 3" in shell.run("feeds", "add", home, "--pick", "3").err
    assert shell.run("feeds", "add", home, "--pick", "1", "--yes").code == 2


def test_a_page_that_names_none_is_probed_until_a_feed_is_found(shell: Shell, web: ScriptedServer) -> None:
    web.on("/feed", reply(status=404))
    web.on("/atom.xml", served(rss(*NEWS)))
    home = web.on("/news/today", page())
    ran = shell.run("feeds", "add", home)
    assert ran.code == 1
    assert ran.err.splitlines()[-1].split() == ["1", web.url("/atom.xml")]
    assert web.paths() == ["/news/today", "/feed", "/rss.xml", "/atom.xml"]
    web.asked.clear()
    assert shell.run("feeds", "add", home, "--yes", "--json").line["url"] == web.url("/atom.xml")
    assert web.paths() == ["/news/today", "/feed", "/rss.xml", "/atom.xml"]


def test_probing_ends_after_five_and_where_a_host_has_enough(shell: Shell, web: ScriptedServer) -> None:
    web.on("/feed", reply(status=404))
    home = web.on("/home", page())
    ran = shell.run("feeds", "add", home, "--yes")
    assert (ran.code, len(web.asked)) == (1, 6)
    assert "none lies where feeds usually lie" in ran.err
    web.asked.clear()
    web.on("/feed", reply(status=429, headers=[("Retry-After", "60")]))
    shell.run("feeds", "add", home)
    assert web.paths() == ["/home", "/feed"]


def test_a_bot_check_is_not_probed(shell: Shell, web: ScriptedServer) -> None:
    wall = web.on("/wall", reply(b"<title>Just a moment...</title>", headers=[("Content-Type", "text/html")]))
    ran = shell.run("feeds", "add", wall)
    assert (ran.code, web.paths()) == (1, ["/wall"])
    assert ran.err.startswith("error: bot_wall: ")
    assert "nothing here goes around it" in ran.err


def test_the_document_that_was_read_is_the_first_poll(shell: Shell, web: ScriptedServer) -> None:
    url = web.on("/tagged", served(rss(*NEWS), etag='"1"'), reply(status=304))
    added = shell.run("feeds", "add", url, "--id", "tagged")
    assert "2 entries stored, 1 matched" in added.out
    assert shell.run("entries", "--feed", "tagged", "--json").lines[0]["feed"] == "tagged"
    assert shell.run("poll", "tagged", "--json").line["outcome"] == "skipped"
    assert web.paths().count("/tagged") == 1
