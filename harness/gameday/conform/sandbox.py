"""Whether an account is a sandbox: reads that refuse where anything says that it is not."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account, whoami
from gameday.change import RUN_TAG, Call, Json, JsonLike
from gameday.change.placeholders import search_list
from gameday.conform.case import SANDBOX
from gameday.engine.journal import Journal
from gameday.errors import AwsError, Refused
from gameday.faults.fault import call

PLACES = ("Environment", "environment", "Env", "env", "Stage", "stage")
"""The tag keys that usually say what an account is for; tag keys are case-sensitive."""
PRODUCTION = ["production", "Production", "PRODUCTION", "prod", "Prod", "PROD"]

_LISTED = "ResourceTagMappingList[].ResourceARN"
_ALIVE = ["pending", "running", "stopping", "stopped"]


def must_be_sandbox(account: Account, region: str, wanted: str, journal: Journal) -> str:
    """Return the principal, if the account is the one that the user named, and holds nothing of Gameday or production.

    Raises Refused. Raises AwsError where the identity cannot be read.
    """
    found, principal = whoami(account, region)
    if found != wanted:
        reason = f"you named account {wanted}, but the credentials belong to account {found}"
        raise Refused((reason,), "use credentials of the sandbox account", gd_code="GD-E206")
    journal.must_be_free(SANDBOX, wanted)
    try:
        reasons = [*_reasons(account, region, wanted, journal)]
    except AwsError as error:
        raise Refused((f"nothing shows that the account is a sandbox: {error.what}",), gd_code="GD-E217") from error
    if reasons:
        raise Refused(tuple(reasons), "use an account in which nothing else runs", gd_code="GD-E217")
    return principal


def _reasons(account: Account, region: str, wanted: str, journal: Journal) -> Iterator[str]:
    runs = [run.id for run in journal.unended() if run.account == wanted and run.place == "aws"]
    if runs:
        yield f"runs in this account are not restored: {', '.join(runs)}"
    left = [arn for arn in _tagged(account, region, {"Key": RUN_TAG}) if ":instance/" not in arn]
    # A terminated instance keeps its tags for about an hour, so EC2 itself says which are left.
    states: dict[str, JsonLike] = {"Name": "instance-state-name", "Values": [*_ALIVE]}
    filters: list[JsonLike] = [{"Name": "tag-key", "Values": [RUN_TAG]}, states]
    found = account.pages(call("ec2", "describe_instances", Filters=filters), region)
    left += map(str, search_list("Reservations[].Instances[].InstanceId", found))
    if left:
        yield f"resources of Gameday's runs are left: {', '.join(left[:3])}"
    for key in PLACES:
        if arns := _tagged(account, region, {"Key": key, "Values": [*PRODUCTION]}):
            yield f"{arns[0]} carries the tag {key} of production"
    names = search_list("AccountAliases", account.pages(Call(service="iam", operation="list_account_aliases"), region))
    yield from (f"the account is called {name}" for name in map(str, names) if "prod" in name.lower())


def _tagged(account: Account, region: str, of: dict[str, Json]) -> list[str]:
    read = call("resourcegroupstaggingapi", "get_resources", TagFilters=[of])
    return [str(arn) for arn in search_list(_LISTED, account.pages(read, region))]
