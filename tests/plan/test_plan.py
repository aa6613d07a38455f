"""A plan reads only, says everything, and refuses what it should: one line for each reason."""

from __future__ import annotations

from typing import Any

import pytest
from gameday.aws.account import AnyCall
from gameday.change import Call, Json
from gameday.errors import AwsError, Reason, Refused
from gameday.faults import CATALOGUE
from gameday.files.experiment import Experiment
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.guards.saved_plan import differences
from gameday.plan.plan import Plan, RunRequest, claim_of
from gameday.plan.planner import make_plan
from gameday.report.plan_text import plan_text
from gameday.steady_state.kpi.kpi import Kpi
from gameday.testing.wrapper import Wrapped
from gameday.twin.twin import Twin
from syrupy.assertion import SnapshotAssertion

from tests.doubles.play import REGION, SHORT, cured, read


class ReadOnly(Wrapped):
    """Fails on anything that is not a read."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        assert call.operation.split("_")[0] in ("describe", "get", "list"), f"{call} is no read"
        return super().answer(call, region, paged)


def plan_on(twin: Twin, workload: Workload, fault: dict[str, Any], **fields: Any) -> Plan:
    experiment = Experiment.model_validate(SHORT | {"faults": [fault]} | fields)
    file = TwinFile.model_validate(cured(read("twin.yaml")))
    request = RunRequest(experiment, workload, file, "twin")
    return make_plan(request, ReadOnly(twin.aws), twin.clock.now())


def lines(reasons: tuple[Reason, ...]) -> list[str]:
    return [str(reason) for reason in reasons]


def tell(twin: Twin, service: str, operation: str, **params: Any) -> Any:
    return twin.aws.allowing(AnyCall()).call(Call(service=service, operation=operation, params=params), REGION)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_plans_by_reading_only_and_survives_json(name: str, twin: Twin, workload: Workload) -> None:
    fields = {
        "az-blackhole": {"zone": "us-east-1a", "launches": "blocked"},
        "isolate-module": {"module": "web"},
        "throttle": {"module": "ledger", "to": "10%"},
    }.get(name, {"module": "web", "share": "40%"})
    plan = plan_on(twin, workload, {name: fields})
    assert plan.refusals == ()
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
    text = plan_text(plan)
    for change in plan.planned_faults[0].changes:
        assert str(change.kind) in text
    assert "effect" in text
    assert "undo:" in text


def test_a_zone_hits_its_modules_by_their_share(twin: Twin, workload: Workload) -> None:
    plan = plan_on(twin, workload, {"az-blackhole": {"zone": "us-east-1b"}})
    assert plan.hit == ("catalog", "checkout", "web")
    assert plan.contained == ("ledger", "payments", "recommendations")
    assert plan.planned_faults[0].hits == pytest.approx(dict.fromkeys(plan.hit, 1 / 3))
    assert claim_of(plan).contained == plan.contained


def test_who_needs_what_is_hit_may_suffer(twin: Twin, workload: Workload) -> None:
    plan = plan_on(twin, workload, {"throttle": {"module": "payments", "to": 0}})
    assert plan.hit == ("payments",)
    assert plan.may_suffer == ("checkout", "payments", "web")


def test_a_share_takes_at_least_one_and_the_seed_chooses(twin: Twin, workload: Workload) -> None:
    plan = plan_on(twin, workload, {"reboot-instance": {"module": "web", "share": "1%"}})
    assert len(plan.planned_faults[0].changes) == 1


REFUSED = [
    {"az-blackhole": {"zone": "us-east-1z"}},
    {"isolate-module": {"module": "payments"}},
    {"isolate-module": {"module": "billing"}},
    {"terminate-instance": {"module": "payments"}},
    {"stop-instance": {"ids": ["i-0123456789abcdef0"]}},
    {"reboot-instance": {"module": "web", "count": 9}},
    {"throttle": {"module": "web", "to": 0}},
    {"throttle": {"module": "payments", "to": "10%"}},
    {"throttle": {"function": "nobody", "to": 0}},
]


@pytest.mark.parametrize("fault", REFUSED, ids=str)
def test_a_target_that_is_not_there_is_refused_in_one_line(
    fault: dict[str, Any], twin: Twin, workload: Workload, snapshot: SnapshotAssertion
) -> None:
    (refusal,) = plan_on(twin, workload, fault).refusals
    assert refusal.code == "GD-P10"
    assert refusal.text == snapshot


def test_irreversible_action_must_be_allowed(twin: Twin, workload: Workload) -> None:
    plan = plan_on(twin, workload, {"terminate-instance": {"module": "web"}}, allow=[])
    (refusal,) = plan.refusals
    assert refusal.code == "GD-P12"
    assert "cannot be undone" in refusal.text
    assert "allow: [irreversible]" in refusal.remedy


def test_stop_is_irreversible_unless_replacing_is_held(twin: Twin, workload: Workload) -> None:
    hit = plan_on(twin, workload, {"stop-instance": {"module": "web"}}).planned_faults[0].changes
    held = (
        plan_on(twin, workload, {"stop-instance": {"module": "web", "hold_replacement": True}})
        .planned_faults[0]
        .changes
    )
    assert [change.kind for change in hit] == ["irreversible"]
    assert [change.kind for change in held] == ["setting", "setting"]


def test_what_the_twin_cannot_read_is_refused_before_it_plays(twin: Twin, workload: Workload) -> None:
    probed = {"ratio": {"total": {"http": {"url": "http://127.0.0.1:9"}}}, "bound": {"at_least": "99%"}}
    orders = Kpi.model_validate({"tier": "business", "module": "checkout", **probed})
    elsewhere = workload.model_copy(update={"kpis": {**workload.kpis, "orders": orders}})
    (reason,) = plan_on(twin, elsewhere, {"throttle": {"module": "payments", "to": 0}}).refusals
    assert reason.code == "GD-P18"
    assert reason.text.endswith("of workload storefront are read elsewhere: orders (http)")
    assert "or run with --on aws" in reason.remedy


def test_an_alarm_that_a_kpi_reads_must_be_there(twin: Twin, workload: Workload) -> None:
    def planned(alarm: str) -> Plan:
        silent = {"tier": "technical", "gauge": {"alarm": alarm}, "bound": {"at_most": 0}}
        kpis = {**workload.kpis, "no-alarm": Kpi.model_validate(silent)}
        fault = {"throttle": {"module": "payments", "to": 0}}
        return plan_on(twin, workload.model_copy(update={"kpis": kpis}), fault, steady_state=["no-alarm"])

    assert planned("orders-failing").refusals == ()
    (reason,) = planned("orders-filing").refusals
    assert reason.code == "GD-P17"
    assert reason.text == "there is no alarm orders-filing in us-east-1, which KPI no-alarm reads"


def test_two_faults_on_one_setting_are_refused(twin: Twin, workload: Workload) -> None:
    faults = [{"throttle": {"module": "payments", "to": 0}}, {"throttle": {"function": "payments", "to": 1}}]
    plan = plan_on(twin, workload, faults[0], faults=faults)
    assert lines(plan.refusals) == ["throttle and throttle would both change function.concurrency of payments [GD-P13]"]


def test_foreign_interfaces_in_the_zone_refuse_unless_allowed(twin: Twin, workload: Workload) -> None:
    ours = [{"Name": "tag:app", "Values": ["storefront"]}]
    subnets = tell(twin, "ec2", "describe_subnets", Filters=ours)["Subnets"]
    subnet = next(one["SubnetId"] for one in subnets if one["AvailabilityZone"] == "us-east-1a")
    made = tell(twin, "ec2", "create_network_interface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    refused = plan_on(twin, workload, {"az-blackhole": {"zone": "us-east-1a"}}).refusals
    (reason,) = refused
    assert reason.code == "GD-P10"
    assert made in reason.text
    allowed = {"az-blackhole": {"zone": "us-east-1a", "foreign_interfaces": "allow"}}
    assert plan_on(twin, workload, allowed).refusals == ()
    fault = {"az-blackhole": {"zone": "us-east-1a"}}
    assert plan_on(twin, workload, fault, allow=["foreign-interfaces"]).refusals == ()


def test_scaling_of_a_table_is_suspended_before_it_is_reduced(twin: Twin, workload: Workload) -> None:
    tell(
        twin, "application-autoscaling", "register_scalable_target", ServiceNamespace="dynamodb",
        ResourceId="table/ledger", ScalableDimension="dynamodb:table:WriteCapacityUnits", MinCapacity=1, MaxCapacity=9,
    )  # fmt: skip
    plan = plan_on(twin, workload, {"throttle": {"module": "ledger", "to": "10%"}})
    assert plan.refusals == ()
    stages = plan.planned_faults[0].stages
    assert [[change.targets for change in stage] for stage in stages][1] == [("ledger",)]
    assert plan.planned_faults[0].setting_changes[0].setting.name == "scaling.suspended"


def test_table_on_demand_without_a_maximum_asks_for_a_number(twin: Twin, workload: Workload) -> None:
    tell(twin, "dynamodb", "update_table", TableName="ledger", BillingMode="PAY_PER_REQUEST")
    refused = plan_on(twin, workload, {"throttle": {"module": "ledger", "to": "10%"}}).refusals
    (reason,) = refused
    assert "on demand" in reason.text
    assert "give a number" in reason.text


def test_a_target_without_the_opt_in_tag_is_refused(twin: Twin, workload: Workload) -> None:
    groups = tell(twin, "ec2", "describe_instances")["Reservations"]
    web = next(i for g in groups for i in g["Instances"] if {"Key": "module", "Value": "web"} in i["Tags"])
    tell(twin, "ec2", "delete_tags", Resources=[web["InstanceId"]], Tags=[{"Key": "gameday"}])
    refused = plan_on(twin, workload, {"reboot-instance": {"ids": [web["InstanceId"]]}}).refusals
    assert lines(refused) == [f"{web['InstanceId']} does not carry the opt-in tag gameday=allowed [GD-P11]"]


def test_beyond_the_limits_is_a_warning_on_the_twin(twin: Twin, workload: Workload) -> None:
    plan = plan_on(twin, workload, {"isolate-module": {"module": "catalog"}})
    assert plan.refusals == ()
    words = "100% of the capacity of catalog would be hit, over the limit of 50% (an account would refuse) [GD-W20]"
    assert words in lines(plan.warnings)


@pytest.mark.parametrize("operation", ["get_caller_identity", "describe_instances", "describe_target_health"])
def test_an_error_in_the_middle_of_a_plan_refuses_in_one_line(operation: str, twin: Twin, workload: Workload) -> None:
    class Expired(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            if call.operation == operation:
                raise AwsError(call.service, operation, "ExpiredToken", "the token has expired", "log in again")
            return super().answer(call, region, paged)

    experiment = Experiment.model_validate(SHORT | {"faults": [{"az-blackhole": {"zone": "us-east-1a"}}]})
    request = RunRequest(experiment, workload, None, "twin")
    with pytest.raises(Refused) as refused:
        make_plan(request, Expired(twin.aws), twin.clock.now())
    (reason,) = refused.value.reasons
    assert f"{operation} failed: ExpiredToken: the token has expired" in reason.text
    assert (reason.code, reason.remedy) == ("GD-P06", "log in again")


def test_another_account_is_refused(twin: Twin, workload: Workload) -> None:
    stray = workload.model_copy(update={"account": "999999999999"})
    with pytest.raises(Refused, match="the credentials are for account 111122223333, the workload is in 999999999999"):
        plan_on(twin, stray, {"az-blackhole": {"zone": "us-east-1a"}})


def test_account_that_moved_on_names_what_moved(twin: Twin, workload: Workload) -> None:
    fault = {"throttle": {"module": "payments", "to": 0}}
    planned = plan_on(twin, workload, fault)
    assert differences(planned, plan_on(twin, workload, fault)) == ()
    tell(twin, "lambda", "put_function_concurrency", FunctionName="payments", ReservedConcurrentExecutions=9)
    reasons = differences(planned, plan_on(twin, workload, fault))
    assert len(reasons) == 1
    assert "function.concurrency of payments was None, is 9" in reasons[0]


def test_irreversible_plan_says_nothing_undoes_it(twin: Twin, workload: Workload) -> None:
    text = plan_text(plan_on(twin, workload, {"terminate-instance": {"module": "web"}}))
    assert "cannot be undone (the system must heal itself):" in text
    assert "undo: none; healed when scaling group storefront-web" in text
