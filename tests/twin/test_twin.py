"""The twin as a whole: an account in virtual time, and its effect on customers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from gameday.aws.account import arn_place
from gameday.change import Call
from gameday.errors import AwsError, InvalidInput
from gameday.faults import CATALOGUE
from gameday.faults.fault import FaultContext
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.planner import inventory_of
from gameday.twin.twin import START, Twin

from tests.replay import REGION, STRANGE, Customers, digest


@pytest.fixture
def customers(twin: Twin) -> Customers:
    return Customers(twin)


# --- time -------------------------------------------------------------------------------------------------------------


def test_warm_up_passes_before_the_block(twin: Twin, twin_file: TwinFile) -> None:
    assert twin.clock.now() == START + twin_file.warm_up
    assert sum(twin.truth.journeys["buy"].tried) > 0


def test_module_with_zones_has_instances_there_alone(workload: Workload, twin_file: TwinFile) -> None:
    name = next(name for name, module in twin_file.modules.items() if module.instances)
    module = twin_file.modules[name]
    pinned = module.model_copy(
        update={"instances": module.instances.model_copy(update={"zones": (twin_file.zones[0],)})}
    )
    pinned_file = twin_file.model_copy(update={"modules": {**twin_file.modules, name: pinned}})
    with Twin(workload, pinned_file, seed=1) as twin:
        found = inventory_of(workload, twin.aws, arn_place(twin.aws, REGION)).instances
        assert {each.zone for each in found if each.module == name} == {twin_file.zones[0]}
        assert {each.zone for each in found if each.module != name} == {*twin_file.zones}


def test_sleep_advances_the_world(twin: Twin) -> None:
    before, tried = twin.clock.now(), sum(twin.truth.journeys["browse"].tried)
    twin.clock.sleep(60)
    assert twin.clock.now() == before + 60
    assert sum(twin.truth.journeys["browse"].tried) == pytest.approx(tried + 60 * 40, rel=0.1)


def test_calls_take_no_time(twin: Twin) -> None:
    before = twin.clock.now()
    twin.aws.call(Call(service="ec2", operation="describe_instances"), REGION)
    twin.clock.sleep(0)
    twin.clock.sleep(-1)
    assert twin.clock.now() == before


def test_steps_of_time_do_not_change_the_outcome(workload: Workload, twin_file: TwinFile) -> None:
    def lived(steps: list[float]) -> list[int]:
        with Twin(workload, twin_file, seed=5) as twin:
            Customers(twin).close_zone("us-east-1b")
            for step in steps:
                twin.clock.sleep(step)
            return [*twin.truth.journeys["buy"].tried, *twin.truth.journeys["browse"].failed]

    assert lived([60]) == lived([0.25, 9.75, 7.3, 12.7, 30])


# --- health -----------------------------------------------------------------------------------------------------------


def test_the_healthy_storefront_is_well_inside_its_bounds(customers: Customers) -> None:
    assert customers.served("buy", 300) == 1
    assert customers.served("browse", 10) == 1
    assert metric(customers.twin, "Storefront/CheckoutLatency", "p95", 300) < [0.250]
    assert metric(customers.twin, "Storefront/CheckoutHealthy", "Minimum", 300) == [6.0]
    assert metric(customers.twin, "Storefront/OrdersFailed", "Sum", 60) == []


def test_every_kpi_of_the_storefront_has_data(workload: Workload, customers: Customers) -> None:
    customers.throttle("payments")  # so that metrics that are published only when not zero are there, too
    customers.throttle("recommendations")
    customers.close_zone("us-east-1a")
    customers.twin.clock.sleep(60)
    readings = {
        f"{summand.namespace}/{summand.metric}"
        for kpi in workload.kpis.values()
        for reading in (kpi.latency, kpi.gauge, *((kpi.ratio.bad, kpi.ratio.total) if kpi.ratio else ()))
        if reading and reading.cloudwatch
        for summand in reading.cloudwatch
    }
    dead = {name for name in readings if not metric(customers.twin, name, "SampleCount", 60)}
    assert dead <= {"Storefront/LedgerFailed"}  # it is never hurt here
    assert {kpi.module for kpi in workload.kpis.values()} == set(workload.modules)


# --- faults follow from the account's state ---------------------------------------------------------------------------


def test_deny_all_acl_hurts_until_out_of_rotation(customers: Customers) -> None:
    open_again = customers.close_zone("us-east-1a")
    assert customers.served("buy", 25) < 0.9
    customers.twin.clock.sleep(15)
    assert customers.served("buy", 20) == 1
    open_again()
    assert customers.served("buy", 300) == 1
    zones = [node.zone for node in customers.twin.state.modules["web"].nodes if node.in_rotation]
    assert {zones.count(zone) for zone in zones} == {2}


def test_function_without_concurrency_fails_its_callers(customers: Customers) -> None:
    customers.throttle("payments")
    assert customers.served("buy", 30) < 0.1
    customers.unthrottle("payments")
    customers.twin.clock.sleep(5)
    assert customers.served("buy", 30) == 1


def test_terminated_instance_hurts_until_deregistered(customers: Customers) -> None:
    lost = customers.twin.state.modules["checkout"].nodes[0].id
    customers.boto.client("ec2").terminate_instances(InstanceIds=[lost])
    assert customers.served("buy", 15) < 1
    customers.twin.clock.sleep(15)
    assert customers.served("buy", 60) == 1
    assert sum(node.in_rotation for node in customers.twin.state.modules["checkout"].nodes) == 5
    customers.twin.clock.sleep(60)
    assert sum(node.in_rotation for node in customers.twin.state.modules["checkout"].nodes) == 6


def test_table_serves_saved_capacity_then_throttles(customers: Customers) -> None:
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    customers.boto.client("dynamodb").update_table(TableName="ledger", ProvisionedThroughput=capacity)
    assert customers.served("buy", 30) == 1
    customers.twin.clock.sleep(60)
    assert customers.served("buy", 30) < 0.8


def cured(twin_file: TwinFile) -> TwinFile:
    """With the cure that twin.yaml names."""
    web = twin_file.modules["web"]
    calls = tuple(
        call.model_copy(update={"timeout": 0.25, "retries": 1, "fallback": True})
        if call.to == "recommendations"
        else call
        for call in web.calls
    )
    return twin_file.model_copy(
        update={"modules": {**twin_file.modules, "web": web.model_copy(update={"calls": calls})}}
    )


def test_throttled_recommendations_hurt_orders_until_cured(workload: Workload, twin_file: TwinFile) -> None:
    with Twin(workload, twin_file, seed=7) as twin:
        sick = Customers(twin)
        sick.throttle("recommendations")
        assert sick.served("buy", 120) < 0.9
        sick.unthrottle("recommendations")
        twin.clock.sleep(180)  # the scaling group has replaced what did not answer health checks any more
        assert sick.served("buy", 60) == 1
    with Twin(workload, cured(twin_file), seed=7) as twin:
        whole = Customers(twin)
        whole.throttle("recommendations")
        assert whole.served("buy", 120) == 1
        assert whole.served("browse", 60) == 1


def test_every_fault_of_the_catalogue_can_be_planned_here(workload: Workload, twin: Twin) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "az-blackhole": {"zone": "us-east-1a", "launches": "blocked"},
        "isolate-module": {"module": "catalog"},
        "throttle": {"module": "ledger", "to": "5%"},
        "terminate-instance": {"module": "checkout"},
        "stop-instance": {"module": "web", "hold_replacement": True},
        "reboot-instance": {"module": "web"},
    }
    assert set(wanted) == set(CATALOGUE)
    for name, fields in wanted.items():
        look = FaultContext(
            account=twin.aws,
            region=REGION,
            inventory=inventory_of(workload, twin.aws, arn_place(twin.aws, REGION)),
            modules=tuple(workload.modules),
        )
        planned_fault = CATALOGUE[name].model_validate(fields).inject(look)
        assert planned_fault.refusals == (), name
        assert planned_fault.changes, name


# --- CloudWatch -------------------------------------------------------------------------------------------------------


def metric(twin: Twin, name: str, statistic: str, period: int, **dimensions: str) -> list[float]:
    """The values of the last whole periods, newest first, as GetMetricData answers."""
    namespace, _, of = name.rpartition("/")
    stat = {
        "Metric": {
            "Namespace": namespace,
            "MetricName": of,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        },
        "Period": period,
        "Stat": statistic,
    }
    now = twin.clock.now()
    params = {
        "StartTime": now - now % period - period,
        "EndTime": now,
        "MetricDataQueries": [{"Id": "a", "MetricStat": stat}],
    }
    answer = twin.aws.call(Call(service="cloudwatch", operation="get_metric_data", params=params), REGION)
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


def test_metrics_are_newest_first_by_default(customers: Customers) -> None:
    customers.twin.clock.sleep(5)
    stat = {"Metric": {"Namespace": "Storefront", "MetricName": "PagesTried"}, "Period": 1, "Stat": "Sum"}

    def read(**how: str) -> tuple[list[float], list[float]]:
        result = customers.boto.client("cloudwatch").get_metric_data(
            StartTime=START + 30,
            EndTime=START + 35,
            MetricDataQueries=[{"Id": "a", "MetricStat": stat}],
            **how,
        )["MetricDataResults"][0]
        return [at.timestamp() - START for at in result["Timestamps"]], result["Values"]

    times, values = read()
    assert times == [34, 33, 32, 31, 30]
    assert read(ScanBy="TimestampAscending") == (times[::-1], values[::-1])
    assert all(value > 20 for value in values)


def test_services_publish_their_own_metrics(customers: Customers) -> None:
    twin = customers.twin
    twin.clock.sleep(60)
    assert metric(twin, "AWS/DynamoDB/ConsumedWriteCapacityUnits", "Sum", 60, TableName="ledger") > [300.0]
    customers.throttle("payments")
    twin.clock.sleep(90)
    assert metric(twin, "AWS/Lambda/Throttles", "Sum", 60, FunctionName="payments") > [500.0]
    assert metric(twin, "AWS/Lambda/Invocations", "Sum", 60, FunctionName="recommendations")[0] > 2000
    assert metric(twin, "AWS/Lambda/Throttles", "Sum", 60) == []  # all of a metric's dimensions, or another metric


def test_users_metrics_are_stored(customers: Customers) -> None:
    cloudwatch = customers.boto.client("cloudwatch")
    data = [{"MetricName": "Seen", "Values": [1.0, 5.0], "Counts": [3, 1]}, {"MetricName": "Seen", "Value": 2.0}]
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=data)
    customers.twin.clock.sleep(60)
    assert metric(customers.twin, "Mine/Seen", "SampleCount", 60) == [5.0]
    assert metric(customers.twin, "Mine/Seen", "Sum", 60) == [10.0]


def test_invalid_metric_query_is_an_error(twin: Twin) -> None:
    with pytest.raises(AwsError, match="is not a statistic"):
        metric(twin, "Storefront/PagesTried", "Most", 60)
    with pytest.raises(InvalidInput, match="MetricDataQueries"):
        twin.aws.call(Call(service="cloudwatch", operation="get_metric_data", params={"StartTime": 0}), REGION)
    maths = {"StartTime": 0, "EndTime": 1, "MetricDataQueries": [{"Id": "a", "Expression": "m9 + 1"}]}
    with pytest.raises(AwsError, match="m9, which is the id of no metric"):
        twin.aws.call(Call(service="cloudwatch", operation="get_metric_data", params=maths), REGION)


# --- the same again ---------------------------------------------------------------------------------------------------


def test_same_seed_gives_same_bytes_in_another_process() -> None:
    environment = {**os.environ, **STRANGE, "PYTHONHASHSEED": "1"}  # this process has another one
    command = [sys.executable, "-m", "tests.replay"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout == digest() + "\n", ran.stderr
