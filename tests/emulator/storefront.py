"""The storefront's functions on an endpoint, and its customers: what they feel follows from the account alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from gameday.conform.resources import empty_archive
from gameday.steady_state.clock import WallClock

from tests.doubles.server import ROOT

ACCOUNT = "111122223333"
"""The storefront's account: the emulator takes an access key of twelve digits for the account."""
FUNCTIONS = ("payments", "recommendations")
SHORTER = {"baseline: 5m": "baseline: 2m", "lasts: 5m": "lasts: 2m", ", checkout-latency]": "]"}
"""The emulator is slow, and knows no share of requests below a limit: it answers the statistic PR with the average."""
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
OPTED_IN = {"gameday": "allowed", "app": "storefront"}
RATE = 20
"""Requests a second of each metric: enough for a judgement, few enough for a slow endpoint."""
NEEDS = 2
"""Payments at a time that the storefront needs."""
TRIED = ("Orders", "Pages", "Catalog", "Payments", "Recommendations", "Ledger")


@cache
def client(url: str, service: str) -> Any:
    session = botocore.session.Session()
    session.set_credentials(ACCOUNT, "test")
    return session.create_client(service, region_name="us-east-1", endpoint_url=url)


@dataclass
class Storefront:
    """The functions and the table in an account, and a second of customers for each second that passes."""

    url: str
    at: float | None = None  # the second up to which metrics are written
    limits: dict[str, int | None] = field(default_factory=dict)

    def build(self) -> None:
        """Make the functions and the table. The instances of the storefront are beyond the emulator."""
        iam = client(self.url, "iam")
        role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument="{}")
        iam.put_role_policy(RoleName="runner", PolicyName="all", PolicyDocument=json.dumps(ANYTHING))
        functions = client(self.url, "lambda")
        for name in FUNCTIONS:
            functions.create_function(
                FunctionName=name,
                Runtime="python3.12",
                Handler="main.main",
                Role=role["Role"]["Arn"],
                Code={"ZipFile": empty_archive().encode()},
                Tags=OPTED_IN,
            )
        client(self.url, "dynamodb").create_table(
            TableName="ledger",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": key, "Value": value} for key, value in OPTED_IN.items()],
        )

    def files(self, folder: Path) -> None:
        """Copy the storefront's own files. Its runs assume a role: the emulator gives the root user no permission."""
        for path in (ROOT / "experiments" / "storefront").glob("*.yaml"):
            shutil.copy(path, folder)
        for path in folder.glob("throttle-*.yaml"):
            text = path.read_text()
            for was, is_ in SHORTER.items():
                assert was in text, f"{path.name} lacks {was!r}"
                text = text.replace(was, is_)
            path.write_text(text)
        workload = yaml.safe_load((folder / "workload.yaml").read_text())
        workload["kpis"] = {name: kpi for name, kpi in workload["kpis"].items() if "ratio" in kpi}
        workload["role"] = f"arn:aws:iam::{ACCOUNT}:role/runner"
        (folder / "workload.yaml").write_text(yaml.safe_dump(workload))

    def live(self) -> None:
        """Write the metrics of each second up to now."""
        now = float(int(WallClock().now()))
        self.at = now - 60 if self.at is None else self.at
        if now <= self.at:
            return
        functions = client(self.url, "lambda")
        for name in FUNCTIONS:
            found = functions.get_function_concurrency(FunctionName=name)
            self.limits[name] = found.get("ReservedConcurrentExecutions")
        seconds = [self.at + n for n in range(1, int(now - self.at) + 1)]
        own, of_lambda = self._data(seconds), self._throttles(seconds)
        metrics = client(self.url, "cloudwatch")
        for namespace, data in (("Storefront", own), ("AWS/Lambda", of_lambda)):
            for start in range(0, len(data), 500):
                metrics.put_metric_data(Namespace=namespace, MetricData=data[start : start + 500])
        self.at = now

    def _data(self, seconds: list[float]) -> list[Any]:
        is_paid = self.limits["payments"] is None or self.limits["payments"] >= NEEDS
        data = [_point(f"{name}Tried", second, RATE) for name in TRIED for second in seconds]
        failed = [] if is_paid else ["Orders", "Payments"]
        failed += [] if self.limits["recommendations"] is None else ["Recommendations"]
        return data + [_point(f"{name}Failed", second, RATE) for name in failed for second in seconds]

    def _throttles(self, seconds: list[float]) -> list[Any]:
        data = []
        for name, limit in self.limits.items():
            of = [{"Name": "FunctionName", "Value": name}]
            few = 0 if limit is None else RATE
            data += [_point("Throttles", second, few, of) for second in seconds]
            data += [_point("Invocations", second, RATE, of) for second in seconds]
        return data


def _point(name: str, second: float, value: float, of: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"MetricName": name, "Timestamp": second, "Value": value, "StorageResolution": 1, "Dimensions": of or []}
