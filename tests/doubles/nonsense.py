"""Answers that no AWS service gives: what proxies, load balancers and portals put in their place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from gameday.aws.account import Account
from gameday.change import Call, Json
from gameday.testing.wrapper import Wrapped
from moto.core.models import botocore_stubber

from tests.doubles.sts import Raw


class Body(StrEnum):
    """The kind of an answer's body."""

    EMPTY = "empty"
    CUT = "cut"  # the first half of the real answer, or of one that could be
    TEXT = "not XML"
    BYTES = "not UTF-8"
    HTML = "HTML"
    XHTML = "XHTML"
    LIST = "a JSON list"
    OBJECT = "another JSON object"

    def of(self, real: bytes = b"") -> bytes:
        """The bytes; `real` is what the service would have answered."""
        half = real[: len(real) // 2] or b'{"Table": {"TableNa'
        return {
            Body.EMPTY: b"",
            Body.CUT: half,
            Body.TEXT: b"upstream connect error or disconnect/reset before headers",
            Body.BYTES: b"\xff\xfe\x00<\x80 \xc3\x28",
            Body.HTML: b"<html><head><title>502</title><body><h1>Bad Gateway<br></h1>",
            Body.XHTML: b"<html xmlns='http://www.w3.org/1999/xhtml'><body>Log in</body></html>",
            Body.LIST: b"[]",
            Body.OBJECT: b'{"message": "please log in"}',
        }[self]


STATUSES = (200, 307, 503)


@dataclass(frozen=True)
class Nonsense:
    """One such answer; `happens`: the service carries the call out, and its answer is replaced."""

    status: int
    body: Body
    happens: bool = False

    def __str__(self) -> str:
        return f"{self.status} {self.body}{', though it happened' if self.happens else ''}"


EVERY = tuple(Nonsense(*each) for each in product(STATUSES, Body, (False, True)))


class Gate:
    """Stands between a session and moto, in moto's place; with `nonsense` it answers so."""

    def __init__(self) -> None:
        self.nonsense: Nonsense | None = None

    def put_before(self, session: Any) -> None:
        """Take moto's place in a session."""
        events = session.get_component("event_emitter")
        events.unregister("before-send", botocore_stubber)
        events.register("before-send", self._answer)

    def _answer(self, event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        wanted = self.nonsense
        real = botocore_stubber(event_name, request) if wanted is None or wanted.happens else None
        if wanted is None:
            return real
        body = wanted.body.of(b"".join(real.raw.stream()) if real else b"")
        headers = {"Location": "http://portal.example/"} if wanted.status == 307 else {}
        return AWSResponse(request.url, wanted.status, headers, Raw(body))


class NonsenseAccount(Wrapped):
    """An account whose calls from number `at` (from 0) on are answered so, `times` of them."""

    def __init__(self, account: Account, gate: Gate, nonsense: Nonsense, at: int, times: int = 1) -> None:
        super().__init__(account)
        self.gate, self.nonsense = gate, nonsense
        self.window = range(at, at + times)
        self.calls: list[Call] = []
        self.met = False

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """Make a call; raises AwsError."""
        self.calls.append(call)
        if len(self.calls) - 1 not in self.window:
            return super().answer(call, region, paged)
        self.met = True
        self.gate.nonsense = self.nonsense
        try:
            return super().answer(call, region, paged)
        finally:
            self.gate.nonsense = None
