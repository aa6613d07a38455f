"""The call behind a request on the wire: service, operation and region, from its signature, target, action or path.

It only distinguishes services that rules name, and reads each of their models once. All others are plain requests.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, unquote

from gameday.aws.models import operations, service_model
from gameday.sdk.matching import Request

_SCOPE = re.compile(r"Credential=[^/]+/[0-9]{8}/(?:([^/,]+)/)?([^/,]+)/aws4_request")
"""SigV4's credential scope; SigV4A's has no region (IAM User Guide, "Elements of an AWS API request signature")."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as received, with header names in lower case."""

    method: str
    target: str  # path and query, as sent
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path as sent: a key of S3 may begin with a slash, which is no host."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as sent."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Identified:
    """A call, and the protocol that its client speaks."""

    request: Request
    protocol: str


@dataclass(frozen=True, slots=True)
class Route:
    """What every request of a REST operation has."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str | None], ...]  # with a value where the model fixes it
    headers: tuple[str, ...]
    weight: tuple[bool, int, int, int]  # a heavier route is more specific; deprecated ones are light


def identify(wire: RawRequest, services: Iterable[str]) -> Identified | None:
    """Identify a call of one of these services; None for all other requests."""
    region, signing = scope(wire)
    for service in services:
        if signing in (None, _signing(service)) and (named := _operation(wire, service, signed=signing is not None)):
            return Identified(Request(service, named[0], region), named[1])
    return None


def scope(wire: RawRequest) -> tuple[str | None, str | None]:
    """Read region and signing name from a request's signature, in its header or (presigned) in its query."""
    query = wire.query
    text = wire.headers.get("authorization", "")
    if not text and "X-Amz-Credential=" in query:
        text = unquote(query).replace("X-Amz-Credential=", "Credential=")
    if parts := _SCOPE.search(text):
        return parts[1] or wire.headers.get("x-amz-region-set"), parts[2]
    # Signature version 2: only S3 still takes it.
    return (None, "s3") if text.startswith("AWS ") or "AWSAccessKeyId=" in query else (None, None)


@cache
def _signing(service: str) -> str:
    metadata = service_model(service).metadata
    return str(metadata.get("signingName") or metadata["endpointPrefix"])


def _operation(wire: RawRequest, service: str, signed: bool) -> tuple[str, str] | None:
    """Find operation and protocol; a client may speak any of the service's protocols."""
    model = service_model(service)
    if target := wire.headers.get("x-amz-target"):
        prefix, _, name = target.rpartition(".")
        same = prefix == model.metadata.get("targetPrefix") or (signed and "targetPrefix" not in model.metadata)
        return (name, "json") if same and name in operations(service) else None
    if wire.headers.get("smithy-protocol") == "rpc-v2-cbor":
        name = wire.target.rpartition("/operation/")[2]
        return (name, "smithy-rpc-v2-cbor") if signed and name in operations(service) else None
    if _is_form(wire):
        form = parse_qs(_plain(wire).decode("utf-8", "replace")) if wire.method == "POST" else _query(wire)
        name, version = form.get("Action", [""])[0], form.get("Version", [""])[0]
        same = version in ("", model.metadata["apiVersion"]) and name in operations(service)
        return (name, "ec2" if model.resolved_protocol == "ec2" else "query") if same else None
    if model.resolved_protocol not in ("rest-json", "rest-xml") or not (signed or service == "s3"):
        return None
    routed = _routed(wire, service)
    return (routed, model.resolved_protocol) if routed else None


def _is_form(wire: RawRequest) -> bool:
    if "x-www-form-urlencoded" in wire.headers.get("content-type", ""):
        return True
    return wire.method == "GET" and "Action=" in wire.target and "Version=" in wire.target


def _plain(wire: RawRequest) -> bytes:
    """Decompress a body: SDKs compress large ones."""
    if wire.headers.get("content-encoding") != "gzip":
        return wire.body
    try:
        return gzip.decompress(wire.body)
    except (OSError, EOFError, zlib.error):
        return wire.body


def _query(wire: RawRequest) -> dict[str, list[str]]:
    return parse_qs(wire.query, keep_blank_values=True)


def _routed(wire: RawRequest, service: str) -> str | None:
    path, query = wire.path, _query(wire)
    if service == "s3":
        if path.startswith("/v20180820/"):
            return None  # S3 Control also signs as s3
        path = _bucket_first(path, wire.headers.get("host", ""))
    if (named := query.get("x-id", [""])[0]) in operations(service):
        return named  # newer SDKs send it
    for route in routes(service):
        if (
            route.method == wire.method
            and route.path.fullmatch(path)
            and all(name in query and value in (None, query[name][0]) for name, value in route.query)
            and all(name in wire.headers for name in route.headers)
        ):
            return route.operation
    return None


def _bucket_first(path: str, host: str) -> str:
    """Move a bucket in front of the host's name into the path."""
    name = host.partition(":")[0]
    bucket = name.removesuffix(".localhost")
    return f"/{bucket}{path}" if bucket != name else path


@cache
def routes(service: str) -> tuple[Route, ...]:
    """List the routes of a REST service, the most specific first."""
    listed = []
    for name in operations(service):
        operation = service_model(service).operation_model(name)
        path, _, constants = operation.http["requestUri"].partition("?")
        query: list[tuple[str, str | None]] = []
        for constant in filter(None, constants.split("&")):
            key, _, value = constant.partition("=")
            query.append((key, value or None))
        headers = []
        shape = operation.input_shape
        for member in shape.required_members if shape else ():
            location = shape.members[member].serialization
            if location.get("location") == "querystring":
                query.append((location["name"], None))
            elif location.get("location") == "header":
                headers.append(location["name"].lower())
        pattern = re.sub(r"\\\{[^}]*?\\\+\\\}", "[^?]+", re.escape(path))
        pattern = re.sub(r"\\\{[^}]*?\\\}", "[^/?]+", pattern)
        literal = len(re.sub(r"\{[^}]*\}", "", path))
        weight = (not operation.deprecated, path.strip("/").count("/"), literal, len(query) + len(headers))
        listed.append(
            Route(
                name,
                operation.http["method"],
                re.compile(pattern.removesuffix("/") + "/?"),
                tuple(query),
                tuple(headers),
                weight,
            )
        )
    return tuple(sorted(listed, key=lambda route: (*(-part for part in route.weight), route.operation)))
