"""What the proxy costs: requests per CPU second of its process, and added latency beside the direct connection.

    python -m tests.benchmarks.bench_proxy

A stub endpoint, the proxy and the client are three processes on loopback. Direct and proxied requests take turns on two
kept connections, so that both see the same machine. Beside ours stands the same forwarding on threads of the standard
library, without any rule: why the proxy is one loop of asyncio streams.
"""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from multiprocessing.connection import Connection
from pathlib import Path

from harness.sdk.serving import proxy
from harness.spec.rule import Rule

REQUESTS = 3000
BODY = b'{"TableName": "orders", "Key": {"id": {"S": "0123456789abcdef"}}}'
ANSWER = b'{"Item": {"id": {"S": "0123456789abcdef"}, "state": {"S": "paid"}}}'
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
)
REQUEST = (
    "POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nContent-Type: application/x-amz-json-1.0\r\n"
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


def on_threads(upstream: int, say: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def setup(self) -> None:
            super().setup()
            self.link = http.client.HTTPConnection("127.0.0.1", upstream)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.link.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                self.link.putheader(name, value)
            self.link.endheaders(body)
            answer = self.link.getresponse()
            got = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(got)

        def log_message(self, *_: object) -> None:
            return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    say.send(server.server_address[1])
    server.serve_forever()


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> float:
        began = time.perf_counter()
        self.socket.sendall(REQUEST)
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


def measured(name: str, forwarder: Callable[[int, Connection], None], upstream: int) -> None:
    process, port = started(forwarder, upstream)
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
    print(f"{name:<8} {sent / spent:6.0f} requests per CPU second, {sent / wall:6.0f} a second by 8 connections")
    for share in (0.5, 0.9, 0.95, 0.99):
        apart, together = at(alone, share), at(proxied, share)
        print(
            f"{'':<8} p{share * 100:.0f}: {apart:.2f} ms direct, {together:.2f} through, {together - apart:.2f} added"
        )
    process.terminate()
    process.join()


def main() -> None:
    process, upstream = started(stub)
    measured("streams", ours, upstream)
    measured("threads", on_threads, upstream)
    process.terminate()
    process.join()


if __name__ == "__main__":
    main()
