"""The policies that a principal holds, read from IAM: its own, its groups', and its permissions boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gameday.aws.account import Account, read
from gameday.aws.answers.iam import (
    GET_INLINE_POLICY,
    GET_POLICY,
    GET_POLICY_VERSION,
    GET_ROLE,
    GET_USER,
    LIST_ATTACHED_POLICIES,
    LIST_GROUPS_FOR_USER,
    LIST_INLINE_POLICIES,
    Principal,
)
from gameday.change import Json
from gameday.errors import GamedayError


@dataclass(frozen=True)
class PrincipalPolicies:
    """The policies of a principal, as JSON."""

    arn: str  # of the role or user
    identity: tuple[Mapping[str, Json], ...]
    boundary: Mapping[str, Json] | None = None


EVERYTHING: Mapping[str, Json] = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}
"""The rights of the account's root user, but for what the organization denies."""

READS = {
    "role": (
        "simulate_principal_policy",
        "get_role",
        "list_attached_role_policies",
        "list_role_policies",
        "get_role_policy",
    ),
    "user": (
        "simulate_principal_policy",
        "get_user",
        "list_attached_user_policies",
        "list_user_policies",
        "get_user_policy",
        "list_groups_for_user",
    ),
    "group": ("list_attached_group_policies", "list_group_policies", "get_group_policy"),
    "policy": ("get_policy", "get_policy_version"),
}
"""The reads for a role or a user, for a user's groups, and for their managed policies."""


def held_by(principal: str, account: Account, region: str) -> PrincipalPolicies:
    """Return the policies of a principal, which any of its ARNs names. Raises AwsError and GamedayError."""
    arn = principal.split(":", 5)
    kind, _, path = arn[5].partition("/")
    if arn[5] == "root":
        return PrincipalPolicies(principal, (EVERYTHING,))
    reader = _Reader(account, region)
    if kind in ("role", "assumed-role"):
        name = path.split("/")[0] if kind == "assumed-role" else path.rpartition("/")[2]
        return reader.held_by_role(name)
    if kind == "user":
        return reader.held_by_user(path.rpartition("/")[2])
    raise GamedayError(f"the policies of {principal} cannot be read: it is neither a role nor a user")


@dataclass(frozen=True)
class _Reader:
    account: Account
    region: str

    def held_by_role(self, name: str) -> PrincipalPolicies:
        role = read(self.account, self.region, GET_ROLE, RoleName=name)["Role"]
        return self._bounded(role, list(self._policies("Role", name)))

    def held_by_user(self, name: str) -> PrincipalPolicies:
        user = read(self.account, self.region, GET_USER, UserName=name)["User"]
        policies = list(self._policies("User", name))
        for group in read(self.account, self.region, LIST_GROUPS_FOR_USER, UserName=name)["Groups"]:
            policies += self._policies("Group", group["GroupName"])
        return self._bounded(user, policies)

    def _bounded(self, principal: Principal, policies: list[Mapping[str, Json]]) -> PrincipalPolicies:
        limit = principal.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return PrincipalPolicies(principal["Arn"], tuple(policies), self._managed(limit) if limit else None)

    def _policies(self, kind: str, name: str) -> Iterator[Mapping[str, Json]]:
        """The managed and inline policies of a Role, User or Group."""
        holder = {f"{kind}Name": name}
        for policy in read(self.account, self.region, LIST_ATTACHED_POLICIES[kind], **holder)["AttachedPolicies"]:
            yield self._managed(policy["PolicyArn"])
        for inline in read(self.account, self.region, LIST_INLINE_POLICIES[kind], **holder)["PolicyNames"]:
            answer = read(self.account, self.region, GET_INLINE_POLICY[kind], **holder, PolicyName=inline)
            yield answer["PolicyDocument"]

    def _managed(self, arn: str) -> Mapping[str, Json]:
        version = read(self.account, self.region, GET_POLICY, PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = read(self.account, self.region, GET_POLICY_VERSION, PolicyArn=arn, VersionId=version)
        return answer["PolicyVersion"]["Document"]
