"""Plans that nobody thought of: random faults on random worlds, and what a run of each may call and needs of IAM.

What is expected is written down here by hand, from the AWS API references and the Service Authorization Reference: it
shares nothing with how the engine binds its calls or derives its policies.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameday.change import RUN_TAG, AnyChange, Call, IrreversibleAction, Json, PlannedFault, SettingChange
from gameday.engine.apply import apply
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.faults import CATALOGUE
from gameday.faults.fault import FaultContext
from gameday.files.experiment import Experiment
from gameday.iam.actions import action_of
from gameday.iam.evaluate import AccessRequest, Decision, PolicyDocument, decide
from gameday.iam.policy import policies_of
from gameday.plan.plan import Plan
from gameday.steady_state.clock import TestClock
from gameday.testing.wrapper import Wrapped
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from moto.backends import get_backend

from tests.crash_matrix.stand import ACCOUNT, MEMORY, stand
from tests.doubles.play import SHORT
from tests.doubles.runs import Planned
from tests.doubles.shop import REGION, Layout, Shop, named, open_shop
from tests.little import small

PER_WORLD = 40
"""Plans that are tried on each world: building one costs as much as several runs."""
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
Sent = tuple[str, str]
"""A call: service.operation, and its parameters as JSON with what is known only later in words."""

# what is generated ----------------------------------------------------------------------------------------------------

LAYOUTS = st.builds(
    Layout,
    zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=6).map(tuple),
    groups=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    lone=st.integers(0, 2),
    functions=st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=1, max_size=3).map(tuple),
    tables=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=3).map(tuple),
    stages=st.lists(
        st.tuples(st.integers(1, 500).map(float), st.integers(1, 200)), min_size=1, max_size=2
    ).map(tuple),
)  # fmt: skip


def targets(layout: Layout) -> st.SearchStrategy[dict[str, Any]]:
    """Which instances."""
    which = st.one_of(
        st.just({"module": "web"}),
        st.sampled_from(layout.zones).map(lambda zone: {"zone": zone}),
        st.just({"tags": {"lone": "yes"}}),
        st.sampled_from(layout.zones).map(lambda zone: {"module": "web", "zone": zone}),
    )
    many = st.one_of(
        st.just({}),
        st.integers(1, 4).map(lambda count: {"count": count}),
        st.integers(1, 100).map(lambda share: {"share": f"{share}%"}),
    )
    return st.builds(lambda one, other: one | other, which, many)


def faults(layout: Layout) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A fault of the catalogue with its fields; a stage goes by its number."""
    zone = st.sampled_from(layout.zones)
    of_instances = targets(layout)
    dependency = st.one_of(
        st.just({"module": "payments"}),
        st.sampled_from(range(len(layout.functions))).map(lambda n: {"function": named("payments", n)}),
        st.sampled_from(range(len(layout.tables))).map(lambda n: {"table": named("ledger", n)}),
        st.sampled_from(range(len(layout.stages))).map(lambda n: {"stage": n}),
    )
    to = st.one_of(st.integers(0, 20), st.integers(0, 99).map(lambda share: f"{share}%"))
    return st.one_of(
        st.builds(
            lambda zone, launches: ("az-blackhole", {"zone": zone, "launches": launches}),
            zone,
            st.sampled_from(["allowed", "blocked"]),
        ),
        st.one_of(st.none(), zone).map(
            lambda zone: ("isolate-module", {"module": "web"} | ({"zone": zone} if zone else {}))
        ),
        st.builds(
            lambda fields, held: ("stop-instance", fields | {"hold_replacement": held}), of_instances, st.booleans()
        ),
        of_instances.map(lambda fields: ("terminate-instance", fields)),
        of_instances.map(lambda fields: ("reboot-instance", fields)),
        st.builds(lambda fields, to: ("throttle", fields | {"to": to}), dependency, to),
    )


# what is expected, by hand --------------------------------------------------------------------------------------------


