"""The proxy before moto and before scripted endpoints: faults on the wire, and HTTP as SDKs use it."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, IncompleteRead
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gameday.errors import InvalidInput
from gameday.sdk.proxy import http as link
from gameday.sdk.proxy.server import RunningProxy, proxy
from gameday.sdk.rule import Rule

from tests.waiting import LAST_NET, until

KEY = {"id": {"S": "1"}}


def rule(kind: str, service: str, operation: str | None = None, **more: Any) -> Rule:
    return Rule.model_validate({"kind": kind, "service": service, "operation": operation, **more})


SESSION = botocore.session.Session()
SESSION.set_credentials("test", "test")


def client(service: str, running: RunningProxy, **config: Any) -> Any:
    patient = {"read_timeout": LAST_NET} | config
    few = Config(retries={"mode": "standard", "total_max_attempts": 2}, **patient)
    return SESSION.create_client(service, "us-east-1", endpoint_url=running.url, config=few)


def ask(running: RunningProxy, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection = HTTPConnection(running.url.removeprefix("http://"), timeout=LAST_NET)
    connection.request(method, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def moto() -> Iterator[RunningProxy]:
    with proxy() as running:
        dynamodb = client("dynamodb", running)
        dynamodb.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield running


@contextmanager
def stub(*answers: bytes, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Run an endpoint that answers each connection with the next of these bytes; yield its URL and requests."""
    got: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in (b"", *answers):  # at first the proxy looks whether somebody is there
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            if tls:
                try:
                    connection = tls.wrap_socket(connection, server_side=True)
                except OSError:
                    continue
            with connection:
                while b"\r\n\r\n" not in (have := connection.recv(65536)) and have:
                    got.append(have)
                got.append(have)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}", got
    finally:
        listening.close()


@contextmanager
def behind(serve: Callable[[socket.socket], None]) -> Iterator[RunningProxy]:
    """Run a proxy before an endpoint that handles its connections with `serve`."""
    listening = socket.create_server(("127.0.0.1", 0))

    def begin() -> None:
        listening.accept()[0].close()  # the proxy's look whether somebody is there
        serve(listening)

    threading.Thread(target=begin, daemon=True).start()
    with listening, proxy(to=f"http://127.0.0.1:{listening.getsockname()[1]}") as running:
        yield running


# faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        (
            "dynamodb",
            lambda made: made.put_item(TableName="t", Item=KEY),
            "ProvisionedThroughputExceededException",
            400,
        ),
        ("sqs", lambda made: made.list_queues(), "RequestThrottled", 403),
        ("ec2", lambda made: made.describe_vpcs(), "RequestLimitExceeded", 503),
        ("s3", lambda made: made.list_buckets(), "SlowDown", 503),
        ("lambda", lambda made: made.list_functions(), "TooManyRequestsException", 429),
        ("sns", lambda made: made.list_topics(), "Throttling", 400),
        ("route53", lambda made: made.list_hosted_zones(), "ThrottlingException", 400),
    ],
)
def test_throttle_in_each_protocol_has_the_services_code(
    moto: RunningProxy, service: str, call: Callable[[Any], Any], code: str, status: int
) -> None:
    with proxy(rule("throttle", service), to=moto.upstream) as running, pytest.raises(ClientError) as raised:
        call(client(service, running))
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert running.rules.named[0].count.hit == 2  # its retry too


def test_failed_request_is_not_carried_out_its_retry_is(moto: RunningProxy) -> None:
    with proxy(rule("throttle", "dynamodb", "PutItem", first=1), to=moto.upstream) as running:
        dynamodb = client("dynamodb", running)
        answer = dynamodb.put_item(TableName="orders", Item={"id": {"S": "retried"}})
        assert answer["ResponseMetadata"]["RetryAttempts"] == 1
        assert "Item" in dynamodb.get_item(TableName="orders", Key={"id": {"S": "retried"}})


