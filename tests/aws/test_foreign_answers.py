"""Answers of anything but AWS are values: the call may have happened. Nothing of them reads as "absent"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import botocore.endpoint
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from gameday.aws.account import AnyCall
from gameday.aws.client import Aws
from gameday.aws.connection import Connection
from gameday.change import Call, CreatedResource, Json
from gameday.errors import UNEXPECTED_ANSWER, AwsError, JournalError, Unreachable
from gameday.faults.apigateway import THROTTLING
from gameday.faults.autoscaling import SUBNETS
from gameday.faults.dynamodb import CAPACITY
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.sources.cloudwatch import CloudWatchSource
from gameday.store.s3 import NEW, S3Objects

from tests.doubles.nonsense import EVERY, Body, Nonsense
from tests.doubles.sts import Raw

REGION = "us-east-1"
CALLS = (  # a read and a write of each protocol
    ("ec2", "describe_network_acls", {}),
    ("ec2", "create_network_acl", {"VpcId": "vpc-1"}),
    ("autoscaling", "describe_auto_scaling_groups", {}),
    ("elbv2", "describe_target_groups", {}),
    ("sts", "get_caller_identity", {}),
    ("dynamodb", "describe_table", {"TableName": "t"}),
    ("dynamodb", "update_table", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST"}),
    ("cloudwatch", "describe_alarms", {}),
    ("cloudwatch", "get_metric_data", {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}),
    ("logs", "start_query", {"logGroupName": "g", "startTime": 0, "endTime": 1, "queryString": "q"}),
    ("lambda", "get_function_concurrency", {"FunctionName": "f"}),
    ("lambda", "put_function_concurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": 1}),
    ("apigateway", "get_stage", {"restApiId": "a", "stageName": "s"}),
    ("apigateway", "get_rest_apis", {}),
    ("s3", "list_objects_v2", {"Bucket": "ledger"}),
)


@dataclass
class Middlebox:
    """Something between AWS and us, which answers every call of `aws` alike."""

    status: int = 200
    body: bytes = b""

    @cached_property
    def aws(self) -> Aws:
        session = botocore.session.Session()
        session.set_credentials("test", "test")
        session.get_component("event_emitter").register("before-send", self._answer)
        return Aws(Connection(session), AnyCall())

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return AWSResponse(request.url, self.status, {}, Raw(self.body))


MIDDLEBOX = Middlebox()
"""One for all tests, since botocore takes long to make a client."""


def answering(status: int, body: bytes) -> Aws:
    """An account in whose place something answers every call alike."""
    MIDDLEBOX.status, MIDDLEBOX.body = status, body
    return MIDDLEBOX.aws


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)


@pytest.mark.parametrize("nonsense", [each for each in EVERY if not each.happens], ids=str)
@pytest.mark.parametrize(("service", "operation", "params"), CALLS)
def test_foreign_answer_to_any_call_is_unreachable(
    service: str, operation: str, params: dict[str, Json], nonsense: Nonsense
) -> None:
    aws = answering(nonsense.status, nonsense.body.of())
    call = Call(service=service, operation=operation, params=params)
    for answer in (*aws.call_all([(call, REGION)]), *aws.call_all([(call, REGION)], paged=True)):
        assert isinstance(answer, Unreachable), answer


def test_exception_of_any_kind_is_unreachable() -> None:
    class Strange(Exception):
        """Of no tree that anybody lists."""

    def fails(**_: object) -> None:
        raise Strange

    session = botocore.session.Session()
    session.set_credentials("test", "test")
    session.get_component("event_emitter").register("before-parse", fails)
    session.get_component("event_emitter").register(
        "before-send", lambda request, **_: AWSResponse(request.url, 200, {}, Raw(b"<DescribeVpcsResponse/>"))
    )
    with pytest.raises(Unreachable) as caught:
        Aws(Connection(session)).call(Call(service="ec2", operation="describe_vpcs"), REGION)
    assert caught.value.code == "Strange"


def test_empty_object_of_lambda_still_means_no_reservation() -> None:
    call = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": "f"})
    assert answering(200, b"{}").call(call, REGION) == {}
    assert answering(200, b'{"ReservedConcurrentExecutions": 3, "New": 1}').call(call, REGION) == {
        "ReservedConcurrentExecutions": 3
    }


def test_mutant_without_body_check_reads_empty_body_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.aws.connection.must_be_answer", lambda *_: None)
    call = Call(service="lambda", operation="get_function_concurrency", params={"FunctionName": "f"})
    assert answering(200, b"").call(call, REGION) == {}


@pytest.mark.parametrize(
    ("setting", "answer"),
    [
        (CAPACITY, {}),
        (CAPACITY, {"Table": {"TableStatus": "ACTIVE"}}),
        (THROTTLING, {}),
        (SUBNETS, {"AutoScalingGroups": [{"VPCZoneIdentifier": "a"}]}),
        (SUBNETS, {"AutoScalingGroups": [{"AutoScalingGroupName": "web"}]}),
    ],
)
def test_setting_whose_keys_are_missing_does_not_read_absent(setting: Any, answer: Json) -> None:
    (seen,) = setting.observations(["web"], answer).values()
    assert isinstance(seen, Unreachable)
    assert seen.code == UNEXPECTED_ANSWER


def test_stage_without_settings_of_its_own_still_reads_absent() -> None:
    (seen,) = THROTTLING.observations(["a/s"], {"stageName": "s"}).values()
    assert not isinstance(seen, AwsError)
    assert seen.value is None


@pytest.mark.parametrize("answer", [None, {}, [], "<html>", {"Acls": None}])
def test_created_resource_without_a_list_is_not_deleted(answer: Json) -> None:
    call = Call(service="ec2", operation="x")
    change = CreatedResource(
        region=REGION, name="acl", create=call, made="Id", find=call, found="Acls[].Id", delete=call
    )
    seen = change.observed([answer], None)
    assert isinstance(seen, Unreachable)
    assert not isinstance(change.observed([{"Acls": []}], None), AwsError)


@pytest.mark.parametrize("status", [200, 307, 404, 503])
@pytest.mark.parametrize("body", Body)
def test_store_never_takes_a_foreign_answer_for_no_object(status: int, body: Body) -> None:
    store = S3Objects(answering(status, body.of()), REGION, "ledger", "team/")
    with pytest.raises(JournalError):
        store.get("leases/a")
    with pytest.raises(JournalError):
        store.keys("")
    with pytest.raises(JournalError):
        store.put("leases/a", "{}", NEW)


@pytest.mark.parametrize("answer", [{}, None, [], {"MetricDataResults": [{}]}])
def test_metrics_of_another_shape_are_a_gap_with_a_remark(answer: Any) -> None:
    kpi = Kpi.model_validate(
        {"tier": "technical", "gauge": {"cloudwatch": "A/B", "period": "1s"}, "bound": {"at_least": 1}}
    )
    reading = CloudWatchSource(lambda *_: answer).read({"k": kpi}, 0.0, 10.0)
    assert reading.samples == {}
    assert len(reading.remarks) == 1
