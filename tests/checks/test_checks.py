"""`gameday check`: each kind of finding is found where it is planted, and nowhere else; its experiment validates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from gameday.aws.account import Account, AnyCall
from gameday.change import Call, Json
from gameday.checks import CHECKS
from gameday.checks.proof import write_proof
from gameday.checks.run import Checked, check_workload, look, scene_of
from gameday.checks.zones import HEALTHY
from gameday.cli.main import main
from gameday.errors import AwsError, Exit
from gameday.files.load import load_experiment, load_workload, validate_files
from gameday.plan.plan import RunRequest
from gameday.plan.planner import make_plan
from gameday.testing.wrapper import Wrapped
from gameday.twin.control_plane.provision import _CODE
from gameday.twin.twin import START, Twin

from tests.doubles import server
from tests.doubles.play import STOREFRONT, cured, read

REGION = "us-east-1"
QUICK = {"p50": "5ms", "p95": "10ms"}
SITE = {"instances": {"each_zone": 2}, "latency": QUICK}
ALLOW = {"Version": "2012-10-17"}


def sound() -> tuple[dict[str, Any], dict[str, Any]]:
    """A workload and its twin without a weakness: the cure of every planted one."""
    modules: dict[str, Any] = {
        "site": {"owns": {"tags": {"module": "site"}}, "needs": ["mail"]},
        "shop": {"owns": {"tags": {"module": "shop"}}},
        "mail": {"owns": {"functions": ["mail"]}},
        "news": {"owns": {"functions": ["news"]}},
        "rows": {"owns": {"tables": ["rows"]}},
    }
    visits = {"tier": "business", "rate": {"cloudwatch": "N/Tried", "period": "1s"}, "bound": {"at_least": "1/s"}}
    capacity = {
        "tier": "technical",
        "module": "site",
        "gauge": {"cloudwatch": "N/SiteHealthy", "statistic": "Minimum", "period": "1s"},
        "bound": {"at_least": 2},
    }
    workload = {
        "version": 1,
        "kind": "workload",
        "name": "sound",
        "provides": "Little.",
        "account": "111122223333",
        "regions": [REGION],
        "twin": "twin.yaml",
        "owns": {"tags": {"app": "sound"}},
        "modules": modules,
        "kpis": {"visits": visits, "site-capacity": capacity},
    }
    twin = {
        "version": 1,
        "kind": "twin",
        "zones": ["us-east-1a", "us-east-1b"],
        "warm_up": "0s",
        "modules": {
            "site": SITE | {"calls": [{"to": "mail", "timeout": "2s", "retries": 1}]},
            "shop": SITE,
            "mail": {"function": {}, "latency": QUICK, "calls": [{"to": "rows", "timeout": "1s", "retries": 1}]},
            "news": {"function": {}, "latency": QUICK},
            "rows": {"table": {"read_capacity": 5, "write_capacity": 5}, "latency": QUICK},
        },
        "customers": {"rate": "5/s", "journeys": {"visit": {"share": "100%", "enters": "site"}}},
        "metrics": {
            "N/Tried": {"journey": "visit", "count": "tried"},
            "N/SiteHealthy": {"module": "site", "count": "healthy"},
        },
    }
    return workload, twin


@dataclass
class Stand:
    """The files and the world of a planted weakness."""

    twin: Twin

    def client(self, service: str) -> Any:
        return self.twin.aws.connection.client(service, REGION)

    def instances(self, module: str, zone: str) -> list[Any]:
        wanted = [
            {"Name": "tag:module", "Values": [module]},
            {"Name": "availability-zone", "Values": [zone]},
        ]
        answer = self.client("ec2").describe_instances(Filters=wanted)
        return [raw for group in answer["Reservations"] for raw in group["Instances"]]

    def grant(self, role: str, resource: str) -> None:
        statement = {"Effect": "Allow", "Action": "*", "Resource": f"arn:aws:{resource}"}
        policy = json.dumps(ALLOW | {"Statement": [statement]})
        self.client("iam").put_role_policy(RoleName=role, PolicyName=f"of-{role}", PolicyDocument=policy)


def lose_instances(stand: Stand) -> None:
    ids = [raw["InstanceId"] for raw in stand.instances("site", "us-east-1b")]
    stand.client("ec2").terminate_instances(InstanceIds=ids)


def lose_targets(stand: Stand) -> None:
    elb = stand.client("elbv2")
    groups = elb.describe_target_groups()["TargetGroups"]
    site = next(one["TargetGroupArn"] for one in groups if "site" in one["TargetGroupName"])
    gone = [{"Id": raw["InstanceId"]} for raw in stand.instances("site", "us-east-1b")]
    elb.deregister_targets(TargetGroupArn=site, Targets=gone)


def share_table(stand: Stand) -> None:
    stand.grant("news", f"dynamodb:{REGION}:111122223333:table/rows")


def share_queue(stand: Stand) -> None:
    for role in ("mail", "news"):
        stand.grant(role, f"sqs:{REGION}:111122223333:letters")


def share_function(stand: Stand) -> None:
    stand.grant("news", f"lambda:{REGION}:111122223333:function:mail:live")


def share_role(stand: Stand) -> None:
    role = stand.client("iam").get_role(RoleName="mail")["Role"]["Arn"]
    stand.client("lambda").update_function_configuration(FunctionName="news", Role=role)


def share_group(stand: Stand) -> None:
    (one, *_), (other, *_) = stand.instances("site", "us-east-1a"), stand.instances("shop", "us-east-1a")
    groups = [group["GroupId"] for group in one["SecurityGroups"]]
    interface = other["NetworkInterfaces"][0]["NetworkInterfaceId"]
    stand.client("ec2").modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=groups)


@dataclass(frozen=True)
class Plant:
    """A weakness: in the account, in the files, or in both."""

    resource: str
    account: Callable[[Stand], None] = lambda _: None
    bound: int = 2
    call: dict[str, Any] = field(default_factory=dict)  # what site's call of mail says instead
    rate: str = "5/s"


PLANTS = {
    "GD101": Plant("module site", lose_instances, bound=1),
    "GD102": Plant("target group sound-site", lose_targets),
    "GD103": Plant("module site", bound=3),
    "GD104": Plant("module site", rate="4000/s"),
    "GD201": Plant("table rows", share_table),
    "GD202": Plant("queue letters", share_queue),
    "GD203": Plant("function mail", share_function),
    "GD204": Plant("role mail", share_role),
    "GD205": Plant("security group sg-", share_group),
    "GD301": Plant("site → mail", call={"timeout": "900ms"}),
    "GD302": Plant("site → mail", call={"timeout": None}),
    "GD303": Plant("site → mail", call={"retries": 8, "backoff": "100ms"}),
}


def written(folder: Path, workload: Any, twin: Any) -> Path:
    (folder / "workload.yaml").write_text(yaml.safe_dump(workload))
    (folder / "twin.yaml").write_text(yaml.safe_dump(twin))
    return folder / "workload.yaml"


@contextmanager
def planted(folder: Path, plant: Plant, declared: tuple[str, str] | None = None) -> Iterator[tuple[Path, Stand]]:
    workload, twin = sound()
    workload["kpis"]["site-capacity"]["bound"]["at_least"] = plant.bound
    twin["modules"]["site"]["calls"][0] |= plant.call
    twin["customers"]["rate"] = plant.rate
    if declared:
        workload["modules"][declared[0]]["needs"] = [declared[1]]
    file = written(folder, workload, twin)
    loaded = load_workload(file)
    assert loaded.twin
    with Twin(loaded.workload, loaded.twin, region=REGION) as world:
        stand = Stand(world)
        with world.aws.connection.permitting(AnyCall()):
            plant.account(stand)
        yield file, stand


def looked(file: Path, account: Account) -> Checked:
    loaded = load_workload(file)
    return look(scene_of(loaded.workload, loaded.twin, account, REGION, START))


def ids(checked: Checked) -> list[str]:
    return [found.check.id for found in checked.found]


def test_every_check_has_an_id_a_practice_and_a_planted_case() -> None:
    assert [check.id for check in CHECKS.values()] == sorted(CHECKS)
    assert set(CHECKS) == set(PLANTS)
    assert all(check.practice.id.startswith("REL") and check.practice.title and check.why for check in CHECKS.values())


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: str(check.id))
def test_planted_flaw_is_found_alone_and_gives_an_experiment(check: Any, tmp_path: Path) -> None:
    plant = PLANTS[check.id]
    with planted(tmp_path, plant) as (file, stand):
        checked = looked(file, stand.twin.aws)
        assert (ids(checked), checked.unread, checked.exit) == ([check.id], (), Exit.BROKEN)
        (found,) = checked.found
        assert found.finding.resource.startswith(plant.resource)

        loaded = load_workload(file)
        proof = write_proof(tmp_path / "proofs", check, found.finding, loaded.workload, REGION, file)
        assert validate_files([proof]) == []
        told = load_experiment(proof)
        plan = make_plan(
            RunRequest(told.experiment, told.workload, told.twin, "twin", 0, False),
            stand.twin.aws,
            stand.twin.clock.now(),
        )
        assert plan.planned_faults
        assert plan.refusals == ()


def test_a_sound_workload_has_no_finding(tmp_path: Path) -> None:
    workload, twin = sound()
    loaded = load_workload(written(tmp_path, workload, twin))
    checked = check_workload(loaded.workload, loaded.twin, "twin")
    assert (checked.found, checked.unread, checked.exit) == ((), (), Exit.HELD)
    assert any("shop has no gauge" in note for note in checked.notes)


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("GD201", ("news", "rows")),
        ("GD202", ("mail", "news")),
        ("GD203", ("news", "mail")),
        ("GD204", ("mail", "news")),
    ],
)
def test_what_is_shared_as_declared_is_no_finding(kind: str, declared: tuple[str, str], tmp_path: Path) -> None:
    with planted(tmp_path, PLANTS[kind], declared) as (file, stand):
        assert looked(file, stand.twin.aws).found == ()


def test_a_policy_with_a_wildcard_names_no_table(tmp_path: Path) -> None:
    plant = Plant("", lambda stand: stand.grant("news", f"dynamodb:{REGION}:111122223333:table/*"))
    with planted(tmp_path, plant) as (file, stand):
        assert looked(file, stand.twin.aws).found == ()


class Deaf(Wrapped):
    """An account that denies one operation."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "describe_target_health":
            raise AwsError(call.service, call.operation, "AccessDenied", "not you")
        return super().answer(call, region, paged)


