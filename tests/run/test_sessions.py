"""A run acts through sessions of its role: each is asked for as it should be, renewed, or refused in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from gameday.aws.client import Aws
from gameday.change import Call
from gameday.engine.entries import Run
from gameday.errors import JournalError, Refused, Unplanned
from gameday.events import Event, PhaseBegan
from gameday.iam.policy import session_policies
from gameday.plan.plan import Plan
from gameday.run.context import RunContext
from gameday.run.loop import run
from gameday.run.role_sessions import Sessions, Wanted, source_identity
from gameday.run.sessions import named_by, open_run_sessions, rescuing
from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.play import REGION, Played, metrics_of, played
from tests.doubles.sts import Sts

ROLE = "arn:aws:iam::123456789012:role/ops/gameday"
RUN = "20260101-000000-abcdef"


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture
def plan(play: Played) -> Plan:
    workload = play.plan.workload.model_copy(update={"role": ROLE})
    return play.plan.model_copy(update={"workload": workload})


@pytest.fixture
def sts() -> Sts:
    return Sts()


@pytest.fixture
def sessions(sts: Sts) -> Sessions:
    return Sessions(sts.base(), ROLE, REGION)


def tags_of(asked: dict[str, str]) -> dict[str, str]:
    return {asked[f"Tags.member.{n}.Key"]: asked[f"Tags.member.{n}.Value"] for n in (1, 2, 3)}


def key_of(aws: Aws) -> str:
    return str(aws.connection.session.get_credentials().get_frozen_credentials().access_key)


# what is asked for ----------------------------------------------------------------------------------------------------


def test_planning_reads_through_a_session_that_can_only_read(sts: Sts, sessions: Sessions) -> None:
    sessions.reading()
    (asked,) = sts.asked
    assert asked["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert asked["RoleArn"] == ROLE
    assert asked["SourceIdentity"] == "ana"
    assert "Policy" not in asked


def test_inject_and_undo_sessions_have_just_the_plans_policies(sts: Sts, sessions: Sessions, plan: Plan) -> None:
    reading = sessions.reading()
    actors = open_run_sessions(reading, sessions, plan, RUN)
    assert len(sts.asked) == 2
    undoing = actors.undoing()
    _, run_, undo = sts.asked
    expected = session_policies(plan, RUN)
    assert (run_["Policy"], undo["Policy"]) == (expected["run"], expected["undo"])
    assert (run_["RoleSessionName"], undo["RoleSessionName"]) == (f"gameday-{RUN}", f"gameday-{RUN}-undo")
    assert {one["SourceIdentity"] for one in sts.asked} == {"ana"}
    for asked in (run_, undo):
        assert tags_of(asked) == {
            "gameday:run": RUN,
            "gameday:workload": plan.workload.name,
            "gameday:plan": plan.digest,
        }
    assert isinstance(actors.account, Aws)
    assert isinstance(undoing, Aws)
    assert len({key_of(one) for one in (reading, actors.account, undoing)}) == 3


def test_credentials_that_assume_the_role_can_do_nothing_else(sts: Sts) -> None:
    base = sts.base()
    Sessions(base, ROLE, REGION).reading()
    other = Wanted("arn:aws:iam::123456789012:role/admin", "x-x", "ana")
    for call in (other.call, Call(service="ec2", operation="stop_instances", params={"InstanceIds": ["i-1"]})):
        with pytest.raises(Unplanned):
            base.call(call, REGION)


def test_no_session_goes_beyond_the_plan_by_the_filter_either(sessions: Sessions, plan: Plan) -> None:
    actors = open_run_sessions(sessions.reading(), sessions, plan, RUN)
    stop = Call(service="ec2", operation="stop_instances", params={"InstanceIds": ["i-1"]})
    for account in (actors.account, actors.undoing()):
        with pytest.raises(Unplanned):
            account.call(stop, REGION)


def test_without_a_role_the_credentials_at_hand_do_both(sts: Sts, play: Played) -> None:
    base = sts.base()
    actors = open_run_sessions(base, None, play.plan, RUN)
    assert isinstance(actors.account, Aws)
    assert actors.account is actors.undoing()
    assert actors.account.connection is base.connection
    assert sts.asked == []


def test_a_principal_of_the_record_is_the_one_that_sts_names(plan: Plan) -> None:
    wanted = Wanted(ROLE, f"gameday-{RUN}", "ana")
    assert wanted.arn == f"arn:aws:sts::123456789012:assumed-role/gameday/gameday-{RUN}"


@pytest.mark.parametrize(
    ("principal", "source"),
    [
        ("arn:aws:iam::123456789012:user/ops/ana", "ana"),
        ("arn:aws:sts::123456789012:assumed-role/Ops/ana@example.com", "ana@example.com"),
        ("arn:aws:iam::123456789012:root", "root"),
        ("arn:aws:iam::123456789012:user/ana maría", "ana-mar-a"),
        ("arn:aws:iam::123456789012:user/a", "a-"),
    ],
)
def test_who_is_behind_a_session_is_its_source_identity(principal: str, source: str) -> None:
    assert source_identity(principal) == source


@given(st.text())
def test_every_source_identity_is_one_that_sts_takes(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", source_identity(f"arn:aws:iam::1:user/{name}"))


# what is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDenied", "must allow sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession"),
        ("PackedPolicyTooLarge", "name fewer targets, or split the experiment: Gameday never widens the policy to fit"),
        ("ExpiredToken", "check your AWS credentials"),
    ],
)
def test_session_that_cannot_be_opened_is_a_plain_refusal(code: str, remedy: str, sts: Sts, sessions: Sessions) -> None:
    sts.refuses = code
    with pytest.raises(Refused, match=rf"STS opened no session of {ROLE} \(gameday-read\): {code}") as refused:
        sessions.reading()
    assert remedy in refused.value.remedy


def test_nothing_is_injected_when_the_undo_session_fails(
    play: Played, plan: Plan, sts: Sts, sessions: Sessions
) -> None:
    heard: list[Event] = []
    actors = open_run_sessions(sessions.reading(), sessions, plan, RUN)
    sts.refuses = "AccessDenied"
    source = metrics_of(play.twin.aws)
    stage = RunContext("test-run", play.account, play.twin.clock, source, play.journal, undoing=actors.undoing)
    with pytest.raises(Refused, match=f"gameday-{RUN}-undo"):
        heard.extend(run(plan, stage))
    assert [event.phase for event in heard if isinstance(event, PhaseBegan)] == ["before"]
    assert play.journal.entries("test-run") == []


# how long it lasts ----------------------------------------------------------------------------------------------------


def test_a_session_is_renewed_before_it_ends(sts: Sts, sessions: Sessions) -> None:
    sts.lasts = timedelta(minutes=10)
    aws = sessions.reading()
    assert key_of(aws) == "ASIA2"
    sts.lasts = timedelta(hours=1)
    assert key_of(aws) == "ASIA3"
    assert key_of(aws) == "ASIA3"
    assert [one["PolicyArns.member.1.arn"].rpartition("/")[2] for one in sts.asked] == ["ReadOnlyAccess"] * 3


def test_session_that_cannot_be_renewed_is_used_to_its_end(sts: Sts, sessions: Sessions) -> None:
    sts.lasts = timedelta(minutes=2)
    aws = sessions.reading()
    sts.refuses = "AccessDenied"
    assert key_of(aws) == "ASIA1"
    assert len(sts.asked) > 1


# restore --------------------------------------------------------------------------------------------------------------


def journalled(plan: str) -> Run:
    return Run(RUN, "shop", "123456789012", REGION, "aws", 1, "ana@host", 0.0, plan)


def test_dead_run_is_restored_through_its_role_and_only_undone(sts: Sts, plan: Plan) -> None:
    one = journalled(plan.model_dump_json(by_alias=True))
    assert named_by(one, "role") == ROLE
    rescuing(sts.base(), one)
    (asked,) = sts.asked
    assert asked["Policy"] == session_policies(plan, RUN)["undo"]
    assert asked["RoleSessionName"] == f"gameday-{RUN}-undo"


def test_role_that_cannot_be_assumed_is_named_by_restore(sts: Sts, plan: Plan) -> None:
    sts.refuses = "AccessDenied"
    one = journalled(plan.model_dump_json(by_alias=True))
    with pytest.raises(Refused, match=f"STS opened no session of {ROLE}"):
        rescuing(sts.base(), one)


def test_run_without_a_role_is_restored_with_own_credentials(play: Played) -> None:
    assert named_by(journalled(play.plan.model_dump_json(by_alias=True)), "role") is None
    with pytest.raises(JournalError, match="cannot read the plan"):
        named_by(journalled("{}"), "role")
