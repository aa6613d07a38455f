"""The registry of guards: codes that never clash, and for each code an example that makes its guard speak."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest
from gameday.aws.credentials import Credentials
from gameday.change import AnyChange, Call, Condition, HitResource, IrreversibleAction, Json, Probe, SettingChange
from gameday.errors import AwsError, JournalError, Reason, Refused, reason_lines
from gameday.events import Aborted
from gameday.faults.blackhole import AzBlackhole
from gameday.faults.throttling.metrics import grows
from gameday.files.experiment import DetectionClaim
from gameday.files.workload import Freeze
from gameday.plan.guards.context import PlaceContext, PlanContext, RunFacts, UndoRights
from gameday.plan.guards.guard import InjectionGuard, Objection, Reasons, ask
from gameday.plan.guards.registry import ACCOUNT_GUARDS, GUARDS, NOT_RESTORABLE, PLACE_GUARDS, PLAN_GUARDS, READ_FAILED
from gameday.plan.plan import Plan
from gameday.plan.planner import make_plan
from gameday.run.baseline_guards import BASELINE_GUARDS, BaselineContext
from gameday.steady_state.clock import TestClock
from gameday.steady_state.skew import Clocks

from tests.doubles.network import Network
from tests.doubles.reasons import NOW, context_of, reasons_of
from tests.little import REGION, small
from tests.report.sample import ACL, held
from tests.steady_state.streams import kpi

ALL: tuple[InjectionGuard[Any], ...] = (*GUARDS, *BASELINE_GUARDS)
ALARM = "orders-low"
OURS = "i-0123456789abcdef0"
INTERFACE = "eni-0123456789abcdef0"


class Alarms:
    """An account that answers for one alarm, for the instance that we run on, and for the targets of checkout."""

    def __init__(self, state: str | None = "OK", actions: bool = True, targets: int = 6) -> None:
        found = {"AlarmName": ALARM, "StateValue": state, "ActionsEnabled": actions}
        instance = {"InstanceId": OURS, "NetworkInterfaces": [{"NetworkInterfaceId": INTERFACE}]}
        self.answers = {
            "describe_alarms": {"MetricAlarms": [found] if state else []},
            "describe_alarm_history": {"AlarmHistoryItems": []},
            "describe_instances": {"Reservations": [{"Instances": [instance]}]},
            "describe_target_health": {"TargetHealthDescriptions": [{}] * targets},
        }

    def pages(self, call: Call, region: str) -> Json:
        return self.answers[call.operation]

    call = pages

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        return [self.pages(call, region) for call, region in calls]


class Attributes:
    """An account that answers whether instances are protected from termination, and counts its calls."""

    def __init__(self, protected: set[str], denied: set[str] | None = None) -> None:
        self.protected, self.denied = protected, denied or set()
        self.calls: list[Call] = []

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        self.calls += [call for call, _ in calls]
        return [self._answer(str(call.params["InstanceId"])) for call, _ in calls]

    def _answer(self, instance: str) -> Json | AwsError:
        if instance in self.denied:
            return AwsError("ec2", "describe_instance_attribute", "UnauthorizedOperation", "no", "ask for the right")
        return {"DisableApiTermination": {"Value": instance in self.protected}}


def unprotected(instance: str, **changes: Any) -> Condition:
    params: dict[str, Json] = {"InstanceId": instance, "Attribute": "disableApiTermination"}
    condition = Condition(
        subject=instance,
        about="termination protection is off",
        read=Call(service="ec2", operation="describe_instance_attribute", params=params),
        holds="DisableApiTermination.Value == `false`",
        refusal=f"{instance} is protected from termination",
        remedy="turn the protection off, or name other targets",
    )
    return condition.model_copy(update=changes)


class Silent:
    """An account that answers nothing."""

    def pages(self, call: Call, region: str) -> Json:
        raise AwsError(call.service, call.operation, "AccessDenied", "no", "ask for the right")

    call = pages


def on(place: str = "aws", **changes: Any) -> Plan:
    """A plan that no guard objects to, but for these changes of its experiment, workload or itself."""
    plan, kept = held().plan, {"experiment": {"allow": ("irreversible",)}, "workload": {"store": "s3://bucket/prefix"}}
    updates = {key: getattr(plan, key).model_copy(update={**kept[key], **changes.pop(key, {})}) for key in kept}
    return plan.model_copy(update={"place": place, **updates, **changes})


def fault(plan: Plan, **changes: Any) -> Plan:
    """The plan with its fault changed."""
    return plan.model_copy(update={"planned_faults": (plan.planned_faults[0].model_copy(update=changes),)})


def staged(*changes: Any) -> Plan:
    """A plan of these changes alone."""
    return fault(on(), stages=(changes,))


def reversible() -> Plan:
    """The plan without its irreversible action."""
    plan = on()
    stages = (plan.planned_faults[0].setting_changes,)
    return fault(plan, stages=stages)


def write() -> SettingChange:
    changes = held().plan.planned_faults[0].changes
    return next(change for change in changes if isinstance(change, SettingChange) and change.setting == ACL)


def seen(plan: Plan, account: Any = None, **known: Any) -> PlanContext:
    return context_of(plan, account or Alarms(), **known)


def on_our_instance() -> PlanContext:
    context = seen(staged(write().model_copy(update={"id": OURS})))
    return replace(context, request=replace(context.request, instance=OURS))


def reading(source: dict[str, Any], place: str) -> Plan:
    """A plan that claims one KPI of this source."""
    name = "orders"
    own = kpi(gauge=source, bound={"at_most": 0})
    return on(place, workload={"kpis": {name: own}}, experiment={"steady_state": (name,), "guard": {}})


def many() -> Plan:
    """More changes than AWS takes at once, half of its rate kept for the undo."""
    return staged(*(write().model_copy(update={"id": f"subnet-{number}"}) for number in range(60)))


def clocks(ahead: float) -> RunFacts:
    found = Clocks(TestClock(NOW))
    found.heard("Prometheus http://p:9090", formatdate(NOW + ahead, usegmt=True), NOW)
    return RunFacts(clocks=found)


def busy() -> None:
    raise Refused(("workload storefront is taken by run r",), "wait until that run has ended")


def local(given: bool | None) -> PlanContext:
    return seen(on(workload={"store": None}), facts=RunFacts(local_journal=given))


def watching(state: str | None = "OK", actions: bool = True) -> PlanContext:
    detected = DetectionClaim.model_validate({"alarm": ALARM, "within": "1m"})
    return seen(on(experiment={"detected_by": detected}), Alarms(state, actions))


def limited(place: str, **limits: Any) -> PlanContext:
    found = held().plan.workload.limits.model_copy(update=limits)
    hit = tuple(HitResource(resource="instance", id=f"i-{number}") for number in range(3))
    plan = fault(on(place, workload={"limits": found}), hits={"web": 0.6}, hit=hit)
    return seen(plan, in_service={"web": 5})


def frozen() -> PlanContext:
    freeze = Freeze.model_validate({"from": date(2027, 1, 1), "to": date(2027, 1, 31), "why": "holidays"})
    return seen(on(workload={"freezes": (freeze,)}))  # NOW is the 15th of January 2027


def rights(allow: tuple[str, ...] = (), **lines: tuple[str, ...]) -> PlanContext:
    return seen(on(experiment={"allow": ("irreversible", *allow)}), rights=UndoRights(**lines))


def signed(found: Credentials) -> PlanContext:
    """A plan whose calls these credentials sign."""
    return seen(on(), facts=RunFacts(credentials=found))


def dark(instance: str | None, where: str = "", owner: str = "") -> PlanContext:
    """A plan that cuts off a subnet with the only NAT gateway of the process; `owner` of that subnet."""
    change = write().model_copy(update={"id": "subnet-1"})
    routes: list[Json] = [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}]
    hit = (HitResource(resource="instance", id=OURS),)
    zone = on(experiment={"faults": (AzBlackhole(zone="us-east-1a"),)})
    plan = fault(zone, fault=AzBlackhole.name, stages=((change,),), hit=hit)
    context = seen(plan, Network("subnet-1", routes, owner=owner or plan.account))
    return replace(context, request=replace(context.request, instance=instance, unplaced=where))


def on_twin(**changes: Any) -> Plan:
    """A plan on a twin without warm-up."""
    return on("twin", twin=small()[1], **changes)


def action(operation: str) -> IrreversibleAction:
    """An action on an instance, which nothing undoes."""
    healed = Probe(call=Call(service="ec2", operation="describe_instances"), holds="answer", about="it runs")
    call = Call(service="ec2", operation=operation, params={"InstanceIds": [{"$": "id"}]})
    return IrreversibleAction(region=REGION, about=operation, id=OURS, call=call, healed=healed, why="it is")


def stop() -> IrreversibleAction:
    return action("stop_instances")


def reboot() -> IrreversibleAction:
    return action("reboot_instances")


def twice(*changes: AnyChange) -> Plan:
    """A plan with a fault for each of these changes."""
    (planned_fault, *_) = on().planned_faults
    faults = [planned_fault.model_copy(update={"stages": ((change,),), "hits": {}}) for change in changes]
    return on(planned_faults=tuple(faults))


def proven_by_metrics(baseline: float = 30.0) -> Plan:
    """A plan on the twin whose effect CloudWatch's metrics prove."""
    plan = on_twin(experiment={"baseline": baseline})
    probe = grows("AWS/Lambda", "Throttles", "Invocations", {"FunctionName": "worker"})
    return fault(plan, effect=plan.planned_faults[0].effect.model_copy(update={"probes": (probe,)}))


