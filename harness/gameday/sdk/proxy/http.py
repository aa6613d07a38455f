"""HTTP/1.1 (h11) on one connection: events in, events out, large bodies in pieces.

h11 writes `Host` before all other headers, and `Transfer-Encoding` anew; the rest keeps its order and its spelling.
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
"""Bytes of a request's body, which is held in memory; what is larger comes in parts (S3 multipart uploads)."""
BODIES_LIMIT = 512 * 2**20
"""Bytes of the bodies that all connections together hold in memory."""

Headers = list[tuple[bytes, bytes]]

_OF_THE_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade", b"expect"},
)
"""Headers that end at each hop (RFC 9110, section 7.6.1), but for those of the body's framing."""
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Link:
    """A connection, and where the conversation on it stands. `role` is ours: h11.SERVER or h11.CLIENT."""

    def __init__(self, streams: tuple[StreamReader, StreamWriter], role: type[h11.CLIENT | h11.SERVER]) -> None:
        self.reader, self.writer = streams
        self.talk = h11.Connection(role, max_incomplete_event_size=HEAD_LIMIT)

    async def hear(self) -> h11.Event:
        """What the other side says next. Raises h11.RemoteProtocolError, OSError."""
        while not isinstance(event := self.talk.next_event(), h11.Event):
            said = await self.reader.read(PIECE)
            if not said and self.talk.their_state is h11.SEND_RESPONSE:
                raise ConnectionError("the connection ended before an answer")
            self.talk.receive_data(said)
        return event

    async def say(self, *events: h11.Event) -> None:
        """Say this, in one piece, so that no packet waits for another's acknowledgement. Raises OSError."""
        self.writer.write(b"".join(self.talk.send(event) or b"" for event in events))
        await self.writer.drain()

    def goes_on(self) -> bool:
        """Whether the connection can carry another exchange; makes it ready for one."""
        if self.talk.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return False
        self.talk.start_next_cycle()
        return True

    def is_silent(self) -> bool:
        """Whether the other side has said nothing unasked, not even its end; where it has, let it go."""
        if self.talk.trailing_data[0] or self.writer.is_closing():
            return False
        reading = self.reader.read(1)
        try:
            reading.send(None)  # runs until it would have to wait
        except StopIteration:
            return False
        reading.close()
        return True


Share = Callable[[int], None]
"""Takes so many bytes more of the memory for bodies; raises h11.RemoteProtocolError where there are none left."""


class BodyMemory:
    """The memory for the bodies of all connections; belongs to one thread."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Hold one request's share for as long as the block lasts."""
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
    """A request's body, out of its chunks. Raises h11.RemoteProtocolError, OSError."""
    said = dict(request.headers)
    if b"transfer-encoding" not in said:
        _bounded(int(said.get(b"content-length", b"0")))
    if link.talk.they_are_waiting_for_100_continue:
        await link.say(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
    pieces, length = [], 0
    while isinstance(event := await link.hear(), h11.Data):
        length += len(event.data)
        _bounded(length)
        share(len(event.data))
        pieces.append(event.data)
    return b"".join(pieces)


def _bounded(length: int) -> None:
    if length > BODY_LIMIT:
        raise h11.RemoteProtocolError(f"the body is larger than {BODY_LIMIT // 2**20} MiB", error_status_hint=413)


def request_on(request: h11.Request, body: bytes, via: bytes) -> tuple[h11.Event, ...]:
    """A request as it goes on to the next hop: in one piece, `Host` as it came, since it is signed.

    `via` is who passes it on (RFC 9110, section 7.6.3).
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


def answer_on(answer: h11.Response) -> h11.Response:
    """The head of an answer as it goes on to the client; h11 frames its body as the client can read it."""
    return h11.Response(status_code=answer.status_code, reason=answer.reason, headers=_beyond_the_hop(answer))


def in_words(error: h11.ProtocolError) -> str:
    """What is wrong with a message, in a line."""
    if error.error_status_hint == 431:
        return f"the head is larger than {HEAD_LIMIT // 2**10} KiB"
    return str(error).replace("bytearray(b", "(")[:200]


def reply(method: bytes, status: int, reason: str, headers: Iterable[tuple[str, str]], body: bytes) -> list[h11.Event]:
    """A whole answer of our own."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    head = h11.Response(status_code=status, reason=reason, headers=lines)
    return [head, h11.Data(data=b"" if method == b"HEAD" else body), h11.EndOfMessage()]


def _beyond_the_hop(message: h11.Request | h11.Response) -> Headers:
    return [(name, value) for name, value in message.headers.raw_items() if name.lower() not in _OF_THE_HOP]
