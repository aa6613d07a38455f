"""Something happens to the storefront, and all that can be seen of it, as one number: the same in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import yaml
from gameday.change import Call
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.twin.traffic.ground_truth import Outcomes
from gameday.twin.twin import START, Twin

REGION = "us-east-1"
STOREFRONT = Path(__file__).parent.parent / "experiments" / "storefront"

STRANGE = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL": "http://192.0.2.1",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_REGION": "eu-central-1",
    "MOTO_ACCOUNT_ID": "999999999999",
}
"""An environment that must not matter to a twin."""

READS = (
    *(("ec2", f"describe_{what}") for what in ("instances", "network_acls", "network_interfaces", "security_groups")),
    *(("autoscaling", "describe_auto_scaling_instances"), ("elbv2", "describe_target_groups")),
    *(("cloudwatch", "describe_alarms"), ("lambda", "list_functions")),
)


class Customers:
    """What plain boto3 does to the storefront, and what its customers truly get."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.boto = boto3.Session(botocore_session=twin.session, region_name=REGION)

    def served(self, journey: str, seconds: int) -> float:
        """The share of a journey's customers who got what they wanted, over the coming seconds."""
        outcomes: Outcomes = self.twin.truth.journeys[journey]
        before = len(outcomes.tried)
        self.twin.clock.sleep(seconds)
        tried = sum(outcomes.tried[before:])
        return 1 - sum(outcomes.failed[before:]) / tried

    def in_zone(self, zone: str) -> dict[str, Any]:
        filters = [{"Name": "tag:app", "Values": ["storefront"]}, {"Name": "availability-zone", "Values": [zone]}]
        found: dict[str, Any] = self.boto.client("ec2").describe_subnets(Filters=filters)["Subnets"][0]
        return found

    def close_zone(self, zone: str) -> Callable[[], None]:
        """Put a zone under a network ACL that denies everything; call the answer to take it back."""
        ec2, subnet = self.boto.client("ec2"), self.in_zone(zone)
        filters = [{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
        acl = ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]
        (held,) = (one for one in acl["Associations"] if one["SubnetId"] == subnet["SubnetId"])
        closed = ec2.create_network_acl(VpcId=subnet["VpcId"])["NetworkAcl"]["NetworkAclId"]
        new = ec2.replace_network_acl_association(AssociationId=held["NetworkAclAssociationId"], NetworkAclId=closed)[
            "NewAssociationId"
        ]

        def open_again() -> None:
            ec2.replace_network_acl_association(AssociationId=new, NetworkAclId=acl["NetworkAclId"])
            ec2.delete_network_acl(NetworkAclId=closed)

        return open_again

    def throttle(self, function: str) -> None:
        self.boto.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    def unthrottle(self, function: str) -> None:
        self.boto.client("lambda").delete_function_concurrency(FunctionName=function)


def digest() -> str:
    """A zone is lost and found, payments are throttled: the sha256 of states, answers and metrics."""
    workload, twin_file = (yaml.safe_load((STOREFRONT / name).read_text()) for name in ("workload.yaml", "twin.yaml"))
    with Twin(Workload.model_validate(workload), TwinFile.model_validate(twin_file), seed=3) as twin:
        return hashlib.sha256("\n".join(_seen(twin)).encode()).hexdigest()


def _seen(twin: Twin) -> Iterator[str]:
    customers = Customers(twin)
    yield from _look(twin)
    open_again = customers.close_zone("us-east-1a")
    customers.throttle("payments")
    for _ in range(3):
        twin.clock.sleep(60)
        yield from _look(twin)
    open_again()
    twin.clock.sleep(100)
    yield from _look(twin)
    for name, series in sorted((repr((a, b, sorted(c))), series) for (a, b, c), series in twin.store._metrics.items()):
        yield name + repr(series.between(int(START), int(twin.now)))


def _look(twin: Twin) -> Iterator[str]:
    state = twin.state
    yield repr((state.modules, sorted(state.lost)))
    for service, operation in READS:
        yield json.dumps(twin.aws.call(Call(service=service, operation=operation), REGION))


if __name__ == "__main__":
    print(digest())
