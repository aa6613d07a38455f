"""IAM: instance profiles, roles, users, and the policies that they and groups hold."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation
from gameday.change import Json


class AttachedPermissionsBoundary(TypedDict, total=False):
    """The policy that is a principal's permissions boundary."""

    PermissionsBoundaryArn: str


class Principal(TypedDict):
    """A role or a user (Role, User)."""

    Arn: str
    PermissionsBoundary: NotRequired[AttachedPermissionsBoundary]


class GetRole(TypedDict):
    """The answer to GetRole."""

    Role: Principal


class GetUser(TypedDict):
    """The answer to GetUser."""

    User: Principal


class InstanceProfile(TypedDict):
    """An instance profile and its roles."""

    Roles: list[Principal]


class GetInstanceProfile(TypedDict):
    """The answer to GetInstanceProfile."""

    InstanceProfile: InstanceProfile


class Group(TypedDict):
    """A group of a user."""

    GroupName: str


class ListGroupsForUser(TypedDict):
    """The answer to ListGroupsForUser."""

    Groups: list[Group]


class AttachedPolicy(TypedDict):
    """A managed policy that a principal holds."""

    PolicyArn: str


class ListAttachedPolicies(TypedDict):
    """The answer to ListAttachedRolePolicies, and to the same of users and groups."""

    AttachedPolicies: list[AttachedPolicy]


class ListInlinePolicies(TypedDict):
    """The answer to ListRolePolicies, and to the same of users and groups."""

    PolicyNames: list[str]


class GetInlinePolicy(TypedDict):
    """The answer to GetRolePolicy, and to the same of users and groups; botocore parses the document."""

    PolicyDocument: dict[str, Json]


class Policy(TypedDict):
    """A managed policy."""

    DefaultVersionId: str


class GetPolicy(TypedDict):
    """The answer to GetPolicy."""

    Policy: Policy


class PolicyVersion(TypedDict):
    """A version of a managed policy; botocore parses the document."""

    Document: dict[str, Json]


class GetPolicyVersion(TypedDict):
    """The answer to GetPolicyVersion."""

    PolicyVersion: PolicyVersion


class OrganizationsDecisionDetail(TypedDict, total=False):
    """Whether the organization's policies allow the request."""

    AllowedByOrganizations: bool


class PermissionsBoundaryDecisionDetail(TypedDict, total=False):
    """Whether the permissions boundary allows the request."""

    AllowedByPermissionsBoundary: bool


class ResourceSpecificResult(TypedDict):
    """The decision for one of several resources."""

    EvalResourceName: str
    EvalResourceDecision: str
    MissingContextValues: NotRequired[list[str]]
    PermissionsBoundaryDecisionDetail: NotRequired[PermissionsBoundaryDecisionDetail]


class EvaluationResult(TypedDict):
    """The decision for an action: allowed, explicitDeny or implicitDeny."""

    EvalActionName: str
    EvalResourceName: NotRequired[str]
    EvalDecision: str
    MissingContextValues: NotRequired[list[str]]
    OrganizationsDecisionDetail: NotRequired[OrganizationsDecisionDetail]
    PermissionsBoundaryDecisionDetail: NotRequired[PermissionsBoundaryDecisionDetail]
    ResourceSpecificResults: NotRequired[list[ResourceSpecificResult]]


class SimulatePrincipalPolicy(TypedDict):
    """The answer to SimulatePrincipalPolicy."""

    EvaluationResults: list[EvaluationResult]


_KINDS = ("Role", "User", "Group")
GET_ROLE = Operation("iam", "get_role", GetRole)
GET_USER = Operation("iam", "get_user", GetUser)
GET_INSTANCE_PROFILE = Operation("iam", "get_instance_profile", GetInstanceProfile)
LIST_GROUPS_FOR_USER = Operation("iam", "list_groups_for_user", ListGroupsForUser)
SIMULATE_PRINCIPAL_POLICY = Operation("iam", "simulate_principal_policy", SimulatePrincipalPolicy)
GET_POLICY = Operation("iam", "get_policy", GetPolicy)
GET_POLICY_VERSION = Operation("iam", "get_policy_version", GetPolicyVersion)
LIST_ATTACHED_POLICIES = {
    kind: Operation("iam", f"list_attached_{kind.lower()}_policies", ListAttachedPolicies) for kind in _KINDS
}
LIST_INLINE_POLICIES = {kind: Operation("iam", f"list_{kind.lower()}_policies", ListInlinePolicies) for kind in _KINDS}
GET_INLINE_POLICY = {kind: Operation("iam", f"get_{kind.lower()}_policy", GetInlinePolicy) for kind in _KINDS}
"""By the kind of the holder: IAM has the same three reads for each."""
