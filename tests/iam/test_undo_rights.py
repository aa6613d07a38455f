"""What we may not undo, we do not inject: what IAM says of a plan's undo, and what the guards make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.iam import undo_rights as rights
from gameday.iam.principal import EVERYTHING, PrincipalPolicies
from gameday.iam.undo_rights import undo_rights
from gameday.plan.guards.context import UndoRights
from gameday.plan.guards.guard import Reasons, ask
from gameday.plan.guards.registry import GUARDS
from gameday.plan.plan import Plan

from tests.doubles.play import Played, played
from tests.doubles.reasons import context_of

ROLE = "arn:aws:iam::111122223333:role/gameday"
PUT = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "lambda:*Put*", "Resource": "*"}}


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture
def plan(play: Played) -> Plan:
    return play.plan.model_copy(update={"place": "aws"})


def allowing(plan: Plan, *words: str) -> Plan:
    return plan.model_copy(update={"experiment": plan.experiment.model_copy(update={"allow": words})})


@dataclass
class Simulating:
    """An account that answers only simulations: decisions by action, which fails where there are none."""

    decisions: Mapping[str, Json]
    asked: list[Call] = field(default_factory=list)

    def call(self, call: Call, region: str) -> Json:
        return self.pages(call, region)

    def pages(self, call: Call, _: str) -> Json:
        self.asked.append(call)
        if not self.decisions:
            raise AwsError(call.service, call.operation, "AccessDenied", "no")
        (action,) = call.params["ActionNames"]
        arns = call.params["ResourceArns"]
        found = {"EvalDecision": "allowed", **self.decisions.get(action, {})}
        one = {"EvalActionName": action, "EvalResourceName": arns[0], **found}
        if len(arns) == 1:
            return {"EvaluationResults": [one]}
        each = [{"EvalResourceName": arn, "EvalResourceDecision": found["EvalDecision"]} for arn in arns]
        return {"EvaluationResults": [{**one, "ResourceSpecificResults": each}]}

    def call_all(self, calls: Any, paged: bool = False) -> list[Any]:
        return [self.pages(call, region) for call, region in calls]


def checked(
    monkeypatch: pytest.MonkeyPatch, plan: Plan, found: PrincipalPolicies | AwsError, asked: list[str] | None = None
) -> Reasons:
    def held_by(principal: str, *_: Any) -> PrincipalPolicies:
        (asked if asked is not None else []).append(principal)
        if isinstance(found, AwsError):
            raise found
        return found

    monkeypatch.setattr(rights, "held_by", held_by)
    found_rights = undo_rights(plan, Simulating({}))
    guards = [guard for guard in GUARDS if guard.refuses in ("GD-P23", "GD-P24", "GD-P25")]
    return ask(guards, context_of(plan, rights=found_rights))


def held(*policies: Json, boundary: Json = None) -> PrincipalPolicies:
    return PrincipalPolicies(ROLE, policies, boundary)


def test_missing_right_refuses_and_nothing_can_allow_it(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    for one in (plan, allowing(plan, "unchecked-undo", "irreversible")):
        refusals = checked(monkeypatch, one, held(PUT)).refusals
        start = "undo is not permitted: lambda:DeleteFunctionConcurrency on arn:"
        assert {refusal.code for refusal in refusals} == {"GD-P23"}
        assert any(refusal.text.startswith(start) for refusal in refusals)


def test_a_boundary_counts(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    assert checked(monkeypatch, plan, held(EVERYTHING)).refusals == ()
    assert checked(monkeypatch, plan, held(EVERYTHING, boundary=PUT)).refusals != ()


def test_unchecked_right_refuses_or_warns_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    unread = AwsError("iam", "get_role", "AccessDenied", "no")
    (refusal,) = checked(monkeypatch, plan, unread).refusals
    said = "whether undo is permitted cannot be checked: iam.get_role failed: AccessDenied: no"
    assert (refusal.code, refusal.text) == ("GD-P24", said)
    assert "`allow: [unchecked-undo]`" in refusal.remedy
    allowed = checked(monkeypatch, allowing(plan, "unchecked-undo"), unread)
    assert allowed.refusals == ()
    assert [str(warning) for warning in allowed.warnings] == [f"{said} [GD-W24]"]


def test_policies_of_the_role_count_else_those_of_the_principal(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    asked: list[str] = []
    checked(monkeypatch, plan, held(EVERYTHING), asked)
    workload = plan.workload.model_copy(update={"role": ROLE})
    checked(monkeypatch, plan.model_copy(update={"workload": workload}), held(EVERYTHING), asked)
    assert asked == [plan.principal, ROLE]


def test_plan_too_large_for_its_sessions_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    setting_change = plan.planned_faults[0].changes[0]
    assert "function" in plan.bound_by_tags
    plan = plan.model_copy(update={"bound_by_tags": ()})  # some functions do not carry the opt-in tag
    many = tuple(setting_change.model_copy(update={"id": f"function-{'x' * 40}-{n}"}) for n in range(30))
    large = plan.model_copy(update={"planned_faults": (plan.planned_faults[0].model_copy(update={"stages": (many,)}),)})
    assert checked(monkeypatch, large, held(EVERYTHING)).refusals == ()
    with_role = large.model_copy(update={"workload": plan.workload.model_copy(update={"role": ROLE})})
    (refusal,) = checked(monkeypatch, with_role, held(EVERYTHING)).refusals
    assert refusal.code == "GD-P25"
    assert "longer than the 2,048 characters that STS accepts" in refusal.text


def test_the_twin_permits_everything_and_is_asked_nothing(play: Played) -> None:
    workload = play.plan.workload.model_copy(update={"role": ROLE})
    plan = play.plan.model_copy(update={"workload": workload})
    assert undo_rights(plan, play.twin.aws) == UndoRights()


# what AWS itself says -------------------------------------------------------------------------------------------------

UNDO = "lambda:DeleteFunctionConcurrency"
INJECT = "lambda:PutFunctionConcurrency"
NONE = held({"Version": "2012-10-17", "Statement": []})


def simulated(monkeypatch: pytest.MonkeyPatch, plan: Plan, own: PrincipalPolicies, **decisions: Json) -> UndoRights:
    monkeypatch.setattr(rights, "held_by", lambda *_: own)
    found = {name.replace("_", ":"): decision for name, decision in decisions.items()}
    return undo_rights(plan, Simulating({"any": {}, **found}))


@pytest.mark.parametrize(
    ("decision", "who"),
    [
        ({"EvalDecision": "explicitDeny"}, "by a statement"),
        ({"EvalDecision": "implicitDeny"}, "since no statement allows it"),
        (
            {"EvalDecision": "implicitDeny", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
            "by the organization's policies",
        ),
        (
            {
                "EvalDecision": "implicitDeny",
                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
            },
            "by the permissions boundary",
        ),
    ],
    ids=["statement", "nothing", "organization", "boundary"],
)
def test_what_aws_denies_is_named_with_who_denies_it(
    decision: Json, who: str, monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    found = simulated(monkeypatch, plan, held(EVERYTHING), lambda_DeleteFunctionConcurrency=decision)
    (line,) = found.lacking
    assert line.startswith(f"{UNDO} on arn:aws:lambda:")
    assert line.endswith(f"is denied {who}")
    assert found.unchecked == ()


def test_aws_outweighs_what_we_read_of_policies(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    assert simulated(monkeypatch, plan, NONE) == UndoRights()


def test_condition_unknown_to_aws_is_decided_by_the_policies(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    missing = {"EvalDecision": "implicitDeny", "MissingContextValues": ["aws:SourceIp"]}
    found = simulated(monkeypatch, plan, NONE, lambda_DeleteFunctionConcurrency=missing)
    assert [line.partition(" on ")[0] for line in found.lacking] == [UNDO]
    found = simulated(monkeypatch, plan, held(EVERYTHING), lambda_DeleteFunctionConcurrency=missing)
    assert found.lacking == ()
    assert "depends on conditions" in found.unchecked[0]


def test_injection_that_aws_denies_is_named_apart(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    denied = {"EvalDecision": "explicitDeny"}
    found = simulated(monkeypatch, plan, held(EVERYTHING), lambda_PutFunctionConcurrency=denied)
    named = [line.partition(" on ")[0] for line in (*found.lacking, *found.no_injection)]
    assert named == [INJECT]


def test_one_simulation_covers_many_resources(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    setting_change = plan.planned_faults[0].changes[0]
    many = tuple(setting_change.model_copy(update={"id": f"function-{n}"}) for n in range(150))
    large = plan.model_copy(update={"planned_faults": (plan.planned_faults[0].model_copy(update={"stages": (many,)}),)})
    monkeypatch.setattr(rights, "held_by", lambda *_: NONE)
    account = Simulating({"any": {}})
    assert undo_rights(large, account) == UndoRights()
    of_undo = [call for call in account.asked if call.params["ActionNames"] == [UNDO]]
    assert [len(call.params["ResourceArns"]) for call in of_undo] == [100, 50]
