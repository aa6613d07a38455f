"""An account through botocore: calls, pages, calls in parallel. An allow-list decides which calls are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError
from botocore.response import StreamingBody

from gameday.aws.account import AWS, Allowed
from gameday.aws.connection import WORKERS, Connection, assumed_session, profile_session
from gameday.aws.proxy_client import PROXY, ask_proxy
from gameday.aws.read_only import ReadsOnly, only_reads
from gameday.change import Call, Json
from gameday.errors import AwsError, InvalidInput, Unreachable
from gameday.steady_state.kpi.masks import masked_userinfo
from gameday.steady_state.skew import Clocks

CREDENTIALS_REMEDY = "check your AWS credentials: aws sts get-caller-identity must answer"


@dataclass(frozen=True)
class Aws:
    """An `Account` through botocore: in parallel on an account, in order with one worker (the twin).

    It is a value. Once opened it only reads. `allowing` returns another value, which may also send the calls of a plan.
    Both share the session, its clients and its threads, and neither changes what the other may send.
    """

    connection: Connection
    allow_list: Allowed = field(default_factory=ReadsOnly)
    clocks: Clocks | None = None  # learn the time of AWS from its answers

    def allowing(self, allow_list: Allowed) -> Aws:
        """Return the same account, restricted to the calls that this allow-list lets pass."""
        return replace(self, allow_list=allow_list)

    def call(self, call: Call, region: str) -> Json:
        """Send one call; return its answer as JSON. Raises AwsError, or Unreachable where it may have happened."""
        return self._answer(call, region, paged=False)

    def pages(self, call: Call, region: str) -> Json:
        """Send a read; return its answer with all pages merged. Raises as `call` does."""
        return self._answer(call, region, paged=True)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Send many independent calls; return their answers or errors in the same order."""

        def answer_or_error(item: tuple[Call, str]) -> Json | AwsError:
            try:
                return self._answer(*item, paged=paged)
            except AwsError as error:
                return error

        pool = self.connection.pool
        if pool is None or len(calls) < 2:
            return [answer_or_error(item) for item in calls]
        return list(pool.map(answer_or_error, calls))

    def close(self) -> None:
        """Release the threads, without waiting for calls under way."""
        self.connection.close()

    def _answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = self._of_proxy(call, region) if call.service == PROXY else self._of_aws(call, region, paged)
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
        except ClientError as error:
            raise _aws_error(self.connection, call, error) from error
        except ParamValidationError as error:
            raise InvalidInput(f"AWS does not accept the parameters of {call}: {error}", gd_code="GD-E112") from error
        except HTTPClientError as error:
            raise _unreachable(call, error) from error
        except BotoCoreError as error:
            raise _unreachable(call, error, CREDENTIALS_REMEDY) from error
        if self.clocks:
            headers = raw.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            self.clocks.heard(AWS, headers.get("date"), sent)
        if only_reads(call.service, call.operation) or not (id_ := self.connection.request_id(raw)):
            return plain(raw)
        return {
            **_plain_values(raw),
            "ResponseMetadata": {"RequestId": id_},
        }  # the run's events record it for changes

    def _send(self, call: Call, region: str, paged: bool) -> Any:
        client = self.connection.client(call.service, region)
        with self.connection.permitting(self.allow_list):
            if paged and client.can_paginate(call.operation):
                return client.get_paginator(call.operation).paginate(**call.params).build_full_result()
            return getattr(client, call.operation)(**call.params)


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "AuthFailure")


def _aws_error(connection: Connection, call: Call, error: ClientError) -> AwsError:
    details = error.response.get("Error", {})
    code = str(details.get("Code", "Unknown"))
    remedy = CREDENTIALS_REMEDY if code in _EXPIRED else ""
    id_ = connection.request_id(error.response)
    return AwsError(call.service, call.operation, code, str(details.get("Message", "")), remedy, id_)


def _unreachable(call: Call, error: BotoCoreError, remedy: str = "") -> Unreachable:
    return Unreachable(call.service, call.operation, type(error).__name__, masked_userinfo(str(error)), remedy)


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


def open_account(profile: str | None = None, workers: int = WORKERS) -> Aws:
    """Open the account that boto3's settings name (profiles, environment, roles, endpoint URLs); it only reads.

    Raises InvalidInput where botocore cannot open a session.
    """
    try:
        return Aws(Connection(profile_session(profile), workers))
    except BotoCoreError as error:
        raise InvalidInput(
            f"Gameday cannot open an AWS session: {error}", CREDENTIALS_REMEDY, gd_code="GD-E111"
        ) from error


def open_assumed(base: Aws, call: Call, region: str, workers: int = WORKERS) -> Aws:
    """Open the account through a session of a role, which `base` assumes by this call; it only reads.

    Raises AwsError.
    """
    try:
        session = assumed_session(base.connection, base.allow_list, call, region)
    except ClientError as error:
        raise _aws_error(base.connection, call, error) from error
    except (ParamValidationError, BotoCoreError) as error:
        raise _unreachable(call, error, CREDENTIALS_REMEDY) from error
    return Aws(Connection(session, workers), clocks=base.clocks)
