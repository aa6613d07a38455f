"""Dry runs: EC2 says what it would carry out; nothing is sent without DryRun, and nothing to an emulator."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from gameday.aws.client import Aws
from gameday.aws.connection import Connection
from gameday.aws.models import operations, service_model
from gameday.change import PlannedFault
from gameday.faults import CATALOGUE
from gameday.plan.guards.context import UndoRights
from gameday.plan.plan import Plan
from gameday.run import dry_run
from gameday.run.dry_run import MOST, dry_run_calls, rights

from tests.doubles.shop import REGION, Shop, open_shop
from tests.report.sample import held

_ERROR = """<Response><Errors><Error><Code>{code}</Code><Message>{code} it says</Message></Error></Errors>
<RequestID>r</RequestID></Response>"""


class Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


@dataclass
class Ec2:
    """Answers dry runs; `denies` are actions that the caller may not use."""

    denies: tuple[str, ...] = ()
    other: str = "DryRunOperation"
    asked: list[dict[str, str]] = field(default_factory=list)

    def account(self) -> Aws:
        session = botocore.session.Session()
        session.set_credentials("base", "base")
        session.get_component("event_emitter").register("before-send.ec2", self._answer)
        return Aws(Connection(session))

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        asked = {key: values[0] for key, values in parse_qs(body).items()}
        assert asked["DryRun"] == "true"
        self.asked.append(asked)
        code = "UnauthorizedOperation" if asked["Action"] in self.denies else self.other
        status = 403 if code == "UnauthorizedOperation" else 412
        return AWSResponse(request.url, status, {}, Raw(_ERROR.format(code=code).encode()))


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


@pytest.fixture(autouse=True)
def iam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "undo_rights", lambda *_: UndoRights())
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def plan_of(shop: Shop, name: str, **fields: Any) -> Plan:
    fault: PlannedFault = CATALOGUE[name].model_validate(fields).inject(shop.look())
    return held().plan.model_copy(update={"planned_faults": (fault,), "region": REGION, "place": "aws"})


def test_denied_dry_runs_name_call_and_targets(shop: Shop) -> None:
    plan = plan_of(shop, "stop-instance", module="web", share="100%", hold_replacement=True)
    ec2 = Ec2(denies=("StartInstances",))
    found = rights(plan, ec2.account(), None)
    assert found.no_injection == ()
    (line,) = found.lacking
    assert "ec2.start_instances" in line
    assert "UnauthorizedOperation" in line
    assert all(target in line for target in _instances(plan))
    found = rights(plan, Ec2(denies=("StopInstances",)).account(), None)
    assert (len(found.no_injection), found.lacking) == (1, ())


def _instances(plan: Plan) -> list[str]:
    return [change.id for change in plan.planned_faults[0].setting_changes if change.id.startswith("i-")]


def test_instances_share_one_dry_run_and_others_are_few(shop: Shop) -> None:
    plan = plan_of(shop, "stop-instance", module="web", share="100%", hold_replacement=True)
    assert len(_instances(plan)) > 1
    calls = [(phase, call.operation) for phase, call in dry_run_calls(plan)]
    assert calls == [("inject", "stop_instances"), ("undo", "start_instances")]
    isolate = plan_of(shop, "isolate-module", module="web")
    change = isolate.planned_faults[0].stages[-1][0]
    many = tuple(change.model_copy(update={"id": f"eni-{number}"}) for number in range(20))
    fault = isolate.planned_faults[0].model_copy(update={"stages": (*isolate.planned_faults[0].stages[:-1], many)})
    large = isolate.model_copy(update={"planned_faults": (fault,)})
    back = [call for phase, call in dry_run_calls(large) if phase == "undo"]
    assert len(back) == MOST
    assert {call.operation for call in back} == {"modify_network_interface_attribute"}
    assert all(call.params["DryRun"] is True for _, call in dry_run_calls(large))


@pytest.mark.parametrize("code", ["DryRunOperation", "IncorrectInstanceState", "InvalidInstanceID.NotFound"])
def test_every_other_answer_denies_nothing(code: str, shop: Shop) -> None:
    plan = plan_of(shop, "terminate-instance", module="web", share="100%")
    assert rights(plan, Ec2(other=code).account(), None) == UndoRights()


def test_emulators_get_no_dry_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ec2 = Ec2(denies=("TerminateInstances",))
    plan = plan_of(shop, "terminate-instance", module="web", share="100%")
    assert rights(plan, ec2.account(), None) == UndoRights()
    assert ec2.asked == []


def test_operations_that_take_a_dry_run_are_those_of_the_model() -> None:
    names = {name.replace("_", "") for name in dry_run._TAKE_DRY_RUN}
    known = {name for name in operations("ec2") if name.lower() in names}
    assert len(known) == len(names)
    for name in known:
        shape = service_model("ec2").operation_model(name).input_shape
        assert "DryRun" in shape.members