def written(setting_change: SettingChange, value: Json) -> tuple[str, dict[str, Json]]:
    """The one call that brings a setting to a value."""
    name, one = setting_change.setting.name, setting_change.id
    if name == "subnet.acl":
        of = {"AssociationId": f"association of {one}", "NetworkAclId": value}
        return "ec2.replace_network_acl_association", of
    if name == "interface.groups":
        return "ec2.modify_network_interface_attribute", {"NetworkInterfaceId": one, "Groups": value}
    if name == "group.subnets":
        return "autoscaling.update_auto_scaling_group", {"AutoScalingGroupName": one, "VPCZoneIdentifier": value}
    if name == "function.concurrency":
        if value is None:
            return "lambda.delete_function_concurrency", {"FunctionName": one}
        return "lambda.put_function_concurrency", {"FunctionName": one, "ReservedConcurrentExecutions": value}
    if name == "table.capacity":
        return "dynamodb.update_table", {"TableName": one, "ProvisionedThroughput": value}
    if name == "stage.throttling":
        api, _, stage = one.partition("/")
        limits = [("rateLimit", value["rate"]), ("burstLimit", value["burst"])]
        patches = [
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": json.dumps(limit)} for name, limit in limits
        ]
        return "apigateway.update_stage", {"restApiId": api, "stageName": stage, "patchOperations": patches}
    if name == "instance.power":
        return f"ec2.{'stop' if value == 'stopped' else 'start'}_instances", {"InstanceIds": [one]}
    raise NotImplementedError(name)


def expected(change: AnyChange, run: str) -> tuple[list[Sent], list[Sent]]:
    """What goes out for a change to bring it about, and what to undo it."""
    if isinstance(change, IrreversibleAction):
        return [sent(str(change.call), {"InstanceIds": [change.id]})], []
    if isinstance(change, SettingChange) and change.setting.name == "group.suspended":
        of = {"AutoScalingGroupName": change.id, "ScalingProcesses": list(change.adds)}
        return [sent("autoscaling.suspend_processes", of)], [sent("autoscaling.resume_processes", of)]
    if isinstance(change, SettingChange):
        steps = [step for step in (change.via, change.after) if step is not None]
        return [sent(*written(change, _later(step))) for step in steps], [sent(*written(change, change.before))]
    made, vpc = f"made {change.name}", change.args["vpc"]

    def tags(resource: str, name: str) -> Json:
        pairs = [{"Key": RUN_TAG, "Value": run}, {"Key": "Name", "Value": name}]
        return [{"ResourceType": resource, "Tags": pairs}]

    if "acl" in change.name:
        asked = {"VpcId": vpc, "TagSpecifications": tags("network-acl", "gameday-blackhole")}
        return [sent("ec2.create_network_acl", asked)], [sent("ec2.delete_network_acl", {"NetworkAclId": made})]
    opens = "open" in change.name
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    asked = {
        "VpcId": vpc,
        "GroupName": f"gameday-{change.name}-{run}",
        "Description": change.create.params["Description"],
        "TagSpecifications": tags("security-group", "gameday-untrack" if opens else "gameday-isolation"),
    }
    then = "authorize_security_group_ingress" if opens else "revoke_security_group_egress"
    finished = sent(f"ec2.{then}", {"GroupId": made, "IpPermissions": everything})
    return [sent("ec2.create_security_group", asked), finished], [sent("ec2.delete_security_group", {"GroupId": made})]


def _later(value: Json) -> Json:
    """A value with what the run makes in words."""
    if isinstance(value, list):
        return [_later(one) for one in value]
    return value["$"].replace("made.", "made ") if isinstance(value, dict) and "$" in value else value


def sent(operation: str, params: Json) -> Sent:
    return operation, json.dumps(params, sort_keys=True)


# what really goes out -------------------------------------------------------------------------------------------------


class Remembering(Wrapped):
    """An account for planning only: every plan finds the world as the first one did."""

    def __init__(self, account: Any) -> None:
        super().__init__(account)
        self.answers: dict[str, Json] = {}

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        key = call.model_dump_json()
        if key not in self.answers:
            self.answers[key] = super().answer(call, region, paged)
        return self.answers[key]


