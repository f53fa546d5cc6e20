"""Content-Encoding undone under a cap: bytes from the wire in, at most `limit` bytes out. It never buffers a bomb."""

import zlib

from aggregator.core.model.feeds import FailureKind
from aggregator.fetch.failure import WireError

GZIP_MAGIC = b"\x1f\x8b"
MAX_MEMBERS = 1000  # gzip files in a row; each one costs a new decompressor
STEP = 256 * 1024  # bytes inflated at once: a cap of memory between two looks at the limit

_GZIP, _ZLIB, _BARE = 31, 15, -15  # zlib's window bits


def coding_of(header: str) -> str:
    """The one coding a Content-Encoding header names: `gzip`, `deflate`, or empty for none.

    Raises WireError of kind ENCODING for a coding we never asked for and for stacked ones (RFC 9110 8.4).
    """
    names = [name for part in header.split(",") if (name := part.strip().lower()) not in {"", "identity"}]
    coding = "gzip" if names == ["x-gzip"] else ",".join(names)
    if coding not in {"", "gzip", "deflate"}:
        raise WireError(FailureKind.ENCODING, f"the answer is encoded as {', '.join(names)}, which we did not ask for")
    return coding


class Inflater:
    """One body on its way in. `coding` comes from `coding_of`; `limit` is in decoded bytes.

    A body in gzip that no header announces is unpacked once; one that is announced and is plain is taken as it is.
    """

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding
        self._limit = limit
        self._out = bytearray()
        self._unjudged = b""  # one byte does not tell a format
        self._plain = False
        self._announced = bool(coding)
        self._ended = False  # what follows the last gzip file is padding
        self._members = 0
        self._stream: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the wire. Raises WireError: TOO_LARGE at the cap, ENCODING for a damaged stream."""
        data = self._unjudged + chunk
        self._unjudged = b""
        while data and not self._ended:
            if self._plain:
                self._keep(data)
                return
            if self._stream is not None:
                data = self._inflate(self._stream, data)
            elif len(data) < len(GZIP_MAGIC):
                self._unjudged = data
                return
            else:
                self._begin(data)

    def finish(self) -> bytes:
        """The whole decoded body. Raises WireError of kind TRUNCATED when the compressed stream did not end."""
        if self._stream is not None:
            raise WireError(FailureKind.TRUNCATED, "the compressed answer ends in the middle")
        return self.so_far()

    @property
    def mislabelled(self) -> bool:
        """Whether a coding was announced and the body is plain."""
        return self._announced and self._plain

    def so_far(self) -> bytes:
        """What has been decoded until now, for a reader who takes what there is."""
        return bytes(self._out) or (b"" if self._members else self._unjudged)

    def _begin(self, data: bytes) -> None:
        """Decide by the first two bytes what comes, whatever the header said."""
        first = self._members == 0
        if data.startswith(GZIP_MAGIC) and (first or self._coding == "gzip"):
            self._coding = "gzip"
            self._stream = zlib.decompressobj(_GZIP)
        elif not first:
            self._ended = True
        elif self._coding == "deflate":
            # RFC 9110 8.4.1.2 means zlib's format; old servers send the bare stream.
            bare = data[0] & 0x0F != zlib.DEFLATED or int.from_bytes(data[:2], "big") % 31 != 0
            self._stream = zlib.decompressobj(_BARE if bare else _ZLIB)
        else:
            self._plain = True
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise WireError(FailureKind.ENCODING, f"the answer is made of more than {MAX_MEMBERS} gzip files")

    def _inflate(self, stream: "zlib._Decompress", data: bytes) -> bytes:
        """Inflate `data`, and give back what lies behind the end of the stream."""
        more = True
        while more and not stream.eof:
            try:
                piece = stream.decompress(data, STEP)
            except zlib.error as error:
                raise WireError(FailureKind.ENCODING, f"the compressed answer is damaged: {error}") from error
            self._keep(piece)
            data = stream.unconsumed_tail
            more = bool(data) or len(piece) == STEP
        if not stream.eof:
            return b""
        self._stream = None
        return stream.unused_data

    def _keep(self, data: bytes) -> None:
        self._out += data
        if len(self._out) > self._limit:
            raise WireError(FailureKind.TOO_LARGE, f"the document is larger than {self._limit:,} bytes")