EXAMPLES: dict[str, Callable[[], PlaceContext]] = {
    "GD-P01": lambda: seen(on(experiment={"region": "eu-west-1"})),
    "GD-P02": lambda: seen(on(workload={"production": True})),
    "GD-P03": frozen,
    "GD-P04": lambda: local(False),
    "GD-W04": lambda: local(None),
    "GD-P05": lambda: replace(seen(on()), found="999999999999"),
    "GD-P08": lambda: seen(on_twin(experiment={"lasts": 604800.0})),
    "GD-P10": lambda: seen(fault(on(), refusals=("module web has no running instance",))),
    "GD-W10": lambda: seen(fault(on(), warnings=("nothing will replace it",))),
    "GD-P11": lambda: seen(fault(on(), without_opt_in=("i-1",))),
    "GD-P12": lambda: seen(on(experiment={"allow": ()})),
    "GD-P13": lambda: seen(on(planned_faults=held().plan.planned_faults * 2)),
    "GD-P14": lambda: seen(on(experiment={"stop_when": (ALARM,)}), Alarms("ALARM")),
    "GD-W14": lambda: seen(on(experiment={"stop_when": (ALARM,)}), Alarms("INSUFFICIENT_DATA")),
    "GD-P15": lambda: watching("ALARM"),
    "GD-W15": lambda: watching(actions=False),
    "GD-P16": on_our_instance,
    "GD-P17": lambda: seen(reading({"alarm": ALARM}, "aws"), Alarms(None)),
    "GD-P18": lambda: seen(reading({"command": {"run": ["/no/such/program"]}}, "twin")),
    "GD-W19": lambda: seen(many()),
    "GD-P20": lambda: limited("aws"),
    "GD-W20": lambda: limited("twin"),
    "GD-P21": lambda: limited("aws", instances=2),
    "GD-W21": lambda: limited("twin", instances=2),
    "GD-P22": lambda: limited("aws", exposure=60.0),
    "GD-W22": lambda: limited("twin", exposure=60.0),
    "GD-P23": lambda: rights(lacking=("ec2:StartInstances on * is denied",)),
    "GD-P24": lambda: rights(unchecked=("iam.get_role failed",)),
    "GD-W24": lambda: rights(("unchecked-undo",), unchecked=("iam.get_role failed",)),
    "GD-P25": lambda: rights(too_long=("the run's session policy is longer",)),
    "GD-P26": lambda: seen(on(), facts=clocks(30)),
    "GD-W26": lambda: seen(on(), facts=clocks(-5)),
    "GD-P27": lambda: seen(on(), facts=RunFacts(must_be_free=busy)),
    "GD-P28": lambda: seen(on(), facts=RunFacts(saved=on(region="eu-west-1"))),
    "GD-P29": lambda: seen(fault(reversible(), conditions=(unprotected("i-1"),)), Attributes({"i-1"})),
    "GD-W29": lambda: seen(fault(reversible(), conditions=(unprotected("i-1", warns=True),)), Attributes({"i-1"})),
    "GD-P30": lambda: seen(twice(stop(), reboot())),
    "GD-P31": lambda: seen(proven_by_metrics()),
    "GD-P32": lambda: seen(on(), Alarms(targets=5)),
    "GD-P35": lambda: rights(no_injection=("ec2:StopInstances on * is denied",)),
    "GD-P36": lambda: signed(Credentials("env", NOW + 60, "nothing", is_temporary=True)),
    "GD-W36": lambda: signed(Credentials("env", None, "nothing", is_temporary=True)),
    "GD-P37": lambda: dark(OURS),
    "GD-W37": lambda: dark(None, "a container of ECS"),
    "GD-P38": lambda: dark(None, owner="999999999999"),
}