def test_lost_reply_is_carried_out_and_timeout_is_not(moto: RunningProxy) -> None:
    def times(kind: str) -> str:
        key = {"id": {"S": kind}}
        with proxy(rule(kind, "dynamodb", "UpdateItem"), to=moto.upstream) as running:
            dynamodb = client("dynamodb", running)
            with pytest.raises(ReadTimeoutError):
                client("dynamodb", running, read_timeout=0.3).update_item(
                    TableName="orders",
                    Key=key,
                    UpdateExpression="ADD times :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
            until(lambda: running.rules.named[0].count.hit == 2)

            def carried_out() -> str:
                item = dynamodb.get_item(TableName="orders", Key=key).get("Item", {})
                return str(item.get("times", {}).get("N", "0"))

            if kind == "lose-reply":  # the client has given up: the endpoint may still be at it
                until(lambda: carried_out() == "2")
            return carried_out()

    assert (times("lose-reply"), times("timeout"), times("blackhole")) == ("2", "0", "0")


def test_timeout_with_wait_closes_the_connection(moto: RunningProxy) -> None:
    with proxy(rule("timeout", "sqs", wait="10ms"), to=moto.upstream) as running, pytest.raises(ConnectionClosedError):
        client("sqs", running).list_queues()


def test_delayed_request_is_carried_out_later(moto: RunningProxy) -> None:
    with proxy(rule("delay", "sqs", wait="50ms", first=1), to=moto.upstream) as running:
        assert client("sqs", running).list_queues()["ResponseMetadata"]["RetryAttempts"] == 0
        assert running.rules.named[0].count.hit == 1


def test_concurrent_requests_are_all_answered(moto: RunningProxy) -> None:
    with proxy(rule("fail", "sqs", share="30%"), to=moto.upstream, seed=3) as running:
        sqs = client("sqs", running, max_pool_connections=8)
        with ThreadPoolExecutor(8) as pool:
            ends = list(pool.map(lambda _: _ended(sqs), range(40)))
    (named,) = running.rules.named
    assert named.count.met == running.rules.passed + named.count.hit >= 40
    assert 0 < named.count.hit < named.count.met
    assert set(ends) <= {"", "InternalFailure"}


def _ended(sqs: Any) -> str:
    try:
        sqs.list_queues()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_large_object_arrives_whole_both_ways(moto: RunningProxy) -> None:
    s3 = client("s3", moto)
    body = bytes(range(256)) * 8192
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="a/b c", Body=body)  # with Expect: 100-continue
    assert s3.get_object(Bucket="large", Key="a/b c")["Body"].read() == body
    assert s3.head_object(Bucket="large", Key="a/b c")["ContentLength"] == len(body)


# the API --------------------------------------------------------------------------------------------------------------


