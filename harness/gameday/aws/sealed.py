"""A session whose calls never leave the process: the twin's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from gameday.aws.client import Aws
from gameday.aws.connection import Connection, sealed_session
from gameday.errors import AwsError

Responder = Callable[[AWSPreparedRequest], AWSResponse]


class SealedSession:
    """A session in which `answer` answers each call. It ignores AWS_* variables and ~/.aws.

    All twins of a process share one session and its clients, one twin after the other, since creating clients is the
    slowest part of opening a twin.
    """

    def __init__(self) -> None:
        self.session = sealed_session()
        self.answer: Responder | None = None
        self.session.get_component("event_emitter").register_first("before-send", self._send)

    @cached_property
    def aws(self) -> Aws:
        """The account of this session, which only reads. Its creation also turns the check of every call on."""
        return Aws(Connection(self.session, workers=1, is_twin=True))

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        if self.answer is None:
            raise AwsError("twin", "call", "NoTwin", f"no twin is running to answer {request.url}")
        return self.answer(request)
