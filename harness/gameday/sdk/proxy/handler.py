"""A proxy for a program's AWS calls, which applies the rules to them.

It uses one thread, asyncio's streams and h11, so `gameday proxy --to` needs no extra. It listens on loopback only. It
stores no request, and counts calls by service and operation.
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
from gameday.sdk.proxy.http import (
    PIECE,
    BodyMemory,
    Link,
    forwarded_answer,
    forwarded_request,
    in_words,
    reply,
    whole_body,
)
from gameday.sdk.proxy.identify import Identified, RawRequest, identify
from gameday.sdk.proxy.rules import Rules
from gameday.sdk.proxy.upstream import Upstream, why
from gameday.sdk.rule import Rule

LOOPBACK = "127.0.0.1"
UNREACHABLE = "UpstreamUnreachable"
BACKLOG = 1024
LINGER = 2.0
"""Seconds for which a refused client may still write, so that it reads the reason (RFC 9112, section 9.6)."""


class Proxy:
    """Apply rules to requests, and forward the rest to `upstream`; call `warn` when the endpoint does not answer."""

    def __init__(self, rules: Rules, upstream: Upstream, warn: Callable[[str], None]) -> None:
        self.rules = rules
        self.upstream = upstream
        self.warn = warn
        self._via = VIA + uuid4().hex.encode()
        self._port = 0
        self._memory = BodyMemory()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> int:
        """Listen on loopback. Returns the port; raises InvalidInput where it is in use."""
        try:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, port, backlog=BACKLOG)
        except OSError as error:
            raise InvalidInput(
                f"the proxy cannot listen on port {port} of {LOOPBACK}: {why(error)}",
                "choose another port with --port; 0 takes any free port",
                gd_code="GD-E118",
            ) from error
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def close(self) -> None:
        """Stop listening, and cancel all requests."""
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
            while await self._exchange(client) and client.is_reusable():
                pass
        except h11.ProtocolError as wrong:
            with suppress(OSError, asyncio.CancelledError):
                await _refuse(client, wrong)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # the client is gone, or the proxy closes
        finally:
            if task:
                self._clients.discard(task)
            writer.close()

    async def _exchange(self, client: Link) -> bool:
        """Handle a request. Returns whether the client got a complete answer."""
        request = await client.receive()
        if not isinstance(request, h11.Request):
            return False
        if request.method == b"CONNECT":
            raise h11.RemoteProtocolError(
                "this proxy takes no CONNECT: set AWS_ENDPOINT_URL in place of HTTPS_PROXY", error_status_hint=405
            )
        if refusal := refusal_of(request.headers, self._port):
            raise h11.RemoteProtocolError(refusal.reason, error_status_hint=refusal.status)
        with self._memory.share() as share:
            return await self._answer(client, request, await whole_body(client, request, share))

    async def _answer(self, client: Link, request: h11.Request, body: bytes) -> bool:
        wire = _wire(request, body)
        if wire.target.startswith(PREFIX):
            status, reason, content = answer(self.rules, wire.method, wire.target, body)
            await client.send(*reply(request.method, status, reason, _plain("application/json", content), content))
            return True
        # Rules do not apply to the harness's own calls.
        services = () if USER_AGENT in wire.headers.get("user-agent", "").split() else self.rules.services
        if (b"via", self._via) in list(request.headers):
            return await self._unreachable(client, request, 508, "it forwards to this proxy, which would loop")
        call = identify(wire, services) if services else None
        rule = self.rules.hit(call)
        if rule is None or call is None:
            return await self._forward(request, body, client)
        return await self._hit(rule, call, request, body, client)

    async def _hit(self, rule: Rule, call: Identified, request: h11.Request, body: bytes, client: Link) -> bool:
        if rule.kind in ("throttle", "fail"):
            called = call.request
            await _error(client, request, hit_reply(rule, call.protocol, called.service, called.operation))
            return True
        if rule.kind == "delay":
            await asyncio.sleep(rule.wait or 0)
            return await self._forward(request, body, client)
        if rule.kind == "lose-reply":
            await self._forward(request, body, None)
        # The client's own timeout ends this, unless the rule has a `wait`.
        with suppress(TimeoutError):
            await asyncio.wait_for(_drain(client.reader), rule.wait)
        client.writer.transport.abort()
        return False

    async def _forward(self, request: h11.Request, body: bytes, client: Link | None) -> bool:
        """Forward a request, and send the answer back. Without a client, read the answer and drop it."""
        onward = forwarded_request(request, body, self._via)
        try:
            link = await self.upstream.link()
        except OSError as error:
            return await self._unreachable(client, request, 502, why(error))
        try:
            await link.send(*onward)
            while not isinstance(response := await link.receive(), h11.Response):
                pass  # informational responses end at this hop
        except (OSError, h11.RemoteProtocolError) as error:
            # The endpoint may have carried the request out. The client gets no answer of the endpoint's either.
            link.writer.close()
            return await self._unreachable(client, request, 502, why(error))
        try:
            await _pass_on(link, response, client)
        except (OSError, h11.ProtocolError):
            # The client has half an answer: break its connection, as the endpoint would.
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
        message = f"{self.upstream.url} does not answer: {why}"
        self.rules.upstream_failed += 1
        self.warn(message)
        if client:
            error = ServiceError(UNREACHABLE, status)
            fault = error_reply("json", "sts", error, f"gameday proxy: {message}", uuid4().hex)
            await _error(client, request, fault)
        return True


async def _pass_on(link: Link, response: h11.Response, client: Link | None) -> None:
    if client:
        await client.send(forwarded_answer(response))
    while isinstance(event := await link.receive(), h11.Data):
        if client:
            await client.send(h11.Data(data=event.data))
    if client:
        await client.send(h11.EndOfMessage())


async def _drain(reader: StreamReader) -> None:
    while await reader.read(PIECE):
        pass


async def _error(client: Link, request: h11.Request, error: Reply) -> None:
    await client.send(*reply(request.method, error.status, "Error", error.headers.items(), error.body))


async def _refuse(client: Link, wrong: h11.ProtocolError) -> None:
    """Answer with the reason in a line, give the client time to read it, and close the connection."""
    if client.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    text = f"gameday proxy: {in_words(wrong)}\n".encode("latin-1", "replace")
    status = HTTPStatus(wrong.error_status_hint)
    lines = [*_plain("text/plain", text), ("Connection", "close")]
    await client.send(*reply(b"", status, status.phrase, lines, text))
    client.writer.write_eof()
    with suppress(TimeoutError):
        await asyncio.wait_for(_drain(client.reader), LINGER)


def _wire(request: h11.Request, body: bytes) -> RawRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
    return RawRequest(request.method.decode("latin-1"), request.target.decode("latin-1"), headers, body)


def _plain(kind: str, body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", kind), ("Content-Length", str(len(body)))]