def test_api_changes_rules_of_a_running_proxy(moto: RunningProxy) -> None:
    with proxy(rule("delay", "sqs", wait="1ms"), to=moto.upstream) as running:
        sqs = client("sqs", running)
        sqs.list_queues()
        added = {"kind": "fail", "service": "sqs", "operation": "list_queues", "code": "Odd"}
        status, message = ask(running, "PUT", "/_gameday/rules/mine", added)
        assert (status, [each["name"] for each in message["rules"]]) == (200, ["mine", "1"])
        with pytest.raises(ClientError, match="Odd"):
            sqs.list_queues()
        assert ask(running, "PUT", "/_gameday/rules/mine", added)[1]["rules"][0]["hit"] == 1  # the same again
        status, message = ask(running, "DELETE", "/_gameday/rules/mine")
        assert (status, message["rules"][0]["rule"]) == (200, {"kind": "delay", "service": "sqs", "wait": "0.001s"})
        sqs.list_queues()
        assert ask(running, "GET", "/_gameday/rules")[1]["rules"][0]["hit"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("PUT", "rules/x", {"kind": "fail", "service": "dynamdb"}, 400, "did you mean `dynamodb`?"),
        ("PUT", "rules/x", {"kind": "fail", "service": "s3", "shar": "5%"}, 400, "did you mean `share`?"),
        (
            "PUT",
            "rules/x",
            {"kind": "fail", "service": "s3", "share": "101%"},
            400,
            "a share is a number from 0% to 100%",
        ),
        ("PUT", "rules/x", {"kind": "fail", "service": "s3", "code": "No\r\nX: y"}, 400, "ASCII without spaces"),
        ("PUT", "rules/x", {"kind": "fail", "service": "s3", "code": "Zu€"}, 400, "like AccessDenied; `Zu€` is not"),
        ("PUT", "rules/x", [], 400, "should be an object"),
        ("DELETE", "rules/x", None, 404, "there is no rule x"),
        ("POST", "rules", None, 404, "use GET /_gameday/rules"),
        ("PUT", "rules/a%20b", {}, 404, "use GET"),
    ],
)
def test_api_wrong_request_changes_nothing(
    moto: RunningProxy, method: str, path: str, body: object, status: int, error: str
) -> None:
    answered, message = ask(moto, method, f"/_gameday/{path}", body)
    assert answered == status
    assert error in message["errors"][0]
    assert moto.rules.named == ()


# HTTP -----------------------------------------------------------------------------------------------------------------


def host_of(running: RunningProxy) -> bytes:
    return running.url.removeprefix("http://").encode()


def port_of(running: RunningProxy) -> int:
    return int(running.url.rpartition(":")[2])


def sent(running: RunningProxy, raw: bytes) -> bytes:
    """Send bytes, with the proxy's %HOST and %PORT, and return the answer."""
    raw = raw.replace(b"%HOST", host_of(running)).replace(b"%PORT", b"%d" % port_of(running))
    with socket.create_connection(("127.0.0.1", port_of(running)), timeout=LAST_NET) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amzn-Odd: 1\r\nConnection: close\r\n\r\nok"


def test_chunked_upload_is_forwarded_whole_with_its_host() -> None:
    with stub(OK) as (url, got), proxy(to=url) as running:
        head = b"PUT /k HTTP/1.1\r\nHost: bucket.localhost:%PORT\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = sent(running, head + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nok")
    assert b"X-Amzn-Odd: 1\r\n" in answer
    whole = b"".join(got)
    assert b"Host: bucket.localhost:%d\r\n" % port_of(running) in whole
    assert b"Content-Length: 5\r\n" in whole
    assert whole.endswith(b"\r\n\r\nabcde")
    assert b"Transfer-Encoding" not in whole


def test_expect_100_is_answered_by_the_proxy() -> None:
    with stub(OK) as (url, got), proxy(to=url) as running:
        answer = sent(
            running, b"PUT /k HTTP/1.1\r\nHost: %HOST\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
        )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b"Expect" not in b"".join(got)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_answer_of_unknown_length_is_chunked(answer: bytes) -> None:
    with stub(answer) as (url, _), proxy(to=url) as running:
        connection = HTTPConnection(running.url.removeprefix("http://"), timeout=LAST_NET)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_informational_response_is_not_the_answer(status: str) -> None:
    early = f"HTTP/1.1 {status}\r\nLink: </x>\r\n\r\n".encode()
    with stub(early + OK) as (url, _), proxy(to=url) as running:
        answer = sent(running, b"GET / HTTP/1.1\r\nHost: %HOST\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nok")


