"""Which policies a principal holds, read from IAM: its own, its groups', and its permissions boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gameday.aws.account import Account
from gameday.change import Call, Json
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
"""What the account's root user may do, but for what the organization denies."""

READS = {
    "role": ("get_role", "list_attached_role_policies", "list_role_policies", "get_role_policy"),
    "user": (
        "get_user",
        "list_attached_user_policies",
        "list_user_policies",
        "get_user_policy",
        "list_groups_for_user",
    ),
    "group": ("list_attached_group_policies", "list_group_policies", "get_group_policy"),
    "policy": ("get_policy", "get_policy_version"),
}
"""What is read of a role or a user, of a user's groups, and of the managed policies that they hold."""


def held_by(principal: str, account: Account, region: str) -> PrincipalPolicies:
    """The policies of a principal, named by any of its ARNs. Raises AwsError, and GamedayError for other kinds."""
    arn = principal.split(":", 5)
    kind, _, path = arn[5].partition("/")
    if arn[5] == "root":
        return PrincipalPolicies(principal, (EVERYTHING,))
    iam = _Iam(account, region)
    if kind in ("role", "assumed-role"):
        name = path.split("/")[0] if kind == "assumed-role" else path.rpartition("/")[2]
        return iam.held("Role", name)
    if kind == "user":
        return iam.held("User", path.rpartition("/")[2])
    raise GamedayError(f"the policies of {principal} cannot be read: it is neither a role nor a user")


@dataclass(frozen=True)
class _Iam:
    account: Account
    region: str

    def held(self, kind: str, name: str) -> PrincipalPolicies:
        """What a Role or User holds."""
        found = self._ask(f"get_{kind.lower()}", **{f"{kind}Name": name})[kind]
        identity = [*self._policies(kind, name)]
        if kind == "User":
            for group in self._ask("list_groups_for_user", UserName=name)["Groups"]:
                identity += self._policies("Group", group["GroupName"])
        limit = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return PrincipalPolicies(found["Arn"], tuple(identity), self._managed(limit) if limit else None)

    def _policies(self, kind: str, name: str) -> Iterator[Mapping[str, Json]]:
        low, named = kind.lower(), {f"{kind}Name": name}
        for one in self._ask(f"list_attached_{low}_policies", **named)["AttachedPolicies"]:
            yield self._managed(one["PolicyArn"])
        for inline in self._ask(f"list_{low}_policies", **named)["PolicyNames"]:
            yield self._ask(f"get_{low}_policy", **named, PolicyName=inline)["PolicyDocument"]

    def _managed(self, arn: str) -> Mapping[str, Json]:
        version = self._ask("get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document: Mapping[str, Json] = self._ask("get_policy_version", PolicyArn=arn, VersionId=version)[
            "PolicyVersion"
        ]["Document"]
        return document

    def _ask(self, operation: str, **params: Json) -> Json:
        return self.account.pages(Call(service="iam", operation=operation, params=params), self.region)
