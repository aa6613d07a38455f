"""The seal: moto's backends inside this process answer a twin's boto3 calls, and nothing else does.

A call that moto does not know fails with an error in AWS's form. Nothing reaches a network.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn, Protocol

import moto.core.models
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from moto import backend_index, backends
from moto.core.base_backend import BackendDict
from moto.core.request import normalize_request
from werkzeug.exceptions import HTTPException

from gameday.aws.sealed import SealedSession
from gameday.errors import InvalidInput
from gameday.twin.moto.isolation import Enclosure, prepare

READS = (
    *("BatchGet", "Check", "Decode", "Describe", "Detect", "Download", "Estimate", "Filter", "Get", "Head", "List"),
    *("Lookup", "Preview", "Query", "Scan", "Search", "Select", "Simulate", "Test", "Validate", "View"),
)
"""The first words of operations that change nothing."""


@dataclass(frozen=True)
class ReceivedCall:
    """A call: service and operation as botocore's models name them, and validated parameters."""

    service: str
    operation: str
    params: Mapping[str, Any]

    @property
    def mutates(self) -> bool:
        """Whether it may change something."""
        return not self.operation.startswith(READS)


class Rejected(Exception):
    """Answer a call with an error of AWS: `code`, `message` and HTTP `status`."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class MotoAnswer(NamedTuple):
    """What moto answered to one request."""

    status: int
    headers: Any
    body: str | bytes


class Keeper(Protocol):
    """Adds to the account what moto does not do."""

    def before(self, call: ReceivedCall) -> None:
        """Check a call before moto sees it. May raise Rejected: then moto does not get the call."""
        ...

    def answer(self, call: ReceivedCall) -> Mapping[str, Any] | None:
        """Answer in moto's place; None leaves the call to moto. May raise Rejected."""
        ...

    def after(self, call: ReceivedCall, done: bool) -> None:
        """React to a call that may have changed something; `done` is False where it ended with an error."""
        ...


class _Now(threading.local):
    call: ReceivedCall | None = None


_now = _Now()
_live: list[Seal] = []
_one_at_a_time = threading.Lock()


def _remember(params: Mapping[str, Any], model: OperationModel, **_: object) -> None:
    _now.call = ReceivedCall(model.service_model.service_name, model.name, params)


def _shortcut(**_: object) -> tuple[Any, Mapping[str, Any]] | None:
    """Answer calls that moto cannot answer; None leaves a call to moto."""
    if not _live or _live[0].keeper is None or _now.call is None:
        return None
    try:
        answer = _live[0].keeper.answer(_now.call)
    except Rejected as rejection:
        _raise(_now.call, rejection)
    return None if answer is None else (SimpleNamespace(status_code=200), answer)


@cache
def sealed_session() -> SealedSession:
    """Return the harness's own session; each twin of this process answers it in turn."""
    sealed = _sealed()
    prepare(sealed)
    return sealed


def _sealed() -> SealedSession:
    sealed = SealedSession()
    events = sealed.session.get_component("event_emitter")
    events.unregister("before-send", moto.core.models.botocore_stubber)
    events.register("before-parameter-build", _remember)
    events.register_last("before-call", _shortcut)
    return sealed


@cache
def _routes(service: str) -> tuple[tuple[re.Pattern[str], Callable[..., Any]], ...]:
    backend = backends.get_backend(service)  # type: ignore[call-overload]
    if not isinstance(backend, BackendDict):
        return ()
    urls = object.__new__(backend.backend).urls
    return tuple((re.compile(url), handler) for url, handler in urls.items())


@lru_cache(maxsize=512)
def _handler(url: str) -> Callable[..., Any] | None:
    """Find moto's handler for a URL without its query."""
    for service, pattern in backend_index.backend_url_patterns:
        if pattern.match(url):
            for path, handler in _routes(service):
                if path.match(url):
                    return handler
    return None