def over(**seen_then: Any) -> BaselineContext:
    """A baseline that is over, and that no guard objects to but for these."""
    free: dict[str, Any] = {
        "aborted": None,
        "check": SimpleNamespace(unsteady=lambda *_: (), unguardable=lambda *_: ()),
        "series": {},
        "before": (0.0, 60.0),
        "unread": (),
        "detector": SimpleNamespace(begin=lambda: iter(())),
        "effects": SimpleNamespace(begin=lambda: None),
    }
    return BaselineContext(**free | seen_then)


def denied() -> None:
    raise AwsError("elbv2", "describe_target_health", "AccessDenied", "no")


AFTER_THE_BASELINE: dict[str, BaselineContext] = {
    "GD-P40": over(aborted=Aborted(NOW, "signal", "SIGINT arrived")),
    "GD-P41": over(check=SimpleNamespace(unsteady=lambda *_: ("orders is idle: no traffic",))),
    "GD-P42": over(check=SimpleNamespace(unguardable=lambda *_: ("orders has no data to guard it by",))),
    "GD-P43": over(detector=SimpleNamespace(begin=lambda: [Objection("alarm orders-low is firing already")])),
    "GD-P44": over(effects=SimpleNamespace(begin=denied)),
}


def codes_of(guard: InjectionGuard[Any]) -> list[str]:
    return [code for code in (guard.refuses, guard.warns) if code]


