"""Faults inside botocore: they reach every client, cause real retries, carry nothing out, and leave no patch."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.retries import bucket
from gameday import sdk
from gameday.errors import InvalidInput
from gameday.sdk import Injection, Rule, blackhole, delay, fail, faults, lose_reply, throttle, timeout
from moto import mock_aws

KEY = {"id": {"S": "1"}}


class Slept(list[float]):
    """Record the sleeps instead of sleeping."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


SESSION = botocore.session.Session()
SESSION.set_credentials("test", "test")


def client(service: str = "dynamodb", mode: str = "standard", region: str = "us-east-1", **more: Any) -> Any:
    config = Config(retries={"mode": mode}, connect_timeout=3, read_timeout=7, **more)
    return SESSION.create_client(service, region, config=config)


@pytest.fixture
def table() -> Iterator[Any]:
    with mock_aws():
        made = client()
        made.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield made


def put(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="orders", Item=KEY)


def written(dynamodb: Any) -> bool:
    return "Item" in dynamodb.get_item(TableName="orders", Key=KEY)


# retries --------------------------------------------------------------------------------------------------------------

ATTEMPTS = {("legacy", "dynamodb"): 10, ("legacy", "sqs"): 5}
"""Of botocore's modes (`data/_retry.json`, `retries/standard.py`); else 4 for DynamoDB and 3 for others."""


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
@pytest.mark.parametrize("fault", [throttle, fail, timeout, blackhole])
def test_retry_mode_with_fault_makes_its_usual_attempts(
    mode: str, service: str, fault: Callable[..., Injection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket.TokenBucket, "_sleep_amount", lambda *_: 0)  # adaptive mode's rate limiter waits itself
    slept = Slept()
    calling = client(service, mode)
    with fault(service, sleep=slept) as seen, pytest.raises((ClientError, ReadTimeoutError, ConnectTimeoutError)):
        (calling.list_tables if service == "dynamodb" else calling.list_queues)()
    (call,) = seen.calls
    expected = ATTEMPTS.get((mode, service), 4 if service == "dynamodb" else 3)
    assert (len(call.attempts), call.injected, call.retried, call.mode) == (expected, expected, expected - 1, mode)
    assert call.done
    assert sum(slept) == pytest.approx(sum(each.backoff + each.held for each in call.attempts))
    assert seen.backoff >= sum(each.backoff for each in call.attempts) > 0
    assert call.error in str(seen)
    assert botocore.__version__ in str(seen)


def test_throttle_backs_off_longer_than_other_errors() -> None:
    """The code that is sent decides the wait: botocore's standard mode knows a throttle from a failure."""
    waits, sqs = {}, client("sqs")
    for fault in (throttle, fail):
        with fault("sqs", sleep=Slept()) as seen:
            for _ in range(10):  # the client's retry quota lasts so long
                with pytest.raises(ClientError):
                    sqs.list_queues()
        waits[fault] = seen.backoff
    assert waits[throttle] > 4 * waits[fail]


def test_call_hit_once_succeeds_on_retry_and_is_logged(table: Any) -> None:
    with throttle("dynamodb", "PutItem", first=2, sleep=Slept()) as seen:
        put(table)
    (call,) = seen.of("dynamodb", "PutItem")
    assert [each.error for each in call.attempts] == ["ProvisionedThroughputExceededException"] * 2 + [None]
    assert (call.error, seen.injected, seen.retried, seen.failed) == (None, 2, 2, ())
    assert written(table)


def test_adaptive_mode_after_throttle_logs_its_rate_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    amounts = cycle([0.02, 0.0])  # in place of seconds
    monkeypatch.setattr(bucket.TokenBucket, "_sleep_amount", lambda *_: next(amounts))
    with throttle("sqs", sleep=Slept()) as seen, pytest.raises(ClientError):
        client("sqs", "adaptive").list_queues()
    first, *later = seen.calls[0].attempts
    assert first.limited < 0.02 <= min(each.limited for each in later)
    assert seen.backoff > sum(each.backoff for each in seen.calls[0].attempts) + 0.04


# what is carried out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [throttle, fail, timeout, blackhole])
def test_request_that_is_hit_is_not_carried_out(table: Any, fault: Callable[..., Injection]) -> None:
    with (
        fault("dynamodb", "PutItem", sleep=Slept()),
        pytest.raises((ClientError, ReadTimeoutError, ConnectTimeoutError)),
    ):
        put(table)
    assert not written(table)


def test_lose_reply_carries_out_and_waits_read_timeout(table: Any) -> None:
    slept = Slept()
    with lose_reply("dynamodb", "UpdateItem", first=1, sleep=slept) as seen:
        more = {"UpdateExpression": "ADD times :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        table.update_item(TableName="orders", Key=KEY, **more)
    assert table.get_item(TableName="orders", Key=KEY)["Item"]["times"] == {"N": "2"}
    assert slept[0] == 7.0  # the client's own read timeout
    assert seen.calls[0].attempts[0].error == "ReadTimeoutError"


def test_delay_beyond_read_timeout_loses_the_answer(table: Any) -> None:
    slept = Slept()
    with delay("dynamodb", "PutItem", wait="400ms", sleep=slept) as seen:
        put(table)
    assert slept == [0.4]
    assert (seen.injected, seen.retried) == (1, 0)
    with delay("dynamodb", "DeleteItem", wait="1m", sleep=slept), pytest.raises(ReadTimeoutError):
        table.delete_item(TableName="orders", Key=KEY)
    assert not written(table)


def test_blackhole_without_wait_lasts_connect_timeout() -> None:
    for wait, held in ((None, 3.0), ("10ms", 0.01)):
        with blackhole("sqs", wait=wait, sleep=Slept()) as seen, pytest.raises(ConnectTimeoutError):
            client("sqs").list_queues()
        assert {each.held for each in seen.calls[0].attempts} == {held}


def test_fail_with_code_raises_that_error(table: Any) -> None:
    with fail("dynamodb", code="ResourceNotFoundException"), pytest.raises(table.exceptions.ResourceNotFoundException):
        put(table)
    with fail("s3", code="AccessDenied") as seen, pytest.raises(ClientError) as denied:
        client("s3").list_buckets()
    assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert seen.retried == 0


# who is reached -------------------------------------------------------------------------------------------------------


def test_fault_reaches_old_and_new_clients_and_threads(table: Any) -> None:
    with throttle("dynamodb", sleep=Slept()) as seen:
        clients = [table, client(), client(mode="legacy")]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda made: _raised(put, made), clients * 8))
    assert answers == [True] * 24
    assert len(seen.calls) == 24
    assert seen.injected == seen.attempts == 8 * (4 + 4 + 10)
    assert not written(table)