@dataclass
class Overheard(Wrapped):
    """An account that writes down what it is asked for; hits have no effect, so that the world stays as it is."""

    account: Any
    actions: frozenset[str]
    names: dict[str, str] = field(default_factory=dict)  # id of what the run makes → in words
    changing: list[tuple[Sent, Call]] = field(default_factory=list)
    reading: dict[str, Call] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)  # to reads since the last write: they would be the same

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation.startswith(("describe_", "get_")):
            self.reading[str(call)] = call
            key = call.model_dump_json()
            if key not in self.answers:
                self.answers[key] = super().answer(call, region, paged)
            return self.answers[key]
        self.answers.clear()
        params = {key: self._in_words(key, value) for key, value in call.params.items()}
        self.changing.append((sent(str(call), params), call))
        if any(f"{call} {one}" in self.actions for one in call.params.get("InstanceIds", ())):
            return {}
        answer = super().answer(call, region, paged)
        if call.operation.startswith("create_"):
            kind = "acl" if "acl" in call.operation else "group"
            made = answer["NetworkAcl"]["NetworkAclId"] if kind == "acl" else answer["GroupId"]
            tags = {tag["Key"]: tag["Value"] for tag in call.params["TagSpecifications"][0]["Tags"]}
            self.names[made] = "made open" if tags["Name"] == "gameday-untrack" else f"made {kind}"
        return answer

    def _in_words(self, key: str, value: Json) -> Json:
        if key == "AssociationId":
            acls = get_backend("ec2")[ACCOUNT][REGION].network_acls.values()  # type: ignore[index]
            return next(f"association of {a._associations[value].subnet_id}" for a in acls if value in a._associations)
        if isinstance(value, list):
            return [self.names.get(one, one) if isinstance(one, str) else one for one in value]
        return self.names.get(value, value) if isinstance(value, str) else value


# what IAM is asked ----------------------------------------------------------------------------------------------------


