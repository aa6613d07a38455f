"""A session with AWS: its clients, its threads, and the check that every call meets inside botocore's sending.

boto3's sessions are not safe between threads and clients are (boto3 guide, "Multithreading or multiprocessing with
clients"), so clients are made under a lock, one for each service and region, and shared by all who share the session.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    RefreshableCredentials,
)
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.model import OperationModel

from gameday.aws.account import ATTEMPTS, CONNECT_TIMEOUT, READ_TIMEOUT, USER_AGENT, Allowed
from gameday.aws.read_only import ReadsOnly
from gameday.change import Call, Json
from gameday.errors import Unplanned

WORKERS = 50
"""Calls under way at once: a zone's subnets go dark together, not one after the other."""
LAST_MINUTE = 60
"""Seconds before its end from which a session that cannot be renewed is used no more; until then, renewing is tried."""

_BEGAN = "gameday"
"""Under this key botocore's context of a call keeps its name and the time when it began."""

log = logging.getLogger("gameday.aws")


class _CallUnderWay(threading.local):
    """What the call that this thread makes may be; a thread that makes none may read."""

    allowed: Allowed = ReadsOnly()


class Connection:
    """A botocore session with its clients and threads; `is_twin`: everything answers inside this process."""

    def __init__(self, session: botocore.session.Session, workers: int = WORKERS, *, is_twin: bool = False) -> None:
        self.session = session
        self.is_twin = is_twin
        self.config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=max(workers, 10),
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            user_agent_extra=USER_AGENT,
        )
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="aws") if workers > 1 else None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._under_way = _CallUnderWay()
        events = session.get_component("event_emitter")
        # Before the parameters are built nothing is signed or sent yet. Every client of the session comes by here.
        events.register_first("before-parameter-build", self._check)
        events.register_last("after-call", self._log_answer)
        events.register_last("after-call-error", self._log_failure)

    def client(self, service: str, region: str) -> Any:
        """The client for a service in a region, made once. Outside of `permitting` its calls can only read."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self.session.create_client(
                    service, region_name=region, config=self.config
                )
            return self._clients[service, region]

    @contextmanager
    def permitting(self, allowed: Allowed) -> Iterator[None]:
        """Make calls under an allow-list, on this thread alone: what other threads may is not touched."""
        before, self._under_way.allowed = self._under_way.allowed, allowed
        try:
            yield
        finally:
            self._under_way.allowed = before

    def close(self) -> None:
        """Let the threads go; calls under way are not waited for."""
        if self.pool:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def _check(self, params: Mapping[str, Json], model: OperationModel, context: dict[str, Any], **_: object) -> None:
        # Not validated: the twin gives its clients bytes and times, too.
        name = xform_name(model.name)
        call = Call.model_construct(service=model.service_model.service_name, operation=name, params=dict(params))
        try:
            self._under_way.allowed.check(call, context["client_region"])
        except Unplanned:
            log.info("%s %s stopped before it was sent", call, context["client_region"])
            raise
        if log.isEnabledFor(logging.DEBUG):
            context[_BEGAN] = str(call), monotonic()

    def _log_answer(
        self, http_response: AWSResponse, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: object
    ) -> None:
        if _BEGAN in context:
            code = parsed.get("Error", {}).get("Code", "")
            self._log(context, f"{http_response.status_code} {code}".strip(), parsed)

    def _log_failure(self, exception: Exception, context: Mapping[str, Any], **_: object) -> None:
        if _BEGAN in context:
            answer = exception.response if isinstance(exception, ClientError) else {}
            self._log(context, answer.get("Error", {}).get("Code", type(exception).__name__), answer)

    def _log(self, context: Mapping[str, Any], outcome: str, answer: Mapping[str, Any]) -> None:
        """One line a call. No parameters: they may hold secrets."""
        name, began = context[_BEGAN]
        taken, attempts = 1000 * (monotonic() - began), context.get("retries", {}).get("attempt", 1)
        id_ = self.request_id(answer) or "-"
        log.debug(
            "%s %s %.0f ms %s request %s attempts %d", name, context["client_region"], taken, outcome, id_, attempts
        )

    def request_id(self, answer: Mapping[str, Any]) -> str | None:
        """What AWS calls a request, by its answer; None on the twin, whose answers would be alike but for it."""
        found = answer.get("ResponseMetadata", {}).get("RequestId")
        return str(found) if found and not self.is_twin else None


def profile_session(profile: str | None) -> botocore.session.Session:
    """A session that boto3's usual settings name: profiles, environment, roles, endpoint URLs. Raises BotoCoreError."""
    return botocore.session.Session(profile=profile)


def sealed_session() -> botocore.session.Session:
    """A session that neither AWS_* variables nor ~/.aws count for."""
    unheard = {name: (None, None, *var[2:]) for name, var in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    session = botocore.session.Session(session_vars=unheard)
    session.set_config_variable("ignore_configured_endpoint_urls", True)
    session.set_credentials("twin", "twin")
    return session


def assumed_session(base: Connection, allowed: Allowed, call: Call, region: str) -> botocore.session.Session:
    """A session of a role, which `base` assumes by this call, now and whenever it is renewed.

    Raises ClientError, ParamValidationError or BotoCoreError.
    """
    provider = _Assumed(base, allowed, call.params, region)
    session = botocore.session.Session(profile=base.session.profile)
    session.register_component("credential_provider", CredentialResolver([provider]))
    return session


class _Assumed(CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """Credentials by `sts.assume_role`, made again before they end: nothing of the environment counts."""

    METHOD = "assume-role"

    def __init__(self, base: Connection, allowed: Allowed, params: Mapping[str, Json], region: str) -> None:
        extra = {key: value for key, value in params.items() if key != "RoleArn"}
        creator = partial(base.session.create_client, region_name=region, config=base.config)
        source = base.session.get_credentials()
        if source is None:
            raise NoCredentialsError
        fetcher = AssumeRoleCredentialFetcher(creator, source, params["RoleArn"], extra)

        def fetch() -> Any:
            # Any thread may renew: whichever makes the call that finds the credentials about to end.
            with base.permitting(allowed):
                return fetcher.fetch_credentials()

        self._fetch, self._first = fetch, fetch()

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(
            self._first, self._fetch, self.METHOD, mandatory_timeout=LAST_MINUTE
        )
