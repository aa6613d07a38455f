"""STS in this process: what it was asked for on the wire, and answers of a test's choice."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from gameday.aws.client import Aws
from gameday.aws.connection import Connection

_SESSION = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/gameday/x</Arn><AssumedRoleId>A:x</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>secret-{number}</SecretAccessKey>
<SessionToken>token-{number}</SessionToken><Expiration>{until}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
_WHO = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>{code} it says</Message></Error></ErrorResponse>"""


class Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


@dataclass
class Sts:
    """Answers the calls of a base account; nothing leaves the process."""

    arn: str = "arn:aws:iam::123456789012:user/ops/ana"
    lasts: timedelta = timedelta(hours=1)
    refuses: str = ""  # the code of its error
    asked: list[dict[str, str]] = field(default_factory=list)  # for sessions, on the wire

    def base(self) -> Aws:
        """An account whose STS this is."""
        session = botocore.session.Session()
        session.set_credentials("base", "base")
        session.get_component("event_emitter").register("before-send.sts", self._answer)
        return Aws(Connection(session))

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        asked = {key: values[0] for key, values in parse_qs(body).items()}
        status, text = 200, _WHO.format(arn=self.arn)
        if asked["Action"] == "AssumeRole":
            self.asked.append(asked)
            until = (datetime.now(UTC) + self.lasts).isoformat()
            text = _SESSION.format(number=len(self.asked), until=until)
            if self.refuses:
                status, text = 403, _ERROR.format(code=self.refuses)
        return AWSResponse(request.url, status, {}, Raw(text.encode()))
