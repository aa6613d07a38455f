"""A role on an account, as whole commands against an endpoint in another process: rights, sessions, secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gameday.aws.client import open_account
from gameday.change import Json
from gameday.errors import AwsError, Exit, GamedayError
from gameday.iam.principal import held_by
from gameday.records.record import read_record

from tests.aws.test_client import RUN, Account
from tests.doubles.server import client

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/gameday"
LOCAL = (*RUN, "--local-journal")
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def but(action: str, **condition: Json) -> Json:
    denied = {"Effect": "Deny", "Action": action, "Resource": "*", **condition}
    return {**ANYTHING, "Statement": [*ANYTHING["Statement"], denied]}


class WithRole(Account):
    """An account whose workload names a role with a policy of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder)
        self.iam = client(url, "iam")
        self.write("workload.yaml", "provides:", f"role: {ROLE}\nprovides:")
        self.write("experiment.yaml", "allow: [unchecked-undo]\n", "")
        self.iam.create_role(Path="/ops/", RoleName="gameday", AssumeRolePolicyDocument=json.dumps(ANYTHING))

    def may(self, policy: Json) -> None:
        self.iam.put_role_policy(RoleName="gameday", PolicyName="own", PolicyDocument=json.dumps(policy))

    def close(self) -> None:
        super().close()
        for name in self.iam.list_role_policies(RoleName="gameday")["PolicyNames"]:
            self.iam.delete_role_policy(RoleName="gameday", PolicyName=name)
        self.iam.delete_role(RoleName="gameday")


@pytest.fixture
def account(server: str, tmp_path: Path) -> Iterator[WithRole]:
    account = WithRole(server, tmp_path)
    yield account
    account.close()


# rights ---------------------------------------------------------------------------------------------------------------


def test_role_that_may_not_undo_refuses_and_names_the_right(account: WithRole) -> None:
    account.may(but("ec2:StartInstances"))
    done = account.gameday(*LOCAL)
    assert done.returncode == Exit.REFUSED, done.stderr
    arn = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{account.instance}"
    assert f"not injecting: undo is not permitted: ec2:StartInstances on {arn} is denied" in done.stdout
    assert account.state == "running"
    planned = account.gameday("plan", "experiment.yaml", "--on", "aws")
    assert f"undo is not permitted: ec2:StartInstances on {arn}" in planned.stdout


def test_role_with_just_the_derived_policy_holds_and_restores(account: WithRole) -> None:
    account.may(ANYTHING)
    derived = account.gameday("policy", "experiment.yaml", "--on", "aws")
    assert derived.returncode == Exit.HELD, derived.stderr
    policy = json.loads(derived.stdout)["run"]
    assert "cloudwatch" not in json.dumps(policy)  # no KPI reads it
    account.may(policy)
    done = account.gameday(*LOCAL, "--reports", "out")
    assert done.returncode == Exit.HELD, done.stdout + done.stderr
    assert account.state == "running"
    record = read_record(next((account.folder / "out").glob("*.json")))
    name = f"gameday-{record.run}"
    assert record.principal == f"arn:aws:sts::{ACCOUNT}:user/moto"
    assert record.assumed == f"arn:aws:sts::{ACCOUNT}:assumed-role/gameday/{name}"
    assert record.source_identity == "moto"
    assert record.plan.principal == f"arn:aws:sts::{ACCOUNT}:assumed-role/gameday/gameday-read"
    page = (account.folder / "out" / "index.html").read_text()
    assert name in page
    assert f"sha256:{record.plan.digest}" in page


def test_right_under_conditions_warns_and_must_be_allowed(account: WithRole) -> None:
    tagged = {"Condition": {"StringNotEquals": {"aws:ResourceTag/owner": "ana"}}}
    account.may(but("ec2:StartInstances", **tagged))
    done = account.gameday(*LOCAL)
    assert done.returncode == Exit.REFUSED
    assert "whether undo is permitted cannot be checked: ec2:StartInstances on" in done.stdout
    assert "allow: [unchecked-undo]" in done.stdout
    account.write("experiment.yaml", "lasts: 2s", "allow: [unchecked-undo]\nlasts: 2s")
    planned = account.gameday("plan", "experiment.yaml", "--on", "aws")
    assert planned.returncode == Exit.HELD
    assert "whether undo is permitted cannot be checked: ec2:StartInstances on" in planned.stdout


def test_unreadable_policies_refuse_unless_the_experiment_allows(account: WithRole) -> None:
    account.write("workload.yaml", f"role: {ROLE}\n", "")
    done = account.gameday(*LOCAL)
    assert done.returncode == Exit.REFUSED
    assert "whether undo is permitted cannot be checked: iam.get_user failed: NoSuchEntity" in done.stdout


# whose policies count -------------------------------------------------------------------------------------------------


@pytest.fixture
def aws(account: WithRole, monkeypatch: pytest.MonkeyPatch) -> Any:
    for key, value in account.env.items():
        if key.startswith("AWS_"):
            monkeypatch.setenv(key, value)
    return open_account()


