"""A proxy beside a program: the program's AWS calls pass it, and meet the rules.

One thread, asyncio's streams and h11: `gameday proxy --to` works without an extra. It listens on loopback only, and
keeps no request: it counts calls by service and operation.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from uuid import uuid4

import h11

from gameday.aws.account import USER_AGENT
from gameday.errors import InvalidInput
from gameday.sdk.error_responses import Reply, ServiceError, error_reply, hit_reply
from gameday.sdk.proxy.admission import VIA, refusal_of
from gameday.sdk.proxy.control_api import PREFIX, answer
from gameday.sdk.proxy.http import PIECE, BodyMemory, Link, answer_on, in_words, reply, request_on, whole_body
from gameday.sdk.proxy.identify import Identified, RawRequest, identify
from gameday.sdk.proxy.rules import Rules
from gameday.sdk.proxy.upstream import Upstream, why
from gameday.sdk.rule import Rule

LOOPBACK = "127.0.0.1"
UNREACHABLE = "UpstreamUnreachable"
BACKLOG = 1024
LINGER = 2.0
"""Seconds for which a client that did wrong may still write, so that it reads why (RFC 9112, section 9.6)."""


class Proxy:
    """Rules, the endpoint behind it, and who hears of an endpoint that does not answer."""

    def __init__(self, rules: Rules, upstream: Upstream, hear: Callable[[str], None]) -> None:
        self.rules = rules
        self.upstream = upstream
        self.hear = hear
        self._via = VIA + uuid4().hex.encode()
        self._port = 0
        self._memory = BodyMemory()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> int:
        """Listen on loopback; the port. Raises InvalidInput where it is in use."""
        try:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, port, backlog=BACKLOG)
        except OSError as error:
            raise InvalidInput(
                f"port {port} of {LOOPBACK} cannot be had: {why(error)}",
                "name another with --port; 0 takes a free one",
                gd_code="GD-E118",
            ) from error
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def close(self) -> None:
        """Listen no more, and end what is under way."""
        if self._server:
            self._server.close()
        for task in tuple(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self.upstream.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._clients.add(task)
        client = Link((reader, writer), h11.SERVER)
        try:
            while await self._exchange(client) and client.goes_on():
                pass
        except h11.ProtocolError as wrong:
            with suppress(OSError, asyncio.CancelledError):
                await _refused(client, wrong)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # the client is gone, or we are
        finally:
            if task:
                self._clients.discard(task)
            writer.close()

    async def _exchange(self, client: Link) -> bool:
        """One request and its answer; whether it was answered whole."""
        request = await client.hear()
        if not isinstance(request, h11.Request):
            return False
        if request.method == b"CONNECT":
            raise h11.RemoteProtocolError("this is no HTTP proxy: set AWS_ENDPOINT_URL", error_status_hint=405)
        if refusal := refusal_of(request.headers, self._port):
            raise h11.RemoteProtocolError(refusal.reason, error_status_hint=refusal.status)
        with self._memory.share() as share:
            return await self._answer(client, request, await whole_body(client, request, share))

    async def _answer(self, client: Link, request: h11.Request, body: bytes) -> bool:
        wire = _wire(request, body)
        if wire.target.startswith(PREFIX):
            status, reason, said = answer(self.rules, wire.method, wire.target, body)
            await client.say(*reply(request.method, status, reason, _plain("application/json", said), said))
            return True
        # The harness's own calls are not the program's.
        services = () if USER_AGENT in wire.headers.get("user-agent", "").split() else self.rules.services
        if (b"via", self._via) in list(request.headers):
            return await self._unreachable(client, request, 508, "it leads back to this proxy")
        found = identify(wire, services) if services else None
        rule = self.rules.hit(found)
        if rule is None or found is None:
            return await self._forward(request, body, client)
        return await self._hit(rule, found, request, body, client)

    async def _hit(self, rule: Rule, found: Identified, request: h11.Request, body: bytes, client: Link) -> bool:
        if rule.kind in ("throttle", "fail"):
            called = found.request
            await _error(client, request, hit_reply(rule, found.protocol, called.service, called.operation))
            return True
        if rule.kind == "delay":
            await asyncio.sleep(rule.wait or 0)
            return await self._forward(request, body, client)
        if rule.kind == "lose-reply":
            await self._forward(request, body, None)
        # The client's patience ends this, unless the rule says when.
        with suppress(TimeoutError):
            await asyncio.wait_for(_gone(client.reader), rule.wait)
        client.writer.transport.abort()
        return False

    async def _forward(self, request: h11.Request, body: bytes, client: Link | None) -> bool:
        """Send a request on, and its answer back (to nobody: it is read all the same)."""
        onward = request_on(request, body, self._via)
        try:
            link = await self.upstream.link()
        except OSError as error:
            return await self._unreachable(client, request, 502, why(error))
        try:
            await link.say(*onward)
            while not isinstance(answered := await link.hear(), h11.Response):
                pass  # what is said before the answer is of this hop
        except (OSError, h11.RemoteProtocolError) as error:
            # Whether it was carried out is not known: no answer is what the client gets, too.
            link.writer.close()
            return await self._unreachable(client, request, 502, why(error))
        try:
            await _pass_on(link, answered, client)
        except (OSError, h11.ProtocolError):
            # Half an answer is out: the client sees a connection that breaks, as it would without us.
            link.writer.close()
            if client:
                client.writer.transport.abort()
            return False
        except asyncio.CancelledError:
            link.writer.close()
            raise
        self.upstream.keep(link)
        return True

    async def _unreachable(self, client: Link | None, request: h11.Request, status: int, why: str) -> bool:
        said = f"{self.upstream.url} does not answer: {why}"
        self.rules.upstream_failed += 1
        self.hear(said)
        if client:
            fault = error_reply("json", "sts", ServiceError(UNREACHABLE, status), f"gameday proxy: {said}", uuid4().hex)
            await _error(client, request, fault)
        return True


async def _pass_on(link: Link, answered: h11.Response, client: Link | None) -> None:
    if client:
        await client.say(answer_on(answered))
    while isinstance(event := await link.hear(), h11.Data):
        if client:
            await client.say(h11.Data(data=event.data))
    if client:
        await client.say(h11.EndOfMessage())


async def _gone(reader: StreamReader) -> None:
    while await reader.read(PIECE):
        pass


async def _error(client: Link, request: h11.Request, error: Reply) -> None:
    await client.say(*reply(request.method, error.status, "Error", error.headers.items(), error.body))


async def _refused(client: Link, wrong: h11.ProtocolError) -> None:
    """Say in one line why the client gets no answer, wait until it has heard, and let it go."""
    if client.talk.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    said = f"gameday proxy: {in_words(wrong)}\n".encode("latin-1", "replace")
    status = HTTPStatus(wrong.error_status_hint)
    lines = [*_plain("text/plain", said), ("Connection", "close")]
    await client.say(*reply(b"", status, status.phrase, lines, said))
    client.writer.write_eof()
    with suppress(TimeoutError):
        await asyncio.wait_for(_gone(client.reader), LINGER)


def _wire(request: h11.Request, body: bytes) -> RawRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
    return RawRequest(request.method.decode("latin-1"), request.target.decode("latin-1"), headers, body)


def _plain(kind: str, body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", kind), ("Content-Length", str(len(body)))]
