"""`gameday matrix --on aws`, as a whole command against an endpoint in another process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gameday.cli.main import main
from gameday.errors import Exit
from gameday.matrix.model import from_json

from tests.doubles.server import client, settings
from tests.doubles.skipping import skipping

WORKLOAD = """
version: 1
kind: workload
name: batch
provides: Work gets done.
account: "123456789012"
regions: [us-east-1]
owns: {tags: {app: batch}}
limits: {module_share: 100%}
modules: {worker: {owns: {tags: {module: worker}}}, web: {owns: {functions: [web]}}}
kpis:
  work: {tier: technical, module: worker, ratio: &work {total: {command: {run: [cat, work], every: 500ms}}},
    bound: &most {at_least: 99%}}
  pages: {tier: business, module: web, ratio: *work, bound: *most}
"""
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
FINE, FAILING = "1000 0", "0 1000"


class World:
    """What an account does by itself: an instance that is cut off answers nobody, and fails its health checks.

    moto does not look at packets: it finds a target unfit whose instance is stopped. So here it stops, until it is
    connected again; and its dependents fail (pages needs it, undeclared).
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.ec2, elb, self.scaling = (client(url, service) for service in ("ec2", "elbv2", "autoscaling"))
        self.folder, self.meddling = folder, False
        (folder / "workload.yaml").write_text(WORKLOAD)
        (folder / "work").write_text(FINE)
        (network,) = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        self.name = f"worker-{folder.name[-20:]}".replace("_", "-")
        group = elb.create_target_group(Name=self.name, Protocol="HTTP", Port=80, VpcId=network["VpcId"])
        tags = [{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in TAGS.items()]
        self.scaling.create_launch_configuration(
            LaunchConfigurationName=self.name, ImageId="ami-12345678", InstanceType="t3.micro"
        )
        self.scaling.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchConfigurationName=self.name,
            MinSize=1,
            MaxSize=1,
            AvailabilityZones=["us-east-1a"],
            TargetGroupARNs=[group["TargetGroups"][0]["TargetGroupArn"]],
            Tags=tags,
        )
        (instance,) = self.scaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        self.instance = instance["InstanceId"]
        self.groups = self.seen()
        self.is_cut_off = False

    def seen(self) -> list[str]:
        """The security groups of the instance's interface."""
        found = self.ec2.describe_instances(InstanceIds=[self.instance])
        interface = found["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0]
        self.interface = interface["NetworkInterfaceId"]
        return [one["GroupId"] for one in interface["Groups"]]

    def live(self) -> None:
        """Look, and do what follows from it."""
        is_cut_off = self.seen() != self.groups
        if is_cut_off == self.is_cut_off:
            return
        self.is_cut_off = is_cut_off
        (self.folder / "work").write_text(FAILING if is_cut_off else FINE)
        act = self.ec2.stop_instances if is_cut_off else self.ec2.start_instances
        act(InstanceIds=[self.instance])
        if is_cut_off and self.meddling:
            other = self.ec2.create_security_group(GroupName="other", Description="somebody else's")["GroupId"]
            self.ec2.modify_network_interface_attribute(NetworkInterfaceId=self.interface, Groups=[other])


TAGS = {"app": "batch", "module": "worker", "gameday": "allowed"}


@contextmanager
def living(world: World) -> Iterator[World]:
    try:
        with skipping(world.live):
            yield world
    finally:
        world.scaling.delete_auto_scaling_group(AutoScalingGroupName=world.name, ForceDelete=True)
        world.ec2.terminate_instances(InstanceIds=[world.instance])


@pytest.fixture
def url(server: str) -> Iterator[str]:
    iam = client(server, "iam")
    iam.create_user(UserName="moto")
    iam.put_user_policy(UserName="moto", PolicyName="all", PolicyDocument=json.dumps(ANYTHING))
    yield server
    iam.delete_user_policy(UserName="moto", PolicyName="all")
    iam.delete_user(UserName="moto")


@pytest.fixture
def world(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in settings(url, tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gameday.matrix.twin.BASELINE", "5s")
    monkeypatch.setattr("gameday.matrix.twin.LASTS", "3s")
    with living(World(url, tmp_path)) as world:
        yield world


def matrix(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["gameday", "matrix", "workload.yaml", "--on", "aws", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


Capture = Any


def test_rows_run_singly_under_all_refusals_and_find_the_hidden(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert matrix(monkeypatch, "--local-journal", "--yes", "--reports", "out") == Exit.BROKEN
    shown = capsys.readouterr()
    found = from_json((world.folder / "out" / "matrix.json").read_text(), "matrix")
    assert [(one.kind, one.source, one.module) for one in found.hidden] == [("hidden", "worker", "web")]
    told = re.search(r"web depends on worker, and does not declare it: pages got worse by ([\d.]+) points", shown.out)
    assert told, shown.out
    assert float(told[1]) > 50
    assert "--on aws --local-journal --seed 0" in shown.out
    assert {row.experiment: bool(row.refused) for row in found.rows} == {
        "isolate-worker": False,
        "throttle-web": True,
        "lose-us-east-1a": True,
    }
    assert "not known: throttle-web did not run: " in shown.out
    assert (world.folder / "out" / "isolate-worker" / "index.html").exists()
    assert world.seen() == world.groups


def test_a_stuck_account_ends_the_matrix(world: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    world.meddling = True
    assert matrix(monkeypatch, "--local-journal", "--yes") == Exit.STUCK
    assert (
        "throttle-web did not run: the matrix ended before: isolate-worker left the account stuck"
        in capsys.readouterr().out
    )


def test_nothing_is_touched_without_a_journal_and_a_yes(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert matrix(monkeypatch, "--yes") == Exit.REFUSED
    assert "workload batch names no `store`" in capsys.readouterr().err
    assert matrix(monkeypatch, "--local-journal") == Exit.REFUSED
    shown = capsys.readouterr().err
    assert "isolate module worker: 1 instance" in shown
    assert "throttle-web will be refused: function web does not exist" in shown
    assert "stdin is not a terminal" in shown
    assert world.seen() == world.groups