def test_check_that_cannot_read_is_unknown(tmp_path: Path) -> None:
    with planted(tmp_path, Plant("")) as (file, stand):
        checked = looked(file, Deaf(stand.twin.aws))
    assert checked.exit == Exit.UNKNOWN
    (why,) = checked.unread
    assert why.startswith("GD102 ")
    assert "AccessDenied" in why


class Remembers(Wrapped):
    """An account whose CloudWatch has a history of the CPU of site's group: quiet, but for one peak."""

    def __init__(self, inner: Account, peak: float, status: str = "Complete") -> None:
        super().__init__(inner)
        self.peak, self.status = peak, status

    def pages(self, call: Call, region: str) -> Json:
        if call.operation != "get_metric_data":
            return super().pages(call, region)
        names = [query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in call.params["MetricDataQueries"]]
        values = [20.0, self.peak, 20.0] if names == ["sound-site"] else []
        times = [1766221200.0, 1766221500.0, 1766221800.0][: len(values)]  # 2025-12-20, from 9:00 on
        return {"MetricDataResults": [{"Id": "cpu0", "StatusCode": self.status, "Values": values, "Timestamps": times}]}


@pytest.mark.parametrize(("peak", "found"), [(49.0, []), (51.0, ["GD104"])])
def test_peak_that_half_the_instances_cannot_carry_is_found(peak: float, found: list[str], tmp_path: Path) -> None:
    with planted(tmp_path, Plant("")) as (file, stand):
        checked = looked(file, Remembers(stand.twin.aws, peak))
    assert ids(checked) == found
    for one in checked.found:
        assert "its CPU was at 51% (2025-12-20T09:05:00+00:00, the peak of" in one.finding.what
        assert "which would be 102%" in one.finding.what


