"""httpx's door to the network: two httpcore pools over one guarded backend, and every wire error as a WireError.

It knows nothing of redirects, feeds or caches, and it never keeps a connection.
"""

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from aggregator.core.model.feeds import FailureKind
from aggregator.fetch.failure import WireError

_BYTES = re.compile(r"(?:bytearray\()?b('[^']*'|\"[^\"]*\")\)?")


def trusting_context() -> ssl.SSLContext:
    """A TLS context that trusts the bundled public authorities and the machine's own, which may hold a company's."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends one request over one fresh connection. The request extension `verify_tls` chooses the TLS context.

    Raises WireError for all that a network can do, here and while the answer's body is read.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend, *, tls: ssl.SSLContext) -> None:
        self._pools = {
            True: _pool(backend, tls),
            False: _pool(backend, httpx.create_ssl_context(verify=False, trust_env=False)),
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer's head; its body is still on the wire."""
        pool = self._pools[bool(request.extensions.get("verify_tls", True))]
        url = request.url
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _before_the_answer(url.host):
            response = await pool.handle_async_request(sent)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close both pools."""
        for pool in self._pools.values():
            await pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The bytes of one answer as they are on the wire, Content-Encoding and all."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.aiter_stream():
                yield part
        except httpcore.ReadTimeout:
            raise WireError(FailureKind.TIMEOUT, "the answer stopped in the middle") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            # Whatever breaks a body leaves a part of it: nothing may be stored, and the next try may well succeed.
            raise WireError(FailureKind.TRUNCATED, f"the answer broke off: {_words(error)}") from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _pool(backend: httpcore.AsyncNetworkBackend, tls: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
    # Idle connections make httpcore's pool quadratic, and a poller of distinct hosts has no use for them.
    return httpcore.AsyncConnectionPool(
        ssl_context=tls, max_connections=None, max_keepalive_connections=0, network_backend=backend
    )


@contextmanager
def _before_the_answer(host: str) -> Iterator[None]:
    try:
        yield
    except httpcore.ConnectTimeout:
        raise WireError(FailureKind.TIMEOUT, f"{host}: the TLS handshake did not end in time") from None
    except httpcore.TimeoutException:
        raise WireError(FailureKind.TIMEOUT, f"{host} took the request and did not answer") from None
    except httpcore.ConnectError as error:
        raise WireError(FailureKind.TLS, f"{host}: {_tls_reason(error.__context__)}") from error
    except httpcore.NetworkError as error:
        raise WireError(FailureKind.CONNECT, f"{host} broke the connection: {_words(error)}") from error
    except httpcore.LocalProtocolError as error:
        raise WireError(FailureKind.PROTOCOL, "a header of this feed holds characters that HTTP forbids") from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise WireError(FailureKind.PROTOCOL, f"{host} does not speak HTTP as it should: {_words(error)}") from error
    except ValueError as error:
        raise WireError(FailureKind.BAD_URL, f"{host} is no name that TLS could check: {error}") from error


def _words(error: Exception) -> str:
    """What an error says, without Python's way of writing bytes."""
    return _BYTES.sub(r"\1", str(error)) or "connection lost"


def _tls_reason(cause: BaseException | None) -> str:
    """TCP errors never come here (the guard took them), so what failed was the handshake."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return f"no TLS connection: {cause.reason.replace('_', ' ').lower()}"
    return "it closed the connection during the TLS handshake"