def test_codes_are_unique_and_in_order() -> None:
    refuse = [guard.refuses for guard in ALL if guard.refuses]
    warn = [guard.warns for guard in ALL if guard.warns]
    assert all(re.fullmatch(r"GD-P\d\d", code) for code in refuse)
    assert all(re.fullmatch(r"GD-W\d\d", code) for code in warn)
    assert sorted({*refuse, READ_FAILED, NOT_RESTORABLE}) == sorted([*refuse, READ_FAILED, NOT_RESTORABLE])
    assert refuse == sorted(refuse)
    assert warn == sorted(warn)
    both = [guard for guard in ALL if guard.refuses and guard.warns]
    assert all(guard.refuses[-2:] == guard.warns[-2:] for guard in both)


@pytest.mark.parametrize("guard", ALL, ids=lambda guard: guard.name)
def test_guard_has_a_code_and_says_what_it_demands(guard: InjectionGuard[Any]) -> None:
    assert codes_of(guard)
    assert re.match(r"(Refuse|Warn) .+\.$", guard.about), guard.about
    assert len(guard.about.split()) <= 25


def test_every_code_has_an_example() -> None:
    assert [*EXAMPLES] == [code for guard in GUARDS for code in codes_of(guard)]
    assert [*AFTER_THE_BASELINE] == [code for guard in BASELINE_GUARDS for code in codes_of(guard)]


