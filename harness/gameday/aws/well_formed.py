"""Whether a body can be an answer of AWS: botocore reads an empty or foreign body of some protocols as an empty answer.

To many readers an empty answer would mean "absent". Something between AWS and us sends such bodies: a proxy, a load
balancer, a captive portal. Sources: botocore, `parsers.py` (`_parse_body_as_json` returns {} for an empty body);
Smithy, "AWS JSON 1.1 protocol" and "AWS restJson1 protocol" (a JSON object), "AWS query protocol" and "AWS EC2 query
protocol" (the document is called `DescribeVpcsResponse`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring

from botocore import xform_name
from botocore.model import OperationModel, StructureShape

from gameday.errors import UNEXPECTED_ANSWER, Unreachable

_JSON = ("json", "rest-json")
_QUERY = ("query", "ec2")


def must_be_answer(model: OperationModel, answer: Mapping[str, Any]) -> None:
    """Check the body of a successful answer, before botocore parses it.

    `answer` has `status_code` and `body`. Raises Unreachable (UNEXPECTED_ANSWER) for a body of another protocol.
    """
    service = model.service_model
    if answer["status_code"] >= 300 or model.has_streaming_output or not _has_body(model.output_shape):
        return
    protocol, body = service.resolved_protocol, answer["body"]
    if protocol in _JSON:
        problem = _not_json(body)
    elif protocol in _QUERY:
        problem = _not_query(body)
    else:
        problem = "" if body else "its body is empty"
    if problem:
        raise Unreachable(service.service_name, xform_name(model.name), UNEXPECTED_ANSWER, problem)


def _has_body(shape: StructureShape | None) -> bool:
    """Return whether the body of an answer of this shape holds a document with members of it."""
    if shape is None or "payload" in shape.serialization:
        return False
    return any("location" not in member.serialization for member in shape.members.values())


def _not_json(body: bytes) -> str:
    try:
        return "" if isinstance(json.loads(body), dict) else "its body is no JSON object"
    except (ValueError, RecursionError):
        return "its body is not JSON"


def _not_query(body: bytes) -> str:
    """Return what is wrong with the document: AWS calls it after the operation."""
    try:
        name = str(fromstring(body).tag).rpartition("}")[2]  # noqa: S314 - as botocore parses it
    except (ParseError, ValueError):
        return "its body is not XML"
    return "" if name.endswith("Response") else f"its document is <{name}>"
