"""Identification of calls: it finds the operation from botocore's real requests on the wire."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from gameday.sdk.matching import Request
from gameday.sdk.proxy.identify import Identified, RawRequest, identify

SESSION = botocore.session.Session()
SESSION.set_credentials("test", "test")


def made(service: str, region: str = "us-east-1", **config: Any) -> BaseClient:
    return SESSION.create_client(
        service, region, endpoint_url="http://127.0.0.1:9", config=Config(parameter_validation=False, **config)
    )


def on_the_wire(client: Any, operation: str, params: dict[str, Any]) -> RawRequest | None:
    """Capture the request of a call; None where the client makes no request from these parameters."""
    sent: list[RawRequest] = []

    def grab(request: Any, **_: object) -> None:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        url = urlsplit(request.url)
        target = url.path + (f"?{url.query}" if url.query else "")
        raw = body.encode() if isinstance(body, str) else body
        sent.append(RawRequest(request.method, target, {"host": url.netloc, **headers}, raw))
        raise InterruptedError

    client.meta.events.register("before-send", grab)
    try:
        client._make_api_call(operation, params)
    except Exception:  # noqa: BLE001 - of ours, or of what a client makes of such parameters
        return sent[0] if sent else None
    finally:
        client.meta.events.unregister("before-send", grab)
    return None


def sample(shape: Any, depth: int = 0) -> Any:
    """The least that an operation takes."""
    if shape is None or shape.type_name == "structure":
        members = shape.required_members if shape and depth < 6 else []
        return {name: sample(shape.members[name], depth + 1) for name in members}
    if shape.type_name == "list":
        return [sample(shape.member, depth + 1)]
    if shape.type_name == "map":
        return {"key": sample(shape.value, depth + 1)}
    return {
        "string": lambda: shape.enum[0] if shape.enum else "abcdefghijklmnop",
        "integer": lambda: 1,
        "long": lambda: 1,
        "float": lambda: 1.0,
        "double": lambda: 1.0,
        "boolean": lambda: True,
        "blob": lambda: b"x",
        "timestamp": lambda: "2026-01-01T00:00:00Z",
    }[shape.type_name]()


EXCEPT = {"s3": {"ListDirectoryBuckets", "WriteGetObjectResponse"}}
"""Those that sign as another service (s3express, s3-object-lambda)."""


def identified(service: str) -> Iterator[tuple[str, Identified | None]]:
    client: Any = made(service)
    for name in client.meta.service_model.operation_names:
        wire = on_the_wire(client, name, sample(client.meta.service_model.operation_model(name).input_shape))
        if (
            wire
            and name not in EXCEPT.get(service, ())
            and not client.meta.service_model.operation_model(name).deprecated
        ):
            yield name, identify(wire, [service])


@pytest.mark.parametrize(
    "service", ["s3", "dynamodb", "sqs", "lambda", "route53", "apigateway", "sesv2", "sts", "elbv2"]
)
def test_identify_each_operation_returns_its_name(service: str) -> None:
    calls = dict(identified(service))
    assert len(calls) > 10
    assert {name: call and call.request.operation for name, call in calls.items()} == {name: name for name in calls}


@pytest.mark.parametrize(
    ("service", "operation", "params", "also", "protocol"),
    [
        ("dynamodbstreams", "ListStreams", {}, "dynamodb", "json"),
        ("elb", "DescribeLoadBalancers", {}, "elbv2", "query"),
        ("apigatewayv2", "GetApis", {}, "apigateway", "rest-json"),
        ("sesv2", "GetAccount", {}, "ses", "rest-json"),
        ("ec2", "DescribeInstances", {}, "autoscaling", "ec2"),
        ("cloudwatch", "ListMetrics", {}, "logs", "json"),
    ],
)
def test_identify_services_with_one_signing_name(
    service: str, operation: str, params: dict[str, Any], also: str, protocol: str
) -> None:
    wire = on_the_wire(made(service, "eu-west-1"), operation, params)
    assert wire
    assert identify(wire, [also]) is None
    assert identify(wire, [also, service]) == Identified(Request(service, operation, "eu-west-1"), protocol)


def s3(method: str, target: str, host: str = "127.0.0.1:9", **headers: str) -> str | None:
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, Signature=0"}
    call = identify(RawRequest(method, target, {"host": host, **signed, **headers}, b""), ["s3"])
    return call.request.operation if call else None


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/", "ListBuckets"),
        ("PUT", "/bucket", "CreateBucket"),
        ("PUT", "/bucket/", "CreateBucket"),
        ("PUT", "/bucket/a/b%20c", "PutObject"),
        ("GET", "/bucket?list-type=2&prefix=a", "ListObjectsV2"),
        ("PUT", "/bucket/key?partNumber=1&uploadId=x", "UploadPart"),
        ("POST", "/bucket/key?uploads", "CreateMultipartUpload"),
        ("POST", "/bucket/key?uploadId=x", "CompleteMultipartUpload"),
        ("PUT", "/bucket/key?x-id=PutObject", "PutObject"),
        ("GET", "/bucket/key?X-Amz-Signature=0", "GetObject"),
        ("OPTIONS", "/bucket/key", None),
    ],
)
def test_identify_rest_by_path_and_query(method: str, target: str, operation: str | None) -> None:
    assert s3(method, target) == operation


def test_identify_s3_by_copy_header_and_host() -> None:
    assert s3("PUT", "/bucket/key", **{"x-amz-copy-source": "other/key"}) == "CopyObject"
    assert s3("PUT", "/key", "bucket.localhost:9") == "PutObject"
    assert s3("PUT", "/", "bucket.localhost:9") == "CreateBucket"
    assert s3("PUT", "//[key", "bucket.localhost:9") == "PutObject"  # no host, and no address


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_identify_presigned_url(version: str) -> None:
    client: Any = made("s3", "eu-west-1", signature_version=version)
    url = urlsplit(client.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"}))
    call = identify(RawRequest("GET", f"{url.path}?{url.query}", {"host": url.netloc}, b""), ["s3"])
    assert call
    assert call.request == Request("s3", "GetObject", "eu-west-1" if version == "s3v4" else None)


def test_identify_unsigned_form_and_target() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
    call = identify(RawRequest("POST", "/", form, body), ["ec2", "sts"])
    assert call
    assert call.request == Request("sts", "AssumeRoleWithWebIdentity", None)
    target = {"x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth"}
    call = identify(RawRequest("POST", "/", target, b"{}"), ["cognito-idp"])
    assert call
    assert call.request.operation == "InitiateAuth"
    assert identify(RawRequest("GET", "/anything", {}, b""), ["lambda"]) is None


def test_identify_compressed_form() -> None:
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/monitoring/aws4_request, Signature=0",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "content-encoding": "gzip",
    }
    body = gzip.compress(b"Action=PutMetricData&Version=2010-08-01&Namespace=Shop")
    call = identify(RawRequest("POST", "/", headers, body), ["cloudwatch"])
    assert call
    assert call.request.operation == "PutMetricData"
    assert identify(RawRequest("POST", "/", headers, body[:9]), ["cloudwatch"]) is None


def test_identify_client_of_another_protocol() -> None:
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/monitoring/aws4_request, Signature=0"}
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    cbor = identify(RawRequest("POST", path, {**signed, "smithy-protocol": "rpc-v2-cbor"}, b""), ["cloudwatch"])
    assert cbor == Identified(Request("cloudwatch", "ListMetrics", "us-east-1"), "smithy-rpc-v2-cbor")
