"""Sessions of a workload's role, each with only the permissions it needs: to read, to inject the plan, to undo it.

A session may do what both the role and the session's own policy allow (IAM User Guide, "Session policies"). It ends an
hour after it was opened: the maximum if a role's credentials assume the role ("role chaining", STS API Reference,
AssumeRole). Gameday renews it while it is in use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gameday.aws.account import whoami
from gameday.aws.client import Aws
from gameday.change import Call
from gameday.engine.allowlist import AllowList
from gameday.errors import AwsError, Refused

HOUR = 3600
_ALLOWED = "sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession"
_FOREIGN = re.compile(r"[^A-Za-z0-9_+=,.@-]")


@dataclass(frozen=True)
class Wanted:
    """A session of a role to open: its name, its permissions, and what CloudTrail records with each of its calls."""

    role: str
    name: str  # RoleSessionName
    source: str  # SourceIdentity: the original caller; neither the session nor a role that it assumes can change it
    policy: str = ""  # inline
    managed: tuple[str, ...] = ()  # ARNs
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def call(self) -> Call:
        """The call of STS that opens the session."""
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
        """The principal of its calls: an ARN without the role's path."""
        head, _, path = self.role.partition(":role/")
        return f"{head.replace(':iam:', ':sts:')}:assumed-role/{path.rpartition('/')[2]}/{self.name}"


class Sessions:
    """Open sessions of one role as needed, with the credentials of `base`, which may do nothing else.

    The sessions only read until they get a plan's allow-list (`Aws.allowing`). Raises Refused where STS does not
    identify `base`.
    """

    def __init__(self, base: Aws, role: str, region: str) -> None:
        self.base = base
        self.role = role
        self.region = region
        try:
            self.principal = whoami(base, region)[1]
        except AwsError as error:
            raise Refused(
                (f"Gameday cannot determine which principal would assume {role}: {error.what}",),
                error.remedy,
                gd_code="GD-E211",
            ) from error
        self.source = source_identity(self.principal)

    def reading(self) -> Aws:
        """Open a session that only reads, for planning and for watching KPIs. Raises Refused."""
        managed = (f"arn:{self.role.split(':')[1]}:iam::aws:policy/ReadOnlyAccess",)
        return self.open(Wanted(self.role, "gameday-read", self.source, managed=managed))

    def narrowed(self, name: str, policy: str, tags: Mapping[str, str]) -> Wanted:
        """Return the session for a part of a run, not opened yet."""
        return Wanted(self.role, name, self.source, policy, tags=tags)

    def open(self, wanted: Wanted) -> Aws:
        """Assume the role. Raises Refused where STS refuses the session."""
        base = self.base.allowing(AllowList(own=[(wanted.call, self.region)]))
        try:
            return base.assumed(wanted.call, self.region)
        except AwsError as error:
            raise _refused(wanted, self.principal, error) from error


def source_identity(principal: str) -> str:
    """Return a principal as a source identity: the user, or the session's name; 2 to 64 of [A-Za-z0-9_+=,.@-].

    Source: STS API Reference, AssumeRole, parameter SourceIdentity. The reserved prefix "aws:" cannot occur.
    """
    return _FOREIGN.sub("-", re.split(r"[/:]", principal)[-1])[:64].ljust(2, "-")


def _refused(wanted: Wanted, principal: str, error: AwsError) -> Refused:
    reason = f"STS opened no session of {wanted.role} ({wanted.name}): {error.code}: {error.message}"
    remedy = error.remedy
    if error.code == "AccessDenied":
        remedy = f"the role's trust policy, and {principal}'s own policies, must allow {_ALLOWED} on {wanted.role}"
    elif error.code == "PackedPolicyTooLarge":
        remedy = "name fewer targets, or split the experiment: Gameday never widens the policy to fit"
    elif error.code == "RegionDisabled":
        remedy = "activate STS in this region in the account's settings"
    return Refused((reason,), remedy, gd_code="GD-E211")
