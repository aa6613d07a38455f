"""A proxy beside a program: the program's AWS calls pass it, and meet the rules.

One thread and asyncio's streams, no dependency: they take less CPU than threads of the standard library (`python -m
tests.benchmarks.bench_proxy`). It listens on loopback only. `Host` goes on as it came, since it is signed.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

from harness.account.account import USER_AGENT
from harness.errors import InvalidInput
from harness.sdk.control import PREFIX, answer
from harness.sdk.http1 import HEAD_LIMIT, Head, Malformed, copy_answer, message, read_body, read_head
from harness.sdk.identify import Identified, Wire, identify
from harness.sdk.proxy_rules import Rules
from harness.sdk.wire import Fault, Reply, error_reply, hit_reply
from harness.spec.rule import Rule

LOOPBACK = "127.0.0.1"
IDLE = 64
"""Connections to the endpoint that are kept for later requests."""

UNREACHABLE = "UpstreamUnreachable"

Link = tuple[StreamReader, StreamWriter]


@dataclass
class Upstream:
    """The endpoint that requests go on to, and connections to it that wait for one."""

    url: str
    _idle: list[Link] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            port, host = parts.port, (parts.hostname or "").encode("idna")
        except ValueError:  # UnicodeError is one
            port, host = None, b""
        if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
            raise InvalidInput(f"{self.url} is no endpoint", "name one like http://127.0.0.1:4566")
        name = host.decode()
        if name.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            raise InvalidInput(
                f"{name} takes no request that was signed for the proxy's name",
                "put the proxy before moto or another endpoint like AWS's; in the process, use harness.sdk",
            )
        self._host, self._tls = name, parts.scheme == "https"
        self._port = port or (443 if self._tls else 80)

    async def link(self) -> Link:
        """A connection, one that waits or a new one. Raises OSError."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                return reader, writer
            writer.close()
        context = ssl.create_default_context() if self._tls else None
        return await asyncio.open_connection(self._host, self._port, ssl=context, limit=HEAD_LIMIT)

    def keep(self, link: Link) -> None:
        """Keep a connection whose last answer is read."""
        if len(self._idle) < IDLE:
            self._idle.append(link)
        else:
            link[1].close()

    def close(self) -> None:
        """Let go of all that wait."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


class Proxy:
    """Rules, the endpoint behind it, and who hears of an endpoint that does not answer."""

    def __init__(self, rules: Rules, upstream: Upstream, hear: Callable[[str], None]) -> None:
        self.rules = rules
        self.upstream = upstream
        self.hear = hear
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> int:
        """Listen on loopback; the port. Raises InvalidInput where it is in use."""
        try:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, port, limit=HEAD_LIMIT)
        except OSError as error:
            raise InvalidInput(
                f"port {port} of {LOOPBACK} cannot be had: {why(error)}",
                "name another with --port; 0 takes a free one",
            ) from error
        return int(self._server.sockets[0].getsockname()[1])

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
        try:
            while await self._exchange(reader, writer):
                pass
        except (Malformed, UnicodeError) as wrong:
            writer.write(_plain(400, "Bad Request", f"{wrong}\n".encode(), "text/plain"))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # the client is gone, or we are
        finally:
            if task:
                self._clients.discard(task)
            writer.close()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """One request and its answer; whether there can be another."""
        head = await read_head(reader)
        if head is None:
            return False
        if head.named.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await read_body(reader, head)
        method, target, _ = head.first
        if target.startswith(PREFIX):
            status, reason, said = answer(self.rules, method, target, body)
            writer.write(_plain(status, reason, b"" if method == "HEAD" else said, "application/json"))
            await writer.drain()
            return head.keeps_alive
        # The harness's own calls are not the program's.
        services = () if USER_AGENT in head.named.get("user-agent", "").split() else self.rules.services
        found = identify(Wire(method, target, head.named, body), services) if services else None
        rule = self.rules.hit(found)
        if rule is None or found is None:
            return await self._forward(head, body, writer) and head.keeps_alive
        return await self._hit(rule, found, head, body, reader, writer) and head.keeps_alive

    async def _hit(
        self, rule: Rule, found: Identified, head: Head, body: bytes, reader: StreamReader, writer: StreamWriter
    ) -> bool:
        if rule.kind in ("throttle", "fail"):
            reply = hit_reply(rule, found.protocol, found.request.service, found.request.operation)
            _reply(writer, reply, head.first[0])
            await writer.drain()
            return True
        if rule.kind == "delay":
            await asyncio.sleep(rule.wait or 0)
            return await self._forward(head, body, writer)
        if rule.kind == "lose-reply":
            await self._forward(head, body, None)
        # The client's patience ends this, unless the rule says when.
        with suppress(TimeoutError):
            await asyncio.wait_for(_gone(reader), rule.wait)
        writer.transport.abort()
        return False

    async def _forward(self, head: Head, body: bytes, writer: StreamWriter | None) -> bool:
        """Send a request on, and its answer back (to nobody: it is read all the same)."""
        method, target, _ = head.first
        try:
            link = await self.upstream.link()
        except OSError as error:
            return await self._unreachable(writer, method, why(error))
        headers = head.forwarded()
        if body or method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", str(len(body))))
        try:
            link[1].write(message(f"{method} {target} HTTP/1.1", headers, body))
            await link[1].drain()
            answered = await read_head(link[0])
            while answered and answered.first[1] == "100":
                answered = await read_head(link[0])
        except (OSError, Malformed) as error:
            link[1].close()
            return await self._unreachable(writer, method, why(error))
        if answered is None:
            # Whether it was carried out is not known: no answer is what the client gets, too.
            link[1].close()
            return await self._unreachable(writer, method, "the connection ended before an answer")
        try:
            if await copy_answer(link[0], answered, method, writer):
                self.upstream.keep(link)
            else:
                link[1].close()
        except (OSError, Malformed):
            # Half an answer is out: the client sees a connection that breaks, as it would without us.
            link[1].close()
            if writer:
                writer.transport.abort()
            return False
        except asyncio.CancelledError:
            link[1].close()
            raise
        return True

    async def _unreachable(self, writer: StreamWriter | None, method: str, why: str) -> bool:
        said = f"{self.upstream.url} does not answer: {why}"
        self.rules.upstream_failed += 1
        self.hear(said)
        if writer:
            reply = error_reply("json", "sts", Fault(UNREACHABLE, 502), f"gameday proxy: {said}", uuid4().hex)
            _reply(writer, reply, method)
            await writer.drain()
        return True


def why(error: Exception) -> str:
    """Why a connection did not come about, or did not last, in the system's own words."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number and not isinstance(error, ssl.SSLError) else str(error)


async def _gone(reader: StreamReader) -> None:
    while await reader.read(1024):
        pass


def _reply(writer: StreamWriter, reply: Reply, method: str) -> None:
    body = b"" if method == "HEAD" else reply.body
    writer.write(message(f"HTTP/1.1 {reply.status} Error", reply.headers.items(), body))


def _plain(status: int, reason: str, body: bytes, kind: str) -> bytes:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    return message(f"HTTP/1.1 {status} {reason}", headers, body)