@pytest.mark.parametrize("code", [*EXAMPLES, *AFTER_THE_BASELINE])
def test_example_makes_its_guard_speak(code: str) -> None:
    context = AFTER_THE_BASELINE[code] if code in AFTER_THE_BASELINE else EXAMPLES[code]()
    (guard,) = (guard for guard in ALL if code in codes_of(guard))
    reasons = ask((guard,), context)
    assert {reason.code for reason in (*reasons.refusals, *reasons.warnings)} == {code}
    assert all(reason.text for reason in (*reasons.refusals, *reasons.warnings))
    assert bool(reasons.refusals) == code.startswith("GD-P")


@pytest.mark.parametrize("place", ["aws", "twin"])
def test_plan_without_fault_makes_no_guard_speak(place: str) -> None:
    reasons = ask(GUARDS, seen(on(place)))
    assert (reasons.refusals, reasons.warnings) == ((), ())
    assert ask(BASELINE_GUARDS, over()).refusals == ()


@pytest.mark.parametrize("code", ["GD-P14", "GD-P15", "GD-P16", "GD-P17"])
def test_check_that_aws_does_not_answer_refuses(code: str) -> None:
    (guard,) = (guard for guard in GUARDS if guard.refuses == code)
    context = EXAMPLES[code]()
    assert isinstance(context, PlanContext)
    (refusal,) = ask((guard,), replace(context, account=Silent())).refusals
    assert (refusal.code, refusal.remedy) == (code, "ask for the right")
    assert "could not be checked: " in refusal.text


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [
        (stop(), stop(), {"GD-P30"}),
        (stop(), reboot(), {"GD-P30"}),
        (action("terminate_instances"), write().model_copy(update={"id": INTERFACE}), {"GD-P30"}),
        (write().model_copy(update={"id": INTERFACE}), action("terminate_instances"), {"GD-P30"}),
        (reboot(), write().model_copy(update={"id": INTERFACE}), set()),
        (stop(), write(), set()),
    ],
)
def test_two_faults_on_one_instance_refuse_once(first: AnyChange, second: AnyChange, codes: set[str]) -> None:
    (guard,) = (guard for guard in GUARDS if guard.refuses == "GD-P30")
    refusals = ask((guard,), seen(twice(first, second))).refusals
    assert [refusal.code for refusal in refusals] == [*codes]


