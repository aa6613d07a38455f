"""The policies allow what a run really calls, not only what its plan says: every fault, applied and undone on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gameday.aws.arns import ArnPlace
from gameday.change import Call
from gameday.engine.apply import apply
from gameday.engine.undo import undo
from gameday.files.experiment import Experiment
from gameday.iam.actions import Action, action_of
from gameday.iam.asks import _arn, _named
from gameday.iam.evaluate import AccessRequest, Decision, decide
from gameday.iam.policy import session_policies
from gameday.plan.plan import Plan
from gameday.steady_state.clock import TestClock
from gameday.testing import DyingAccount

from tests.doubles.play import SHORT
from tests.doubles.runs import RUN, begun
from tests.doubles.shop import Shop
from tests.faults.test_fault_laws import LAWS
from tests.little import small

REGION, ACCOUNT = "us-east-1", "123456789012"
HERE = {"aws:RequestedRegion": REGION}


@contextmanager
def resolved(name: str) -> Iterator[tuple[Shop, Plan]]:
    """A plan with this fault, and the world that it is resolved on."""
    with LAWS[name].world() as shop:
        yield shop, Plan(
            experiment=Experiment.model_validate(SHORT | {"faults": [{"throttle": {"table": "any", "to": 1}}]}),
            workload=small()[0], place="twin", account=ACCOUNT, principal=f"arn:aws:iam::{ACCOUNT}:user/x",
            region=REGION, seed=0, planned_faults=(LAWS[name].planned_fault(shop),),
            hit=(), may_suffer=(), contained=(),
        )  # fmt: skip


def implied(plan: Plan, call: Call, action: Action) -> Iterator[tuple[str, str]]:
    """The scalable target that a call is for: it names its parts, and only its change knows its id."""
    for change in plan.planned_faults[0].setting_changes:
        asked = (call.params.get("ResourceId"), call.params.get("ScalableDimension"))
        if asked[0] and asked == (change.args.get("resource"), change.args.get("dimension")):
            yield from ((kind, change.id) for kind in action.needed)


@pytest.mark.parametrize("name", [name for name in LAWS if name != "throttle a service for a program"])  # asks no AWS
def test_sessions_may_call_what_they_really_call(name: str, tmp_path: Path) -> None:
    with resolved(name) as (shop, plan):
        injecting, clock, journal = DyingAccount(shop.account), TestClock(1_800_000_000.0), begun(tmp_path, RUN)
        undoing = DyingAccount(shop.account)
        apply(plan.planned_faults[0].stages, 0, RUN, injecting, journal, clock, lambda _: None)
        undo(RUN, undoing, journal, clock, lambda _: None)
        policies, known = session_policies(plan, RUN), plan.model_dump_json()
    changing = [
        (call, action, json.loads(policies[part]))
        for part, account in (("run", injecting), ("undo", undoing))
        for call in account.calls
        if (action := action_of(call)) and action.changes
    ]
    assert len(changing) >= len(plan.planned_faults[0].changes)
    for call, action, policy in changing:
        named = [*_named(call, action), *implied(plan, call, action)]
        assert named
        for kind, one in named:
            arn = _arn(action.service, kind, one, call.params, ArnPlace("aws", REGION, ACCOUNT)).replace("*", "x")
            context = HERE if one in known else {**HERE, "aws:ResourceTag/gameday:run": RUN}
            said = decide(AccessRequest(action.name, arn, context), [policy])
            assert said is Decision.ALLOWED, (call, arn)