def _raised(call: Callable[[Any], None], made: Any) -> bool:
    try:
        call(made)
    except ClientError:
        return True
    return False


def test_count_of_many_threads_loses_none(table: Any) -> None:
    barrier = threading.Barrier(8)

    def many(_: int) -> None:
        barrier.wait()
        for _ in range(5):
            put(table)

    with throttle("dynamodb", share="50%", first=7, sleep=Slept()) as seen, ThreadPoolExecutor(8) as pool:
        list(pool.map(many, range(8)))
    assert (seen.injected, len(seen.calls), seen.failed) == (7, 40, ())


def test_rule_with_region_spares_other_regions() -> None:
    with mock_aws(), throttle("sqs", region="eu-west-1", sleep=Slept()) as seen:
        client("sqs", region="us-east-1").list_queues()
        with pytest.raises(ClientError):
            client("sqs", region="eu-west-1").list_queues()
    assert [(call.request.region, call.injected > 0) for call in seen.calls] == [
        ("us-east-1", False),
        ("eu-west-1", True),
    ]


def test_fault_spares_the_clients_of_the_harness() -> None:
    with mock_aws(), throttle("sqs", sleep=Slept()) as seen:
        client("sqs", user_agent_extra="gameday").list_queues()
    assert seen.calls == ()


# several, and none ----------------------------------------------------------------------------------------------------


def test_nested_blocks_log_their_own_hits() -> None:
    with mock_aws():
        sqs = client("sqs")
        with faults(throttle("sqs", first=1), fail("sqs", first=1), seed=7, sleep=Slept()) as both:
            sqs.list_queues()
            with delay("sqs", wait="2s", first=1, sleep=Slept()) as inner:
                sqs.list_queues()
    assert [each.error for each in both.calls[0].attempts] == ["RequestThrottled", "InternalFailure", None]
    assert (inner.injected, len(inner.calls), len(both.calls)) == (1, 1, 2)
    assert both.calls[1].injected == 0  # the inner one's


