"""An attempt of a call: replacements of botocore's endpoint that send a request, or decide on a retry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.hooks import first_non_none_response
from botocore.model import OperationModel

from gameday.sdk.error_responses import hit_reply
from gameday.sdk.rule import Rule

Sleep = Callable[[float], None]

NEVER = 60.0
"""Seconds of patience for a client without a timeout (botocore's own default)."""


class StandIn:
    """An endpoint whose events this object emits."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint
        self._event_emitter = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._endpoint, name)

    def emit(self, event_name: str, **kwargs: Any) -> Any:
        """Emit an event to the endpoint's own handlers."""
        return self._endpoint._event_emitter.emit(event_name, **kwargs)  # noqa: SLF001


class RetryObserver(StandIn):
    """Record how long a client wants to wait, and return no wait: the patch waits instead."""

    delay = 0.0

    def emit(self, event_name: str, **kwargs: Any) -> Any:
        """Emit an event, and record the delay that retry handlers answer."""
        responses = super().emit(event_name, **{**kwargs, "endpoint": self._endpoint})
        delay = first_non_none_response(responses)
        if delay is None or delay is False:
            return responses
        self.delay = float(delay)
        return [(None, 0)]


class RequestSender(StandIn):
    """Send a request, or apply a rule to it."""

    def __init__(
        self, endpoint: Any, rule: Rule | None, sleep: Sleep, context: Mapping[str, Any], model: OperationModel
    ) -> None:
        super().__init__(endpoint)
        self.rule = rule
        self.sleep = sleep
        self.context = context
        self.model = model
        self.held = 0.0
        self.limited = 0.0

    def emit(self, event_name: str, **kwargs: Any) -> Any:
        """Answer `before-send` in place of the endpoint; emit all other events."""
        if not event_name.startswith("before-send."):
            return super().emit(event_name, **kwargs)
        return self._before_send(event_name, kwargs["request"])

    def _before_send(self, event_name: str, request: AWSPreparedRequest) -> Any:
        rule = self.rule
        if rule is None:
            return self._handled(event_name, request, everyone=True)
        if rule.kind in ("delay", "lose-reply"):
            return self._arrives(rule, event_name, request)
        self._handled(event_name, request, everyone=False)
        if rule.kind == "timeout":
            self._hold(rule.wait or self._read_timeout)
            raise ReadTimeoutError(endpoint_url=request.url)
        if rule.kind == "blackhole":
            self._hold(rule.wait or self._connect_timeout)
            raise ConnectTimeoutError(endpoint_url=request.url)
        return [(None, self._error(rule, request.url))]

    def _arrives(self, rule: Rule, event_name: str, request: AWSPreparedRequest) -> Any:
        """Carry the request out. The client gets the answer only if its read timeout is longer than the rule's wait."""
        held = rule.wait or self._read_timeout
        lost = rule.kind == "lose-reply" or held >= self._read_timeout
        if not lost:
            self._hold(held)
            return self._handled(event_name, request, everyone=True)
        answer = first_non_none_response(self._handled(event_name, request, everyone=True))
        if answer is None:
            answer = self._endpoint._send(request)  # noqa: SLF001
        _ = answer.content  # read to the end, so that the connection can be used again
        self._hold(min(held, self._read_timeout))
        raise ReadTimeoutError(endpoint_url=request.url)

    def _handled(self, event_name: str, request: AWSPreparedRequest, everyone: bool) -> list[tuple[Any, Any]]:
        """Collect the answers of `before-send` handlers.

        Without `everyone` only botocore's own handlers run (its rate limiter): others may carry the request out, like
        moto's.
        """
        emitter = getattr(self._endpoint._event_emitter, "_emitter", self._endpoint._event_emitter)  # noqa: SLF001
        responses = []
        for handler in emitter._handlers.prefix_search(event_name):  # noqa: SLF001
            own = (getattr(handler, "__module__", None) or "").startswith("botocore.")
            if not (own or everyone):
                continue
            began = time.monotonic()
            responses.append((handler, handler(request=request, event_name=event_name)))
            if own:
                self.limited += time.monotonic() - began
        return responses

    def _error(self, rule: Rule, url: str) -> AWSResponse:
        service = self.model.service_model
        reply = hit_reply(rule, service.resolved_protocol, service.service_name, self.model.name)
        return AWSResponse(url, reply.status, reply.headers, _RawReply(reply.body))

    def _hold(self, seconds: float) -> None:
        self.held = seconds
        self.sleep(seconds)

    @property
    def _read_timeout(self) -> float:
        config = self.context["client_config"]
        return float(self.context.get("read_timeout") or config.read_timeout or NEVER)

    @property
    def _connect_timeout(self) -> float:
        return float(self.context["client_config"].connect_timeout or NEVER)


class _RawReply(BytesIO):
    def stream(self, **_: object) -> Any:
        yield self.read()
