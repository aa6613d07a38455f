"""A server that sends its answer byte by byte holds no call beyond its deadline, and no abort at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import botocore.session
import pytest
from gameday.aws import client as door
from gameday.aws.account import LONGEST_CALL, AnyCall
from gameday.aws.client import Aws
from gameday.aws.connection import Connection, NotAwaited
from gameday.change import Call
from gameday.engine.calls import is_uncertain
from gameday.errors import Unreachable
from gameday.run.stop import StopRequest
from gameday.store.lease import Lease
from gameday.testing.memory_store import MemoryObjects

REGION = "us-east-1"
READ = Call(service="ec2", operation="describe_vpcs")


class Dripping:
    """Takes requests, and sends one byte of each answer whenever nothing else is left to do, until it is released."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.released = threading.Event()
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.getsockname()[1]}"

    def work(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self.server.accept()
                threading.Thread(target=self._drip, args=(taken,), daemon=True).start()

    def _drip(self, taken: socket.socket) -> None:
        with taken, suppress(OSError):
            taken.recv(65536)
            self.requests += 1
            taken.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.released.wait(0.01):
                taken.sendall(b"x")


@contextmanager
def dripping() -> Iterator[Dripping]:
    server = Dripping()
    threading.Thread(target=server.work, daemon=True).start()
    try:
        yield server
    finally:
        server.released.set()
        server.server.close()


def account(url: str, **more: Any) -> Aws:
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    session.set_config_variable("endpoint_url", url)
    return Aws(Connection(session), **more)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dripping]:
    with dripping() as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
        yield found


def test_dripping_answer_ends_at_the_deadline(server: Dripping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LONGEST_CALL", 0.3)
    with pytest.raises(Unreachable) as caught:
        account(server.url).call(READ, REGION)
    assert caught.value.code == "DeadlineExceeded"
    assert is_uncertain(caught.value)


def test_dripping_answer_ends_when_the_undo_waits(server: Dripping) -> None:
    stop = StopRequest()
    aws = account(server.url, hurries=stop.hurries)
    threading.Timer(0.05, stop.ask, ("signal", "SIGTERM arrived")).start()
    answers = aws.call_all([(READ, REGION)] * 3, paged=True)
    assert [answer.code for answer in answers if isinstance(answer, Unreachable)] == ["DeadlineExceeded"] * 3


def test_dripping_sts_opens_no_session(server: Dripping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LONGEST_CALL", 0.3)
    call = Call(service="sts", operation="assume_role", params={"RoleArn": "arn:aws:iam::1:role/r"})
    with pytest.raises(Unreachable) as caught:
        account(server.url).allowing(AnyCall()).assumed(call, REGION)
    assert caught.value.code == "DeadlineExceeded"


@pytest.mark.parametrize("is_awaited", [True, False])
def test_attempt_that_nobody_waits_for_is_not_sent(server: Dripping, is_awaited: bool) -> None:
    server.released.set()  # it closes each connection at once
    connection = account(server.url).connection
    client = connection.client("ec2", REGION)
    with connection.awaited(lambda: is_awaited), pytest.raises(Exception) as caught:  # noqa: PT011
        client.describe_vpcs()
    assert isinstance(caught.value, NotAwaited) == (not is_awaited)
    assert (server.requests > 0) == is_awaited


def test_attempt_that_could_end_too_late_is_not_sent(server: Dripping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.aws.connection.LONGEST_CALL", 0.0)
    connection = account(server.url).connection
    client = connection.client("ec2", REGION)
    with connection.awaited(lambda: True), pytest.raises(NotAwaited):
        client.describe_vpcs()
    assert server.requests == 0


def test_hurry_begins_after_a_grace_and_ends_with_the_undo() -> None:
    stop = StopRequest()
    assert not stop.hurries()
    stop.ask("signal", "SIGTERM arrived")
    stop.asked -= LONGEST_CALL
    assert stop.hurries()
    stop.is_undoing = True
    assert not stop.hurries()


def test_halt_request_hurries_a_call_under_way() -> None:
    stop = StopRequest(halted=lambda: "somebody asked")
    stop.request()
    stop.asked -= LONGEST_CALL
    assert stop.hurries()


def test_lease_is_sure_while_a_renewal_waits_for_the_store() -> None:
    objects = MemoryObjects()
    lease = Lease(objects, "shop", "111122223333")
    lease.take("run-1", "ana@host")
    under_way, released = threading.Event(), threading.Event()
    put = objects.put

    def slow(key: str, body: str, tag: str) -> str | None:
        under_way.set()
        released.wait()
        return put(key, body, tag)

    objects.put = slow  # type: ignore[method-assign]
    renewal = threading.Thread(target=lease.renew, daemon=True)
    renewal.start()
    under_way.wait()
    lease.must_be_sure()
    released.set()
    renewal.join()
