"""A session with AWS: its clients, its threads, and the check of every call inside botocore, before it sends.

boto3's clients are safe between threads, its sessions are not (boto3 guide, "Multithreading or multiprocessing with
clients"). So a lock guards the creation of clients, one for each service and region, and all threads share them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import inf
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

from gameday.aws.account import ATTEMPTS, CONNECT_TIMEOUT, LONGEST_CALL, READ_TIMEOUT, USER_AGENT, Allowed
from gameday.aws.credentials import Credentials, Profiles, credentials_of
from gameday.aws.read_only import ReadsOnly
from gameday.aws.well_formed import must_be_answer
from gameday.change import Call, Json
from gameday.errors import Unplanned
from gameday.steady_state.deadline import IsAwaited

WORKERS = 50
"""Calls under way at once: the subnets of a zone must lose their network together, not one after the other."""
LAST_MINUTE = 60
"""Seconds before a session's end: until then botocore keeps trying to renew it; later it fails without a renewal."""

_BEGAN = "gameday"
"""The key in botocore's context of a call for its name and start time."""

log = logging.getLogger("gameday.aws")


class _CallUnderWay(threading.local):
    """The allow-list for the call that this thread makes, reads only by default; and who waits for the call."""

    allowed: Allowed = ReadsOnly()
    is_awaited: IsAwaited | None = None
    last: float = inf  # the monotonic time after which no attempt begins


class NotAwaited(Exception):
    """Nobody waits for the call any longer, so its next attempt is not sent."""


class Connection:
    """A botocore session with its clients and threads; `is_twin`: this process answers every call."""

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
        self.workers = workers
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._under_way = _CallUnderWay()
        events = session.get_component("event_emitter")
        # At this event nothing is signed or sent yet. Every client of the session emits it.
        events.register_first("before-parameter-build", self._check)
        if not is_twin:
            events.register_first("before-send", self._must_be_awaited)
            events.register_first("before-parse", _check_body)
        events.register_last("after-call", self._log_answer)
        events.register_last("after-call-error", self._log_failure)

    def client(self, service: str, region: str) -> Any:
        """Return the client for a service in a region. Outside of `permitting` its calls can only read."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self.session.create_client(
                    service, region_name=region, config=self.config
                )
            return self._clients[service, region]

    def credentials(self) -> Credentials:
        """Return what is known of the session's credentials; no person is asked, a metadata service may be."""
        found = self.session.get_credentials()
        if found is None:
            return Credentials("none")
        profiles = self.session.full_config.get("profiles", {})
        named = Profiles(profiles, self.session.profile or "default")
        raw = vars(found)  # its properties may renew it, and ask a person
        has_token = bool(raw.get("_token") or raw.get("token"))
        return credentials_of(str(found.method), raw.get("_expiry_time"), has_token, named)

    def endpoint(self, service: str, region: str) -> str:
        """Return the URL of a service in a region."""
        return str(self.client(service, region).meta.endpoint_url)

    @contextmanager
    def permitting(self, allowed: Allowed) -> Iterator[None]:
        """Apply an allow-list to the calls of this thread within the block; other threads keep theirs."""
        before, self._under_way.allowed = self._under_way.allowed, allowed
        try:
            yield
        finally:
            self._under_way.allowed = before

    @contextmanager
    def awaited(self, is_awaited: IsAwaited) -> Iterator[None]:
        """Within the block, send no attempt of this thread's call that nobody waits for, or that could end too late.

        Undo counts on it: after LONGEST_CALL nothing of a call can arrive, also where its answer takes for ever.
        """
        here = self._under_way
        here.is_awaited, here.last = is_awaited, monotonic() + LONGEST_CALL - CONNECT_TIMEOUT - READ_TIMEOUT
        try:
            yield
        finally:
            here.is_awaited, here.last = None, inf

    def _must_be_awaited(self, **_: object) -> None:
        here = self._under_way
        if here.is_awaited is not None and (not here.is_awaited() or monotonic() > here.last):
            raise NotAwaited

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
        """Log one line for a call, without its parameters: they may hold secrets."""
        name, began = context[_BEGAN]
        taken, attempts = 1000 * (monotonic() - began), context.get("retries", {}).get("attempt", 1)
        id_ = self.request_id(answer) or "-"
        log.debug(
            "%s %s %.0f ms %s request %s attempts %d", name, context["client_region"], taken, outcome, id_, attempts
        )

    def request_id(self, answer: Mapping[str, Any]) -> str | None:
        """Return AWS's id of a request, from its answer; None on the twin, where the same seed gives the same bytes."""
        id_ = answer.get("ResponseMetadata", {}).get("RequestId")
        return str(id_) if id_ and not self.is_twin else None


def _check_body(operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object) -> None:
    must_be_answer(operation_model, response_dict)


def profile_session(profile: str | None) -> botocore.session.Session:
    """Open the session that boto3's settings name (profiles, environment, roles, endpoint URLs).

    Raises BotoCoreError.
    """
    return botocore.session.Session(profile=profile)


def sealed_session() -> botocore.session.Session:
    """Open a session that ignores AWS_* variables and ~/.aws."""
    without_environment = {name: (None, None, *var[2:]) for name, var in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    session = botocore.session.Session(session_vars=without_environment)
    session.set_config_variable("ignore_configured_endpoint_urls", True)
    session.set_credentials("twin", "twin")
    return session


def assumed_session(base: Connection, allowed: Allowed, call: Call, region: str) -> botocore.session.Session:
    """Open a session of a role, which `base` assumes by this call, now and at every renewal.

    Raises ClientError, ParamValidationError or BotoCoreError.
    """
    provider = _Assumed(base, allowed, call.params, region)
    session = botocore.session.Session(profile=base.session.profile)
    session.register_component("credential_provider", CredentialResolver([provider]))
    return session


class _Assumed(CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """Credentials from `sts.assume_role`, renewed before they end. The environment does not affect them."""

    METHOD = "assume-role"

    def __init__(self, base: Connection, allowed: Allowed, params: Mapping[str, Json], region: str) -> None:
        extra = {key: value for key, value in params.items() if key != "RoleArn"}
        creator = partial(base.session.create_client, region_name=region, config=base.config)
        source = base.session.get_credentials()
        if source is None:
            raise NoCredentialsError
        fetcher = AssumeRoleCredentialFetcher(creator, source, params["RoleArn"], extra)

        def fetch() -> Any:
            # The thread whose call finds the credentials about to end renews them.
            with base.permitting(allowed):
                return fetcher.fetch_credentials()

        self._fetch, self._first = fetch, fetch()

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(
            self._first, self._fetch, self.METHOD, mandatory_timeout=LAST_MINUTE
        )
