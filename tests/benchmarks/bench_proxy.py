"""What the proxy costs: requests per CPU second of its process, and added latency beside the direct connection.

    python -m tests.benchmarks.bench_proxy

A stub endpoint, the proxy and the client are three processes on loopback. Direct and proxied requests take turns on two
kept connections, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from gameday.sdk.proxy.server import proxy
from gameday.sdk.rule import Rule

REQUESTS = 3000
BODY = b'{"TableName": "orders", "Key": {"id": {"S": "0123456789abcdef"}}}'
ANSWER = b'{"Item": {"id": {"S": "0123456789abcdef"}, "state": {"S": "paid"}}}'
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
)
REQUEST = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1:%PORT\r\nContent-Type: application/x-amz-json-1.0\r\n"
    f"X-Amz-Target: DynamoDB_20120810.GetItem\r\nAuthorization: {SIGNED}\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode() + BODY
RULES = tuple(
    Rule.model_validate({"kind": "throttle", "service": service, "operation": operation})
    for service, operation in (("dynamodb", "PutItem"), ("s3", "PutObject"), ("sqs", "SendMessage"), ("sts", None))
)


class Stub(asyncio.Protocol):
    """Answers every request at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.had = b""

    def data_received(self, data: bytes) -> None:
        self.had += data
        while (end := self.had.find(b"\r\n\r\n")) >= 0 and len(self.had) >= end + 4 + len(BODY):
            self.had = self.had[end + 4 + len(BODY) :]
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
            )
            self.transport.write(head.encode() + ANSWER)  # type: ignore[attr-defined]


def stub(_: int, say: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
        say.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def ours(upstream: int, say: Connection) -> None:
    with proxy(*RULES, to=f"http://127.0.0.1:{upstream}") as running:
        say.send(int(running.url.rpartition(":")[2]))
        threading.Event().wait()


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.request = REQUEST.replace(b"%PORT", b"%d" % port)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> float:
        began = time.perf_counter()
        self.socket.sendall(self.request)
        got = b""
        while ANSWER not in got:
            got += self.socket.recv(65536)
        return time.perf_counter() - began


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started(what: Callable[[int, Connection], None], upstream: int = 0) -> tuple[multiprocessing.Process, int]:
    hear, say = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=what, args=(upstream, say), daemon=True)
    process.start()
    return process, hear.recv()


def at(times: list[float], share: float) -> float:
    return sorted(times)[int(share * len(times))] * 1000


def measured(upstream: int) -> None:
    process, port = started(ours, upstream)
    direct, through = Client(upstream), Client(port)
    for _ in range(200):
        direct.ask(), through.ask()
    alone, proxied = [], []
    for _ in range(REQUESTS):
        alone.append(direct.ask())
        proxied.append(through.ask())
    began, clients = cpu_of(process.pid or 0), [Client(port) for _ in range(8)]
    share = REQUESTS // len(clients)
    threads = [threading.Thread(target=lambda one=one: [one.ask() for _ in range(share)]) for one in clients]
    wall = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, spent = time.perf_counter() - wall, cpu_of(process.pid or 0) - began
    sent = share * len(clients)
    print(f"{sent / spent:6.0f} requests per CPU second, {sent / wall:6.0f} a second by 8 connections")
    for share in (0.5, 0.9, 0.95, 0.99):
        apart, together = at(alone, share), at(proxied, share)
        print(f"p{share * 100:.0f}: {apart:.2f} ms direct, {together:.2f} through, {together - apart:.2f} added")
    process.terminate()
    process.join()


def main() -> None:
    process, upstream = started(stub)
    measured(upstream)
    process.terminate()
    process.join()


if __name__ == "__main__":
    main()
