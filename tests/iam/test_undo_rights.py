"""What we may not undo, we do not inject: what IAM says of a plan's undo, and what the guards make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gameday.change import Json
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


def checked(
    monkeypatch: pytest.MonkeyPatch, plan: Plan, found: PrincipalPolicies | AwsError, asked: list[str] | None = None
) -> Reasons:
    def held_by(principal: str, *_: Any) -> PrincipalPolicies:
        (asked if asked is not None else []).append(principal)
        if isinstance(found, AwsError):
            raise found
        return found

    monkeypatch.setattr(rights, "held_by", held_by)
    found_rights = undo_rights(plan, None)  # type: ignore[arg-type]  # nobody is asked but held_by
    guards = [guard for guard in GUARDS if guard.refuses in ("GD-P23", "GD-P24", "GD-P25")]
    return ask(guards, context_of(plan, rights=found_rights))


def held(*policies: Json, boundary: Json = None) -> PrincipalPolicies:
    return PrincipalPolicies(ROLE, policies, boundary)


def test_a_right_that_is_missing_refuses_and_nothing_can_allow_it(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    for one in (plan, allowing(plan, "unchecked-undo", "irreversible")):
        refusals = checked(monkeypatch, one, held(PUT)).refusals
        start = "undo is not permitted: lambda:DeleteFunctionConcurrency on arn:"
        assert {refusal.code for refusal in refusals} == {"GD-P23"}
        assert any(refusal.text.startswith(start) for refusal in refusals)


def test_a_boundary_counts(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    assert checked(monkeypatch, plan, held(EVERYTHING)).refusals == ()
    assert checked(monkeypatch, plan, held(EVERYTHING, boundary=PUT)).refusals != ()


def test_what_cannot_be_checked_refuses_or_is_a_warning_where_it_is_allowed(
    monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    unread = AwsError("iam", "get_role", "AccessDenied", "no")
    (refusal,) = checked(monkeypatch, plan, unread).refusals
    said = "whether undo is permitted cannot be checked: iam.get_role failed: AccessDenied: no"
    assert (refusal.code, refusal.text) == ("GD-P24", said)
    assert "`allow: [unchecked-undo]`" in refusal.remedy
    allowed = checked(monkeypatch, allowing(plan, "unchecked-undo"), unread)
    assert allowed.refusals == ()
    assert [str(warning) for warning in allowed.warnings] == [f"{said} [GD-W24]"]


def test_the_roles_policies_count_where_there_is_one_and_else_those_of_who_runs(
    monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    asked: list[str] = []
    checked(monkeypatch, plan, held(EVERYTHING), asked)
    workload = plan.workload.model_copy(update={"role": ROLE})
    checked(monkeypatch, plan.model_copy(update={"workload": workload}), held(EVERYTHING), asked)
    assert asked == [plan.principal, ROLE]


def test_a_plan_too_large_for_its_sessions_is_refused_with_all_else(
    monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
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
