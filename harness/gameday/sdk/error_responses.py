"""Errors as AWS writes them: the form of each protocol, and each service's own answer to too many requests.

An SDK decides by an error's code whether to retry, and how long to wait. So a code that the service never sends would
measure different behaviour (botocore `retries/standard.py`: after throttling codes it waits up to a second at first,
after others 50 ms).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from uuid import uuid4
from xml.sax.saxutils import escape

from gameday.aws.models import service_model
from gameday.sdk.rule import Rule

MESSAGES = {"throttle": "Rate exceeded", "fail": "An internal error occurred"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ServiceError:
    """An error of a service: code and HTTP status."""

    code: str
    status: int


THROTTLES: Mapping[str, ServiceError] = {
    "ec2": ServiceError(
        "RequestLimitExceeded", 503
    ),  # EC2 Developer Guide, "Request throttling for the Amazon EC2 API"
    "s3": ServiceError("SlowDown", 503),  # S3 API Reference, "Error responses"
    "s3control": ServiceError("SlowDown", 503),  # the same list
    "sqs": ServiceError(
        "RequestThrottled", 403
    ),  # botocore `data/_retry.json`, the status that its legacy retries look for
}
"""Throttling errors of services whose models lack the code or the status."""

MODELLED = (
    "ProvisionedThroughputExceededException",
    "TooManyRequestsException",
    "ThrottlingException",
)
"""Errors of models that mean "too many requests", the most specific first: DynamoDB's and Kinesis's data plane; Lambda
and API Gateway; all others."""

COMMON_THROTTLES: Mapping[str, ServiceError] = {
    "query": ServiceError("Throttling", 400),  # every query service's "Common Errors"
    "ec2": ServiceError("RequestLimitExceeded", 503),
    "rest-xml": ServiceError("Throttling", 400),  # Route 53 and CloudFront API References
    "rest-json": ServiceError("ThrottlingException", 429),  # Smithy `httpError` of the services that model it
    "json": ServiceError("ThrottlingException", 400),  # "Common Errors" of DynamoDB, KMS, Step Functions and the like
    "smithy-rpc-v2-cbor": ServiceError("ThrottlingException", 400),
}
"""The answer where neither is known, by protocol."""

INTERNAL: Mapping[str, ServiceError] = {
    "s3": ServiceError("InternalError", 500),  # S3 API Reference, "Error responses"
    "ec2": ServiceError("InternalError", 500),  # EC2 API Reference, "Server error codes"
    "dynamodb": ServiceError("InternalServerError", 500),  # DynamoDB Developer Guide, "Error messages and codes"
    "lambda": ServiceError("ServiceException", 500),  # Lambda API Reference, Invoke
}
"""A service's own failure; all others answer `InternalFailure` 500 (their "Common Errors")."""

UNMODELLED_STATUS: Mapping[str, int] = {
    "AccessDenied": 403,
    "AccessDeniedException": 400,
    "NoSuchKey": 404,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
}
"""The HTTP statuses of codes that no model names (S3 API Reference, and "Common Errors")."""


def fault_of(rule: Rule, service: str, operation: str) -> ServiceError:
    """Return the code and status with which a `throttle` or `fail` rule answers an operation."""
    if rule.code:
        fault = ServiceError(rule.code, _status(service, rule.code))
    else:
        fault = throttle_of(service, operation) if rule.kind == "throttle" else internal_of(service)
    return ServiceError(fault.code, rule.status or fault.status)


@cache
def throttle_of(service: str, operation: str) -> ServiceError:
    """Return an operation's error for too many requests, from the service's model or documentation."""
    if service in THROTTLES:
        return THROTTLES[service]
    model = service_model(service)
    of_operation = {shape.name for shape in model.operation_model(operation).error_shapes}
    of_service = {shape.name for shape in model.error_shapes}
    for known in (of_operation, of_service - {"ProvisionedThroughputExceededException"}):
        for name in MODELLED:
            if name in known:
                return ServiceError(name, _status(service, name))
    return COMMON_THROTTLES[model.resolved_protocol]


def internal_of(service: str) -> ServiceError:
    """Return a service's error for its own failure."""
    return INTERNAL.get(service, ServiceError("InternalFailure", 500))


