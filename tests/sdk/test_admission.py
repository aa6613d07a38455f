"""Admission to the proxy: it takes requests of any program on this machine, and refuses those of web pages."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from gameday.sdk.proxy import http
from gameday.sdk.proxy.admission import is_own_host, refusal_of
from gameday.sdk.proxy.server import RunningProxy, proxy
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.test_proxy import OK, SESSION, behind, host_of, port_of, rule, sent, stub

PORT = 4577
OURS = (b"host", b"127.0.0.1:4577")

# the decision ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4577",
        "127.8.9.255:4577",
        "[::1]:4577",
        "localhost:4577",
        "LocalHost:4577",
        "bucket.localhost:4577",
        "my.dotted-bucket.localhost:4577",
        "bucket.s3.localhost:4577",
    ],
)
def test_host_of_loopback_and_our_port_is_own(host: str) -> None:
    assert is_own_host(host, PORT)
    assert not is_own_host(host, PORT + 1)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":4577",
        "evil.example:4577",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:04577x",
        "127.0.0.1:80",
        "localhost.evil.example:4577",
        "evillocalhost:4577",
        "127.0.0.1.evil.example:4577",
        "127.evil.example:4577",
        "127.1:4577",
        "2130706433:4577",
        "0.0.0.0:4577",
        "10.0.0.1:4577",
        "169.254.169.254:4577",
        "[::]:4577",
        "[::ffff:127.0.0.1]:4577",
        "user@127.0.0.1:4577",
        "127.0.0.1:4577@evil.example",
        "127.0.0.1:4577, evil.example",
        "127.0.0.1:٤٥٧٧",
        "sqs.us-east-1.amazonaws.com:4577",
        "169.254.169.254\n.localhost:4577",
    ],
)
def test_host_of_other_name_is_not_own(host: str) -> None:
    assert not is_own_host(host, PORT)


@given(st.text(max_size=40))
def test_host_of_any_other_suffix_is_not_own(name: str) -> None:
    assert not is_own_host(f"{name}.example:4577", PORT)


def test_host_without_port_is_port_80() -> None:
    assert is_own_host("localhost", 80)


@pytest.mark.parametrize(
    "more",
    [
        [],
        [(b"sec-fetch-site", b"none")],
        [(b"sec-fetch-site", b"same-origin")],
        [(b"sec-fetch-mode", b"cors")],  # what fetch() of Node sends
        [(b"content-length", b"3")],
        [(b"transfer-encoding", b"chunked")],
        [(b"referer", b"http://127.0.0.1:3000/")],
    ],
    ids=repr,
)
def test_refusal_of_a_programs_request_is_none(more: list[tuple[bytes, bytes]]) -> None:
    assert refusal_of([OURS, *more], PORT) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 403),
        ([(b"host", b"evil.example:4577")], 403),
        ([OURS, (b"host", b"evil.example")], 403),
        ([OURS, (b"origin", b"http://evil.example")], 403),
        ([OURS, (b"origin", b"null")], 403),
        ([OURS, (b"origin", b"")], 403),
        ([OURS, (b"origin", b"http://127.0.0.1:4577")], 403),
        ([OURS, (b"sec-fetch-site", b"cross-site")], 403),
        ([OURS, (b"sec-fetch-site", b"same-site")], 403),
        ([OURS, (b"sec-fetch-site", b"")], 403),
        ([OURS, (b"sec-fetch-site", b"none"), (b"sec-fetch-site", b"cross-site")], 403),
        ([OURS, (b"content-length", b"3"), (b"transfer-encoding", b"chunked")], 400),
    ],
    ids=repr,
)
def test_refusal_of_page_or_ambiguous_request(headers: list[tuple[bytes, bytes]], status: int) -> None:
    refusal = refusal_of(headers, PORT)
    assert refusal
    assert refusal.status == status
    assert "evil" not in refusal.reason


@pytest.mark.parametrize(
    ("via", "host", "is_taken"),
    [
        (b"1.1 gameday-0a", b"127.0.0.1:5000", True),  # a proxy of ours before this one
        (b"1.1 gameday-0a", b"evil.example:4577", False),
        (b"1.1 squid", b"127.0.0.1:5000", False),
    ],
)
def test_refusal_behind_another_gameday_proxy(via: bytes, host: bytes, is_taken: bool) -> None:
    assert (refusal_of([(b"host", host), (b"via", via)], PORT) is None) == is_taken


# on the wire ----------------------------------------------------------------------------------------------------------

PAGES = {
    "rebound name": b"Host: evil.example:%PORT\r\n",
    "AWS's name": b"Host: sqs.us-east-1.amazonaws.com\r\n",
    "cross-site post": b"Host: %HOST\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\n",
    "sandboxed page": b"Host: %HOST\r\norigin: null\r\n",
    "image of another site": b"Host: %HOST\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
    "page of another port": b"Host: %HOST\r\nSec-Fetch-Site: same-site\r\n",
}


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[RunningProxy, list[bytes]]]:
    """A proxy, and what its endpoint got."""
    with stub(OK) as (url, got), proxy(to=url) as running:
        yield running, got


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "line",
    [
        b"GET /_gameday/rules",
        b"PUT /_gameday/rules/evil",
        b"DELETE /_gameday/rules/1",
        b"OPTIONS /_gameday/rules/evil",
        b"POST /moto-api/reset",
        b"GET /?Action=TerminateInstances&Version=2016-11-15",
        b"OPTIONS /",
    ],
    ids=repr,
)
def test_request_of_a_page_changes_and_reaches_nothing(
    watched: tuple[RunningProxy, list[bytes]], page: str, line: bytes
) -> None:
    running, got = watched
    body = json.dumps({"kind": "fail", "service": "s3"}).encode()
    head = line + b" HTTP/1.1\r\n" + PAGES[page] + b"Content-Length: %d\r\n\r\n" % len(body)
    answer = sent(running, head + body)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Access-Control" not in answer
    assert b"Connection: close" in answer
    assert running.rules.named == ()
    assert b"".join(got) == b""


def test_request_without_host_is_refused(watched: tuple[RunningProxy, list[bytes]]) -> None:
    assert sent(watched[0], b"GET /_gameday/rules HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("first", [b"Content-Length: 5\r\n", b""])
def test_request_with_two_framings_is_refused(watched: tuple[RunningProxy, list[bytes]], first: bytes) -> None:
    second = b"" if first else b"Content-Length: 5\r\n"
    head = b"POST / HTTP/1.1\r\nHost: %HOST\r\n" + first + b"Transfer-Encoding: chunked\r\n" + second
    smuggled = b"\r\n0\r\n\r\nGET /_gameday/rules HTTP/1.1\r\nHost: %HOST\r\n\r\n"
    answer = sent(watched[0], head + smuggled)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_proxy_before_a_proxy_forwards_requests() -> None:
    with stub(OK) as (url, got), proxy(to=url) as second, proxy(to=second.url) as first:
        assert sent(first, b"GET / HTTP/1.1\r\nHost: %HOST\r\n\r\n").endswith(b"\r\n\r\nok")
    assert b"".join(got).count(b"Via: 1.1 gameday-") == 2


# legitimate clients ---------------------------------------------------------------------------------------------------


def s3(url: str, style: str) -> Any:
    return SESSION.create_client("s3", "us-east-1", endpoint_url=url, config=Config(s3={"addressing_style": style}))


@pytest.mark.parametrize(
    ("style", "host"), [("path", "localhost"), ("virtual", "bucket.localhost"), ("auto", "localhost")]
)
def test_presigned_urls_of_localhost_are_taken(style: str, host: str) -> None:
    with stub(OK) as (url, got), proxy(to=url) as running:
        made = s3(f"http://localhost:{port_of(running)}", style).generate_presigned_url(
            "get_object", {"Bucket": "bucket", "Key": "a b"}
        )
        parts = urlsplit(made)
        connection = HTTPConnection("127.0.0.1", port_of(running), timeout=5)
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
        assert connection.getresponse().read() == b"ok"
    assert parts.hostname == host
    assert f"Host: {parts.netloc}\r\n".encode() in b"".join(got)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("service", ["sqs", "ec2", "dynamodb", "s3", "lambda", "sts"])
def test_signed_requests_of_botocore_are_taken(name: str, service: str) -> None:
    calls = {"sqs": "list_queues", "ec2": "describe_vpcs", "dynamodb": "list_tables", "s3": "list_buckets"}
    operation = calls.get(service, {"lambda": "list_functions", "sts": "get_caller_identity"}.get(service, ""))
    heads: list[bytes] = []
    with proxy(rule("fail", service, code="Met")) as running:
        made = SESSION.create_client(
            service,
            "us-east-1",
            endpoint_url=f"http://{name}:{port_of(running)}",
            config=Config(retries={"total_max_attempts": 1}),
        )
        made.meta.events.register("before-send", lambda request, **_: heads.append(request.url.encode()))
        with pytest.raises(made.exceptions.ClientError, match="Met"):
            getattr(made, operation)()
    assert heads[0].startswith(f"http://{name}:".encode())


# memory ---------------------------------------------------------------------------------------------------------------


def test_bodies_of_all_connections_share_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODIES_LIMIT", 8)
    held, let_go = threading.Event(), threading.Event()

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            connection.recv(65536)
            held.set()
            let_go.wait(5)
            connection.sendall(OK)
        with listening.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(OK)

    put = b"PUT / HTTP/1.1\r\nHost: %HOST\r\nContent-Length: 6\r\n\r\nabcdef"
    with behind(serve) as running:
        with socket.create_connection(("127.0.0.1", port_of(running)), timeout=5) as first:
            first.sendall(put.replace(b"%HOST", host_of(running)))
            assert held.wait(5)
            assert sent(running, put).startswith(b"HTTP/1.1 503 ")
            assert sent(running, b"GET /_gameday/rules HTTP/1.1\r\nHost: %HOST\r\n\r\n").startswith(b"HTTP/1.1 200 ")
            let_go.set()
            assert first.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert sent(running, put).endswith(b"\r\n\r\nok")


def test_memory_of_a_broken_upload_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODIES_LIMIT", 8)
    put = b"PUT / HTTP/1.1\r\nHost: %HOST\r\n"
    with stub(OK) as (url, _), proxy(to=url) as running:
        assert sent(running, put + b"Content-Length: 8\r\n\r\nabcde").startswith(b"HTTP/1.1 400 ")
        chunks = b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
        assert sent(running, put + chunks + b"4\r\nfghi\r\n0\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        assert sent(running, put + b"Content-Length: 8\r\n\r\nabcdefgh").endswith(b"\r\n\r\nok")


# what is written down -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"hidden\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nhidden\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Amz-Token : hidden\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: hidden\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: hidden\r\n\r\n",
    ],
    ids=repr,
)
def test_proxy_keeps_no_secret_of_request_or_answer(answer: bytes) -> None:
    heard: list[str] = []
    request = (
        b"POST /hidden?X-Amz-Signature=hidden HTTP/1.1\r\nHost: %HOST\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
        b"Authorization: AWS4-HMAC-SHA256 Credential=hidden/20260101/hidden/dynamodb/aws4_request, Signature=hidden\r\n"
        b"X-Amz-Security-Token: hidden\r\nContent-Length: 6\r\n\r\nhidden"
    )
    asked = b"GET /_gameday/rules HTTP/1.1\r\nHost: %HOST\r\n\r\n"
    passing = rule("fail", "dynamodb", after=9)
    with stub(answer) as (url, _), proxy(passing, to=url, warn=heard.append) as running:
        assert sent(running, request).startswith(b"HTTP/1.1 502 ")
        recorded = sent(running, asked)
    assert b'"calls": {"dynamodb.PutItem": 1}' in recorded
    assert b"hidden" not in recorded
    assert len(heard) == 1
    assert "hidden" not in heard[0]
