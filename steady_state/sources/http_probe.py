"""A probe by HTTP: the request that a file describes, what answers are good, and how it is sent."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from gameday.steady_state.kpi.masks import MASK, keeps_secrets, masked_url
from gameday.steady_state.kpi.units import Wait
from gameday.steady_state.kpi.written import Written
from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializationInfo,
    WithJsonSchema,
    field_serializer,
    field_validator,
    model_validator,
)

MOST_AT_ONCE = 1000
"""Requests of one KPI that may wait for an answer; each has a thread."""


MOST_TEXT = 1_000_000
"""Bytes of an answer that are searched for a text."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: its status, and its text where a probe looks into it."""

    status: int
    text: str = ""


def _statuses(raw: object) -> object:
    listed = raw if isinstance(raw, list | tuple) else [raw]
    for status in listed:
        if isinstance(status, bool) or not re.fullmatch(r"[1-5]([0-9][0-9]|xx)", str(status)):
            msg = f"a status is written like 200 or 2xx; found {status!r}"
            raise ValueError(msg)
    return tuple(map(str, listed))


_STATUS: dict[str, Any] = {"type": ["string", "integer"], "examples": [200, "2xx"]}
Statuses = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_statuses),
    PlainSerializer(lambda statuses: statuses if len(statuses) > 1 else statuses[0]),
    WithJsonSchema({"anyOf": [_STATUS, {"type": "array", "items": _STATUS, "minItems": 1}]}),
]
"""The statuses of a good answer, like 200, or 2xx for all of a class."""


class HttpProbe(Written):
    """A URL to request at even times; an answer of another status, or none in time, is bad."""

    url: str = Field(
        pattern=r"^https?://",
        title="a URL that begins with http:// or https://",
        description="the URL to request",
        examples=["https://example.com/health"],
    )
    every: Wait = Field(1.0, ge=0.01, description="how often")
    timeout: Wait = Field(1.0, gt=0, description="how long to wait; no answer by then is bad, at that instant")

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        "GET", description="the request's method"
    )
    headers: dict[str, str] = Field({}, description="the request's headers; write secrets as ${NAME}")
    body: str | None = Field(None, description="what the request sends; not with GET or HEAD")
    status: Statuses = Field(
        ("2xx",), description="what a good answer has: 200, 2xx, or a list; a redirect is an answer, and not followed"
    )
    contains: str | None = Field(
        None, min_length=1, description="a text that a good answer holds in its first megabyte"
    )
    verify: bool = Field(True, description="false: accept any certificate of the server")

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\t -~\x80-\xff]*", value):
                msg = f"header {name!r} cannot be sent: a name has no spaces, and a value is one line of Latin letters"
                raise ValueError(msg)
        return headers

    @model_validator(mode="after")
    def _sends_or_takes_a_text(self) -> HttpProbe:
        if self.body is not None and self.method in ("GET", "HEAD"):
            msg = (
                f"`body` is what a request sends, and {self.method} sends nothing: write another `method`, or "
                "`contains` for a text that the answer must hold"
            )
            raise ValueError(msg)
        if self.contains is not None and self.method == "HEAD":
            msg = "an answer to HEAD has no text, so `contains` needs another `method`"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _few_at_once(self) -> HttpProbe:
        if self.timeout > MOST_AT_ONCE * self.every:
            msg = f"`timeout` is at most {MOST_AT_ONCE} times `every`: so many requests may wait for an answer at once"
            raise ValueError(msg)
        return self

    @field_serializer("url")
    def _masked(self, url: str, info: SerializationInfo) -> str:
        return url if keeps_secrets(info) else masked_url(url)

    @field_serializer("headers")
    def _masked_headers(self, headers: dict[str, str], info: SerializationInfo) -> dict[str, str]:
        return headers if keeps_secrets(info) else dict.fromkeys(headers, MASK)

    @field_serializer("body")
    def _masked_body(self, body: str | None, info: SerializationInfo) -> str | None:
        return body if keeps_secrets(info) or body is None else MASK

    def admits(self, answer: HttpAnswer) -> bool:
        """Tell whether an answer is good."""
        code = str(answer.status)
        is_good = any(status in (code, f"{code[0]}xx") for status in self.status)
        return is_good and (self.contains is None or self.contains in answer.text)


class HttpPool:
    """Send requests with urllib3, which keeps connections open between probes."""

    def __init__(self) -> None:
        import urllib3  # late: validating a file sends no request

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the file says `verify: false`
        self._pools = {
            verify: urllib3.PoolManager(
                num_pools=32, maxsize=16, retries=False, cert_reqs="CERT_REQUIRED" if verify else "CERT_NONE"
            )
            for verify in (True, False)
        }

    def __call__(self, spec: HttpProbe) -> HttpAnswer:
        """Send a request; wait for the answer's text only where it must hold one. Raises OSError without an answer."""
        from http.client import HTTPException

        import urllib3

        try:
            answer = self._pools[spec.verify].request(
                spec.method,
                spec.url,
                body=None if spec.body is None else spec.body.encode(),
                headers=spec.headers,
                timeout=urllib3.Timeout(total=spec.timeout),
                redirect=False,
                preload_content=False,
            )
            with closing(answer):
                raw = b"" if spec.contains is None else answer.read(MOST_TEXT, decode_content=True)
        except (urllib3.exceptions.HTTPError, HTTPException) as error:
            raise OSError(error) from error
        return HttpAnswer(int(answer.status), raw.decode("utf-8", "replace"))
