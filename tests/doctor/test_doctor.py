"""`gameday doctor` against an endpoint in another process: what is missing, most important first, and only reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gameday.doctor.examination import Finding, Severity
from gameday.doctor.run import Examined
from gameday.errors import Exit
from gameday.report.doctor import as_json, terminal

from tests.aws.test_client import Account
from tests.doubles.server import client


@pytest.fixture
def account(server: str, tmp_path: Path) -> Iterator[Account]:
    account = Account(server, tmp_path)
    yield account
    account.close()


def examined(account: Account, *files: str) -> tuple[int, list[dict[str, Any]]]:
    done = account.gameday("doctor", "workload.yaml", *files, "--json")
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert document["exit"] == done.returncode
    return done.returncode, document["findings"]


def texts(findings: list[dict[str, Any]], topic: str, severity: str | None = None) -> str:
    return "\n".join(
        f"{found['text']} {found['remedy']}"
        for found in findings
        if found["topic"] == topic and severity in (None, found["severity"])
    )


def test_doctor_names_what_an_experiment_lacks_first(account: Account) -> None:
    account.write("experiment.yaml", "allow: [unchecked-undo]\n", "")
    code, findings = examined(account, "experiment.yaml")
    assert code == Exit.REFUSED
    assert [found["severity"] for found in findings] == sorted(
        (found["severity"] for found in findings), key=["refuses", "unread", "warns", "note"].index
    )
    assert "whether undo is permitted cannot be checked" in texts(findings, "experiments", "refuses")
    assert "you are arn:aws:sts::123456789012:user/moto" in texts(findings, "identity")
    assert "do not end" in texts(findings, "identity")
    assert "http://127.0.0.1" in texts(findings, "route", "note")
    assert "--local-journal" in texts(findings, "store", "warns")
    assert "all 1 instances carry gameday=allowed" in texts(findings, "opt-in")
    assert "work: the newest of" in texts(findings, "KPIs", "note")


def test_doctor_of_a_whole_workload_plans_its_matrix(account: Account) -> None:
    _, findings = examined(account)
    assert "isolate-worker" in texts(findings, "experiments")


def test_experiment_that_could_run_is_named(account: Account) -> None:
    code, findings = examined(account, "experiment.yaml")
    assert code == Exit.HELD
    assert "1 of 1 experiments could run: stop-a-worker" in texts(findings, "experiments", "note")
    assert account.state == "running"


def test_kpi_that_does_not_arrive_refuses(account: Account) -> None:
    account.write("workload.yaml", 'run: [echo, "1000 0"]', "run: [echo, nothing]")
    code, findings = examined(account, "experiment.yaml")
    assert code in (Exit.REFUSED, Exit.UNKNOWN)
    assert "work: nothing arrived" in texts(findings, "KPIs", "refuses")


def test_target_without_opt_in_tag_is_named(account: Account) -> None:
    account.ec2.delete_tags(Resources=[account.instance], Tags=[{"Key": "gameday"}])
    code, findings = examined(account, "experiment.yaml")
    assert code == Exit.REFUSED
    assert account.instance in texts(findings, "opt-in", "warns")


@pytest.mark.parametrize("exists", [True, False])
def test_store_is_proven(exists: bool, account: Account, server: str) -> None:
    name = f"doctor-{str(exists).lower()}"
    if exists:
        client(server, "s3").create_bucket(Bucket=name)
    account.write("workload.yaml", "provides:", f"store: s3://{name}/team\nprovides:")
    _, findings = examined(account, "experiment.yaml")
    found = texts(findings, "store", "note" if exists else "refuses")
    assert ("keeps conditional writes" in found) is exists
    assert found


def test_other_account_refuses(account: Account) -> None:
    account.write("workload.yaml", '"123456789012"', '"999999999999"')
    code, findings = examined(account, "experiment.yaml")
    assert code == Exit.REFUSED
    assert "123456789012" in texts(findings, "identity", "refuses")


def test_endpoint_that_nobody_serves_is_not_fine(account: Account) -> None:
    account.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    code, _ = examined(account, "experiment.yaml")
    assert code == Exit.UNKNOWN


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ((), Exit.HELD),
        ((Severity.WARNS, Severity.NOTE), Exit.HELD),
        ((Severity.NOTE, Severity.UNREAD), Exit.UNKNOWN),
        ((Severity.REFUSES,), Exit.REFUSED),
    ],
)
def test_exit_code_is_that_of_the_worst_finding(severities: tuple[Severity, ...], code: Exit) -> None:
    found = Examined("shop", tuple(("us-east-1", Finding(each, "topic", "text", "remedy")) for each in severities))
    assert found.exit == code
    assert json.loads(as_json(found))["exit"] == code
    assert terminal(found).splitlines()[-1].startswith("shop: ")
