"""Each call leaves one line in the log, with the id of its request; the events of changes carry the id too."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from gameday.aws.account import ATTEMPTS, AnyCall, request_id_of
from gameday.aws.client import Aws
from gameday.aws.connection import Connection, sealed_session
from gameday.change import Call
from gameday.engine.calls import CallSender
from gameday.errors import AwsError, Unplanned, Unreachable
from gameday.events import Called, Event, to_json
from gameday.steady_state.clock import TestClock

from tests.doubles.sts import Raw

REGION = "us-east-1"
GET = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": "f"})
PUT = Call(
    service="lambda",
    operation="put_function_concurrency",
    params={"FunctionName": "f", "ReservedConcurrentExecutions": 7},
)
ID = "6a5e7c9f-request"


def answering(status: int = 200, body: bytes = b"{}", *, is_twin: bool = False, **headers: str) -> Aws:
    """A Lambda in this process that gives every call the same answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return AWSResponse(request.url, status, {"x-amzn-requestid": ID, **named}, Raw(body))

    session = sealed_session()
    session.get_component("event_emitter").register("before-send.lambda", answer)
    return Aws(Connection(session, workers=1, is_twin=is_twin), AnyCall())


def denying(*, is_twin: bool = False) -> Aws:
    body = b'{"message": "password=hush"}'
    return answering(403, body, x_amzn_errortype="AccessDeniedException", is_twin=is_twin)


def lines(caplog: pytest.LogCaptureFixture, ask: Callable[[], object]) -> list[str]:
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "gameday.aws"):
        ask()
    return [record.getMessage() for record in caplog.records if record.name == "gameday.aws"]


def words(line: str) -> list[str]:
    """A line without its milliseconds."""
    return [word for place, word in enumerate(line.split()) if place != 2]


def test_a_call_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = lines(caplog, lambda: answering().call(GET, REGION))
    expected = f"lambda.get_function_concurrency us-east-1 ms 200 request {ID} attempts 1"
    assert words(line) == expected.split()


def test_a_failed_call_is_logged_with_its_code(caplog: pytest.LogCaptureFixture) -> None:
    def ask() -> None:
        with pytest.raises(AwsError) as caught:
            denying().call(GET, REGION)
        assert caught.value.request_id == ID
        assert ID in str(caught.value)
        assert ID not in caught.value.what

    (line,) = lines(caplog, ask)
    expected = f"lambda.get_function_concurrency us-east-1 ms 403 AccessDeniedException request {ID} attempts 1"
    assert words(line) == expected.split()
    assert "hush" not in line


def test_a_call_without_answer_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)

    def ask() -> None:
        aws = answering()
        aws.connection.session.get_component("event_emitter").register_first("before-send.lambda", broken)
        with pytest.raises(Unreachable) as caught:
            aws.call(GET, REGION)
        assert caught.value.request_id is None

    def broken(**_: Any) -> None:
        from botocore.exceptions import EndpointConnectionError

        raise EndpointConnectionError(endpoint_url="https://lambda.test")

    (line,) = lines(caplog, ask)
    assert words(line)[3:] == ["EndpointConnectionError", "request", "-", "attempts", str(ATTEMPTS)]


def test_a_call_that_is_stopped_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def ask() -> None:
        with pytest.raises(Unplanned):
            Aws(answering().connection).call(PUT, REGION)

    assert lines(caplog, ask) == ["lambda.put_function_concurrency us-east-1 stopped before it was sent"]


def test_no_call_is_logged_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    answering().call(GET, REGION)
    assert [record for record in caplog.records if record.name.startswith("gameday")] == []


def test_request_id_of_reads_and_on_the_twin_is_none() -> None:
    assert request_id_of(answering().call(PUT, REGION)) == ID
    assert answering().call(GET, REGION) == {}
    assert answering(is_twin=True).call(PUT, REGION) == {}
    with pytest.raises(AwsError) as caught:
        denying(is_twin=True).call(PUT, REGION)
    assert request_id_of(caught.value) is None


@pytest.mark.parametrize(("account", "code"), [(answering(), None), (denying(), "AccessDeniedException")])
def test_the_event_of_a_change_carries_the_request_id(account: Aws, code: str | None) -> None:
    emitted: list[Event] = []
    CallSender("run-1", "inject", account, TestClock(0.0), emitted.append).send([(0, PUT, REGION)])
    (called,) = emitted
    assert isinstance(called, Called)
    assert (called.error, called.request_id) == (code, ID)
    assert to_json(called)["request_id"] == ID


def test_an_event_without_request_id_is_written_as_before() -> None:
    called = Called(0.0, "undo", 0, "lambda", "put_function_concurrency", REGION, {}, 0.1, None)
    assert "request_id" not in to_json(called)
