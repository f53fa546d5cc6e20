"""The sample feeds -> HTTP answers on 127.0.0.1, with validators and two faults, as long as a block lasts.

Which outlet is asked for is told by the name in the request. It serves the files of this package and nothing else, and
once it was told to go on, what some of the outlets have made of theirs by then.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import format_datetime
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from socketserver import ThreadingTCPServer

from aggregator.demo.clock import MORNING, NEXT_MORNING

LOOPBACK = "127.0.0.1"
ZONE = ".example"  # reserved for examples by RFC 2606, so no name of ours can be anybody's

_RSS = "application/rss+xml; charset=utf-8"
_ATOM = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One sample feed: its file, how it is declared, and which validator its server offers (etag, date or none)."""

    name: str
    file: str
    content_type: str = _RSS
    validator: str = "etag"
    later: str | None = None  # what the file has become by the next morning


OUTLETS = (
    Outlet(name="notices", file="notices.xml"),
    Outlet(name="vienna", file="vienna.rdf", content_type="application/rdf+xml", later="vienna-later.rdf"),
    Outlet(name="institute", file="institute.json", content_type="application/feed+json"),
    Outlet(name="wire", file="wire.xml", content_type=_ATOM),
    Outlet(name="daily", file="daily.xml", validator="date", later="daily-later.xml"),
    Outlet(name="gazette", file="gazette.xml"),
    Outlet(name="samachar", file="samachar.xml", content_type=_ATOM),
    Outlet(name="markets", file="markets.xml", validator="none"),
    Outlet(name="screen", file="screen.xml", content_type="text/xml"),
    Outlet(name="tribune", file="tribune.html", content_type="text/html; charset=utf-8", validator="none"),
)
DOWN = "customs"  # the outlet whose server is always busy


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, its headers and a body."""

    status: HTTPStatus
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(slots=True)
class Newsstand:
    """Every outlet on one port. Set `later` for what they publish by the next morning."""

    port: int = 0
    later: bool = False


@contextmanager
def serving() -> Iterator[Newsstand]:
    """Serve every outlet on a free port of 127.0.0.1."""
    # Not http.server.HTTPServer: that one asks a name server for this machine's name before it listens.
    with _Server((LOOPBACK, 0), _Guest) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo-server", daemon=True)
        thread.start()
        try:
            server.stand.port = server.server_address[1]
            yield server.stand
        finally:
            server.shutdown()
            thread.join()


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every name of the demo leads to this machine, and no other name leads anywhere."""
    del port
    return (LOOPBACK,) if host.endswith(ZONE) else ()


def answer(host: str, headers: Message, *, later: bool = False) -> Answer:
    """What the outlet at `host` says to a GET with these request headers (RFC 9110 13.1)."""
    name = host.partition(":")[0].removesuffix(ZONE)
    if name == DOWN:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, body=b"Too many readers at this hour.")
    outlet = next((one for one in OUTLETS if one.name == name), None)
    if outlet is None:
        return Answer(HTTPStatus.NOT_FOUND, body=b"No such outlet.")
    changed = outlet.later if later else None
    body = files(__package__).joinpath("feeds", changed or outlet.file).read_bytes()
    validator, asked = _validator(outlet, body, NEXT_MORNING if changed else MORNING)
    if validator and headers.get(asked) == validator[1]:
        return Answer(HTTPStatus.NOT_MODIFIED, headers=(validator,))
    told = (validator,) if validator else ()
    return Answer(HTTPStatus.OK, headers=(("Content-Type", outlet.content_type), *told), body=body)


def _validator(outlet: Outlet, body: bytes, changed_at: datetime) -> tuple[tuple[str, str] | None, str]:
    """The response header that names this version of the feed, and the request header that gives it back."""
    if outlet.validator == "etag":
        return ("ETag", f'"{blake2b(body, digest_size=8).hexdigest()}"'), "If-None-Match"
    if outlet.validator == "date":
        return ("Last-Modified", format_datetime(changed_at, usegmt=True)), "If-Modified-Since"
    return None, ""


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], guest: type[BaseHTTPRequestHandler]) -> None:
        self.stand = Newsstand()
        super().__init__(address, guest)


class _Guest(BaseHTTPRequestHandler):
    """One connection. `timeout` keeps a silent one from staying."""

    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        """Answer, and end the connection."""
        later = isinstance(self.server, _Server) and self.server.stand.later
        said = answer(self.headers.get("Host", ""), self.headers, later=later)
        self.send_response(said.status)
        for name, value in said.headers:
            self.send_header(name, value)
        if said.status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(said.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Keep quiet: the demo tells its own story."""