def test_headers_keep_order_and_spelling() -> None:
    lines = b"hOST: %HOST\r\nX-Amz-Date: 1\r\nx-aMz-B: 2  2\r\nContent-Length: 1\r\nAccept: */*\r\nx-amz-A: \xe9\r\n"
    answers = b"X-Zz: 1\r\ncontent-LENGTH: 2\r\nx-AA: \xe9\r\nX-Zz: 2\r\n"
    with stub(b"HTTP/1.1 200 Fine Too\r\n" + answers + b"\r\nok") as (url, got), proxy(to=url) as running:
        answer = sent(running, b"PUT /%7Ek?a=b%20c&d HTTP/1.1\r\n" + lines + b"Connection: keep-alive\r\n\r\nx")
    head, _, body = b"".join(got).partition(b"\r\n\r\n")
    before, _, via = head.rpartition(b"\r\n")
    assert (before + b"\r\n", body) == (
        b"PUT /%7Ek?a=b%20c&d HTTP/1.1\r\n" + lines.replace(b"%HOST", host_of(running)),
        b"x",
    )
    assert via.startswith(b"Via: 1.1 gameday-")
    assert answer == b"HTTP/1.1 200 Fine Too\r\n" + answers + b"\r\nok"


def test_pipelined_requests_are_answered_in_order() -> None:
    heads = (b"200 OK\r\nContent-Length: 5", b"204 No Content", b"304 Not Modified\r\nContent-Length: 7", b"200 OK")
    answers = [b"HTTP/1.1 " + head + b"\r\nConnection: close\r\n\r\n" for head in heads]
    asked = b"".join(method + b" / HTTP/1.1\r\nHost: %HOST\r\n\r\n" for method in (b"HEAD", b"GET", b"GET", b"GET"))
    with stub(*answers) as (url, _), proxy(to=url) as running:
        answer = sent(running, asked)
    assert answer == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )


def test_answer_is_forwarded_piece_by_piece() -> None:
    had = threading.Event()

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
            if had.wait(LAST_NET):
                connection.sendall(b"half")

    with behind(serve) as running:
        connection = HTTPConnection(running.url.removeprefix("http://"), timeout=LAST_NET)
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.read(4) == b"half"
        had.set()
        assert answer.read() == b"half"


def test_data_after_an_answer_is_dropped() -> None:
    unasked = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"
    with stub(unasked, OK) as (url, _), proxy(to=url) as running:
        answer = sent(running, b"GET / HTTP/1.1\r\nHost: %HOST\r\n\r\n" * 2)
    assert (answer.count(b"\r\n\r\nok"), b"bad" in answer) == (2, False)


def test_late_data_on_idle_connection_is_dropped() -> None:
    late, sent_late = threading.Event(), threading.Event()

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
            late.wait(LAST_NET)
            connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        sent_late.set()
        with listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(OK)

    with behind(serve) as running:
        assert sent(running, b"GET / HTTP/1.1\r\nHost: %HOST\r\n\r\n").endswith(b"first")
        late.set()
        sent_late.wait(LAST_NET)
        ask(running, "GET", "/_gameday/rules")  # by now the proxy has received it
        assert sent(running, b"GET / HTTP/1.1\r\nHost: %HOST\r\n\r\n").endswith(b"ok")


def test_endless_heads_block_no_other_client(moto: RunningProxy) -> None:
    port = int(moto.url.rpartition(":")[2])
    with ExitStack() as slow:
        for _ in range(50):
            slow.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(b"GET / HTTP/1.1\r\nX: ")
        assert ask(moto, "GET", "/_gameday/rules")[0] == 200


def test_http_1_0_client_gets_no_chunks() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with stub(answer) as (url, _), proxy(to=url) as running:
        assert (
            sent(running, b"GET / HTTP/1.0\r\nHost: %HOST\r\n\r\n") == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"
        )


