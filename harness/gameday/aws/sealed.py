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
    """`answer` answers each call, and nothing of the environment counts: neither AWS_* variables nor ~/.aws.

    One session, with its clients, serves every twin of a process one after the other, since making clients is the
    dearest part of a world.
    """

    def __init__(self) -> None:
        self.session = sealed_session()
        self.answer: Responder | None = None
        self.session.get_component("event_emitter").register_first("before-send", self._send)

    @cached_property
    def aws(self) -> Aws:
        """The account behind it, which only reads. Once it is asked for, every call of the session is checked."""
        return Aws(Connection(self.session, workers=1, is_twin=True))

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        if self.answer is None:
            raise AwsError("twin", "call", "NoTwin", f"no twin is running to answer {request.url}")
        return self.answer(request)