def asked_of_iam(call: Call, made: frozenset[str], vpc: str, run: str, subnet: str) -> Iterator[AccessRequest]:
    """The requests that AWS judges for a call (Service Authorization Reference)."""
    of, here = call.params, {"aws:RequestedRegion": REGION}

    def ec2(kind: str, one: str, **more: str) -> AccessRequest:
        tagged = {f"aws:ResourceTag/{RUN_TAG}": run} if one in made else {}
        name = "".join(part.title() for part in call.operation.split("_"))
        return AccessRequest(f"ec2:{name}", f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{one}", {**here, **tagged, **more})

    if call.operation in ("create_network_acl", "create_security_group"):
        kind = "network-acl" if "acl" in call.operation else "security-group"
        tag = {f"aws:RequestTag/{RUN_TAG}": run}
        new = ec2(kind, "new", **tag)
        yield ec2("vpc", vpc)
        yield new
        yield AccessRequest("ec2:CreateTags", new.resource, {**here, **tag, "ec2:CreateAction": new.action[4:]})
    elif call.operation == "replace_network_acl_association":
        yield ec2("network-acl", of["NetworkAclId"])
        yield ec2("subnet", subnet)
    elif call.service == "ec2":
        kinds = {
            "NetworkAclId": "network-acl",
            "GroupId": "security-group",
            "NetworkInterfaceId": "network-interface",
            "Groups": "security-group",
            "InstanceIds": "instance",
        }
        for key, value in of.items():
            if key in kinds:
                yield from (ec2(kinds[key], one) for one in (value if isinstance(value, list) else [value]))
    else:
        yield _elsewhere(call, here)


def _elsewhere(call: Call, here: dict[str, str]) -> AccessRequest:
    of, name = call.params, "".join(part.title() for part in call.operation.split("_"))
    place = f"{REGION}:{ACCOUNT}"
    if call.service == "autoscaling":
        arn = f"arn:aws:autoscaling:{place}:autoScalingGroup:1-2-3:autoScalingGroupName/{of['AutoScalingGroupName']}"
        return AccessRequest(f"autoscaling:{name}", arn, here)
    if call.service == "lambda":
        return AccessRequest(f"lambda:{name}", f"arn:aws:lambda:{place}:function:{of['FunctionName']}", here)
    if call.service == "dynamodb":
        return AccessRequest(f"dynamodb:{name}", f"arn:aws:dynamodb:{place}:table/{of['TableName']}", here)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{of['restApiId']}/stages/{of['stageName']}"
    return AccessRequest("apigateway:PATCH", arn, here)


# a plan is tried ------------------------------------------------------------------------------------------------------


class World:
    """A world on which plans are tried, one after the other: each leaves it as it was."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.look: FaultContext = Shop(Remembering(shop.account), shop.apis, shop.http_apis, shop.layout).look()  # type: ignore[arg-type]
        self.journal = Journal.open(folder)
        self.clock = TestClock(1_800_000_000.0)
        self.vpc = self.look.inventory.subnets[0].vpc
        self.tried = 0

    def planned_fault(self, fault: str, fields: dict[str, Any]) -> PlannedFault | None:
        """The fault resolved on this world; None where it is refused."""
        if "stage" in fields:
            fields = fields | {"stage": f"{self.shop.apis[fields['stage']]}/live"}
        found = CATALOGUE[fault].model_validate(fields).inject(self.look)
        return None if found.refusals or not found.changes else found

    def check(self, planned_fault: PlannedFault) -> None:
        """Raises AssertionError where a run calls what its plan does not say, or IAM would not have it."""
        self.tried += 1
        run, before = f"run-{self.tried}", stand()
        actions = frozenset(f"{action.call} {action.id}" for action in planned_fault.irreversible_actions)
        account = Overheard(self.shop.account, actions)
        self.journal.begin(run, Planned(account=ACCOUNT), pid=1)
        apply(planned_fault.stages, 0, run, account, self.journal, self.clock, lambda _: None)
        injected = len(account.changing)
        undo(run, account, self.journal, self.clock, lambda _: None)
        assert self.journal.end(run)
        assert stand() == before
        self._is_as_planned(planned_fault, run, account.changing[:injected], account.changing[injected:])
        self._is_allowed(planned_fault, run, account)

    def _is_as_planned(self, planned_fault: PlannedFault, run: str, into: list[Any], out: list[Any]) -> None:
        stage_in: dict[Sent, int] = {}
        stage_out: dict[Sent, int] = {}
        wanted_in: Counter[Sent] = Counter()
        wanted_out: Counter[Sent] = Counter()
        for number, changes in enumerate(planned_fault.stages):
            for change in changes:
                there, back = expected(change, run)
                wanted_in.update(there)
                wanted_out.update(back)
                stage_in |= dict.fromkeys(there, number)
                stage_out |= dict.fromkeys(back, number)
        assert Counter(one for one, _ in into) == wanted_in
        assert Counter(one for one, _ in out) == wanted_out
        went, came = [stage_in[one] for one, _ in into], [stage_out[one] for one, _ in out]
        assert went == sorted(went)
        assert came == sorted(came, reverse=True)

    def _is_allowed(self, planned_fault: PlannedFault, run: str, account: Overheard) -> None:
        policy = policies_of(plan_of(planned_fault)).run
        made = frozenset(account.names)
        asked = [
            AccessRequest(action.name, "*", {"aws:RequestedRegion": REGION})
            for call in account.reading.values()
            if (action := action_of(call))
        ]
        for (_, params), call in account.changing:
            subnet = json.loads(params).get("AssociationId", "").removeprefix("association of ")
            asked += asked_of_iam(call, made, self.vpc, run, subnet)
        asked = list({str(one): one for one in asked}.values())
        assert [one for one in asked if not allows(policy, one)] == []
        for number in range(len(policy["Statement"])):
            less = {**policy, "Statement": [one for at, one in enumerate(policy["Statement"]) if at != number]}
            assert not all(allows(less, one) for one in asked), policy["Statement"][number]


def allows(policy: PolicyDocument, request: AccessRequest) -> bool:
    return decide(request, [policy]) is Decision.ALLOWED


def plan_of(planned_fault: PlannedFault) -> Plan:
    return Plan(
        experiment=Experiment.model_validate(SHORT), workload=small()[0], place="twin", account=ACCOUNT,
        principal=f"arn:aws:iam::{ACCOUNT}:user/x", region=REGION, seed=0, planned_faults=(planned_fault,),
        hit=(), may_suffer=(), contained=(),
    )  # fmt: skip


def explore(worlds: int, number: int, seen: Callable[[str], None] = lambda _: None) -> int:
    """Try plans on so many worlds, generated from a seed; how many were tried. Raises AssertionError."""
    tried = 0

    @seed(number)
    @settings(
        max_examples=worlds,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(layout=LAYOUTS, data=st.data())
    def on_a_world(layout: Layout, data: st.DataObject) -> None:
        nonlocal tried
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder, open_shop(layout) as shop:
            world = World(shop, Path(folder))
            for fault, fields in data.draw(st.lists(faults(layout), min_size=PER_WORLD, max_size=PER_WORLD)):
                if planned_fault := world.planned_fault(fault, fields):
                    world.check(planned_fault)
                    seen(fault)
            tried += world.tried
            world.journal.close()

    on_a_world()
    return tried
