"""Whether a body can be an answer of AWS: botocore reads an empty or foreign body of some protocols as an empty answer.

To many readers an empty answer would mean "absent". Something between AWS and us sends such bodies: a proxy, a load
balancer, a captive portal. Sources: botocore, `parsers.py` (`_parse_body_as_json` returns {} for an empty body);
Smithy, "AWS JSON 1.1 protocol" and "AWS restJson1 protocol" (a JSON object), "AWS query protocol" and "AWS EC2 query
protocol"; Amazon S3 API Reference, "ListObjectsV2".
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
_XML = {"query": "Response", "ec2": "Response", "rest-xml": "Result"}
"""How the name of a document ends, by protocol: DescribeVpcsResponse, ListBucketResult."""


def must_be_answer(model: OperationModel, answer: Mapping[str, Any]) -> None:
    """Check the body of a successful answer, before botocore parses it.

    `answer` has `status_code` and `body`. Raises Unreachable (UNEXPECTED_ANSWER) for a body of another protocol.
    """
    service = model.service_model
    if answer["status_code"] >= 300 or model.has_streaming_output or not _has_body(model.output_shape):
        return
    protocol, body = service.resolved_protocol, answer["body"]
    if protocol in _JSON:
        problem = _not_json(body, model.output_shape)
    elif protocol in _XML:
        problem = _not_xml(body, _XML[protocol])
    else:
        problem = "" if body else "its body is empty"
    if problem:
        raise Unreachable(service.service_name, xform_name(model.name), UNEXPECTED_ANSWER, problem)


def _has_body(shape: StructureShape | None) -> bool:
    """Return whether the body of an answer of this shape holds a document with members of it."""
    if shape is None or "payload" in shape.serialization:
        return False
    return any("location" not in member.serialization for member in shape.members.values())


def _not_json(body: bytes, shape: StructureShape) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "its body is not JSON"
    if not isinstance(found, dict):
        return "its body is no JSON object"
    names = {member.serialization.get("name", name) for name, member in shape.members.items()}
    return "its body has no key of this answer" if found and not names & found.keys() else ""


def _not_xml(body: bytes, ending: str) -> str:
    try:
        name = str(fromstring(body).tag).rpartition("}")[2]  # noqa: S314 - as botocore parses it
    except (ParseError, ValueError):
        return "its body is not XML"
    return "" if name.endswith(ending) else f"its document is <{name}>"
