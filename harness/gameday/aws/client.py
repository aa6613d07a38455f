"""The only door to AWS: sessions, clients, calls, pages, and calls in parallel.

boto3's sessions are not safe between threads and clients are (boto3 guide, "Multithreading or multiprocessing with
clients"), so clients are made under a lock, one for each service and region, and shared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    RefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError, ParamValidationError
from botocore.model import OperationModel
from botocore.response import StreamingBody

from gameday.aws.account import (
    ATTEMPTS,
    AWS,
    CONNECT_TIMEOUT,
    LONGEST_CALL,
    READ_TIMEOUT,
    USER_AGENT,
    Account,
    Gate,
    whoami,
)
from gameday.aws.proxy_client import PROXY, ask_proxy
from gameday.change import Call, Json
from gameday.errors import AwsError, InvalidInput, Unreachable
from gameday.steady_state.kpi.masks import masked_userinfo
from gameday.steady_state.skew import Clocks

WORKERS = 50
"""Calls under way at once: a zone's subnets go dark together, not one after the other."""
LAST_MINUTE = 60
"""Seconds before its end from which a session that cannot be renewed is used no more; until then, renewing is tried."""
CREDENTIALS_REMEDY = "check your AWS credentials: aws sts get-caller-identity must answer"


class Aws:
    """An `Account` through botocore: in parallel on an account, in order with one worker (the twin)."""

    def __init__(self, session: botocore.session.Session, workers: int = WORKERS, proxies: bool = True) -> None:
        self.session = session
        self.proxies = proxies  # whether there can be any beside a program: not within a twin
        self.config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=max(workers, 10),
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            user_agent_extra=USER_AGENT,
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="aws") if workers > 1 else None
        self._allowlist: Gate | None = None
        self.clocks: Clocks | None = None  # are told when AWS says what time it is
        # Before the parameters are built nothing is signed or sent yet; whoever uses the session's clients comes by.
        session.get_component("event_emitter").register_first("before-parameter-build", self._check)

    @contextmanager
    def only(self, allowed: Gate) -> Iterator[None]:
        """For as long as the block lasts, only calls that the filter allows leave; others raise Unplanned."""
        before, self._allowlist = self._allowlist, allowed
        try:
            yield
        finally:
            self._allowlist = before

    def _check(
        self, params: Mapping[str, Json], model: OperationModel, context: Mapping[str, Any], **_: object
    ) -> None:
        if self._allowlist:
            call = Call(service=model.service_model.service_name, operation=xform_name(model.name), params=dict(params))
            self._allowlist.check(call, context["client_region"])

    def client(self, service: str, region: str) -> Any:
        """The client for a service in a region, made once."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self.session.create_client(
                    service, region_name=region, config=self.config
                )
            return self._clients[service, region]

    def call(self, call: Call, region: str) -> Json:
        """One call's answer as JSON; raises AwsError, or Unreachable where it may have happened or not."""
        return self._answer(call, region, paged=False)

    def pages(self, call: Call, region: str) -> Json:
        """A read's answer with all its pages merged."""
        return self._answer(call, region, paged=True)

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        """Many independent calls, their answers or errors in the same order."""

        def one(item: tuple[Call, str]) -> Json | AwsError:
            try:
                return self._answer(*item, paged=paged)
            except AwsError as error:
                return error

        if self._pool is None or len(calls) < 2:
            return [one(item) for item in calls]
        return list(self._pool.map(one, calls))

    def close(self) -> None:
        """Let the threads go; calls under way are not waited for."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = self._of_proxy(call, region) if call.service == PROXY else self._of_aws(call, region, paged)
        if self._allowlist:
            self._allowlist.learn(call, region, answer)
        return answer

    def _of_proxy(self, call: Call, region: str) -> Json:
        if not self.proxies:
            raise AwsError(PROXY, call.operation, "NoProxy", "no program of the twin passes a proxy; run with --on aws")
        if self._allowlist:
            self._allowlist.check(call, region)
        return ask_proxy(call)

    def _of_aws(self, call: Call, region: str, paged: bool) -> Json:
        sent = self.clocks.now() if self.clocks else 0.0
        try:
            client = self.client(call.service, region)
            if paged and client.can_paginate(call.operation):
                raw = client.get_paginator(call.operation).paginate(**call.params).build_full_result()
            else:
                raw = getattr(client, call.operation)(**call.params)
        except ClientError as error:
            raise _answered(call, error) from error
        except ParamValidationError as error:
            raise InvalidInput(
                f"{call} was given parameters that AWS does not take: {error}", gd_code="GD-E112"
            ) from error
        except HTTPClientError as error:
            raise Unreachable(
                call.service, call.operation, type(error).__name__, masked_userinfo(str(error))
            ) from error
        except BotoCoreError as error:
            raise Unreachable(
                call.service, call.operation, type(error).__name__, masked_userinfo(str(error)), CREDENTIALS_REMEDY
            ) from error
        if self.clocks:
            headers = raw.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            self.clocks.heard(AWS, headers.get("date"), sent)
        return plain(raw)


def _answered(call: Call, error: ClientError) -> AwsError:
    details = error.response.get("Error", {})
    code = str(details.get("Code", "Unknown"))
    expired = code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "AuthFailure")
    return AwsError(
        call.service, call.operation, code, str(details.get("Message", "")), CREDENTIALS_REMEDY if expired else ""
    )


def plain(raw: Any) -> Json:
    """An answer as JSON: times as seconds since the epoch, bytes as text, no ResponseMetadata."""
    if isinstance(raw, dict):
        return {key: plain(value) for key, value in raw.items() if key != "ResponseMetadata"}
    if isinstance(raw, list | tuple):
        return [plain(item) for item in raw]
    if isinstance(raw, datetime):
        return raw.timestamp()
    if isinstance(raw, StreamingBody):
        return plain(raw.read())
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace")
    return raw


def open_account(profile: str | None = None, workers: int = WORKERS) -> Aws:
    """The account that boto3's usual settings name: profiles, environment, roles, endpoint URLs."""
    try:
        return Aws(botocore.session.Session(profile=profile), workers)
    except BotoCoreError as error:
        raise InvalidInput(f"no AWS session: {error}", CREDENTIALS_REMEDY, gd_code="GD-E111") from error