class Seal:
    """Answer the sealed session from an isolated account, from `open` to `close`."""

    def __init__(self, enclosure: Enclosure) -> None:
        self.keeper: Keeper | None = None
        self._enclosure = enclosure
        self._sessions: list[SealedSession] = []
        self._reads: dict[tuple[str, str, Any], MotoAnswer] = {}  # since the account last changed
        self._reads_at = 0  # the enclosure's visits when they were read

    def open(self) -> None:
        """Answer the sealed session from now on. Raises InvalidInput while another account answers it."""
        with _one_at_a_time:
            if _live:
                raise InvalidInput(
                    "a twin is already running in this process", "close it first: twins run one at a time"
                )
            _live.append(self)
            self._sessions = [sealed_session()]
            self._sessions[0].answer = self._answer

    def another_session(self) -> SealedSession:
        """Make a session for a user, who may register handlers on it (as boto3.Session does)."""
        mine, sealed = sealed_session().session, _sealed()
        sealed.session.register_component("data_loader", mine.get_component("data_loader"))  # read the models once
        sealed.answer = self._answer
        self._sessions.append(sealed)
        return sealed

    def close(self) -> None:
        """Stop answering, and forget the account."""
        with _one_at_a_time:
            if self in _live:
                _live.remove(self)
            for sealed in self._sessions:
                sealed.answer = None
            self._enclosure.clear()

    def _answer(self, request: AWSPreparedRequest) -> AWSResponse:
        call = _now.call or ReceivedCall("", "", {})
        if call.mutates or self._enclosure.is_entered:
            return _response(request, self._answer_anew(request, call))
        if self._reads_at != self._enclosure.visits:
            self._reads.clear()
        asked = request.method, request.url, request.body
        if asked not in self._reads:  # moto takes about 10 ms to describe a group again
            self._reads[asked] = self._answer_anew(request, call)
            self._reads_at = self._enclosure.visits
        return _response(request, self._reads[asked])

    def _answer_anew(self, request: AWSPreparedRequest, call: ReceivedCall) -> MotoAnswer:
        answer = MotoAnswer(500, {}, "")
        with self._enclosure.inside():
            try:
                if self.keeper:
                    self.keeper.before(call)
                answer = self._ask_moto(request)
            except Rejected as rejection:
                _raise(call, rejection)
            finally:
                if self.keeper and call.mutates:
                    self.keeper.after(call, answer.status < 400)
        return answer

    def _ask_moto(self, request: AWSPreparedRequest) -> MotoAnswer:
        request.headers["x-moto-account-id"] = self._enclosure.account
        handler = _handler(request.url.partition("?")[0])
        if handler is None:
            raise Rejected("NotImplemented", f"the twin does not simulate this service: {request.url}", 501)
        normal = normalize_request(request)
        try:
            status, headers, body = handler(normal, normal.raw_url, normal.headers)
        except Rejected:  # one of our patches raised it inside moto
            raise
        except HTTPException as answer:
            status, headers, body = answer.code, answer.get_headers(), answer.get_body()
        except NotImplementedError as gap:
            raise Rejected("NotImplemented", f"the twin does not simulate this: {gap}", 501) from gap
        except Exception as gap:  # moto lets Python's own errors out where it does not check a call
            raise Rejected("InternalFailure", f"moto raised {type(gap).__name__}: {gap}", 500) from gap
        if status == 404 and not body and request.method != "HEAD":
            raise Rejected("NotImplemented", "the twin does not simulate this operation", 501)
        return MotoAnswer(status, headers, body)


def _response(request: AWSPreparedRequest, answer: MotoAnswer) -> AWSResponse:
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    return AWSResponse(request.url, answer.status, answer.headers, _RawResponse(body))


class _RawResponse(BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        while piece := self.read():
            yield piece


def _raise(call: ReceivedCall, rejection: Rejected) -> NoReturn:
    answer: Any = {
        "Error": {"Code": rejection.code, "Message": rejection.message},
        "ResponseMetadata": {"HTTPStatusCode": rejection.status},
    }
    raise ClientError(answer, call.operation) from rejection
