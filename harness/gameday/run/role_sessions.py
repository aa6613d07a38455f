"""Sessions of a workload's role, each narrowed to what it is for: reading, injecting what is planned, undoing it.

A session may do what both the role and the session's own policy allow (IAM User Guide, "Session policies"). It ends by
itself an hour after it was made, the longest that there is when the credentials that assume the role are a role's
themselves ("role chaining", STS API Reference, AssumeRole), and is renewed while somebody uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from gameday.aws.account import whoami
from gameday.aws.client import Aws, open_assumed
from gameday.change import Call
from gameday.engine.allowlist import AllowList
from gameday.errors import AwsError, Refused

HOUR = 3600
_ALLOWED = "sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession"
_FOREIGN = re.compile(r"[^A-Za-z0-9_+=,.@-]")


@dataclass(frozen=True)
class Wanted:
    """A session of a role: its name, what it may do at most, and what CloudTrail says of each of its calls."""

    role: str
    name: str  # RoleSessionName
    source: str  # SourceIdentity: who is behind it; cannot be changed in the session, nor by a role it assumes
    policy: str = ""  # inline
    managed: tuple[str, ...] = ()  # ARNs
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def call(self) -> Call:
        """How STS is asked for it."""
        params = {
            "RoleArn": self.role,
            "RoleSessionName": self.name,
            "SourceIdentity": self.source,
            "DurationSeconds": HOUR,
            **({"Policy": self.policy} if self.policy else {}),
            **({"PolicyArns": [{"arn": arn} for arn in self.managed]} if self.managed else {}),
            **({"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]} if self.tags else {}),
        }
        return Call(service="sts", operation="assume_role", params=params)

    @property
    def arn(self) -> str:
        """The principal that its calls are made by: a role's path is not in it."""
        head, _, path = self.role.partition(":role/")
        return f"{head.replace(':iam:', ':sts:')}:assumed-role/{path.rpartition('/')[2]}/{self.name}"


class Sessions:
    """Sessions of one role, opened as they are needed by the credentials of `base`, which may do nothing else.

    They read until they are narrowed to a plan (`Aws.allowing`).
    """

    def __init__(self, base: Aws, role: str, region: str, closing: ExitStack) -> None:
        self.base = base
        self.role = role
        self.region = region
        try:
            self.principal = whoami(base, region)[1]
        except AwsError as error:
            raise Refused(
                (f"who would assume {role} cannot be told: {error.what}",), error.remedy, gd_code="GD-E211"
            ) from error
        self.source = source_identity(self.principal)
        self._closing = closing

    def reading(self) -> Aws:
        """Reads, and nothing else: planning, and watching KPIs. Raises Refused."""
        managed = (f"arn:{self.role.split(':')[1]}:iam::aws:policy/ReadOnlyAccess",)
        return self.open(Wanted(self.role, "gameday-read", self.source, managed=managed))

    def narrowed(self, name: str, policy: str, tags: Mapping[str, str]) -> Wanted:
        """The session for a part of a run."""
        return Wanted(self.role, name, self.source, policy, tags=tags)

    def open(self, wanted: Wanted) -> Aws:
        """Assume the role. Raises Refused where STS does not give the session."""
        base = self.base.allowing(AllowList(own=[(wanted.call, self.region)]))
        try:
            aws = open_assumed(base, wanted.call, self.region)
        except AwsError as error:
            raise _refused(wanted, self.principal, error) from error
        self._closing.callback(aws.close)
        return aws


@contextmanager
def open_sessions(base: Aws, role: str, region: str) -> Iterator[Sessions]:
    """Sessions of a role, closed with the block. Raises Refused where it cannot be told who `base` is."""
    with ExitStack() as closing:
        yield Sessions(base, role, region, closing)


def source_identity(principal: str) -> str:
    """Who a principal is, as STS takes it: the user, or the session's name; 2 to 64 of [A-Za-z0-9_+=,.@-].

    Source: STS API Reference, AssumeRole, parameter SourceIdentity; "aws:" in front is reserved, and has no place here.
    """
    return _FOREIGN.sub("-", re.split(r"[/:]", principal)[-1])[:64].ljust(2, "-")


def _refused(wanted: Wanted, principal: str, error: AwsError) -> Refused:
    reason = f"no session of {wanted.role} could be had ({wanted.name}): {error.code}: {error.message}"
    remedy = error.remedy
    if error.code == "AccessDenied":
        remedy = f"the role's trust policy, and {principal}'s own policies, must allow {_ALLOWED} on {wanted.role}"
    elif error.code == "PackedPolicyTooLarge":
        remedy = "name fewer targets, or split the experiment: the session is never widened to fit"
    elif error.code == "RegionDisabled":
        remedy = "activate STS in this region in the account's settings"
    return Refused((reason,), remedy, gd_code="GD-E211")