class _Assumed(CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """Credentials by `sts.assume_role`, made again before they end: nothing of the environment counts."""

    METHOD = "assume-role"

    def __init__(self, base: Aws, params: Mapping[str, Json], region: str) -> None:
        extra = {key: value for key, value in params.items() if key != "RoleArn"}
        creator = partial(base.session.create_client, region_name=region, config=base.config)
        source = base.session.get_credentials()
        if source is None:
            raise NoCredentialsError
        self._fetch = AssumeRoleCredentialFetcher(creator, source, params["RoleArn"], extra).fetch_credentials
        self._first = self._fetch()

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(
            self._first, self._fetch, self.METHOD, mandatory_timeout=LAST_MINUTE
        )


def open_assumed(base: Aws, call: Call, region: str, workers: int = WORKERS) -> Aws:
    """The account through a session of a role, which `base` assumes by this call. Raises AwsError."""
    try:
        provider = _Assumed(base, call.params, region)
    except ClientError as error:
        raise _answered(call, error) from error
    except (ParamValidationError, BotoCoreError) as error:
        raise Unreachable(
            call.service, call.operation, type(error).__name__, masked_userinfo(str(error)), CREDENTIALS_REMEDY
        ) from error
    session = botocore.session.Session(profile=base.session.profile)
    session.register_component("credential_provider", CredentialResolver([provider]))
    return Aws(session, workers)


__all__ = ["LONGEST_CALL", "Account", "Aws", "SealedSession", "open_account", "open_assumed", "whoami"]

Responder = Callable[[AWSPreparedRequest], AWSResponse]


class SealedSession:
    """A session whose calls never leave the process: `answer` answers each, and nothing of the environment counts.

    Neither AWS_* variables nor ~/.aws are read. One session, with its clients, serves every twin of a process one after
    the other, since making clients is the dearest part of a world.
    """

    def __init__(self) -> None:
        unheard = {name: (None, None, *var[2:]) for name, var in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
        self.session = botocore.session.Session(session_vars=unheard)
        self.session.set_config_variable("ignore_configured_endpoint_urls", True)
        self.session.set_credentials("twin", "twin")
        self.answer: Responder | None = None
        self.session.get_component("event_emitter").register_first("before-send", self._send)
        self.aws = Aws(self.session, workers=1, proxies=False)

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        if self.answer is None:
            raise AwsError("twin", "call", "NoTwin", f"no twin is running to answer {request.url}")
        return self.answer(request)
