"""Errors in each protocol's wire form, as botocore's own parsers read them."""

from __future__ import annotations

import pytest
from botocore.parsers import PROTOCOL_PARSERS, create_parser
from gameday.aws.models import service_model
from gameday.sdk.error_responses import ServiceError, error_reply, internal_of, throttle_of


def parsed(protocol: str, service: str, fault: ServiceError) -> tuple[int, dict]:
    reply = error_reply(protocol, service, fault, "Rate <exceeded> & more", "id-1")
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    headers = {key.lower(): value for key, value in reply.headers.items()}
    response = {"body": reply.body, "headers": headers, "status_code": reply.status}
    return reply.status, create_parser(protocol).parse(response, None)


@pytest.mark.parametrize("protocol", PROTOCOL_PARSERS)
@pytest.mark.parametrize("service", ["s3", "sqs", "route53"])
def test_error_reply_of_each_protocol_parses_in_botocore(protocol: str, service: str) -> None:
    status, answer = parsed(protocol, service, ServiceError("SomethingElse", 418))
    assert status == 418
    assert answer["Error"]["Code"] == "SomethingElse"
    assert answer["Error"]["Message"] == "Rate <exceeded> & more"
    if (protocol, service) == ("rest-xml", "s3"):
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"] == "id-1"
    else:
        assert answer["ResponseMetadata"]["RequestId"] == "id-1"


@pytest.mark.parametrize("length", [0, 23, 24, 300])
def test_cbor_text_of_any_length_parses(length: int) -> None:
    code = "C" * length
    assert parsed("smithy-rpc-v2-cbor", "cloudwatch", ServiceError(code, 400))[1]["Error"]["Code"] == code


def test_reply_after_query_protocol_names_the_old_code() -> None:
    assert parsed("json", "sqs", throttle_of("sqs", "SendMessage"))[1]["Error"] == {
        "Code": "RequestThrottled",
        "Message": "Rate <exceeded> & more",
        "QueryErrorCode": "RequestThrottled",
        "Type": "Sender",
    }


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("dynamodb", "PutItem", "ProvisionedThroughputExceededException", 400),
        ("dynamodb", "ListTables", "ThrottlingException", 400),
        ("kinesis", "PutRecord", "ProvisionedThroughputExceededException", 400),
        ("ec2", "DescribeInstances", "RequestLimitExceeded", 503),
        ("s3", "PutObject", "SlowDown", 503),
        ("lambda", "Invoke", "TooManyRequestsException", 429),
        ("apigateway", "GetRestApis", "TooManyRequestsException", 429),
        ("sqs", "SendMessage", "RequestThrottled", 403),
        ("sns", "Publish", "Throttling", 400),
        ("route53", "ListHostedZones", "ThrottlingException", 400),
        ("cloudfront", "ListDistributions", "Throttling", 400),
        ("kms", "Decrypt", "ThrottlingException", 400),
        ("eks", "ListClusters", "ThrottlingException", 429),
    ],
)
def test_throttle_uses_the_services_own_error(service: str, operation: str, code: str, status: int) -> None:
    assert throttle_of(service, operation) == ServiceError(code, status)


def test_internal_error_uses_the_services_own_code() -> None:
    assert internal_of("s3") == ServiceError("InternalError", 500)
    assert internal_of("sqs") == ServiceError("InternalFailure", 500)


def test_every_protocol_of_botocore_has_a_form() -> None:
    for protocol in PROTOCOL_PARSERS:
        assert error_reply(protocol, "s3", ServiceError("Code", 400), "said", "id").status == 400
    assert service_model("dynamodb").resolved_protocol in PROTOCOL_PARSERS
