"""Which call a request on the wire is: service, operation and region, by its signature's scope, target, action or path.

Only services that rules name are told apart: their models are read once, and what no rule means is just a request.
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

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?:([^/,]+)/)?([^/,]+)/aws4_request")
"""SigV4's credential scope; SigV4A's has no region (IAM User Guide, "Elements of an AWS API request signature")."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came, header names in lower case."""

    method: str
    target: str  # path and query, as they were sent
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """As it was sent: a key of S3 may begin with a slash, and is no host then."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """As it was sent."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Identified:
    """A call, and the protocol that its client speaks."""

    request: Request
    protocol: str


@dataclass(frozen=True, slots=True)
class Route:
    """What a request of a REST operation has at least."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str | None], ...]  # with a value where the model fixes one
    headers: tuple[str, ...]
    weight: tuple[bool, int, int, int]  # the heavier is the more particular; what is deprecated is light


def identify(wire: RawRequest, services: Iterable[str]) -> Identified | None:
    """The call, where it is of one of these services; None where it is not, or cannot be told."""
    region, signing = scope(wire)
    for service in services:
        if signing in (None, _signing(service)) and (found := _operation(wire, service, signed=signing is not None)):
            return Identified(Request(service, found[0], region), found[1])
    return None


def scope(wire: RawRequest) -> tuple[str | None, str | None]:
    """Region and signing name of a request's signature, in its header or (presigned) in its query."""
    query = wire.query
    text = wire.headers.get("authorization", "")
    if not text and "X-Amz-Credential=" in query:
        text = unquote(query).replace("X-Amz-Credential=", "Credential=")
    if found := _SCOPE.search(text):
        return found[1] or wire.headers.get("x-amz-region-set"), found[2]
    # Signature version 2: S3 alone still takes it.
    return (None, "s3") if text.startswith("AWS ") or "AWSAccessKeyId=" in query else (None, None)


@cache
def _signing(service: str) -> str:
    metadata = service_model(service).metadata
    return str(metadata.get("signingName") or metadata["endpointPrefix"])


def _operation(wire: RawRequest, service: str, signed: bool) -> tuple[str, str] | None:
    """Operation and protocol, whichever of the service's protocols the client speaks."""
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
    """A body without the compression that SDKs put on large ones."""
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
            return None  # S3 Control signs as s3, too
        path = _bucket_first(path, wire.headers.get("host", ""))
    if (named := query.get("x-id", [""])[0]) in operations(service):
        return named  # newer SDKs say it
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
    """The path as if the bucket stood in it, where it stands in front of the host's name."""
    name = host.partition(":")[0]
    bucket = name.removesuffix(".localhost")
    return f"/{bucket}{path}" if bucket != name else path


@cache
def routes(service: str) -> tuple[Route, ...]:
    """The routes of a REST service, the most particular first."""
    found = []
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
        found.append(
            Route(
                name,
                operation.http["method"],
                re.compile(pattern.removesuffix("/") + "/?"),
                tuple(query),
                tuple(headers),
                weight,
            )
        )
    return tuple(sorted(found, key=lambda route: (*(-each for each in route.weight), route.operation)))
