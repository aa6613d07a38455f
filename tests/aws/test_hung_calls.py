"""Calls that hang, and retries that are used up, hold the undo back for no longer than a call's time-outs."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.endpoint
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from gameday.aws import connection
from gameday.aws.account import ATTEMPTS, CONNECT_TIMEOUT, LONGEST_CALL, PAUSES, READ_TIMEOUT, AnyCall
from gameday.aws.client import Aws
from gameday.aws.connection import Connection
from gameday.change import Call, Json
from gameday.engine.settings import capture
from gameday.errors import ApplyFailed, Unreachable
from gameday.faults.lambda_ import CONCURRENCY
from gameday.testing.wrapper import Wrapped

from tests.doubles.runs import Scene
from tests.doubles.shelf import LEVEL, REGION, planned_fault
from tests.doubles.sts import Raw


@pytest.fixture
def hung() -> Iterator[str]:
    """An endpoint that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_call_that_hangs_is_given_up_after_its_attempts(hung: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", hung)
    monkeypatch.setattr(connection, "READ_TIMEOUT", 0.05)
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    sent: list[Any] = []
    session.get_component("event_emitter").register("before-send", lambda **_: sent.append(1))
    with pytest.raises(Unreachable) as caught:
        Aws(Connection(session)).call(Call(service="ec2", operation="describe_vpcs"), REGION)
    assert caught.value.code == "ReadTimeoutError"
    assert len(sent) == ATTEMPTS


def test_no_late_request_can_come_after_the_longest_call() -> None:
    config = Connection(botocore.session.Session()).config
    assert (config.connect_timeout, config.read_timeout) == (CONNECT_TIMEOUT, READ_TIMEOUT)
    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) + PAUSES == LONGEST_CALL


class Hanging(Wrapped):
    """An account in which one write of one thing hangs, once, for as long as a call may."""

    def __init__(self, scene: Scene, thing: str) -> None:
        super().__init__(scene.shelf)
        self.scene = scene
        self.thing = thing
        self.has_hung = False

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "put_level" and call.params["Id"] == self.thing and not self.has_hung:
            self.has_hung = True
            self.scene.clock.sleep(LONGEST_CALL)
            raise Unreachable(call.service, call.operation, "ReadTimeoutError", "by test")
        return super().answer(call, region, paged)


@pytest.mark.parametrize("hangs_in", ["inject", "undo"])
def test_hung_call_delays_the_undo_no_longer_than_its_timeouts(tmp_path: Path, hangs_in: str) -> None:
    scene = Scene(tmp_path)
    hanging = Hanging(scene, "a")
    before = {name: thing["Level"] for name, thing in scene.shelf.things.items()}
    stages = planned_fault(capture(LEVEL, {"a": 5, "b": 6}, REGION, scene.shelf))
    began = scene.clock.now()
    if hangs_in == "inject":
        with pytest.raises(ApplyFailed, match="put_level"):
            scene.apply(stages, hanging)
    else:
        scene.apply(stages)
    scene.undo(hanging)
    assert hanging.has_hung
    assert {name: thing["Level"] for name, thing in scene.shelf.things.items()} == before
    assert max(one.at for one in scene.called("undo")) <= began + LONGEST_CALL + 1.0


class Functions:
    """Lambda in this process, through a real client; it throttles while the test wants it to."""

    def __init__(self) -> None:
        self.reserved: dict[str, int] = {"f": 7}
        self.throttles = False
        self.asked = 0
        session = botocore.session.Session()
        session.set_credentials("test", "test")
        session.get_component("event_emitter").register("before-send.lambda", self._answer)
        self.aws = Aws(Connection(session), AnyCall())

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.asked += 1
        if self.throttles:
            headers = {"x-amzn-errortype": "TooManyRequestsException"}
            return AWSResponse(request.url, 429, headers, Raw(b'{"message": "Rate exceeded"}'))
        name = request.url.split("/")[-2]
        if request.method == "PUT":
            self.reserved[name] = json.loads(request.body)["ReservedConcurrentExecutions"]
        body = {"ReservedConcurrentExecutions": self.reserved[name]}
        return AWSResponse(request.url, 200, {}, Raw(json.dumps(body).encode()))


def test_undo_succeeds_after_injection_used_the_clients_retries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)
    functions = Functions()
    scene = Scene(tmp_path, functions.aws)
    read = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": "f"})
    scene.apply(planned_fault(capture(CONCURRENCY, {"f": 0}, REGION, functions.aws)))
    assert functions.reserved == {"f": 0}
    functions.throttles = True
    for _ in range(100):
        functions.aws.call_all([(read, REGION)])
    before = functions.asked
    functions.aws.call_all([(read, REGION)])
    assert functions.asked == before + 1, "no retry is left"

    def sleep(seconds: float, clock: Any = scene.clock, pause: Any = scene.clock.sleep) -> None:
        pause(seconds)
        functions.throttles = clock.now() < began + 5.0

    began = scene.clock.now()
    monkeypatch.setattr(scene.clock, "sleep", sleep)
    scene.undo()
    assert functions.reserved == {"f": 7}
    assert set(scene.states().values()) == {"restored"}
    assert max(one.at for one in scene.called("undo")) < began + 16.0