PUT = b"PUT / HTTP/1.1\r\nHost: %HOST\r\n"
CHUNKS = PUT + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "status", "message"),
    [
        (b"nonsense\r\n\r\n", 400, "illegal request line: ('nonsense')"),
        (b"GET / HT", 400, "peer unexpectedly closed connection"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Missing mandatory Host: header"),
        (PUT + b"no colon\r\n\r\n", 400, "illegal header line: ('no colon')"),
        (PUT + b"X: " + b"a" * 200_000, 431, "the head is larger than 128 KiB"),
        (PUT + b"Content-Length: x\r\n\r\n", 400, "bad Content-Length"),
        (PUT + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400, "bad Content-Length"),
        (PUT + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", 400, "conflicting Content-Length headers"),
        (PUT + b"Content-Length: 5\r\n\r\nab", 400, "without sending complete message body (received 2 bytes"),
        (PUT + b"Content-Length: 999999999999\r\n\r\nab", 413, "the body is larger than 256 MiB"),
        (PUT + b"Expect: 100-continue\r\nContent-Length: 999999999999\r\n\r\n", 413, "the body is larger than"),
        (PUT + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "Only Transfer-Encoding: chunked is supported"),
        (CHUNKS + b"zz\r\n", 400, "illegal chunk header: ('zz"),
        (CHUNKS + b"-5\r\nabc\r\n0\r\n\r\n", 400, "illegal chunk header: ('-5"),
        (CHUNKS + b"ffffffffff\r\nabc", 400, "incomplete chunked read"),
        (
            b"CONNECT sqs.example:443 HTTP/1.1\r\nHost: %HOST\r\n\r\n",
            405,
            "this proxy takes no CONNECT: set AWS_ENDPOINT_URL",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_request_is_answered_in_one_line(moto: RunningProxy, raw: bytes, status: int, message: str) -> None:
    head, _, body = sent(moto, raw).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in head
    assert body.startswith(b"gameday proxy: ")
    assert message.encode() in body
    assert body.count(b"\n") == 1


def test_chunked_body_over_the_limit_is_refused(moto: RunningProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BODY_LIMIT", 4)
    assert sent(moto, CHUNKS + b"3\r\nabc\r\n").startswith(b"HTTP/1.1 400 ")
    assert sent(moto, CHUNKS + b"3\r\nabc\r\n2\r\nde\r\n").startswith(b"HTTP/1.1 413 ")


def test_api_answers_a_line_and_head_no_body(moto: RunningProxy) -> None:
    assert sent(moto, b"GET /_gameday/rules HTTP/1.1\r\nHost: %HOST\r\n\r\n").endswith(b"}\n")
    answer = sent(moto, b"HEAD /_gameday/rules HTTP/1.1\r\nHost: %HOST\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n",
    ],
    ids=["short", "negative chunk"],
)
def test_truncated_answer_breaks_the_clients_connection(answer: bytes) -> None:
    with stub(answer) as (url, _), proxy(to=url) as running:
        connection = HTTPConnection(running.url.removeprefix("http://"), timeout=LAST_NET)
        connection.request("GET", "/")
        with pytest.raises((ConnectionResetError, IncompleteRead)):
            connection.getresponse().read()


# mistakes, and the command --------------------------------------------------------------------------------------------


def test_unreachable_endpoint_answers_502(moto: RunningProxy) -> None:
    messages: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with proxy(to=url, warn=messages.append) as running:
        listening.close()
        with pytest.raises(ClientError) as raised:
            client("sqs", running).list_queues()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    assert messages == [f"{url} does not answer: Connection refused"] * 2
    assert running.rules.upstream_failed == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "the connection ended before an answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP/1.1: illegal status line"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, "the answer is not HTTP/1.1: the head is larger than 128 KiB"),
    ],
    ids=["nothing", "garbage", "too much"],
)
def test_endpoint_without_http_answers_502(answer: bytes, message: str) -> None:
    messages: list[str] = []
    with stub(answer) as (url, _), proxy(to=url, warn=messages.append) as running:
        assert ask(running, "GET", "/") == (
            502, {"__type": "UpstreamUnreachable", "message": f"gameday proxy: {url} does not answer: {message}"},
        )  # fmt: skip
    assert messages == [f"{url} does not answer: {message}"]


def test_proxy_loop_answers_508() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    with proxy(to=f"http://127.0.0.1:{port}") as first:
        listening.close()
        with proxy(to=first.url, port=port):
            status, message = ask(first, "GET", "/")
    assert (status, message["message"]) == (
        508, f"gameday proxy: http://127.0.0.1:{port} does not answer: it forwards to this proxy, which would loop"
    )  # fmt: skip


def _self_signed() -> bytes:
    """A certificate of this machine's address, and its key."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    signed = made.add_extension(address, critical=True).sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *form)


def test_self_signed_endpoint_needs_ssl_cert_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(_self_signed())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with stub(OK, OK, tls=tls) as (url, _):
        with (
            pytest.raises(InvalidInput, match="no trusted authority signed its certificate: self-signed") as wrong,
            proxy(to=url),
        ):
            pass
        assert "SSL_CERT_FILE=FILE gameday proxy" in wrong.value.remedy
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with proxy(to=url) as running:
            assert sent(running, b"GET / HTTP/1.1\r\nHost: %HOST\r\n\r\n").endswith(b"ok")


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("http://127.0.0.1:1", "nothing answers at http://127.0.0.1:1: Connection refused"),
        ("127.0.0.1:80", "127.0.0.1:80 is not an endpoint"),
        ("http://[::1", "http://[::1 is not an endpoint"),
        ("http://a..b:80", "http://a..b:80 is not an endpoint"),
        ("http://127.0.0.1:99999", "http://127.0.0.1:99999 is not an endpoint"),
        ("http://127.0.0.1:1/?token=hidden", "http://127.0.0.1:1/?token=*** is not an endpoint"),
        ("http://me:hidden@127.0.0.1:1", "the endpoint's URL has a user name or a password"),
        ("me:hidden@127.0.0.1:1", "the endpoint's URL has a user name or a password"),
        ("https://sqs.us-east-1.amazonaws.com", "rejects requests that clients signed for the proxy's name"),
    ],
)
def test_wrong_endpoint_raises_with_a_clear_line(to: str, message: str) -> None:
    with pytest.raises(InvalidInput) as wrong, proxy(to=to):
        pass
    assert message in wrong.value.what
    assert "hidden" not in str(wrong.value)
    assert wrong.value.remedy


def test_port_in_use_raises_with_a_clear_line(moto: RunningProxy) -> None:
    port = int(moto.url.rpartition(":")[2])
    message = f"the proxy cannot listen on port {port} of 127.0.0.1: Address already in use"
    with pytest.raises(InvalidInput, match=message), proxy(to=moto.upstream, port=port):
        pass


def test_missing_moto_server_raises_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [module for module in sys.modules if module.startswith(("moto.server", "moto.moto_server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flask", None)
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(InvalidInput, match="moto's server is not installed") as wrong,
        proxy(),
    ):
        pass
    assert "pip install 'gameday-harness[proxy]'" in wrong.value.remedy


def test_command_serves_until_its_signal(tmp_path: Path, moto: RunningProxy) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        "version: 1\nkind: rules\nrules:\n  - fail: {service: sqs, first: 1}\n  - fail: {service: sqs, share: 50%}\n"
    )
    command = [
        sys.executable,
        "-m",
        "gameday.cli.main",
        "proxy",
        "--rules",
        str(file),
        "--port",
        "0",
        "--to",
        moto.upstream,
    ]
    few = ["sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh", *command]
    with (
        subprocess.Popen(few, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        ExitStack() as end,
    ):
        end.callback(process.kill)
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("export AWS_ENDPOINT_URL=http://127.0.0.1:")
        for _ in range(100):  # more than 64 files
            end.enter_context(socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2]))))
        status, message = ask(RunningProxy(line.strip().partition("=")[2], "", moto.rules), "GET", "/_gameday/rules")
        assert (status, len(message["rules"])) == (200, 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LAST_NET)
    assert process.returncode == 0
    assert "rule 2 (fail sqs, 50% of requests) meets only what rule 1 (fail sqs, at most 1) lets pass" in errors
    assert "rule 1 (fail sqs, at most 1): hit 0 of 0 requests that it matches" in errors