def test_same_seed_hits_the_same_requests() -> None:
    def hit(seed: int) -> list[bool]:
        with mock_aws(), throttle("sqs", share="30%", seed=seed, sleep=Slept()) as seen:
            sqs = client("sqs")
            for _ in range(20):
                _raised(lambda made: made.list_queues(), sqs)
        return [attempt.rule is not None for call in seen.calls for attempt in call.attempts]

    assert hit(1) == hit(1) != hit(2)
    assert any(hit(1))


def test_rule_that_never_hits_warns() -> None:
    with pytest.warns(
        UserWarning, match=r"rule 2 \(fail sqs\) never hits: rule 1 \(throttle sqs\) takes every request"
    ):
        faults(throttle("sqs"), fail("sqs"))
    with faults(throttle("sqs", share="10%"), fail("sqs")) as seen:
        pass
    assert "the first match wins" in str(seen)


def test_block_end_restores_botocore(table: Any) -> None:
    def handlers() -> int:
        return len(list(table.meta.events._emitter._handlers.prefix_search("before-send.dynamodb.PutItem")))

    def boom() -> None:
        with throttle("dynamodb"), lose_reply("dynamodb"):
            assert Endpoint.__dict__["_do_get_response"] is not before["_do_get_response"]
            assert handlers() == count
            raise KeyError

    before, count = dict(Endpoint.__dict__), handlers()
    with pytest.raises(KeyError):
        boom()
    assert dict(Endpoint.__dict__) == before
    assert handlers() == count
    put(table)
    assert written(table)


def test_block_end_keeps_a_wrapper_of_another_library(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Endpoint._do_get_response
    with throttle("dynamodb"):
        ours = Endpoint._do_get_response

        def theirs(*given: Any) -> Any:
            return ours(*given)

        Endpoint._do_get_response = theirs
    try:
        assert Endpoint._do_get_response is theirs
        put(table)
        with throttle("dynamodb", "PutItem", sleep=Slept()) as seen, pytest.raises(ClientError):
            put(table)
        assert seen.attempts == 4
    finally:
        Endpoint._do_get_response = before


# mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: throttle("dynamdb"), "throttle: AWS has no service `dynamdb`; did you mean `dynamodb`?"),
        (lambda: throttle("s3", "PutObjct"), "throttle: s3 has no operation `PutObjct`; did you mean `PutObject`?"),
        (lambda: fail("s3", share="150%"), "a share is a number from 0% to 100% with its percent sign"),
        (lambda: delay("s3", wait="400"), "a duration needs a number and a unit"),
        (lambda: fail("s3", shares="5%"), "fail: unknown key `shares`; did you mean `share`?"),  # type: ignore[call-arg]
        (lambda: delay("s3"), "a delay rule needs `wait`, like 400ms"),  # type: ignore[call-arg]
        (lambda: fail("s3", status=200), "status: Input should be greater than or equal to 400"),
        (lambda: faults("throttle"), "faults: 'throttle' is not a rule"),  # type: ignore[arg-type]
        (lambda: fail("s3", sleep=5), "sleep: 5 cannot be called"),  # type: ignore[typeddict-item]
        (lambda: fail("s3", seed=[]), "seed: [] is not a whole number"),  # type: ignore[typeddict-item]
    ],
)
def test_wrong_fault_raises_with_a_clear_line(fault: Callable[[], Injection], message: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        fault()
    assert message in str(wrong.value)
    assert "\n" not in wrong.value.what


def test_botocore_without_the_methods_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Endpoint, "_needs_retry")
    with pytest.raises(InvalidInput, match=r"has no Endpoint\._needs_retry"), throttle("s3"):
        pass


def test_import_of_gameday_loads_no_botocore_and_no_moto() -> None:
    code = (
        "import sys\n"
        "import gameday, gameday.files.load\n"
        "assert not any(name.partition('.')[0] == 'botocore' for name in sys.modules)\n"
        "import gameday.sdk\n"
        "assert not any(name.partition('.')[0] in ('moto', 'boto3') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_importable() -> None:
    assert all(hasattr(sdk, name) for name in sdk.__all__)
    assert isinstance(throttle("s3").rules[0], Rule)