def test_role_has_attached_and_inline_policies_in_its_boundary(account: WithRole, aws: Any) -> None:
    account.may(ANYTHING)
    made = account.iam.create_policy(PolicyName="attached", PolicyDocument=json.dumps(but("s3:*")))["Policy"]["Arn"]
    limit = account.iam.create_policy(PolicyName="limit", PolicyDocument=json.dumps(but("ec2:*")))["Policy"]["Arn"]
    account.iam.attach_role_policy(RoleName="gameday", PolicyArn=made)
    account.iam.put_role_permissions_boundary(RoleName="gameday", PermissionsBoundary=limit)
    try:
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/gameday/ana"
        for principal in (ROLE, session):
            held = held_by(principal, aws, "us-east-1")
            assert held.arn == ROLE
            assert held.boundary == but("ec2:*")
            assert but("s3:*") in held.identity
            assert ANYTHING in held.identity
    finally:
        account.iam.detach_role_policy(RoleName="gameday", PolicyArn=made)
        account.iam.delete_role_permissions_boundary(RoleName="gameday")
        for arn in (made, limit):
            account.iam.delete_policy(PolicyArn=arn)


def test_a_user_holds_its_groups_policies_too(account: WithRole, aws: Any) -> None:
    account.iam.create_user(UserName="ana")
    account.iam.create_group(GroupName="ops")
    account.iam.add_user_to_group(UserName="ana", GroupName="ops")
    account.iam.put_group_policy(GroupName="ops", PolicyName="g", PolicyDocument=json.dumps(but("s3:*")))
    account.iam.put_user_policy(UserName="ana", PolicyName="u", PolicyDocument=json.dumps(ANYTHING))
    held = held_by(f"arn:aws:iam::{ACCOUNT}:user/ana", aws, "us-east-1")
    assert held.identity == (ANYTHING, but("s3:*"))
    assert held.boundary is None


def test_the_root_user_may_all_and_other_kinds_are_not_known(aws: Any) -> None:
    assert held_by(f"arn:aws:iam::{ACCOUNT}:root", aws, "us-east-1").boundary is None
    with pytest.raises(GamedayError, match="neither a role nor a user"):
        held_by(f"arn:aws:sts::{ACCOUNT}:federated-user/ana", aws, "us-east-1")
    with pytest.raises(AwsError, match="NoSuchEntity"):
        held_by(f"arn:aws:iam::{ACCOUNT}:role/nobody", aws, "us-east-1")


# death ----------------------------------------------------------------------------------------------------------------


def test_a_killed_run_is_restored_through_its_role(account: WithRole) -> None:
    account.may(ANYTHING)
    account.dies_in_mid_run()
    restored = account.gameday("restore")
    assert restored.returncode == Exit.HELD, restored.stderr
    assert account.state == "running"


# secrets --------------------------------------------------------------------------------------------------------------

PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "PlantedKeyOfTheCaller",
    "AWS_SESSION_TOKEN": "PlantedTokenOfTheCaller",
    "GAMEDAY_TEST_PASSWORD": "PlantedInTheEnvironment",
}
SECRET_KPIS = """
  probe:
    tier: technical
    ratio: {total: {http: {url: "http://ana:PlantedInUserinfo@127.0.0.1:9/?token=PlantedInQuery", every: 1s}}}
    bound: {at_least: 1%}
  fails:
    tier: technical
    gauge: {command: {run: [sh, -c, "exit 1", "PlantedInArgument"], every: 1s}}
    bound: {at_least: 1}
  from-environment:
    tier: technical
    gauge: {command: {run: [echo, "${GAMEDAY_TEST_PASSWORD}"], every: 1h}}
    bound: {at_least: 1}
"""


def test_no_secret_reaches_record_report_journal_stream_or_log(account: WithRole) -> None:
    account.may(ANYTHING)
    account.env |= PLANTED
    workload = account.folder / "workload.yaml"
    workload.write_text(workload.read_text().rstrip() + SECRET_KPIS)
    tag = {"Key": "password", "Value": "PlantedInATag"}
    account.ec2.create_tags(Resources=[account.instance], Tags=[tag])
    with account.running("--reports", "out") as process:
        out, err = process.communicate()
        assert process.returncode == Exit.HELD, err
    shown = account.gameday("plan", "experiment.yaml", "--on", "aws")
    written = {str(path): path.read_bytes() for path in account.folder.rglob("*") if path.is_file()}
    del written[str(workload)]
    assert any(path.endswith("journal.db") for path in written)
    assert any(path.endswith("index.html") for path in written)
    everything = {**written, "stdout": out.encode(), "stderr": err.encode(), "plan": shown.stdout.encode()}
    assert {path for path, content in everything.items() if b"Planted" in content} == set()
    assert b"127.0.0.1:9" in b"".join(written.values())  # the KPI itself stands there
    issued = [path for path, content in everything.items() if b"ASIA" in content or b"FQoGZXIvYXdz" in content]
    assert issued == []  # moto's temporary credentials


def test_only_a_saved_plan_keeps_kpi_secrets_for_its_owner(account: WithRole) -> None:
    account.may(ANYTHING)
    workload = account.folder / "workload.yaml"
    workload.write_text(workload.read_text().rstrip() + SECRET_KPIS)
    account.env |= PLANTED
    assert account.gameday("plan", "experiment.yaml", "--on", "aws", "-o", "plan.json").returncode == Exit.HELD
    saved = account.folder / "plan.json"
    assert "PlantedInUserinfo" in saved.read_text()
    assert "PlantedKeyOfTheCaller" not in saved.read_text()
    assert saved.stat().st_mode & 0o077 == 0