@pytest.mark.parametrize(("baseline", "refuses"), [(59.0, True), (60.0, False), (600.0, False)])
def test_metric_needs_a_whole_minute_of_the_baseline(baseline: float, refuses: bool) -> None:
    (guard,) = (guard for guard in GUARDS if guard.refuses == "GD-P31")
    context = replace(seen(proven_by_metrics(baseline)), now=NOW // 60 * 60)
    assert bool(ask((guard,), context).refusals) is refuses


def test_lease_that_cannot_be_read_refuses() -> None:
    def unreadable() -> None:
        raise JournalError("the journal is damaged", "see the file")

    (refusal,) = ask(GUARDS, seen(on(), facts=RunFacts(must_be_free=unreadable))).refusals
    text = "the lease could not be checked: the journal is damaged"
    assert refusal == Reason("GD-P27", text, "see the file")


def test_local_journal_is_warned_of() -> None:
    (warning,) = ask(GUARDS, local(True)).warnings
    assert warning.code == "GD-W04"


def test_bug_of_a_guard_is_not_taken_for_a_refusal() -> None:
    def broken(_: object) -> list[Objection]:
        raise KeyError("x")

    with pytest.raises(KeyError):
        ask((InjectionGuard(broken, refuses="GD-P99"),), object())


def test_twin_needs_no_store_and_no_lease() -> None:
    plan = on("twin", workload={"store": None, "production": True})
    facts = RunFacts(local_journal=False, must_be_free=busy)
    assert ask(GUARDS, seen(plan, facts=facts)).refusals == ()


def test_guards_are_asked_place_first_then_account() -> None:
    assert (*PLACE_GUARDS, *ACCOUNT_GUARDS, *PLAN_GUARDS) == GUARDS
    assert not any(guard.warns for guard in ACCOUNT_GUARDS)  # `make_plan` keeps none of theirs


@pytest.mark.parametrize("code", ["GD-P01", "GD-P02", "GD-P03", "GD-P04"])
def test_wrong_place_refuses_before_any_call(code: str) -> None:
    context = EXAMPLES[code]()
    with pytest.raises(Refused) as refused:
        make_plan(context.request, None, NOW, context.facts)  # type: ignore[arg-type]  # no account is needed
    assert [reason.code for reason in refused.value.reasons] == [code]


def test_neighbours_with_one_remedy_show_it_once() -> None:
    reasons = [Reason("GD-P11", "a", "tag it"), Reason("GD-P11", "b", "tag it"), Reason("", "c")]
    assert list(reason_lines(reasons, "not injecting")) == [
        "not injecting: a [GD-P11]",
        "not injecting: b [GD-P11]",
        "  → tag it",
        "not injecting: c",
    ]


def on_conditions(*conditions: Condition, account: Attributes) -> Reasons:
    return reasons_of("conditions", seen(fault(reversible(), conditions=conditions), account))


def test_condition_that_holds_says_nothing() -> None:
    assert on_conditions(unprotected("i-1"), account=Attributes(set())) == Reasons((), ())


def test_condition_refuses_with_target_and_remedy() -> None:
    (refusal,) = on_conditions(unprotected("i-1"), unprotected("i-2"), account=Attributes({"i-2"})).refusals
    assert refusal.text == "i-2 is protected from termination"
    assert refusal.remedy


def test_condition_without_its_key_does_not_hold() -> None:
    other = unprotected("i-1", holds="NoSuchKey.Value == `false`")
    assert on_conditions(other, account=Attributes(set())).refusals


@pytest.mark.parametrize("warns", [False, True])
def test_condition_that_cannot_be_read_refuses(warns: bool) -> None:
    account = Attributes(set(), denied={"i-1"})
    (refusal,) = on_conditions(unprotected("i-1", warns=warns), account=account).refusals
    assert "UnauthorizedOperation" in refusal.text
    assert refusal.remedy == "ask for the right"


def test_condition_with_broken_path_refuses() -> None:
    broken = unprotected("i-1", holds="length(DisableApiTermination.Value) > `0`")
    assert on_conditions(broken, account=Attributes(set())).refusals


def test_conditions_of_one_read_share_a_call() -> None:
    account = Attributes(set())
    on_conditions(unprotected("i-1"), unprotected("i-1", about="it exists", holds="@ != `null`"), account=account)
    assert len(account.calls) == 1


def test_action_on_a_system_that_is_not_whole_refuses() -> None:
    (refusal,) = reasons_of("healing", seen(on(), Alarms(targets=5))).refusals
    assert "i-07c2a9b4e1f3d5a60" in refusal.text or "checkout" in refusal.text
    assert refusal.remedy


def test_setting_that_loses_something_needs_allow_irreversible() -> None:
    lossy = write().model_copy(update={"lost": ("i-1: its public IPv4 address 192.0.2.1",)})
    plan = staged(lossy)
    assert reasons_of("irreversible actions", seen(plan)).refusals == ()
    strict = plan.model_copy(update={"experiment": plan.experiment.model_copy(update={"allow": ()})})
    (refusal,) = reasons_of("irreversible actions", seen(strict)).refusals
    assert "192.0.2.1" in refusal.text
    assert "allow: [irreversible]" in refusal.remedy
