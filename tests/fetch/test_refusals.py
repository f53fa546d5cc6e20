"""Answers that bring no document: which kind of failure each is, what is said of it, and when to come back."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from aggregator.core.model.feeds import FailureKind, Fetched, FetchRequest
from aggregator.fetch.client import Fetcher
from aggregator.fetch.gate import HostGate
from tests.asking import NOW, failure_of
from tests.servers import ScriptedServer, reply

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("7200", 2 * HOUR),
        ("Tue, 20 Jan 2026 15:00:00 GMT", 3 * HOUR),
        ("Tuesday, 20-Jan-26 15:00:00 GMT", 3 * HOUR),
        ("Tue Jan 20 15:00:00 2026", 3 * HOUR),
        ("Tue, 20 Jan 2026 11:00:00 GMT", None),
        ("-5", None),
        ("abc", None),
        ("", None),
        (None, None),
        ("99999999", timedelta(seconds=99_999_999)),
        ("9" * 400, timedelta(days=3650)),
    ],
)
async def test_case_7_13_retry_after_is_read_in_every_form(
    fetcher: Fetcher, server: ScriptedServer, value: str | None, pause: timedelta | None
) -> None:
    headers = [] if value is None else [("Retry-After", value)]
    result = await failure_of(fetcher, server.on("/feed", reply(status=429, headers=headers)))
    assert (result.kind, result.status, result.retry_after) == (FailureKind.RATE, 429, pause)


async def test_case_7_14_after_a_429_no_feed_of_that_host_is_asked(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/a", reply(status=429, headers=[("Retry-After", "7200")]))
    server.on("/b", reply(b"<rss/>"))
    await failure_of(fetcher, server.url("/a"))
    result = await failure_of(fetcher, server.url("/b"))
    assert (result.kind, result.status) == (FailureKind.RATE, None)
    assert result.retry_after is not None
    assert HOUR < result.retry_after <= 2 * HOUR
    assert server.paths() == ["/a"]
    elsewhere = await fetcher.fetch(FetchRequest(url=server.url("/b", host="other.example")), now=NOW)
    assert isinstance(elsewhere, Fetched)


async def test_case_7_14_a_redirect_to_a_held_host_is_not_followed(fetcher: Fetcher, server: ScriptedServer) -> None:
    fetcher.gate.hold("held.example", 60)
    server.on("/feed", reply(status=302, headers=[("Location", server.url("/there", host="held.example"))]))
    result = await failure_of(fetcher, server.url("/feed"))
    assert result.kind is FailureKind.RATE
    assert server.paths() == ["/feed"]


async def test_case_7_13_a_429_without_a_word_on_time_holds_its_host_too(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    await failure_of(fetcher, server.on("/feed", reply(status=429)))
    assert fetcher.gate.held("127.0.0.1") > 3000


async def test_case_7_15_a_503_is_rate_only_when_it_says_when_to_return(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    server.on("/quiet", reply(status=503))
    server.on("/telling", reply(status=503, headers=[("Retry-After", "60")]))
    assert (await failure_of(fetcher, server.url("/quiet", host="quiet.example"))).kind is FailureKind.SERVER
    result = await failure_of(fetcher, server.url("/telling", host="telling.example"))
    assert (result.kind, result.retry_after) == (FailureKind.RATE, timedelta(minutes=1))
    assert 800 < fetcher.gate.held("quiet.example") <= 900
    assert 0 < fetcher.gate.held("telling.example") <= 60


async def test_case_7_15_a_host_that_is_not_available_is_left_alone_also_when_it_does_not_say_for_how_long(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    server.on("/a", reply(status=503))
    server.on("/b", reply(b"<rss/>"))
    await failure_of(fetcher, server.url("/a"))
    assert (await failure_of(fetcher, server.url("/b"))).kind is FailureKind.RATE
    assert server.paths() == ["/a"]


@pytest.mark.parametrize("status", [500, 502, 504, 404, 403])
async def test_other_failures_of_one_page_hold_no_host(fetcher: Fetcher, server: ScriptedServer, status: int) -> None:
    await failure_of(fetcher, server.on("/feed", reply(status=status)))
    assert fetcher.gate.held("127.0.0.1") == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 451, 418])
async def test_case_7_24_a_client_error_is_one(fetcher: Fetcher, server: ScriptedServer, status: int) -> None:
    result = await failure_of(fetcher, server.on("/feed", reply(status=status)))
    assert (result.kind, result.status) == (FailureKind.CLIENT, status)
    assert str(status) in result.detail


async def test_case_7_24_each_client_error_has_words_of_its_own(fetcher: Fetcher, server: ScriptedServer) -> None:
    said = set()
    for status in (400, 401, 403, 404, 405, 406, 451):
        detail = (await failure_of(fetcher, server.on("/feed", reply(status=status)))).detail
        said.add(detail.partition(":")[2])
    assert len(said) == 7


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, [("cf-mitigated", "challenge")], b""),
        (503, [], b"<script src='/cdn-cgi/challenge-platform/h/b'></script>"),
        (403, [], b"<script>window._cf_chl_opt={}</script>"),
        (403, [], b"<iframe src='/_Incapsula_Resource?x=1'>"),
        (202, [("x-amzn-waf-action", "challenge")], b"<html/>"),
        (202, [("SG-Captcha", "challenge")], b"<html/>"),
        (403, [], b"Reference https://errors.edgesuite.net/18.1"),
    ],
)
async def test_case_7_24_a_bot_check_is_named_as_one(
    fetcher: Fetcher, server: ScriptedServer, status: int, headers: list[tuple[str, str]], body: bytes
) -> None:
    result = await failure_of(fetcher, server.on("/feed", reply(body, status=status, headers=headers)))
    assert (result.kind, result.status) == (FailureKind.BOT_WALL, status)


async def test_a_feed_that_writes_about_bot_checks_is_no_bot_check(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/feed", reply(b"<rss><title>/cdn-cgi/challenge-platform/ px-captcha</title></rss>"))
    assert isinstance(await fetcher.fetch(FetchRequest(url=url), now=NOW), Fetched)


async def test_case_7_25_a_410_is_gone(fetcher: Fetcher, server: ScriptedServer) -> None:
    result = await failure_of(fetcher, server.on("/feed", reply(status=410)))
    assert (result.kind, result.status) == (FailureKind.GONE, 410)


@pytest.mark.parametrize("status", [500, 502, 504, 520, 521, 522, 523, 524, 525, 526, 599])
async def test_case_7_27_a_server_error_is_transient(fetcher: Fetcher, server: ScriptedServer, status: int) -> None:
    result = await failure_of(fetcher, server.on("/feed", reply(status=status, headers=[("Retry-After", "30")])))
    assert (result.kind, result.status) == (FailureKind.SERVER, status)
    assert result.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(("status", "body"), [(204, b""), (205, b""), (200, b""), (200, b" \r\n\t\n"), (226, b"")])
async def test_case_7_28_an_empty_answer_is_empty(
    fetcher: Fetcher, server: ScriptedServer, status: int, body: bytes
) -> None:
    length = None if status == 204 else -1
    result = await failure_of(fetcher, server.on("/feed", reply(body, status=status, length=length)))
    assert (result.kind, result.status) == (FailureKind.EMPTY, status)


@pytest.mark.parametrize("status", [206, 300, 305, 306, 101, 600, 999])
async def test_case_7_30_an_answer_nobody_asked_for_is_a_protocol_error(
    fetcher: Fetcher, server: ScriptedServer, status: int
) -> None:
    headers = [("Content-Range", "bytes 0-3/9")] if status == 206 else []
    result = await failure_of(fetcher, server.on("/feed", reply(b"<rss", status=status, headers=headers)))
    assert result.kind is FailureKind.PROTOCOL


async def test_the_words_of_an_error_page_are_quoted_in_one_clean_line(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    page = "<html><title>\n Closed \u202efor\x1b[31m &amp; all\u200b </title>".encode()
    detail = (await failure_of(fetcher, server.on("/feed", reply(page, status=403)))).detail
    assert detail == 'HTTP 403: the host forbids access; it says "Closed for [31m & all"'


async def test_an_error_page_that_never_ends_does_not_hide_the_status(server: ScriptedServer) -> None:
    endless = b"HTTP/1.1 404 No\r\n\r\n<title>Lost</title>" + b"x" * 2_000_000
    async with Fetcher(user_agent="t", allow_private=[ip_network("127.0.0.0/8")], gate=HostGate(0)) as fetcher:
        result = await failure_of(fetcher, server.on("/feed", endless))
    assert (result.kind, result.status) == (FailureKind.CLIENT, 404)
    assert "Lost" in result.detail
