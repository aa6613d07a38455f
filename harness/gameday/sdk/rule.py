"""A rule: which AWS calls of a program fail, and how. Python, rules files and the proxy use the same rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, get_args

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from gameday.aws.models import operations, services, spelled
from gameday.steady_state.kpi.units import Count, Share, Wait, exact_duration, exact_share
from gameday.steady_state.kpi.written import Written
from gameday.text import nearest, one_of, quoted

RuleKind = Literal["throttle", "fail", "delay", "timeout", "blackhole", "lose-reply"]
KINDS: tuple[RuleKind, ...] = get_args(RuleKind)

OWN_FIELDS: Mapping[RuleKind, frozenset[str]] = {
    "throttle": frozenset({"code", "status"}),
    "fail": frozenset({"code", "status"}),
    "delay": frozenset({"wait"}),
    "timeout": frozenset({"wait"}),
    "blackhole": frozenset({"wait"}),
    "lose-reply": frozenset({"wait"}),
}
"""The fields of each kind of rule, besides those of all rules."""

EXAMPLES: Mapping[RuleKind, str] = {
    "throttle": "throttle: {service: dynamodb, operation: PutItem, share: 50%}",
    "fail": "fail: {service: s3, code: AccessDenied, first: 3}",
    "delay": "delay: {service: sqs, wait: 400ms}",
    "timeout": "timeout: {service: lambda, operation: Invoke}",
    "blackhole": "blackhole: {service: kms, region: us-east-1}",
    "lose-reply": "lose-reply: {service: dynamodb, operation: PutItem, first: 1}",
}

MOST_RULES = 1000
"""Rules of one file, and of one proxy."""

ALWAYS = 1.0
_CODE = re.compile(r"[!-~]+")


class Rule(Written):
    """What happens to which requests. Each attempt of a call is a request.

    - throttle: the service's own error for too many requests
    - fail: an error with `code`, or the service's own failure
    - delay: the request arrives `wait` later
    - timeout: the request never arrives, and the client waits for an answer
    - blackhole: the client gets no connection
    - lose-reply: AWS carries the request out, and the client waits in vain for the answer
    """

    kind: RuleKind = Field(description="what happens")
    service: str = Field(description="boto3's name of the service: dynamodb, s3, cloudwatch")
    operation: str | None = Field(None, description="PutItem, or put_item; default: every operation")
    region: str | None = Field(None, description="only requests to this region")
    share: Share = Field(ALWAYS, description="the share of those requests, chosen by the seed")
    after: Count = Field(0, ge=0, description="how many of those requests pass first")
    first: Count | None = Field(None, ge=1, description="how many requests it hits at most; then all pass")
    wait: Wait | None = Field(
        None, gt=0, description="how long to hold the request; default for a timeout: the client's own"
    )
    code: str | None = Field(
        None, min_length=1, max_length=128, description="the error's code; default: the service's own"
    )
    status: int | None = Field(None, ge=400, le=599, description="the error's HTTP status; default: the code's own")

    @field_validator("service")
    @classmethod
    def _known_service(cls, service: str) -> str:
        if service not in services():
            msg = f"AWS has no service {quoted(service)}; {_meant(service, services())}"
            raise ValueError(msg)
        return service

    @field_validator("operation")
    @classmethod
    def _known_operation(cls, operation: str | None, info: ValidationInfo) -> str | None:
        service = info.data.get("service")
        return operation if operation is None or service is None else _operation(operation, service)

    @field_validator("code")
    @classmethod
    def _visible_code(cls, code: str | None) -> str | None:
        # Error headers carry the code, too.
        if code is not None and not _CODE.fullmatch(code):
            msg = f"an error's code is ASCII without spaces, like AccessDenied; {quoted(code)} is not"
            raise ValueError(msg)
        return code

    @model_validator(mode="after")
    def _fields_fit_the_kind(self) -> Rule:
        for name in ("wait", "code", "status"):
            if getattr(self, name) is not None and name not in OWN_FIELDS[self.kind]:
                has = ", ".join(sorted(OWN_FIELDS[self.kind]))
                msg = f"a {self.kind} rule has no `{name}`; its own keys: {has}"
                raise ValueError(msg)
        if self.kind == "delay" and self.wait is None:
            msg = "a delay rule needs `wait`, like 400ms"
            raise ValueError(msg)
        return self

    def __str__(self) -> str:
        text = f"{self.kind} {self.service}{f'.{self.operation}' if self.operation else ''}"
        if self.region:
            text += f" in {self.region}"
        if self.wait is not None:
            text += f" by {exact_duration(self.wait)}"
        if self.code:
            text += f" with {self.code}"
        if self.share < ALWAYS:
            text += f", {exact_share(self.share)} of requests"
        if self.after:
            text += f", after {self.after}"
        return text + (f", at most {self.first}" if self.first else "")


def in_words(wrong: ValidationError) -> Iterator[str]:
    """Describe the mistakes in a rule from Python or JSON, a line for each."""
    for error in wrong.errors(include_url=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        if error["type"] == "value_error":
            yield str(error["ctx"]["error"])
        elif error["type"] == "extra_forbidden":
            yield f"unknown key {quoted(name)}; {one_of(name, Rule.model_fields, 'known keys')}"
        else:
            yield f"{name}: {error['msg']}" if name else error["msg"]


def _operation(operation: str, service: str) -> str:
    if name := spelled(operation, service):
        return name
    msg = f"{service} has no operation {quoted(operation)}; {_meant(operation.replace('_', ''), operations(service))}"
    raise ValueError(msg)


def _meant(wrong: str, names: Iterable[str]) -> str:
    # `nearest` compares only some names, since that is slow: put names that begin alike first.
    alike = sorted(names, key=lambda name: name[0].lower() != wrong[:1].lower())
    lower = {name.lower(): name for name in alike}
    meant = nearest(wrong, lower)
    return f"did you mean `{lower[meant]}`?" if meant else f"known names: {', '.join(alike[:5])}, …"