@cache
def _status(service: str, code: str) -> int:
    shape = service_model(service).shape_for_error_code(code)
    if shape is None:
        return UNMODELLED_STATUS.get(code, 400)
    return int(shape.metadata.get("error", {}).get("httpStatusCode", 500 if shape.metadata.get("fault") else 400))


def speaks_query(service: str) -> bool:
    """Whether a service left the query protocol, but still sends that protocol's error codes in a header."""
    return "awsQueryCompatible" in service_model(service).metadata


def hit_reply(rule: Rule, protocol: str, service: str, operation: str) -> Reply:
    """Answer a request that a `throttle` or `fail` rule hits, in the wire form of its protocol."""
    fault = fault_of(rule, service, operation)
    message = "Injected by Gameday" if rule.code else MESSAGES[rule.kind]
    reply = error_reply(protocol, service, fault, message, f"gameday-{uuid4().hex[:16]}")
    if service_model(service).operation_model(operation).http.get("method") == "HEAD":
        return replace(reply, body=b"")  # without a code, too: SDKs see only the status (RFC 9110, section 9.3.2)
    return reply


def error_reply(protocol: str, service: str, fault: ServiceError, message: str, request_id: str) -> Reply:
    """Write an error in a protocol's wire form (Smithy's AWS protocols; S3 API Reference, "REST error responses")."""
    headers, body = _FORMS[protocol](service, fault, message, request_id)
    if speaks_query(service) and protocol in ("json", "smithy-rpc-v2-cbor"):
        headers["x-amzn-query-error"] = f"{fault.code};{_blame(fault)}"
    return Reply(fault.status, {**headers, "Content-Length": str(len(body))}, body)


Form = Callable[[str, ServiceError, str, str], tuple[dict[str, str], bytes]]


def _json(_: str, fault: ServiceError, message: str, request_id: str) -> tuple[dict[str, str], bytes]:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": request_id}
    return headers, json.dumps({"__type": fault.code, "message": message}).encode()


def _rest_json(_: str, fault: ServiceError, message: str, request_id: str) -> tuple[dict[str, str], bytes]:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": fault.code, "x-amzn-RequestId": request_id}
    return headers, json.dumps({"message": message}).encode()


def _ec2(_: str, fault: ServiceError, message: str, request_id: str) -> tuple[dict[str, str], bytes]:
    error = f"<Errors><Error>{_code_and_message(fault, message)}</Error></Errors>"
    return _xml(f"<Response>{error}<RequestID>{request_id}</RequestID></Response>", {"x-amzn-RequestId": request_id})


def _query(_: str, fault: ServiceError, message: str, request_id: str) -> tuple[dict[str, str], bytes]:
    error = f"<Error><Type>{_blame(fault)}</Type>{_code_and_message(fault, message)}</Error>"
    body = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return _xml(body, {"x-amzn-RequestId": request_id})


def _rest_xml(service: str, fault: ServiceError, message: str, request_id: str) -> tuple[dict[str, str], bytes]:
    if service != "s3":
        return _query(service, fault, message, request_id)
    body = f"<Error>{_code_and_message(fault, message)}<RequestId>{request_id}</RequestId></Error>"
    return _xml(body, {"x-amz-request-id": request_id})


def _cbor(_: str, fault: ServiceError, message: str, request_id: str) -> tuple[dict[str, str], bytes]:
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "x-amzn-RequestId": request_id}
    return headers, b"\xa2" + b"".join(_cbor_text(text) for text in ("__type", fault.code, "message", message))


_FORMS: Mapping[str, Form] = {
    "json": _json,
    "rest-json": _rest_json,
    "ec2": _ec2,
    "query": _query,
    "rest-xml": _rest_xml,
    "smithy-rpc-v2-cbor": _cbor,
}


def _xml(body: str, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    return {"Content-Type": "text/xml", **headers}, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()


def _code_and_message(fault: ServiceError, message: str) -> str:
    return f"<Code>{escape(fault.code)}</Code><Message>{escape(message)}</Message>"


def _blame(fault: ServiceError) -> str:
    return "Sender" if fault.status < 500 else "Receiver"


def _cbor_text(text: str) -> bytes:
    """Encode a text of less than 64 KiB (RFC 8949, section 3.1, major type 3)."""
    raw = text.encode()
    head = bytes([0x60 + len(raw)]) if len(raw) < 24 else b"\x79" + len(raw).to_bytes(2, "big")
    return head + raw
