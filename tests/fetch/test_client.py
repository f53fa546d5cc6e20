"""The conversation itself: what is asked, and what is kept of an answer."""

import asyncio
from datetime import timedelta
from ipaddress import ip_network

import pytest

from aggregator.core.model.feeds import FailureKind, Fetched, NotModified
from aggregator.fetch.client import Fetcher
from aggregator.fetch.gate import HostGate
from tests.asking import ask, failed, fetched
from tests.servers import Asked, ScriptedServer, reply

pytestmark = pytest.mark.anyio

ACCEPT = (
    b"application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    b"application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)

LOOPBACK = (ip_network("127.0.0.0/8"),)

FEED = b"<rss version='2.0'><channel/></rss>"


async def resolve_to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_case_7_55_the_request_says_what_we_are_and_nothing_more(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    await ask(fetcher, server.on("/feed", reply(FEED)) + "?page=1")
    assert server.asked[0].method == "GET"
    assert server.asked[0].target == "/feed?page=1"
    assert server.asked[0].headers == (
        (b"Host", f"127.0.0.1:{server.port}".encode()),
        (b"User-Agent", b"aggregator-test/1 (+https://example.org/about)"),
        (b"Accept", ACCEPT),
        (b"Accept-Encoding", b"gzip, deflate"),
        (b"Connection", b"close"),
    )


async def test_case_7_1_validators_come_back_byte_for_byte_and_a_304_keeps_everything(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    first = reply(FEED, headers=[("ETag", '"a-1"'), ("Last-Modified", "Tue, 20 Jan 2026 07:00:00 GMT")])
    url = server.on("/feed", first, reply(status=304, length=None))
    answer = fetched(await ask(fetcher, url)).answer
    again = await ask(fetcher, url, etag=answer.etag, last_modified=answer.last_modified)
    assert isinstance(again, NotModified)
    assert server.asked[0].header("if-none-match") is None
    assert server.asked[0].header("if-modified-since") is None
    assert server.asked[1].header("if-none-match") == b'"a-1"'
    assert server.asked[1].header("if-modified-since") == b"Tue, 20 Jan 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    "etag",
    [b'"plain"', b'W/"weak"', b"unquoted", 'W/"é-ü"'.encode(), b'"\xff\xfe"', b'"two, parts"'],
)
async def test_case_7_2_an_odd_etag_is_echoed_verbatim(fetcher: Fetcher, server: ScriptedServer, etag: bytes) -> None:
    url = server.on("/feed", reply(FEED, headers=[("ETag", etag)]))
    answer = fetched(await ask(fetcher, url)).answer
    assert answer.etag == etag
    assert answer.last_modified is None
    await ask(fetcher, url, etag=answer.etag)
    assert server.asked[1].header("if-none-match") == etag
    assert server.asked[1].header("if-modified-since") is None


async def test_case_7_2_an_odd_date_alone_is_echoed_verbatim(fetcher: Fetcher, server: ScriptedServer) -> None:
    odd = b"Tue Jan 20 2026, around breakfast \xe9"
    url = server.on("/feed", reply(FEED, headers=[("Last-Modified", odd)]))
    answer = fetched(await ask(fetcher, url)).answer
    await ask(fetcher, url, last_modified=answer.last_modified)
    assert server.asked[1].header("if-modified-since") == odd
    assert server.asked[1].header("if-none-match") is None


async def test_case_7_3_a_304_brings_new_validators_and_hints(fetcher: Fetcher, server: ScriptedServer) -> None:
    headers = [("ETag", '"b"'), ("Cache-Control", "max-age=7200"), ("Age", "200")]
    url = server.on("/feed", reply(status=304, headers=headers, length=None))
    result = await ask(fetcher, url, etag=b'"a"')
    assert isinstance(result, NotModified)
    assert result.answer.etag == b'"b"'
    assert result.answer.max_age == timedelta(seconds=7000)


async def test_case_7_4_a_304_to_an_unconditional_request_is_a_protocol_error(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    result = failed(await ask(fetcher, server.on("/feed", reply(status=304, length=None))))
    assert (result.kind, result.status) == (FailureKind.PROTOCOL, 304)


async def test_case_7_5_the_body_of_a_304_is_ignored(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/feed", reply(b"surprise", status=304))
    assert isinstance(await ask(fetcher, url, etag=b'"a"'), NotModified)


async def test_case_7_8_an_answer_without_validators_says_so(fetcher: Fetcher, server: ScriptedServer) -> None:
    answer = fetched(await ask(fetcher, server.on("/feed", reply(FEED)), etag=b'"old"')).answer
    assert (answer.etag, answer.last_modified) == (None, None)


async def test_a_validator_too_long_to_send_back_is_not_kept(fetcher: Fetcher, server: ScriptedServer) -> None:
    url = server.on("/feed", reply(FEED, headers=[("ETag", f'"{"x" * 4000}"')]))
    assert fetched(await ask(fetcher, url)).answer.etag is None


async def test_a_password_in_the_url_is_neither_kept_nor_told(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/feed", reply(FEED))
    result = await ask(fetcher, f"http://me:hush@127.0.0.1:{server.port}/feed")
    assert fetched(result).answer.url == server.url("/feed")
    assert "hush" not in str(await ask(fetcher, "http://me:hush@127.0.0.1:1/feed"))
    assert "hush" not in str(await ask(fetcher, "http://me:hush@/feed"))


async def test_an_operator_may_set_headers_but_not_how_we_speak(fetcher: Fetcher, server: ScriptedServer) -> None:
    own = (("user-agent", "Desk (desk@example.org)"), ("Accept-Encoding", "br"), ("Host", "x"), ("X-Key", " k\n"))
    fetched(await ask(fetcher, server.on("/feed", reply(FEED)), headers=own))
    asked = server.asked[0]
    assert asked.header("user-agent") == b"Desk (desk@example.org)"
    assert asked.header("accept-encoding") == b"gzip, deflate"
    assert asked.header("host") == f"127.0.0.1:{server.port}".encode()
    assert asked.header("x-key") == b"k"


@pytest.mark.parametrize("value", ["a\r\nX-Injected: yes", "snow ☃", "nul\0"])
async def test_a_header_that_cannot_be_sent_is_refused_without_being_quoted(
    fetcher: Fetcher, server: ScriptedServer, value: str
) -> None:
    result = failed(await ask(fetcher, server.on("/feed", reply(FEED)), headers=(("X-Key", value),)))
    assert result.kind is FailureKind.PROTOCOL
    assert value[:3] not in result.detail.replace("a header", "")
    assert not any(asked.header("x-injected") for asked in server.asked)


async def test_case_7_47_cookies_are_never_sent_back(fetcher: Fetcher, server: ScriptedServer) -> None:
    cookie = ("Set-Cookie", "id=1; Path=/")
    server.on("/feed", reply(status=302, headers=[("Location", "/there"), cookie]))
    server.on("/there", reply(FEED, headers=[cookie]))
    for _ in range(2):
        fetched(await ask(fetcher, server.url("/feed")))
    assert [asked.header("cookie") for asked in server.asked] == [None] * 4


async def test_environment_proxies_are_ignored(
    monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher, server: ScriptedServer
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fetched(await ask(fetcher, server.on("/feed", reply(FEED))))


async def test_case_7_29_an_im_used_answer_is_a_document(fetcher: Fetcher, server: ScriptedServer) -> None:
    result = fetched(await ask(fetcher, server.on("/feed", reply(FEED, status=226, headers=[("IM", "feed")]))))
    assert (result.answer.status, result.body) == (226, FEED)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], ""),
        ([("Content-Type", "TEXT/HTML")], "TEXT/HTML"),
        ([("Content-Type", "text/xml; charset=utf-8"), ("Content-Type", "text/html")], "text/xml; charset=utf-8"),
        ([("Content-Type", "text/xml, text/html")], "text/xml"),
        ([("Content-Type", b"text/\xffxml")], "text/ÿxml"),
    ],
)
async def test_case_7_32_the_first_media_type_counts(
    fetcher: Fetcher, server: ScriptedServer, headers: list[tuple[str, str]], told: str
) -> None:
    assert fetched(await ask(fetcher, server.on("/feed", reply(FEED, headers=headers)))).answer.content_type == told


async def test_links_of_the_header_are_absolute_and_one_for_each_relation(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    link = '</hub>; rel="hub", <https://e.org/a,b>; title="x, y"; rel="self alternate", <javascript:1>; rel=next, <x>'
    answer = fetched(await ask(fetcher, server.on("/feed", reply(FEED, headers=[("Link", link)])))).answer
    assert answer.links == (
        ("hub", server.url("/hub")),
        ("self", "https://e.org/a,b"),
        ("alternate", "https://e.org/a,b"),
    )


async def test_case_7_54_the_header_names_other_forms_of_a_page_with_their_type(
    fetcher: Fetcher, server: ScriptedServer
) -> None:
    link = '</f>; rel="alternate"; type="Application/RSS+XML", </x>; rel=alternate, </y>; rel=next; type=text/xml'
    answer = fetched(await ask(fetcher, server.on("/feed", reply(FEED, headers=[("Link", link)])))).answer
    assert answer.alternates == (("application/rss+xml", server.url("/f")),)


@pytest.mark.parametrize("typed", ["  http://127.0.0.1:{port}/feed ", "feed:http://127.0.0.1:{port}/feed"])
async def test_case_7_46_a_clumsily_typed_url_is_understood(
    fetcher: Fetcher, server: ScriptedServer, typed: str
) -> None:
    server.on("/feed", reply(FEED))
    fetched(await ask(fetcher, typed.format(port=server.port)))


async def test_case_7_46_a_unicode_host_is_asked_in_its_a_form(fetcher: Fetcher, server: ScriptedServer) -> None:
    server.on("/feed", reply(FEED))
    fetched(await ask(fetcher, server.url("/feed", host="bücher.example")))
    assert server.asked[0].header("host") == f"xn--bcher-kva.example:{server.port}".encode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "http://",
        "http://xn--/",
        "ftp://e.org/",
        "http://e.org:99999/",
        "http://a b/",
        "http://e.org\\@x/",
        "http://①②⑦.⓪.⓪.①/",
        "http://[::1/",
        "javascript:alert(1)",
        "http://e.org/\x00",
        "http://.../",
        "mailto:a@b.c",
    ],
)
async def test_case_7_46_what_is_no_url_is_told_so(fetcher: Fetcher, url: str) -> None:
    assert failed(await ask(fetcher, url)).kind in {FailureKind.BAD_URL, FailureKind.BLOCKED_ADDRESS, FailureKind.DNS}


async def test_no_more_requests_are_on_the_wire_than_allowed(server: ScriptedServer) -> None:
    inside = 0
    most = 0

    async def count(writer: asyncio.StreamWriter, asked: Asked) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.02)
        inside -= 1
        writer.write(reply(FEED))
        await writer.drain()

    server.on("/feed", count)
    async with Fetcher(
        user_agent="t", allow_private=LOOPBACK, concurrency=3, resolve=resolve_to_loopback, gate=HostGate(0)
    ) as fetcher:
        urls = [server.url("/feed", host=f"{number}.example") for number in range(12)]
        results = await asyncio.gather(*(ask(fetcher, url) for url in urls))
    assert all(isinstance(result, Fetched) for result in results)
    assert most == 3
