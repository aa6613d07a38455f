"""An account through botocore: calls, pages, calls in parallel. An allow-list decides which calls are sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError
from botocore.response import StreamingBody

from gameday.aws.account import AWS, LONGEST_CALL, Allowed
from gameday.aws.connection import WORKERS, Connection, NotAwaited, assumed_session, profile_session
from gameday.aws.credentials import Credentials
from gameday.aws.proxy_client import PROXY, ask_proxy
from gameday.aws.read_only import ReadsOnly, only_reads
from gameday.change import Call, Json
from gameday.errors import AwsError, GamedayError, InvalidInput, Unreachable
from gameday.steady_state.deadline import Hurries, IsAwaited, never, within
from gameday.steady_state.kpi.masks import masked_userinfo
from gameday.steady_state.skew import Clocks

CREDENTIALS_REMEDY = "check your AWS credentials: aws sts get-caller-identity must answer"
NO_ANSWER_REMEDY = "find out what answers in AWS's place: a proxy, a load balancer, a portal"

OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
"""The domains of AWS's endpoints (AWS General Reference, "AWS service endpoints")."""

T = TypeVar("T")
log = logging.getLogger("gameday.aws")


@dataclass(frozen=True)
class Aws:
    """An `Account` through botocore: in parallel on an account, in order with one worker (the twin).

    It is a value. Once opened it only reads. `allowing` returns another value, which may also send the calls of a plan.
    Both share the session, its clients and its threads, and neither changes what the other may send.
    """

    connection: Connection
    allow_list: Allowed = field(default_factory=ReadsOnly)
    clocks: Clocks | None = None  # learn the time of AWS from its answers
    hurries: Hurries = never  # whether the run's thread is wanted for the undo, so that no call may hold it

    def allowing(self, allow_list: Allowed) -> Aws:
        """Return the same account, restricted to the calls that this allow-list lets pass."""
        return replace(self, allow_list=allow_list)

    def credentials(self) -> Credentials:
        """Return how this account's calls are signed, until when, and who renews that."""
        return self.connection.credentials()

    def endpoint(self, service: str, region: str) -> str:
        """Return the URL that calls of a service go to."""
        return self.connection.endpoint(service, region)

    def is_of_aws(self, service: str, region: str) -> bool:
        """Return whether calls of a service go to AWS itself, and to no twin, emulator or proxy."""
        host = urlsplit(self.endpoint(service, region)).hostname or ""
        return not self.connection.is_twin and host.endswith(OF_AWS)

    def call(self, call: Call, region: str) -> Json:
        """Send one call; return its answer as JSON. Raises AwsError, or Unreachable where it may have happened."""
        return self._single(call, region, paged=False)

    def pages(self, call: Call, region: str) -> Json:
        """Send a read; return its answer with all pages merged. Raises as `call` does."""
        return self._single(call, region, paged=True)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Send many independent calls; return their answers or errors in the same order.

        Each ends within LONGEST_CALL, or soon after `hurries` returns true: as Unreachable, since it may have happened.
        """
        acts = [partial(self._answer_or_error, call, region, paged) for call, region in calls]
        outcomes = self._outcomes(acts)
        return [
            outcome.result() if outcome.done() else _overdue(call)
            for (call, _), outcome in zip(calls, outcomes, strict=True)
        ]

    def assumed(self, call: Call, region: str) -> Aws:
        """Open the account through a session of a role, which this call of STS assumes; it only reads.

        Raises AwsError.
        """

        def assume(is_awaited: IsAwaited) -> Aws:
            try:
                with self.connection.awaited(is_awaited):
                    session = assumed_session(self.connection, self.allow_list, call, region)
            except GamedayError:
                raise
            except ParamValidationError as error:
                raise _unreachable(call, error, CREDENTIALS_REMEDY) from error
            except Exception as error:
                raise _ours(self.connection, call, error) from error
            return Aws(Connection(session, self.connection.workers), clocks=self.clocks, hurries=self.hurries)

        (outcome,) = self._outcomes([assume])
        if not outcome.done():
            raise _overdue(call)
        return outcome.result()

    def _single(self, call: Call, region: str, paged: bool) -> Json:
        (answer,) = self.call_all([(call, region)], paged)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def _outcomes(self, acts: Sequence[Callable[[IsAwaited], T]]) -> list[Future[T]]:
        workers = self.connection.workers
        return within(LONGEST_CALL, acts, workers, self.hurries) if workers > 1 else [_inline(act) for act in acts]

    def _answer_or_error(self, call: Call, region: str, paged: bool, is_awaited: IsAwaited) -> Json | AwsError:
        try:
            with self.connection.awaited(is_awaited):
                answer = self._of_proxy(call, region) if call.service == PROXY else self._of_aws(call, region, paged)
        except AwsError as error:
            return error
        self.allow_list.learn(call, region, answer)
        return answer

    def _of_proxy(self, call: Call, region: str) -> Json:
        if self.connection.is_twin:
            message = "programs on the twin use no proxy; run with --on aws"
            raise AwsError(PROXY, call.operation, "NoProxy", message)
        self.allow_list.check(call, region)
        return ask_proxy(call)

    def _of_aws(self, call: Call, region: str, paged: bool) -> Json:
        sent = self.clocks.now() if self.clocks else 0.0
        try:
            raw = self._send(call, region, paged)
            answer = _plain_values(raw)
        except GamedayError:
            raise
        except Exception as error:  # no list is complete: botocore's parsers raise anything
            if self.connection.is_twin and not isinstance(error, ClientError | BotoCoreError):
                raise  # nothing is between us and the twin: this is a bug of ours
            raise _ours(self.connection, call, error) from error
        if self.clocks:
            headers = raw.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            self.clocks.heard(AWS, headers.get("date"), sent)
        if only_reads(call.service, call.operation) or not (id_ := self.connection.request_id(raw)):
            return answer
        return {**answer, "ResponseMetadata": {"RequestId": id_}}  # the run's events record it for changes

    def _send(self, call: Call, region: str, paged: bool) -> Any:
        client = self.connection.client(call.service, region)
        with self.connection.permitting(self.allow_list):
            if paged and client.can_paginate(call.operation):
                return client.get_paginator(call.operation).paginate(**call.params).build_full_result()
            return getattr(client, call.operation)(**call.params)


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "AuthFailure")


def _ours(connection: Connection, call: Call, error: Exception) -> GamedayError:
    """Return our error for anything that a call raised."""
    match error:
        case ClientError():
            return _aws_error(connection, call, error)
        case ParamValidationError():
            return InvalidInput(f"AWS does not accept the parameters of {call}: {error}", gd_code="GD-E112")
        case HTTPClientError():
            return _unreachable(call, error)
        case BotoCoreError():
            return _unreachable(call, error, CREDENTIALS_REMEDY)
        case NotAwaited():
            return _overdue(call)
    log.debug("%s raised", call, exc_info=error)
    return _unreachable(call, error, NO_ANSWER_REMEDY)


def _aws_error(connection: Connection, call: Call, error: ClientError) -> AwsError:
    details = error.response.get("Error", {})
    code, message = str(details.get("Code") or "Unknown"), str(details.get("Message", ""))
    if code.isdigit() or code == "Unknown":
        # Only a status: AWS's own errors name a code, so something between AWS and us has answered.
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", code)
        return Unreachable(call.service, call.operation, code, f"status {status}: {message[:200]}", NO_ANSWER_REMEDY)
    remedy = CREDENTIALS_REMEDY if code in _EXPIRED else ""
    id_ = connection.request_id(error.response)
    return AwsError(call.service, call.operation, code, message, remedy, id_)


def _unreachable(call: Call, error: Exception, remedy: str = "") -> Unreachable:
    text = " ".join(str(error).split())[:300]  # it may hold a foreign body
    return Unreachable(call.service, call.operation, type(error).__name__, masked_userinfo(text), remedy)


def _overdue(call: Call) -> Unreachable:
    message = "it was not answered in time, and Gameday waits no longer"
    return Unreachable(call.service, call.operation, "DeadlineExceeded", message)


def _inline(act: Callable[[IsAwaited], T]) -> Future[T]:
    """Run an act in this thread: the twin's calls come in the order of the plan."""
    outcome: Future[T] = Future()
    try:
        outcome.set_result(act(lambda: True))
    except Exception as error:  # noqa: BLE001 - the caller raises it
        outcome.set_exception(error)
    return outcome


def plain(raw: object) -> Json:
    """Return an answer as JSON: times as seconds since the epoch, bytes as text, no ResponseMetadata."""
    if isinstance(raw, dict):
        return _plain_values(raw)
    if isinstance(raw, list | tuple):
        return [plain(item) for item in raw]
    if isinstance(raw, datetime):
        return raw.timestamp()
    if isinstance(raw, StreamingBody):
        return plain(raw.read())
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace")
    return raw if raw is None or isinstance(raw, str | int | float) else str(raw)


def _plain_values(raw: Mapping[str, object]) -> dict[str, Json]:
    return {key: plain(value) for key, value in raw.items() if key != "ResponseMetadata"}


def open_account(profile: str | None = None, workers: int = WORKERS, hurries: Hurries = never) -> Aws:
    """Open the account that boto3's settings name (profiles, environment, roles, endpoint URLs); it only reads.

    Its calls wait no longer once `hurries` returns true. Raises InvalidInput where botocore cannot open a session.
    """
    try:
        return Aws(Connection(profile_session(profile), workers), hurries=hurries)
    except BotoCoreError as error:
        raise InvalidInput(
            f"Gameday cannot open an AWS session: {error}", CREDENTIALS_REMEDY, gd_code="GD-E111"
        ) from error
