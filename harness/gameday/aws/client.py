"""An account through botocore: calls, pages, calls in parallel, and what leaves only where it is allowed."""

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

    A value. As it is opened it only reads. `allowing` gives another one, which lets a plan's calls leave too. Both
    share the session, its clients and its threads, and neither changes what the other may do.
    """

    connection: Connection
    allow_list: Allowed = field(default_factory=ReadsOnly)
    clocks: Clocks | None = None  # hear when AWS says what time it is

    def allowing(self, allow_list: Allowed) -> Aws:
        """The same account, which lets leave what this allow-list allows, and nothing else."""
        return replace(self, allow_list=allow_list)

    def call(self, call: Call, region: str) -> Json:
        """One call's answer as JSON; raises AwsError, or Unreachable where it may have happened or not."""
        return self._answer(call, region, paged=False)

    def pages(self, call: Call, region: str) -> Json:
        """A read's answer with all its pages merged."""
        return self._answer(call, region, paged=True)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Many independent calls, their answers or errors in the same order."""

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
        """Let the threads go; calls under way are not waited for."""
        self.connection.close()

    def _answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = self._of_proxy(call, region) if call.service == PROXY else self._of_aws(call, region, paged)
        self.allow_list.learn(call, region, answer)
        return answer

    def _of_proxy(self, call: Call, region: str) -> Json:
        if self.connection.is_twin:
            raise AwsError(PROXY, call.operation, "NoProxy", "no program of the twin passes a proxy; run with --on aws")
        self.allow_list.check(call, region)
        return ask_proxy(call)

    def _of_aws(self, call: Call, region: str, paged: bool) -> Json:
        sent = self.clocks.now() if self.clocks else 0.0
        try:
            raw = self._send(call, region, paged)
        except ClientError as error:
            raise _answered(self.connection, call, error) from error
        except ParamValidationError as error:
            raise InvalidInput(
                f"{call} was given parameters that AWS does not take: {error}", gd_code="GD-E112"
            ) from error
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
        }  # of a change: it goes into the run's events

    def _send(self, call: Call, region: str, paged: bool) -> Any:
        client = self.connection.client(call.service, region)
        with self.connection.permitting(self.allow_list):
            if paged and client.can_paginate(call.operation):
                return client.get_paginator(call.operation).paginate(**call.params).build_full_result()
            return getattr(client, call.operation)(**call.params)


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "AuthFailure")


def _answered(connection: Connection, call: Call, error: ClientError) -> AwsError:
    details = error.response.get("Error", {})
    code = str(details.get("Code", "Unknown"))
    remedy = CREDENTIALS_REMEDY if code in _EXPIRED else ""
    id_ = connection.request_id(error.response)
    return AwsError(call.service, call.operation, code, str(details.get("Message", "")), remedy, id_)


def _unreachable(call: Call, error: BotoCoreError, remedy: str = "") -> Unreachable:
    return Unreachable(call.service, call.operation, type(error).__name__, masked_userinfo(str(error)), remedy)


def plain(raw: object) -> Json:
    """An answer as JSON: times as seconds since the epoch, bytes as text, no ResponseMetadata."""
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
    """The account that boto3's usual settings name: profiles, environment, roles, endpoint URLs. It only reads."""
    try:
        return Aws(Connection(profile_session(profile), workers))
    except BotoCoreError as error:
        raise InvalidInput(f"no AWS session: {error}", CREDENTIALS_REMEDY, gd_code="GD-E111") from error


def open_assumed(base: Aws, call: Call, region: str, workers: int = WORKERS) -> Aws:
    """The account through a session of a role, which `base` assumes by this call. It only reads. Raises AwsError."""
    try:
        session = assumed_session(base.connection, base.allow_list, call, region)
    except ClientError as error:
        raise _answered(base.connection, call, error) from error
    except (ParamValidationError, BotoCoreError) as error:
        raise _unreachable(call, error, CREDENTIALS_REMEDY) from error
    return Aws(Connection(session, workers), clocks=base.clocks)
