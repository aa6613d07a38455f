"""HTTP/1.1 (h11) on a connection: events in, events out, large bodies in pieces.

h11 writes `Host` before all other headers, and replaces `Transfer-Encoding`. Other headers keep order and spelling.
"""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import h11

HEAD_LIMIT = 128 * 1024
"""Bytes of a message's first line and headers; AWS's own limits are lower."""
PIECE = 64 * 1024
BODY_LIMIT = 256 * 2**20
"""Bytes of a request's body, which the proxy holds in memory; clients send more in parts (S3 multipart uploads)."""
BODIES_LIMIT = 512 * 2**20
"""Bytes of the bodies that all connections together hold in memory."""

Headers = list[tuple[bytes, bytes]]

_OF_THE_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade", b"expect"},
)
"""Headers that end at each hop (RFC 9110, section 7.6.1), without those of the body's framing."""
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Link:
    """A connection and the state of its HTTP exchange. `role` is our side: h11.SERVER or h11.CLIENT."""

    def __init__(self, streams: tuple[StreamReader, StreamWriter], role: type[h11.CLIENT | h11.SERVER]) -> None:
        self.reader, self.writer = streams
        self.http = h11.Connection(role, max_incomplete_event_size=HEAD_LIMIT)

    async def receive(self) -> h11.Event:
        """Receive the other side's next event. Raises h11.RemoteProtocolError, OSError."""
        while not isinstance(event := self.http.next_event(), h11.Event):
            data = await self.reader.read(PIECE)
            if not data and self.http.their_state is h11.SEND_RESPONSE:
                raise ConnectionError("the connection ended before an answer")
            self.http.receive_data(data)
        return event

    async def send(self, *events: h11.Event) -> None:
        """Send events in one write, so that no packet waits for an acknowledgement. Raises OSError."""
        self.writer.write(b"".join(self.http.send(event) or b"" for event in events))
        await self.writer.drain()

    def is_reusable(self) -> bool:
        """Whether the connection can carry another exchange; if so, prepare it."""
        if self.http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return False
        self.http.start_next_cycle()
        return True

    def is_silent(self) -> bool:
        """Whether the other side has sent nothing since its last answer; if it has, close the connection."""
        if self.http.trailing_data[0] or self.writer.is_closing():
            return False
        reading = self.reader.read(1)
        try:
            reading.send(None)  # runs until it would have to wait
        except StopIteration:
            return False
        reading.close()
        return True


Share = Callable[[int], None]
"""Takes more bytes of the memory for bodies; raises h11.RemoteProtocolError where too few are left."""


class BodyMemory:
    """The memory for the bodies of all connections; only one thread may use it."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Hold a request's share for the length of the block."""
        mine = 0

        def take(length: int) -> None:
            nonlocal mine
            if self._held + length > BODIES_LIMIT:
                limit = BODIES_LIMIT // 2**20
                raise h11.RemoteProtocolError(f"all bodies together exceed {limit} MiB: retry", error_status_hint=503)
            mine += length
            self._held += length

        try:
            yield take
        finally:
            self._held -= mine


async def whole_body(link: Link, request: h11.Request, share: Share) -> bytes:
    """Read a request's body from its chunks. Raises h11.RemoteProtocolError, OSError."""
    headers = dict(request.headers)
    if b"transfer-encoding" not in headers:
        _check_length(int(headers.get(b"content-length", b"0")))
    if link.http.they_are_waiting_for_100_continue:
        await link.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
    pieces, length = [], 0
    while isinstance(event := await link.receive(), h11.Data):
        length += len(event.data)
        _check_length(length)
        share(len(event.data))
        pieces.append(event.data)
    return b"".join(pieces)


def _check_length(length: int) -> None:
    if length > BODY_LIMIT:
        raise h11.RemoteProtocolError(f"the body is larger than {BODY_LIMIT // 2**20} MiB", error_status_hint=413)


def forwarded_request(request: h11.Request, body: bytes, via: bytes) -> tuple[h11.Event, ...]:
    """Rewrite a request for the next hop: in one piece, with `Host` unchanged, since the signature covers it.

    `via` names this proxy (RFC 9110, section 7.6.3).
    """
    lines = _beyond_the_hop(request)
    named = {name for name, _ in request.headers}
    if b"transfer-encoding" in named:
        lines = [(name, value) for name, value in lines if name.lower() not in _FRAMING]
        lines.append((b"Content-Length", b"%d" % len(body)))
    elif b"content-length" not in named and request.method in (b"POST", b"PUT", b"PATCH"):
        lines.append((b"Content-Length", b"0"))
    lines.append((b"Via", via))
    head = h11.Request(method=request.method, target=request.target, headers=lines)
    return (head, h11.Data(data=body), h11.EndOfMessage())


def forwarded_answer(answer: h11.Response) -> h11.Response:
    """Rewrite the head of an answer for the client; h11 frames the body in a way that the client can read."""
    return h11.Response(status_code=answer.status_code, reason=answer.reason, headers=_beyond_the_hop(answer))


def in_words(error: h11.ProtocolError) -> str:
    """Describe what is wrong with a message, in a line."""
    if error.error_status_hint == 431:
        return f"the head is larger than {HEAD_LIMIT // 2**10} KiB"
    return str(error).replace("bytearray(b", "(")[:200]


def reply(method: bytes, status: int, reason: str, headers: Iterable[tuple[str, str]], body: bytes) -> list[h11.Event]:
    """Make a complete answer of the proxy's own."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    head = h11.Response(status_code=status, reason=reason, headers=lines)
    return [head, h11.Data(data=b"" if method == b"HEAD" else body), h11.EndOfMessage()]


def _beyond_the_hop(message: h11.Request | h11.Response) -> Headers:
    return [(name, value) for name, value in message.headers.raw_items() if name.lower() not in _OF_THE_HOP]
