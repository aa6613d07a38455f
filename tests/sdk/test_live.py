"""Faults inside botocore before an endpoint in another process, over real sockets: which requests arrive."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.retries import bucket
from gameday.sdk import CallLog, Injection, blackhole, delay, fail, lose_reply, throttle, timeout

from tests.doubles.server import moto_server

FAULTS = {fault.__name__: fault for fault in (throttle, fail, timeout, blackhole, lose_reply)}
PART = 5 << 20
"""The smallest part of a multipart upload (S3 User Guide, "Multipart upload limits")."""
THREADS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=3)


def at_once(_: float) -> None:
    """Do not wait."""


@pytest.fixture(scope="module")
def session() -> Iterator[Callable[..., Any]]:
    with moto_server() as url:
        made = boto3.Session("test", "test", region_name="us-east-1")

        def client(service: str, mode: str = "standard") -> Any:
            return made.client(service, endpoint_url=url, config=Config(retries={"mode": mode}))

        client("s3").create_bucket(Bucket="live")
        yield client


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("name", FAULTS)
def test_only_requests_with_a_lost_reply_arrive(
    name: str, mode: str, session: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket.TokenBucket, "_sleep_amount", lambda *_: 0)  # adaptive mode's rate limiter waits itself
    sqs = session("sqs", mode)
    url = sqs.create_queue(QueueName=f"{name}-{mode}")["QueueUrl"]
    with (
        FAULTS[name]("sqs", "SendMessage", sleep=at_once) as seen,
        pytest.raises((ClientError, ReadTimeoutError, ConnectTimeoutError)),
    ):
        sqs.send_message(QueueUrl=url, MessageBody="order")
    assert seen.attempts == (5 if mode == "legacy" else 3)
    assert arrived(sqs, url) == (seen.attempts if name == "lose_reply" else 0)


def test_delayed_request_arrives_once(session: Callable[..., Any]) -> None:
    sqs = session("sqs")
    url = sqs.create_queue(QueueName="later")["QueueUrl"]
    with delay("sqs", "SendMessage", wait="1s", sleep=at_once):
        sqs.send_message(QueueUrl=url, MessageBody="order")
    assert arrived(sqs, url) == 1


def arrived(sqs: Any, url: str) -> int:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


class Unseekable(BytesIO):
    """A body that can be read once."""

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("fault", [throttle, lose_reply])
def test_upload_threads_retry_their_parts(
    fault: Callable[..., Injection], session: Callable[..., Any], tmp_path: Path
) -> None:
    s3, file, body = session("s3"), tmp_path / "big", os.urandom(2 * PART + 7)
    file.write_bytes(body)
    with fault("s3", "UploadPart", first=2, sleep=at_once) as seen:
        s3.upload_file(str(file), "live", "big", Config=THREADS)
    assert counts(seen, "UploadPart") == (3, 2)
    with throttle("s3", "GetObject", first=2, sleep=at_once) as seen:
        s3.download_file("live", "big", str(tmp_path / "back"), Config=THREADS)
    assert counts(seen, "GetObject") == (3, 2)
    assert (tmp_path / "back").read_bytes() == body


def counts(seen: CallLog, operation: str) -> tuple[int, int]:
    """Calls of an operation, and how often they were hit."""
    calls = seen.of("s3", operation)
    return len(calls), sum(call.injected for call in calls)


def test_upload_of_unseekable_body_succeeds(session: Callable[..., Any]) -> None:
    s3 = session("s3")
    with lose_reply("s3", "PutObject", first=1, sleep=at_once):
        s3.upload_fileobj(Unseekable(b"once"), "live", "once")
    with lose_reply("s3", "GetObject", first=1, sleep=at_once):
        assert s3.get_object(Bucket="live", Key="once")["Body"].read() == b"once"


@pytest.mark.parametrize("fault", [throttle, lose_reply])
def test_event_streams_waiters_and_pages_survive_faults(
    fault: Callable[..., Injection], session: Callable[..., Any]
) -> None:
    s3 = session("s3")
    s3.put_object(Bucket="live", Key="csv", Body=b"a\n1\n")
    with fault("s3", first=1, sleep=at_once) as seen:
        answer = s3.select_object_content(
            Bucket="live", Key="csv", Expression="select * from s3object", ExpressionType="SQL",
            InputSerialization={"CSV": {}}, OutputSerialization={"JSON": {}},
        )  # fmt: skip
        assert [kind for event in answer["Payload"] for kind in event] == ["Records", "Stats", "End"]
    assert (seen.attempts, seen.injected) == (2, 1)
    with fault("s3", first=1, sleep=at_once) as seen:
        s3.get_waiter("bucket_exists").wait(Bucket="live")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="live", PaginationConfig={"PageSize": 1})
        assert "csv" in [raw["Key"] for page in pages for raw in page["Contents"]]
    assert seen.injected == 1


def test_answer_to_head_has_no_code(session: Callable[..., Any]) -> None:
    """So that a throttled one is tried again soon: the SDK sees a 503, and no `SlowDown`."""
    with throttle("s3", "HeadObject", sleep=at_once) as seen, pytest.raises(ClientError) as raised:
        session("s3").head_object(Bucket="live", Key="csv")
    assert raised.value.response["Error"] == {"Code": "503", "Message": "Service Unavailable"}
    assert seen.attempts == 3


def test_other_handlers_get_their_events(session: Callable[..., Any]) -> None:
    sqs, heard = session("sqs"), []
    for event in ("before-call", "request-created", "response-received", "needs-retry", "after-call"):
        sqs.meta.events.register(f"{event}.sqs", lambda event_name, **_: heard.append(event_name.partition(".")[0]))
    with throttle("sqs", first=1, sleep=at_once):
        sqs.list_queues()
    attempt = ["request-created", "response-received", "needs-retry"]
    assert heard == ["before-call", *attempt, *attempt, "after-call"]