@pytest.mark.parametrize("status", ["InternalError", "PartialData", "Forbidden"])
def test_history_that_is_not_complete_shows_no_peak(status: str, tmp_path: Path) -> None:
    with planted(tmp_path, Plant("")) as (file, stand):
        checked = looked(file, Remembers(stand.twin.aws, 51.0, status))
    assert ids(checked) == []


def gameday(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["gameday", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_storefront_has_its_two_known_findings_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("check", STOREFRONT / "workload.yaml", "--json", "--write", tmp_path)
    assert gameday(monkeypatch, *words) == Exit.BROKEN
    told = json.loads(capsys.readouterr().out)
    assert [(one["id"], one["resource"]) for one in told["findings"]] == [
        ("GD103", "module checkout"),
        ("GD302", "web → recommendations"),
    ]
    assert validate_files([one["proof"] for one in told["findings"]]) == []


def test_storefront_mended_exits_0_and_text_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    workload = read("workload.yaml")
    workload["kpis"]["checkout-capacity"]["bound"]["at_least"] = 4
    twin = cured(read("twin.yaml"))
    next(call for call in twin["modules"]["web"]["calls"] if call["to"] == "recommendations")["retries"] = 1
    file = written(tmp_path, workload, twin)
    assert gameday(monkeypatch, "check", file) == Exit.HELD
    assert "storefront: 0 findings" in capsys.readouterr().out


def test_what_is_no_workload_is_invalid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert gameday(monkeypatch, "check", STOREFRONT / "lose-a-zone.yaml") == Exit.INVALID
    assert "not a workload" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metric", "counts"),
    [
        ("AWS/ApplicationELB/HealthyHostCount", True),
        ("AWS/ApplicationELB/UnHealthyHostCount", False),
        ("AWS/AutoScaling/GroupInServiceInstances", True),
        ("Storefront/OrdersTried", False),
    ],
)
def test_only_metrics_of_healthy_capacity_state_a_modules_need(metric: str, counts: bool) -> None:
    assert bool(HEALTHY.search(metric)) is counts


def test_an_account_is_looked_at_and_no_other_than_the_workloads(tmp_path: Path) -> None:
    workload, twin = sound()
    workload["account"] = "123456789012"  # moto's own
    trusted = json.dumps(ALLOW | {"Statement": []})
    with server.moto_server() as url:
        env, iam, lambda_ = server.settings(url, tmp_path), server.client(url, "iam"), server.client(url, "lambda")
        server.client(url, "sqs").create_queue(QueueName="letters")
        for name in ("mail", "news"):
            role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
            lambda_.create_function(
                FunctionName=name, Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": _CODE}
            )
            lambda_.create_event_source_mapping(
                EventSourceArn=f"arn:aws:sqs:{REGION}:123456789012:letters", FunctionName=name
            )
        words = ("check", str(written(tmp_path, workload, twin)), "--on", "aws")
        mine = server.gameday(*words, "--json", env=env, cwd=tmp_path)
        written(tmp_path, workload | {"account": "111122223333"}, twin)
        other = server.gameday(*words, env=env, cwd=tmp_path)
    assert [one["resource"] for one in json.loads(mine.stdout)["findings"]] == ["queue letters"]
    assert (mine.returncode, other.returncode) == (Exit.BROKEN, Exit.REFUSED)
    assert "the workload is in 111122223333" in other.stderr
