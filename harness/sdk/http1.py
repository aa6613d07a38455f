"""HTTP/1.1 messages between two streams, as AWS's SDKs and endpoints write them (RFC 9112)."""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cached_property

HEAD_LIMIT = 128 * 1024
"""Bytes of a request's first line and headers; AWS's own limits are lower."""
PIECE = 64 * 1024
BODY_LIMIT = 256 * 2**20
"""Bytes of a request's body, which is held in memory; what is larger comes in parts (S3 multipart uploads)."""

_LENGTH = re.compile(r"[0-9]{1,18}")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")

_OF_THE_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
    | {"content-length"}
)
"""Headers that end at each hop (RFC 9110, section 7.6.1); the length is written anew."""


class Malformed(Exception):
    """What came is not HTTP/1.1."""


@dataclass(frozen=True)
class Head:
    """First line and headers of a message, the headers in the order and the spelling in which they came."""

    first: tuple[str, str, str]
    headers: tuple[tuple[str, str], ...]

    @cached_property
    def named(self) -> dict[str, str]:
        """The headers by their names in lower case; the last of several."""
        return {name.lower(): value for name, value in self.headers}

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.named.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """Bytes of the body, where they are said. Raises Malformed."""
        said = {value for name, value in self.headers if name.lower() == "content-length"}
        if len(said) > 1:
            raise Malformed(f"Content-Length is said to be {', and '.join(sorted(said)[:2])[:60]}")
        if wrong := next((value for value in said if not _LENGTH.fullmatch(value)), None):
            raise Malformed(f"Content-Length is {wrong[:20]!r}")
        return next((int(value) for value in said), None)

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection can carry another message."""
        said = self.named.get("connection", "").lower()
        return "close" not in said and (self.first[0] != "HTTP/1.0" and self.first[2] != "HTTP/1.0")

    def forwarded(self) -> list[tuple[str, str]]:
        """The headers that go on to the next hop: `Host` too, since it is signed."""
        return [(name, value) for name, value in self.headers if name.lower() not in _OF_THE_HOP]


async def read_head(reader: StreamReader) -> Head | None:
    """The next message's head; None where the connection ended instead. Raises Malformed."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if ended.partial.strip():
            raise Malformed("the connection ended within a head") from ended
        return None
    except asyncio.LimitOverrunError as long:
        raise Malformed("the head is too long") from long
    first, *lines = raw[:-4].decode("latin-1").lstrip("\r\n").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2:
        raise Malformed(f"the first line is {first[:60]!r}")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Malformed(f"a header is {line[:60]!r}")
        headers.append((name, value.strip()))
    return Head((words[0], words[1], words[2] if len(words) > 2 else ""), tuple(headers))


async def read_body(reader: StreamReader, head: Head) -> bytes:
    """A request's whole body, out of its chunks. Raises Malformed."""
    if head.chunked:
        pieces, length = [], 0
        async for piece in _chunks(reader):
            length += len(piece)
            _bounded(length)
            pieces.append(piece)
        return b"".join(pieces)
    _bounded(head.length or 0)
    try:
        return await reader.readexactly(head.length or 0)
    except asyncio.IncompleteReadError as ended:
        raise Malformed("the connection ended within a body") from ended


def _bounded(length: int) -> None:
    if length > BODY_LIMIT:
        raise Malformed(f"the body is larger than {BODY_LIMIT // 2**20} MiB")


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    try:
        while size := _size(await reader.readuntil(b"\r\n")):
            _bounded(size)
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers: of a checksum that the next hop would read from the body's own form
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as ended:
        raise Malformed("the connection ended within a chunk") from ended


def _size(line: bytes) -> int:
    size = line.partition(b";")[0].strip()
    if not _SIZE.fullmatch(size):
        raise Malformed(f"a chunk's size is {line[:20]!r}")
    return int(size, 16)


async def copy_answer(reader: StreamReader, head: Head, method: str, writer: StreamWriter | None) -> bool:
    """Pass an answer on as it comes (to nobody: read it to its end); whether the connection it came by can go on."""
    bodiless = method == "HEAD" or head.first[1] in ("204", "304") or head.first[1].startswith("1")
    length = 0 if bodiless else head.length
    chunked = head.chunked and not bodiless
    if writer:
        lines = head.forwarded()
        if chunked or (length is None and not bodiless):
            lines.append(("Transfer-Encoding", "chunked"))
        elif (said := head.named.get("content-length")) is not None:
            lines.append(("Content-Length", said))
        writer.write(message(f"HTTP/1.1 {' '.join(head.first[1:])}", lines))
    if chunked:
        async for piece in _chunks(reader):
            _pass_on(writer, b"%x\r\n%b\r\n" % (len(piece), piece))
            await _drained(writer)
        _pass_on(writer, b"0\r\n\r\n")
    elif length is None:
        while piece := await reader.read(PIECE):
            _pass_on(writer, b"%x\r\n%b\r\n" % (len(piece), piece))
            await _drained(writer)
        _pass_on(writer, b"0\r\n\r\n")
    else:
        while length:
            if not (piece := await reader.read(min(length, PIECE))):
                raise Malformed("the connection ended within a body")
            length -= len(piece)
            _pass_on(writer, piece)
            await _drained(writer)
    await _drained(writer)
    return head.keeps_alive and (chunked or length is not None or bodiless)


def _pass_on(writer: StreamWriter | None, piece: bytes) -> None:
    if writer:
        writer.write(piece)


async def _drained(writer: StreamWriter | None) -> None:
    if writer:
        await writer.drain()


def message(first: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """A message in one piece, so that no packet waits for another's acknowledgement."""
    lines = [first, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
