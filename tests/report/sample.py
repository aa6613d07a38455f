# ruff: noqa: E501 - the sentences of judgements are long
"""Records as a run would write them, made without a run: a held, a broken and a spread experiment, and a refused one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from gameday.change import (
    Call,
    CreatedResource,
    Effect,
    IrreversibleAction,
    PlannedFault,
    Probe,
    Read,
    Setting,
    SettingChange,
    Shape,
)
from gameday.errors import Reason
from gameday.events import Called, ChangeClosed, Ended, Event, Judged, PhaseBegan, Remark, Sampled, TookEffect
from gameday.files.experiment import Experiment
from gameday.files.workload import Workload
from gameday.plan.plan import Plan
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.steady_state.judging.judge import (
    Judgement,
    ModuleJudgement,
    PhaseJudgement,
    Phases,
    RecoveryJudgement,
    Verdict,
)
from gameday.steady_state.samples import Sample

EPOCH = 1_790_000_000.0
ACCOUNT = "111122223333"
HELD, UNKNOWN, BROKEN = Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN


def _metric(name: str, **more: object) -> dict[str, object]:
    return {"cloudwatch": f"Storefront/{name}", "period": "1s", **more}


def _ratio(name: str) -> dict[str, object]:
    return {"bad": _metric(f"{name}Failed", missing="zero"), "total": _metric(f"{name}Tried")}


WORKLOAD = Workload.model_validate(
    {
        "version": 1,
        "kind": "workload",
        "name": "storefront",
        "provides": "Customers find products and buy them.",
        "account": ACCOUNT,
        "regions": ["us-east-1"],
        "owns": {"tags": {"app": "storefront"}},
        "modules": {
            "web": {
                "owns": {"tags": {"module": "web"}},
                "needs": ["catalog", "checkout"],
                "tolerates": ["recommendations"],
            },
            "catalog": {"owns": {"tags": {"module": "catalog"}}},
            "search": {"owns": {"tags": {"module": "search"}}},
            "checkout": {"owns": {"tags": {"module": "checkout"}}, "needs": ["payments"]},
            "payments": {"owns": {"functions": ["payments"]}},
            "recommendations": {"owns": {"tags": {"module": "recommendations"}}},
        },
        "kpis": {
            "orders": {
                "tier": "business",
                "module": "checkout",
                "about": "Customers who press Buy get their order.",
                "ratio": _ratio("Orders"),
                "bound": {"at_least": "99%"},
            },
            "pages": {
                "tier": "business",
                "module": "web",
                "about": "Shoppers see the page they asked for.",
                "ratio": _ratio("Pages"),
                "bound": {"at_least": "99%"},
            },
            "order-rate": {
                "tier": "business",
                "module": "checkout",
                "about": "Orders completed each second.",
                "rate": _metric("Orders"),
                "bound": {"at_least": "5/s"},
            },
            "checkout-latency": {
                "tier": "technical",
                "module": "checkout",
                "about": "How long a customer waits after pressing Buy.",
                "latency": _metric("CheckoutLatency"),
                "bound": {"p95": "300ms"},
            },
            "checkout-capacity": {
                "tier": "technical",
                "module": "checkout",
                "about": "Healthy instances behind the load balancer.",
                "gauge": _metric("CheckoutHealthy", statistic="Minimum"),
                "bound": {"at_least": 6, "for": "95%"},
            },
            "catalog-success": {
                "tier": "technical",
                "module": "catalog",
                "ratio": _ratio("Catalog"),
                "bound": {"at_least": "99%"},
            },
            "search-latency": {
                "tier": "technical",
                "module": "search",
                "latency": _metric("SearchLatency"),
                "bound": {"p95": "200ms"},
            },
            "payments-errors": {
                "tier": "technical",
                "module": "payments",
                "ratio": _ratio("Payments"),
                "bound": {"at_most": "1%"},
            },
        },
    }
)

LAUNCH = Setting(
    name="asg.suspended",
    about="suspended processes",
    shape=Shape.SET,
    read=Read(
        call=Call(service="autoscaling", operation="describe_auto_scaling_groups"),
        rows="AutoScalingGroups[].{id: AutoScalingGroupName, value: SuspendedProcesses[].ProcessName}",
    ),
    add=Call(service="autoscaling", operation="suspend_processes", params={"ScalingProcesses": {"$": "value"}}),
    remove=Call(service="autoscaling", operation="resume_processes", params={"ScalingProcesses": {"$": "value"}}),
)
ACL = Setting(
    name="subnet.acl",
    about="network ACL",
    shape=Shape.SCALAR,
    read=Read(call=Call(service="ec2", operation="describe_network_acls"), rows="NetworkAcls[]"),
    write=Call(service="ec2", operation="replace_network_acl_association"),
    settle=10.0,
)
CONCURRENCY = Setting(
    name="lambda.concurrency",
    about="reserved concurrency",
    shape=Shape.SCALAR,
    read=Read(call=Call(service="lambda", operation="get_function_concurrency"), rows="@", plural=False),
    write=Call(service="lambda", operation="put_function_concurrency"),
    clear=Call(service="lambda", operation="delete_function_concurrency"),
)
REGION = "us-east-1"


def _zone_faults() -> PlannedFault:
    deny = CreatedResource(
        region=REGION,
        about="a network ACL that denies everything, both ways",
        name="acl",
        create=Call(service="ec2", operation="create_network_acl", params={"VpcId": "vpc-0a1b2c3d"}),
        made="NetworkAcl.NetworkAclId",
        find=Call(service="ec2", operation="describe_network_acls"),
        found="NetworkAcls[].NetworkAclId",
        delete=Call(service="ec2", operation="delete_network_acl", params={"NetworkAclId": {"$": "id"}}),
    )
    groups = tuple(
        SettingChange(
            region=REGION,
            module=module,
            about=f"no launches by the scaling group of {module}",
            setting=LAUNCH,
            id=f"storefront-{module}",
            adds=("Launch", "AZRebalance"),
        )
        for module in ("web", "checkout")
    )
    subnets = tuple(
        SettingChange(
            region=REGION,
            module=module,
            about=f"traffic of {module} in us-east-1a",
            setting=ACL,
            id=f"subnet-0{index}f3a9c17e",
            before="acl-0d7e5512",
            after={"$": "made.acl"},
        )
        for index, module in enumerate(("web", "checkout", "catalog"))
    )
    action = IrreversibleAction(
        region=REGION,
        module="checkout",
        about="terminate an instance of checkout in us-east-1a",
        id="i-07c2a9b4e1f3d5a60",
        call=Call(service="ec2", operation="terminate_instances", params={"InstanceIds": [{"$": "id"}]}),
        healed=Probe(
            call=Call(service="elbv2", operation="describe_target_health"),
            holds="length(answer.TargetHealthDescriptions) >= `6`",
            about="six targets of checkout are healthy",
        ),
        why="a terminated instance does not come back",
    )
    return PlannedFault(
        fault="az-blackhole",
        label="all traffic of storefront in us-east-1a is dropped",
        stages=((deny, *groups), (*subnets, action)),
        effect=Effect(about="targets in us-east-1a fail their health checks", probes=()),
        hits={"web": 1 / 3, "catalog": 1 / 3, "checkout": 1 / 3},
    )


def _concurrency(function: str, module: str) -> PlannedFault:
    setting_change = SettingChange(
        region=REGION,
        module=module,
        about=f"reserved concurrency of {function}",
        setting=CONCURRENCY,
        id=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}",
        before=None,
        after=0,
    )
    return PlannedFault(
        fault="throttle",
        label=f"every call of the function {function} is throttled",
        stages=((setting_change,),),
        effect=Effect(about=f"{function} reports throttles", probes=()),
        hits={module: 1.0},
    )


def _experiment(name: str, hypothesis: str, faults: list[dict[str, object]], **more: object) -> Experiment:
    return Experiment.model_validate(
        {
            "version": 1,
            "kind": "experiment",
            "name": name,
            "workload": "workload.yaml",
            "hypothesis": hypothesis,
            "steady_state": ["orders", "checkout-latency", "checkout-capacity"],
            "baseline": "5m",
            "faults": faults,
            "lasts": "7m",
            "isolation": {"margin": "1%"},
            "guard": {"orders": {"at_least": "40%"}},
            **more,
        }
    )


def _plan(
    experiment: Experiment, planned_fault: PlannedFault, hit: tuple[str, ...], may_suffer: tuple[str, ...]
) -> Plan:
    return Plan(
        experiment=experiment,
        workload=WORKLOAD,
        place="twin",
        account=ACCOUNT,
        principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/gameday/ana",
        region=REGION,
        seed=7,
        planned_faults=(planned_fault,),
        hit=hit,
        may_suffer=may_suffer,
        contained=tuple(name for name in WORKLOAD.modules if name not in may_suffer),
    )


@dataclass(frozen=True)
class Story:
    """How customers fared, by seconds since the injection: the share of bad of each KPI, and two gauges."""

    bad: dict[str, Callable[[float], float]]
    capacity: Callable[[float], float]
    effect: float = 2.5
    lasts: float = 420.0
    after: float = 60.0


RATES = {
    "orders": 10,
    "pages": 60,
    "checkout-latency": 10,
    "catalog-success": 40,
    "search-latency": 25,
    "payments-errors": 10,
}


def _samples(story: Story, seed: str) -> dict[str, list[Sample]]:
    chance = random.Random(seed)
    series: dict[str, list[Sample]] = {kpi: [] for kpi in WORKLOAD.kpis}
    end = math.ceil(story.effect + story.lasts + 2 + story.after)
    for second in range(-300, end):
        start = EPOCH + second
        done = 0.0
        for kpi, rate in RATES.items():
            total = max(0, round(chance.gauss(rate, rate**0.5)))
            share = story.bad.get(kpi, lambda _: 0.002)(second)
            bad = sum(chance.random() < share for _ in range(total))
            series[kpi].append(Sample(start, 1.0, total, bad, 1 - bad / total if total else None))
            if kpi == "orders":
                done = total - bad
        series["order-rate"].append(Sample(start, 1.0, done, 0.0, done))
        capacity = story.capacity(second)
        series["checkout-capacity"].append(Sample(start, 1.0, 1.0, float(capacity < 6), capacity))
    return series


def _step(usual: float, *stretches: tuple[float, float, float]) -> Callable[[float], float]:
    def share(at: float) -> float:
        return next((value for start, end, value in stretches if start <= at < end), usual)

    return share


def _phase_rows(
    plan: Plan, series: dict[str, list[Sample]], times: dict[str, tuple[float, float]]
) -> Iterator[PhaseJudgement]:
    for name in plan.workload.kpis:
        kpi = plan.workload.kpis[name]
        for phase, (start, end) in times.items():
            bound = plan.experiment.during.get(name, kpi.bound) if phase == "during" else kpi.bound
            seen = [sample for sample in series[name] if start <= sample.start < end]
            total, bad = sum(sample.total for sample in seen), sum(sample.bad for sample in seen)
            share = bad / total
            if bound == "any":
                yield PhaseJudgement(
                    name, phase, HELD, "any", f"{min(s.value or 0 for s in seen):g} at worst", share, total
                )
                continue
            if kpi.kind == "gauge":
                allowed, words = 1 - bound.share_of_time, f"at least {bound.at_least} for 95% of the time"
                text = f"{(1 - share) * 100:.1f}% of the time"
            elif kpi.kind == "latency":
                allowed, words = 1 - bound.quantile[0], bound.words
                text = f"{(1 - share) * 100:.1f}% of {total:,.0f} within {kpi.bound.quantile[1] * 1000:.0f}ms"
            elif kpi.kind == "rate":
                rate = total / len(seen)
                allowed, words, share = 1.0, bound.words, float(rate < bound.at_least.value)
                text = f"{rate:.1f}/s"
            elif bound.at_most:
                allowed, words, text = bound.at_most.value, bound.words, f"{share * 100:.2f}% of {total:,.0f} bad"
            else:
                allowed, words = 1 - bound.at_least.value, f"at least {bound.at_least}"
                text = f"{(1 - share) * 100:.2f}% of {total:,.0f}"
            yield PhaseJudgement(name, phase, HELD if share <= allowed else BROKEN, words, text, share, total)


def _calls(plan: Plan, undo: float) -> Iterator[Event]:
    for index, change in enumerate(plan.planned_faults[0].changes):
        at, took = EPOCH + 0.03 + 0.02 * index, 0.011 + 0.004 * index
        for phase, when in (("inject", at), ("undo", EPOCH + undo + 0.1 + 0.02 * index)):
            if isinstance(change, IrreversibleAction):
                call, params = change.call, {"InstanceIds": [change.id]}
            elif isinstance(change, CreatedResource):
                call = change.create if phase == "inject" else change.delete
                params = dict(change.create.params) | {
                    "TagSpecifications": [{"Tags": [{"Key": "gameday:run", "Value": "{run}"}]}]
                }
                params = params if phase == "inject" else {"NetworkAclId": "acl-0beef001"}
            else:
                writes = (
                    (change.setting.add, change.setting.remove)
                    if change.adds
                    else (change.setting.write, change.setting.clear or change.setting.write)
                )
                call = writes[phase == "undo"]
                assert call
                params = {
                    "Id": change.id,
                    "Value": change.before if phase == "undo" else list(change.adds) or "acl-0beef001",
                }
            if phase == "inject" or not isinstance(change, IrreversibleAction):
                yield Called(when, phase, index, call.service, call.operation, change.region, params, took, None)


def _record(
    plan: Plan,
    story: Story,
    judgement: Callable[[tuple[PhaseJudgement, ...]], Judgement],
    said: str = "",
    account: str = "restored",
    code: int = 0,
) -> Record:
    series = _samples(story, plan.experiment.name)
    undo = story.effect + story.lasts
    undone, end = undo + 1.6, undo + 1.6 + story.after
    took_effect = story.effect
    calls = sorted(_calls(plan, undo), key=lambda call: call.at)
    times = {
        "before": (EPOCH - 300, EPOCH),
        "during": (EPOCH + took_effect, EPOCH + undo),
        "after": (EPOCH + undone, EPOCH + end),
    }
    events: list[Event] = [PhaseBegan(EPOCH - 300, "before", 300.0), PhaseBegan(EPOCH, "inject", None)]
    events += [call for call in calls if call.phase == "inject"]
    events += [TookEffect(EPOCH + took_effect, 0, plan.planned_faults[0].effect.about)]
    events += [Remark(EPOCH + took_effect, said)] if said else []
    events += [PhaseBegan(EPOCH + took_effect, "during", story.lasts)]
    sampled = [
        Sampled(series[kpi][first].end + 2, kpi, tuple(series[kpi][first : first + 15]))
        for first in range(0, len(series["orders"]), 15)
        for kpi in series
    ]
    events += [PhaseBegan(EPOCH + undo, "undo", None), *(call for call in calls if call.phase == "undo")]
    for index, change in enumerate(plan.planned_faults[0].changes):
        state = "healed" if isinstance(change, IrreversibleAction) else "restored"
        about = "six targets of checkout are healthy" if state == "healed" else "as it was"
        events.append(ChangeClosed(EPOCH + undone, index, state, about))
    events += [PhaseBegan(EPOCH + undone, "after", story.after)]
    rows = tuple(_phase_rows(plan, series, times))
    phases = Phases(times["before"], EPOCH, EPOCH + took_effect, EPOCH + undo, EPOCH + undone, EPOCH + end)
    tail = [Judged(EPOCH + end, phases, judgement(rows)), Ended(EPOCH + end, account, code)]
    ordered = sorted([*events, *sampled], key=lambda event: min(event.at, EPOCH + end))
    name = plan.experiment.name
    return Record(
        run=f"20260922-{name}-k3f9",
        tool="0.1.0",
        started="2026-09-22T09:30:00Z",
        plan=plan,
        events=(*ordered, *tail),
        seed=plan.seed,
        principal=plan.principal,
        files=(
            f"experiments/storefront/{name}.yaml",
            "experiments/storefront/workload.yaml",
            "experiments/storefront/twin.yaml",
        ),
        commit="9dfbd8a41c",
        command=f"gameday run experiments/storefront/{name}.yaml --seed 7",
    )


def _module(name: str, kpi: str, change: float, verdict: Verdict, words: str) -> ModuleJudgement:
    return ModuleJudgement(name, verdict, kpi, change, change - 0.004, change + 0.004, 0.006, words)


@cache
def held() -> Record:
    """A zone is lost, and the claim holds."""
    experiment = _experiment(
        "lose-a-zone",
        "With one zone gone customers keep buying, and checkout is whole again within five minutes.",
        [{"az-blackhole": {"zone": "us-east-1a", "launches": "blocked"}}],
        during={"orders": {"at_least": "95%"}, "checkout-capacity": "any", "checkout-latency": {"p90": "300ms"}},
        recovery={"within": "5m", "from": "impact", "sustained": "1m"},
        allow=["irreversible"],
    )
    suffering = ("web", "catalog", "checkout")
    plan = _plan(experiment, _zone_faults(), suffering, suffering)
    story = Story(
        bad={
            "orders": _step(0.002, (1, 22, 0.34), (22, 60, 0.012)),
            "pages": _step(0.001, (1, 22, 0.31), (22, 40, 0.008)),
            "checkout-latency": _step(0.02, (1, 22, 0.30), (22, 161, 0.042)),
            "catalog-success": _step(0.001, (1, 22, 0.33)),
        },
        capacity=lambda at: 6.0 if at < 21 or at >= 161 else 5.0 if at >= 124 else 4.0,
    )
    took = 161.0

    def judgement(rows: tuple[PhaseJudgement, ...]) -> Judgement:
        back = [
            RecoveryJudgement("orders", HELD, True, EPOCH + 1, EPOCH + 23, 22.0, 20.0, 26.0, False, "back after 22s, 20s to 26s; 5m were allowed"),
            RecoveryJudgement("checkout-latency", HELD, True, EPOCH + 1, EPOCH + 24, 23.0, 21.0, 31.0, False, "back after 23s, 21s to 31s; 5m were allowed"),
            RecoveryJudgement("checkout-capacity", HELD, True, EPOCH + 21, EPOCH + 21 + took - 21, took - 21, took - 22, took - 20, False, "back after 2m20s, 2m19s to 2m21s; 5m were allowed"),
        ]  # fmt: skip
        modules = (
            _module("search", "search-latency", 0.001, HELD, "search-latency changed by 0.1 points, at most 0.5; 1 was allowed"),
            _module("payments", "payments-errors", 0.0, HELD, "payments-errors did not change, by at most 0.4 points; 1 was allowed"),
        )  # fmt: skip
        seen = rows[1].seen.split()[0]
        text = f"Orders stayed at {seen} while the zone was gone (at least 95% claimed), and the slowest KPI, checkout-capacity, was back after 2m20s of the 5m allowed."
        notes = ("recommendations cannot be judged: it has no KPI.",)
        return Judgement(HELD, text, rows, tuple(back), modules, notes)

    return _record(plan, story, judgement)


@cache
def broken() -> Record:
    """Payments are throttled, and orders are not back while the fault lasts."""
    experiment = _experiment(
        "throttle-payments",
        "With payments throttled orders are queued and completed: customers notice nothing for longer than a minute.",
        [{"throttle": {"function": "payments", "to": 0}}],
        during={"orders": {"at_least": "95%"}},
        recovery={"within": "1m", "from": "impact", "sustained": "1m"},
    )
    plan = _plan(experiment, _concurrency("payments", "payments"), ("payments",), ("web", "checkout", "payments"))
    story = Story(
        bad={
            "orders": _step(0.002, (1, 423, 0.43), (423, 431, 0.1)),
            "pages": _step(0.001, (1, 423, 0.006)),
            "payments-errors": _step(0.001, (1, 423, 1.0)),
            "checkout-latency": _step(0.02, (1, 428, 0.22)),
        },
        capacity=lambda at: 6.0,
    )

    def judgement(rows: tuple[PhaseJudgement, ...]) -> Judgement:
        back = (
            RecoveryJudgement("orders", BROKEN, True, EPOCH + 1, EPOCH + 431, None, 421.5, None, True, "not back within the 7m that the fault lasted; 1m was allowed"),
            RecoveryJudgement("checkout-latency", BROKEN, True, EPOCH + 1, EPOCH + 428, None, 421.5, None, True, "not back within the 7m that the fault lasted; 1m was allowed"),
            RecoveryJudgement("checkout-capacity", HELD, False, None, None, None, None, None, False, "never out of its bound"),
        )  # fmt: skip
        modules = (
            _module("catalog", "catalog-success", 0.0, HELD, "catalog-success did not change, by at most 0.4 points; 1 was allowed"),
            _module("search", "search-latency", -0.001, HELD, "search-latency changed by 0.1 points, at most 0.3; 1 was allowed"),
        )  # fmt: skip
        seen = rows[1].seen.split()[0]
        text = f"Orders fell to {seen} while payments were throttled (at least 95% claimed) and did not come back before the undo."
        return Judgement(BROKEN, text, rows, back, modules, ())

    return _record(plan, story, judgement, code=1)


@cache
def spread() -> Record:
    """Recommendations are cut off, and search suffers though nobody declared that it may."""
    experiment = _experiment(
        "lose-recommendations",
        "Recommendations may fail alone: nobody else is hurt.",
        [{"isolate-module": {"module": "recommendations"}}],
        steady_state=["orders", "pages"],
        guard={},
    )
    planned_fault = _concurrency("recommend", "recommendations")
    planned_fault = planned_fault.model_copy(
        update={"fault": "isolate-module", "label": "recommendations is cut off from everything"}
    )
    plan = _plan(experiment, planned_fault, ("recommendations",), ("recommendations",))
    story = Story(
        bad={
            "search-latency": _step(0.02, (4, 424, 0.153)),
            "pages": _step(0.001),
        },
        capacity=lambda at: 6.0,
    )

    def judgement(rows: tuple[PhaseJudgement, ...]) -> Judgement:
        calm = "{} did not change, by at most 0.4 points; 1 was allowed"
        modules = (
            _module("web", "pages", 0.0, HELD, calm.format("pages")),
            _module("catalog", "catalog-success", 0.0, HELD, calm.format("catalog-success")),
            _module("search", "search-latency", 0.133, BROKEN, "search-latency got worse by 13.3 points, 12.9 to 13.7; 1 was allowed"),
            _module("checkout", "orders", 0.0, HELD, calm.format("orders")),
            ModuleJudgement("payments", UNKNOWN, "payments-errors", 0.002, -0.011, 0.015, 0.021, "too little traffic: a change below 2.1 points could not be seen"),
        )  # fmt: skip
        text = "The fault spread: search-latency of search, which does not need recommendations, got worse by 13.3 points; 1 was allowed."
        return Judgement(BROKEN, text, rows, (), modules, ("The experiment claims no recovery.",))

    return _record(plan, story, judgement, said="the listener terminal was dropped: broken pipe", code=1)


def refused() -> Refusal:
    """An experiment that was never injected."""
    return Refusal(
        "stop-half-of-checkout",
        (
            Reason("GD-P20", "checkout: 4 of 6 instances would be hit, the limit is 50%"),
            Reason("GD-P11", "i-0a9f does not carry the tag gameday: allowed"),
        ),
    )


def suite() -> Suite:
    """All of them as one game day."""
    return Suite("storefront", "2026-09-22T09:30:00Z", (held(), broken(), spread(), refused()))


def stuck(record: Record) -> Record:
    """The same run, had somebody else changed a setting meanwhile."""
    theirs = [event for event in record.events if isinstance(event, ChangeClosed)][-1]
    events = [
        replace(event, state="conflict", about="was absent, is 5: somebody else changed it") if event is theirs
        else replace(event, account="stuck", exit=4) if isinstance(event, Ended) else event
        for event in record.events
    ]  # fmt: skip
    return replace(record, events=tuple(events))
