"""The twin's traffic: requests proceed as they would on servers, functions and tables."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from gameday.files.twin_file import TwinFile
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.state import OUTSIDE, ModuleStatus, NodeState, WorldState
from gameday.twin.traffic import draws
from gameday.twin.traffic.customers import Traffic
from gameday.twin.traffic.ground_truth import SecondTally, Truth
from gameday.twin.traffic.publish import aws_metrics, user_metrics
from hypothesis import given, settings
from hypothesis import strategies as st

START = 1_000_000.0


def instances(p50="10ms", p95=None, slots=16, queue=64, each_zone=1, **more):
    shape = {"each_zone": each_zone, "slots": slots, "queue": queue}
    return {"instances": shape, "latency": {"p50": p50, "p95": p95 or p50}, **more}


def function(p50="10ms", p95=None, **more):
    return {"function": {}, "latency": {"p50": p50, "p95": p95 or p50}, **more}


def table(read_capacity, p50="2ms", **more):
    shape = {"read_capacity": read_capacity, "write_capacity": 1, "units": "read"}
    return {"table": shape, "latency": {"p50": p50, "p95": p50}, **more}


def stage(rate, burst, **more):
    return {"stage": {"rate": rate, "burst": burst}, "latency": {"p50": "1ms", "p95": "1ms"}, **more}


def twin_of(modules, rate="50/s", zones=("a",), journeys=None, patience="10s", metrics=None):
    first = next(iter(modules))
    journeys = journeys or {"ask": {"share": "100%", "enters": first, "patience": patience}}
    customers = {"rate": rate, "journeys": journeys}
    raw = {"version": 1, "kind": "twin", "zones": zones, "modules": modules, "customers": customers}
    return TwinFile.model_validate({**raw, "metrics": metrics or {}})


def healthy(twin):
    """The state of an account in which all is well."""
    modules = {}
    for name, module in twin.modules.items():
        each = module.instances.each_zone if module.instances else 0
        modules[name] = ModuleStatus(
            nodes=tuple(NodeState(f"{name}-{zone}{i}", zone, True, True) for zone in twin.zones for i in range(each)),
            capacity=float(module.table.read_capacity) if module.table else None,
            rate=module.stage.rate if module.stage else None,
            burst=float(module.stage.burst) if module.stage else None,
        )
    return WorldState(modules)


def changed(state, module, **fields):
    return replace(state, modules={**state.modules, module: replace(state.modules[module], **fields)})


def nodes_of(state, module, **fields):
    return changed(state, module, nodes=tuple(replace(node, **fields) for node in state.modules[module].nodes))


def started(twin, seed=1, store=None, publications=None):
    """Traffic on a healthy account."""
    traffic = Traffic(twin, seed, START, store, user_metrics(twin) if publications is None else publications)
    traffic.apply(healthy(twin))
    return traffic


LATENCY = {"Shop/Latency": {"journey": "ask", "count": "latency"}}


def whole(store, namespace, metric, statistic, dimensions):
    """A statistic over all that was published."""
    store.complete_until = math.inf
    return store.statistics(namespace, metric, dimensions, statistic, 10_000, START, START + 1)[0][1]


def latencies(store):
    """Mean, lowest and highest latency of all customers."""
    return tuple(whole(store, "Shop", "Latency", statistic, {}) for statistic in ("Average", "Minimum", "Maximum"))


STOREFRONT = {
    "web": instances(
        p95="40ms",
        calls=[
            {"to": "catalog", "timeout": "1s", "retries": 1},
            {"to": "payments", "timeout": "1s", "retries": 2, "only": ["buy"]},
        ],
    ),
    "catalog": instances(p95="30ms", calls=[{"to": "items", "timeout": "500ms", "retries": 2}]),
    "payments": function(p95="40ms", errors="1%"),
    "items": table(100),
}
JOURNEYS = {"browse": {"share": "75%", "enters": "web"}, "buy": {"share": "25%", "enters": "web"}}


def storefront(**more):
    return twin_of(STOREFRONT, zones=("a", "b", "c"), journeys=JOURNEYS, **more)


def eventful(twin, steps, seed=5):
    """Twenty seconds with a lost zone, a dead node and a throttled function, advanced in these steps."""
    good = healthy(twin)
    hurt = nodes_of(changed(good, "payments", concurrency=0), "catalog", serving=False, in_rotation=False)
    lost = replace(good, lost=frozenset({("web-a0", "catalog-a0"), (OUTSIDE, "web-b0"), ("web-c0", OUTSIDE)}))
    traffic = started(twin, seed)
    for state, end in ((good, 4.0), (hurt, 7.5), (lost, 13.0), (good, 20.0)):
        traffic.apply(state)
        for step in (step for step in steps if step < end):
            traffic.advance(max(traffic._now, START + step))
        traffic.advance(START + end)
    return traffic.truth


def counts(truth):
    return {name: each for outcomes in (truth.journeys, truth.modules) for name, each in outcomes.items()}


# --- the same seed ---------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 20), max_size=30))
def test_same_seed_gives_same_outcomes_for_any_steps(steps):
    twin = storefront()
    assert counts(eventful(twin, sorted(steps))) == counts(eventful(twin, []))


def test_another_seed_gives_other_outcomes():
    twin = storefront()
    assert counts(eventful(twin, [], seed=1)) != counts(eventful(twin, [], seed=2))


def test_each_purpose_has_its_own_stream_of_random_numbers():
    def first(seed, name):
        draw = draws.uniform(seed, name)
        return [draw() for _ in range(3000)]

    assert first(1, "service/web") == first(1, "service/web")
    assert not set(first(1, "service/web")) & set(first(1, "errors/web"))
    assert not set(first(1, "service/web")) & set(first(2, "service/web"))


def test_a_fault_does_not_shift_the_arrivals():
    """Served after exactly a second or given up after exactly a second: the same customers end in the same seconds."""
    twin = twin_of({"web": instances(p50="1s", slots=1000)}, patience="1000ms")
    well, ill = started(twin), started(twin)
    ill.apply(replace(healthy(twin), lost=frozenset({(OUTSIDE, "web-a0")})))
    for traffic in (well, ill):
        traffic.advance(START + 60)
    assert well.truth.journeys["ask"].tried == ill.truth.journeys["ask"].tried
    assert sum(ill.truth.journeys["ask"].failed) == sum(ill.truth.journeys["ask"].tried) > 2000


# --- customers -------------------------------------------------------------------------------------------------------


def test_without_a_fault_all_succeed_at_the_design_rate():
    twin = storefront()
    traffic = started(twin)
    traffic.advance(START + 300)
    browse, buy = traffic.truth.journeys["browse"], traffic.truth.journeys["buy"]
    total = sum(browse.tried) + sum(buy.tried)
    assert total == pytest.approx(300 * 50, abs=4 * math.sqrt(300 * 50))
    assert sum(buy.tried) / total == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / total))
    assert sum(browse.failed) == 0
    assert sum(buy.failed) == 0  # 1% errors, but three attempts


def test_customers_come_as_a_poisson_process():
    twin = twin_of({"web": instances()})
    traffic = started(twin)
    traffic.advance(START + 1000)
    each_second = np.array(traffic.truth.journeys["ask"].tried[1:])
    assert each_second.var() / each_second.mean() == pytest.approx(1.0, abs=4 * math.sqrt(2 / 1000))


def test_customer_out_of_patience_leaves_the_work_running():
    twin = twin_of({"web": instances(p50="3s", slots=1000)}, patience="2s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.advance(START + 30)
    ask, web = traffic.truth.journeys["ask"], traffic.truth.modules["web"]
    assert sum(ask.failed) == sum(ask.tried) > 0
    assert latencies(store) == pytest.approx((2.0, 2.0, 2.0))
    assert sum(web.finished) > 0
    assert sum(web.finished[:3]) == 0


# --- instances -------------------------------------------------------------------------------------------------------


def test_load_balancer_goes_round_robin_over_rotation():
    twin = twin_of({"web": instances(p50="500ms", slots=1000)}, zones=("a", "b", "c"))
    traffic = started(twin)
    state = healthy(twin)
    first, *rest = state.modules["web"].nodes
    traffic.apply(changed(state, "web", nodes=(replace(first, in_rotation=False), *rest)))
    traffic.advance(START + 10)
    busy = [len(node.working) for node in traffic._modules["web"].nodes.values()]
    assert busy[0] == 0
    assert abs(busy[1] - busy[2]) <= 1
    assert busy[1] > 5


def test_load_balancer_without_rotation_fails_open():
    twin = twin_of({"web": instances()}, zones=("a", "b"))
    traffic = started(twin)
    traffic.apply(nodes_of(healthy(twin), "web", in_rotation=False))
    traffic.advance(START + 10)
    assert sum(traffic.truth.journeys["ask"].tried) > 400
    assert sum(traffic.truth.journeys["ask"].failed) == 0


def test_load_balancer_without_nodes_refuses():
    twin = twin_of({"web": instances()}, metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(changed(healthy(twin), "web", nodes=()))
    traffic.advance(START + 10)
    assert sum(traffic.truth.journeys["ask"].failed) == sum(traffic.truth.journeys["ask"].tried) > 0
    assert latencies(store) == (0.0, 0.0, 0.0)


def test_full_queue_refuses_at_once():
    twin = twin_of({"web": instances(p50="1s", slots=3, queue=2)}, rate="20/s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.advance(START + 100)
    ask = traffic.truth.journeys["ask"]
    assert sum(ask.tried) - sum(ask.failed) == pytest.approx(300, abs=5)
    mean, lowest, highest = latencies(store)
    assert lowest == 0.0
    assert highest <= 2.0 + 1e-6  # at most one turn of waiting, since two wait for three slots
    assert mean < 1.0
    assert not traffic.responds("web-a0")


def test_requests_wait_in_order():
    twin = twin_of({"web": instances(p50="100ms", slots=1)}, rate="9/s", metrics=LATENCY)
    store = MetricStore()
    started(twin, store=store).advance(START + 500)
    mean, lowest, _ = latencies(store)
    assert lowest == pytest.approx(0.1)
    assert mean > 0.3


def test_removed_node_resets_its_requests():
    twin = twin_of({"web": instances(p50="60s", slots=1000)}, patience="100s")
    traffic = started(twin)
    traffic.advance(START + 10)
    traffic.apply(changed(healthy(twin), "web", nodes=()))
    in_flight = sum(traffic.truth.journeys["ask"].tried)
    assert in_flight == 0
    traffic.advance(START + 11)
    assert traffic.truth.journeys["ask"].failed[10] > 400


def test_a_reset_is_retried_on_another_node():
    web = instances(p50="1ms", slots=1000, calls=[{"to": "back", "retries": 1, "timeout": "30s"}])
    twin = twin_of({"web": web, "back": instances(p50="5s", slots=1000)}, zones=("a", "b"), patience="60s")
    traffic = started(twin)
    traffic.advance(START + 3)
    state = healthy(twin)
    traffic.apply(changed(state, "back", nodes=state.modules["back"].nodes[1:]))
    traffic.advance(START + 30)
    assert sum(traffic.truth.modules["back"].failed) > 50
    assert sum(traffic.truth.journeys["ask"].failed) == 0


def test_a_host_that_is_down_is_silence():
    twin = twin_of({"web": instances()}, patience="3s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(nodes_of(healthy(twin), "web", serving=False))
    traffic.advance(START + 10)
    assert latencies(store) == pytest.approx((3.0, 3.0, 3.0))
    assert sum(traffic.truth.journeys["ask"].failed) == sum(traffic.truth.journeys["ask"].tried)


def test_health_checks_see_what_traffic_sees():
    twin = twin_of({"web": instances()}, zones=("a", "b"))
    traffic, state = started(twin), healthy(twin)
    assert traffic.responds("web-a0")
    assert not traffic.responds("web-z9")
    traffic.apply(replace(state, lost=frozenset({(OUTSIDE, "web-a0")})))
    assert not traffic.responds("web-a0")
    assert traffic.responds("web-b0")
    traffic.apply(nodes_of(state, "web", serving=False))
    assert not traffic.responds("web-b0")


# --- lost paths ------------------------------------------------------------------------------------------------------


def behind(timeout=None, **more):
    """Two modules: web calls back; customers wait long."""
    web = instances(calls=[{"to": "back", **({"timeout": timeout} if timeout else {}), **more}], slots=4, queue=0)
    return twin_of({"web": web, "back": instances()}, rate="20/s", patience="300s", metrics=LATENCY)


LOST = frozenset({("web-a0", "back-a0")})


def test_lost_path_holds_the_slot_until_the_timeout():
    twin, store = behind("10s"), MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(replace(healthy(twin), lost=LOST))
    traffic.advance(START + 9)
    assert not traffic.responds("web-a0")
    traffic.advance(START + 60)
    ask, back = traffic.truth.journeys["ask"], traffic.truth.modules["back"]
    assert sum(ask.failed) == sum(ask.tried)
    assert all(ask.failed[2:9])  # refused at once, since every slot is held
    assert sum(back.failed) == pytest.approx(4 * 60 / 10.01, abs=4)  # four slots, ten seconds each
    assert latencies(store)[1:] == pytest.approx((0.0, 10.01))


def test_lost_path_without_timeout_lasts_until_tcp_fails():
    twin, store = behind(), MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(replace(healthy(twin), lost=LOST))
    traffic.advance(START + 120)
    assert sum(traffic.truth.modules["back"].tried) == 0
    traffic.advance(START + 200)
    assert sum(traffic.truth.modules["back"].failed) == 4
    assert latencies(store)[2] == pytest.approx(127.01)


def test_slow_answer_without_timeout_arrives():
    web = instances(slots=1000, calls=[{"to": "back"}])
    twin = twin_of({"web": web, "back": instances(p50="150s", slots=10_000)}, rate="5/s", patience="300s")
    traffic = started(twin)
    traffic.advance(START + 200)
    assert sum(traffic.truth.journeys["ask"].tried) > 100
    assert sum(traffic.truth.journeys["ask"].failed) == 0


def test_an_answer_on_its_way_is_lost_with_the_path():
    web = instances(slots=1000, calls=[{"to": "back", "timeout": "3s"}])
    twin = twin_of({"web": web, "back": instances(p50="2s", slots=1000)}, rate="20/s")
    traffic = started(twin)
    traffic.advance(START + 1.5)
    traffic.apply(replace(healthy(twin), lost=LOST))
    traffic.advance(START + 3)
    assert sum(traffic.truth.modules["back"].finished) > 10  # the work was done, but nobody heard of it
    assert sum(traffic.truth.journeys["ask"].tried) == 0
    traffic.advance(START + 5)
    assert sum(traffic.truth.journeys["ask"].failed) == sum(traffic.truth.journeys["ask"].tried) > 10


@pytest.mark.parametrize("service", [function(), table(100), stage("100/s", 100)])
def test_node_without_outside_path_reaches_no_service(service):
    web = instances(slots=1000, calls=[{"to": "service", "timeout": "2s"}])
    twin = twin_of({"web": web, "service": service}, rate="20/s", zones=("a", "b"), metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(replace(healthy(twin), lost=frozenset({("web-a0", OUTSIDE)})))
    traffic.advance(START + 20)
    ask = traffic.truth.journeys["ask"]
    assert sum(ask.failed) / sum(ask.tried) == pytest.approx(0.5, abs=0.1)
    assert latencies(store)[2] == pytest.approx(2.01)


def test_removed_node_behind_lost_path_does_not_answer():
    web = instances(slots=1000, calls=[{"to": "back", "timeout": "8s"}])
    twin = twin_of({"web": web, "back": instances(p50="2s", slots=1000)}, rate="20/s", patience="60s")
    traffic, state = started(twin), healthy(twin)
    traffic.advance(START + 1)
    traffic.apply(changed(replace(state, lost=LOST), "back", nodes=()))
    traffic.advance(START + 1)
    in_flight_failures = sum(traffic.truth.modules["back"].failed)
    assert in_flight_failures == 0
    traffic.advance(START + 10)
    assert traffic.truth.journeys["ask"].failed[8] > 0


# --- calls -----------------------------------------------------------------------------------------------------------


def test_only_the_named_journeys_make_a_call():
    twin = storefront()
    traffic = started(twin)
    traffic.advance(START + 60)
    payments, buy = traffic.truth.modules["payments"], traffic.truth.journeys["buy"]
    assert sum(buy.tried) <= sum(payments.tried) <= sum(buy.tried) * 1.1


def test_a_fallback_goes_on_without_the_call():
    twin = behind("200ms", fallback=True)
    traffic = started(twin)
    traffic.apply(replace(healthy(twin), lost=frozenset({("web-a0", "back-a0")})))
    traffic.advance(START + 60)
    ask = traffic.truth.journeys["ask"]
    good = sum(ask.tried) - sum(ask.failed)
    assert good == pytest.approx(60 * 4 / 0.21, rel=0.35)  # four slots, 210ms each; the rest is refused
    assert good == sum(traffic.truth.modules["back"].failed)


def test_throttle_is_retried_with_full_jitter():
    calls = [{"to": "pay", "retries": 3, "backoff": "100ms"}]
    twin = twin_of({"web": instances(calls=calls, slots=1000), "pay": function()}, rate="20/s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(changed(healthy(twin), "pay", concurrency=0))
    traffic.advance(START + 200)
    ask, pay = traffic.truth.journeys["ask"], traffic.truth.modules["pay"]
    assert sum(pay.throttled) == pytest.approx(4 * sum(ask.tried), rel=0.02)
    assert sum(pay.finished) == 0
    mean, lowest, highest = latencies(store)
    assert mean == pytest.approx(0.01 + (0.1 + 0.2 + 0.4) / 2, rel=0.03)  # full jitter: half of each bound on average
    assert 0.01 <= lowest < mean < highest <= 0.71


def test_the_timeout_is_for_the_whole_call_retries_included():
    calls = [{"to": "pay", "retries": 20, "backoff": "1s", "timeout": "2s"}]
    twin = twin_of({"web": instances(calls=calls, slots=1000), "pay": function()}, rate="20/s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.apply(changed(healthy(twin), "pay", concurrency=0))
    traffic.advance(START + 100)
    assert latencies(store)[1:] == pytest.approx((2.01, 2.01))
    pay = traffic.truth.modules["pay"]
    assert sum(pay.tried) == sum(pay.throttled)  # a caller who gives up between two attempts has none under way


def test_callee_works_on_after_its_caller_leaves():
    calls = [{"to": "back", "timeout": "100ms"}]
    modules = {"web": instances(calls=calls, slots=1000), "back": instances(p50="1s", slots=1000)}
    traffic = started(twin_of(modules, rate="20/s"))
    traffic.advance(START + 60)
    back = traffic.truth.modules["back"]
    assert sum(back.failed) == sum(back.tried)
    assert sum(back.finished) == pytest.approx(sum(back.tried), abs=40)


def test_modules_in_a_call_circle_keep_running():
    modules = {
        "web": function(calls=[{"to": "back"}]),
        "back": function(p50="5ms", calls=[{"to": "web"}]),
    }
    traffic = started(twin_of(modules, rate="20/s"))
    traffic.advance(START + 60)
    ask = traffic.truth.journeys["ask"]
    assert sum(ask.failed) == sum(ask.tried) > 0
    assert sum(traffic.truth.modules["web"].throttled) > 0


def test_throttle_starves_another_journey_through_slots():
    """Retries without a timeout hold the slots that the other journey needs; a timeout and a fallback free them."""

    def failed(**care):
        calls = [{"to": "extras", "only": ["browse"], "retries": 10, "backoff": "500ms", **care}]
        twin = twin_of(
            {"web": instances(slots=8, queue=8, calls=calls), "extras": function()},
            zones=("a", "b"),
            journeys={"browse": {"share": "80%", "enters": "web"}, "buy": {"share": "20%", "enters": "web"}},
        )
        traffic = started(twin)
        traffic.advance(START + 60)
        assert sum(traffic.truth.journeys["buy"].failed) == 0
        traffic.apply(changed(healthy(twin), "extras", concurrency=0))
        traffic.advance(START + 180)
        buy = traffic.truth.journeys["buy"]
        return sum(buy.failed[60:]) / sum(buy.tried[60:])

    assert failed() > 0.5
    assert failed(timeout="100ms", fallback=True) == 0.0


# --- functions, tables, stages ---------------------------------------------------------------------------------------


def test_zero_concurrency_throttles_until_raised():
    twin = twin_of({"pay": function()})
    traffic = started(twin)
    traffic.apply(changed(healthy(twin), "pay", concurrency=0))
    traffic.advance(START + 10)
    assert sum(traffic.throttled("pay")) == sum(traffic.truth.journeys["ask"].failed) > 400
    traffic.apply(healthy(twin))
    traffic.advance(START + 20)
    assert sum(traffic.throttled("pay")[10:]) == sum(traffic.truth.journeys["ask"].failed[10:]) == 0


def test_table_throttles_after_its_saved_capacity():
    twin = twin_of({"items": table(100)}, rate="20/s")
    traffic = started(twin)
    traffic.apply(changed(healthy(twin), "items", capacity=5.0))
    traffic.advance(START + 300)
    throttled = traffic.throttled("items")
    onset = next(second for second, count in enumerate(throttled) if count)
    assert onset == pytest.approx(300 * 5 / (20 - 5), abs=6)  # 1,500 saved units, drained by 15 a second
    assert 300 - onset > 100
    served = sum(traffic.truth.modules["items"].finished[onset + 1 :])
    assert served / (299 - onset) == pytest.approx(5, abs=0.1)


def test_a_table_on_demand_never_throttles():
    twin = twin_of({"items": table(1)}, rate="20/s")
    traffic = started(twin)
    traffic.apply(changed(healthy(twin), "items", capacity=None))
    traffic.advance(START + 60)
    assert sum(traffic.throttled("items")) == 0


def test_stage_passes_its_burst_then_its_rate():
    twin = twin_of({"api": stage("10/s", 100)}, rate="50/s")
    traffic = started(twin)
    traffic.advance(START + 60)
    passed = sum(traffic.truth.modules["api"].finished)
    assert passed == pytest.approx(100 + 60 * 10, abs=2)
    assert traffic.throttled("api")[0] == traffic.throttled("api")[1] == 0


# --- queueing theory -------------------------------------------------------------------------------------------------


def erlang_b(servers, load):
    """The share that M/G/c/c loses: B(c, a) = a·B(c-1, a) / (c + a·B(c-1, a)), for any distribution of service."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def test_a_function_loses_what_erlang_b_says():
    """Erlang (1917); insensitive to the service time's distribution (Sevastyanov, 1957)."""
    mean = 0.1 * math.exp((math.log(4) / 1.6449) ** 2 / 2)
    twin = twin_of({"pay": function("100ms", "400ms")}, rate="60/s")
    traffic = started(twin)
    traffic.apply(changed(healthy(twin), "pay", concurrency=10))
    traffic.advance(START + 600)
    ask = traffic.truth.journeys["ask"]
    assert sum(ask.failed) / sum(ask.tried) == pytest.approx(erlang_b(10, 60 * mean), rel=0.08)


def test_wait_for_one_slot_matches_pollaczek_khinchine():
    """M/G/1: mean wait = λ·E[S²] / (2(1-ρ)) (Kleinrock, Queueing Systems I, section 5.6)."""
    sigma = math.log(2) / 1.6449
    mean, square = 0.01 * math.exp(sigma**2 / 2), 0.01**2 * math.exp(2 * sigma**2)
    twin = twin_of({"web": instances("10ms", "20ms", slots=1, queue=10_000)}, rate="65/s", metrics=LATENCY)
    store = MetricStore()
    started(twin, store=store).advance(START + 900)
    wait = 65 * square / (2 * (1 - 65 * mean))
    assert latencies(store)[0] - mean == pytest.approx(wait, rel=0.08)


def test_wait_for_many_slots_matches_erlang_c():
    """M/M/c: mean wait = C(c, a) / (c·μ - λ), with C = B / (1 - ρ(1-B)) (Erlang, 1917)."""
    twin = twin_of({"web": instances(slots=4, queue=10_000)}, rate="60/s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    generator = np.random.default_rng(7)
    traffic._modules["web"].service = lambda: generator.exponential(0.05)
    traffic.advance(START + 900)
    blocked = erlang_b(4, 3.0)
    wait = blocked / (1 - 0.75 * (1 - blocked)) / (4 / 0.05 - 60)
    assert latencies(store)[0] - 0.05 == pytest.approx(wait, rel=0.12)


def test_littles_law_holds():
    """The mean number in the system is the arrival rate times the mean stay (Little, 1961)."""
    twin = twin_of({"web": instances("100ms", "300ms", slots=8)}, rate="40/s", metrics=LATENCY)
    store = MetricStore()
    traffic = started(twin, store=store)
    inside = []
    for instant in np.arange(0.1, 400, 0.1):
        traffic.advance(START + instant)
        inside += [len(node.working) + len(node.waiting) for node in traffic._modules["web"].nodes.values()]
    rate = sum(traffic.truth.journeys["ask"].tried) / 400
    assert np.mean(inside) == pytest.approx(rate * latencies(store)[0], rel=0.02)


# --- truth and metrics -----------------------------------------------------------------------------------------------


def truth_of(*seconds):
    truth = Truth(["ask"], [], 100)
    for tried, failed in seconds:
        tally = SecondTally()
        for number in range(tried):
            tally.count(number >= failed, 0.1)
        truth.add({"ask": tally}, {})
    return truth


def test_degraded_intervals_follow_the_true_outcomes():
    truth = truth_of((10, 0), (10, 1), (10, 0), (10, 5), (0, 0), (10, 10), (0, 0), (10, 0), (4, 4))
    assert truth.degraded("ask", 0.95) == [(101.0, 102.0), (103.0, 106.0), (108.0, 109.0)]
    assert truth.degraded("ask", 0.9) == [(103.0, 106.0), (108.0, 109.0)]
    assert truth.degraded("ask", 0.0) == []
    assert truth_of((100, 45)).degraded("ask", 0.55) == []


def test_truth_has_the_times_of_an_outage():
    twin = twin_of({"pay": function()})
    traffic = started(twin)
    for end, concurrency in ((20, None), (50, 0), (80, None)):
        traffic.apply(changed(healthy(twin), "pay", concurrency=concurrency))
        traffic.advance(START + end)
    assert traffic.truth.degraded("ask", 0.9) == [(START + 20, START + 50)]


FEEDS = {
    "Shop/Tried": {"journey": "ask", "count": "tried"},
    "Shop/Failed": {"journey": "ask", "count": "failed", "dimensions": {"Stage": "live"}},
    "Shop/WebHealthy": {"module": "web", "count": "healthy"},
}


def test_user_metrics_match_the_truth():
    twin = twin_of({"web": instances(errors="20%")}, zones=("a", "b"), rate="5/s", metrics=FEEDS)
    store = MetricStore()
    traffic = started(twin, store=store)
    traffic.advance(START + 20)
    traffic.apply(nodes_of(healthy(twin), "web", in_rotation=False))
    traffic.advance(START + 40.5)
    ask = traffic.truth.journeys["ask"]

    def published(metric, dimensions):
        return dict(store.statistics("Shop", metric, dimensions, "Sum", 1, START, START + 100))

    seconds = [START + second for second in range(40)]
    assert published("Tried", {}) == {at: n for at, n in zip(seconds, ask.tried, strict=True) if n}
    assert published("Failed", {"Stage": "live"}) == {at: n for at, n in zip(seconds, ask.failed, strict=True) if n}
    assert published("Failed", {}) == {}
    assert published("WebHealthy", {}) == {at: 2.0 if at < START + 20 else 0.0 for at in seconds}


def test_aws_metrics_have_awss_names():
    modules = {
        "api": stage("25/s", 1, calls=[{"to": "web"}]),
        "web": instances(errors="10%", calls=[{"to": "pay", "fallback": True}]),
        "pay": function("20ms", calls=[{"to": "items", "fallback": True}]),
        "items": table(5),
    }
    dimensions = {
        "api": {"ApiName": "shop", "Stage": "live"},
        "web": {"LoadBalancer": "app/web/1", "TargetGroup": "targetgroup/web/2"},
        "pay": {"FunctionName": "pay"},
        "items": {"TableName": "items"},
    }
    twin, store = twin_of(modules, rate="30/s"), MetricStore()
    traffic = started(twin, store=store, publications=aws_metrics(twin, dimensions))
    traffic.apply(changed(healthy(twin), "items", capacity=1.0))
    traffic.advance(START + 100)
    traffic.apply(changed(healthy(twin), "pay", concurrency=0))
    traffic.advance(START + 120)
    truth = traffic.truth.modules

    def total(namespace, metric, module, statistic="Sum"):
        return whole(store, namespace, metric, statistic, dimensions[module])

    assert total("AWS/Lambda", "Invocations", "pay") == sum(truth["pay"].finished)
    assert total("AWS/Lambda", "Throttles", "pay") == sum(truth["pay"].throttled) > 0
    assert total("AWS/Lambda", "Errors", "pay", "SampleCount") == sum(truth["pay"].finished)
    assert total("AWS/Lambda", "Duration", "pay", "Minimum") == pytest.approx(20)  # milliseconds
    assert total("AWS/DynamoDB", "ConsumedReadCapacityUnits", "items") == sum(truth["items"].finished)
    assert total("AWS/DynamoDB", "ReadThrottleEvents", "items") == sum(truth["items"].throttled) > 0
    assert total("AWS/ApiGateway", "Count", "api") == sum(truth["api"].tried)
    assert total("AWS/ApiGateway", "4XXError", "api") == sum(truth["api"].throttled) > 0
    assert total("AWS/ApiGateway", "4XXError", "api", "Average") == pytest.approx(
        sum(truth["api"].throttled) / sum(truth["api"].tried)
    )
    assert total("AWS/ApplicationELB", "RequestCount", "web") == sum(truth["web"].tried)
    assert total("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "web") / sum(truth["web"].tried) == pytest.approx(
        0.1, abs=0.03
    )
    assert total("AWS/ApplicationELB", "HealthyHostCount", "web", "Maximum") == 1.0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["ok", "lost", "down", "gone", "zero"]), min_size=1, max_size=8), st.integers(0, 99))
def test_any_faults_count_customers_once_and_leak_no_slot(faults, seed):
    twin = storefront(patience="2s")
    traffic, good = started(twin, seed), healthy(twin)
    states = {
        "ok": good,
        "lost": replace(good, lost=frozenset({("web-a0", "catalog-b0"), (OUTSIDE, "web-b0"), ("catalog-c0", OUTSIDE)})),
        "down": nodes_of(good, "catalog", serving=False),
        "gone": changed(good, "web", nodes=good.modules["web"].nodes[:1]),
        "zero": changed(good, "payments", concurrency=0),
    }
    for number, fault in enumerate(faults, 1):
        traffic.apply(states[fault])
        traffic.advance(START + 2 * number)
    traffic.apply(good)
    end = START + 2 * len(faults) + 30
    traffic.advance(end)
    calm = started(twin, seed)
    calm.advance(end)
    ended, all_of_them = (sum(sum(each.tried) for each in t.truth.journeys.values()) for t in (traffic, calm))
    assert abs(ended - all_of_them) < 60  # but for those who are under way
    for outcomes in counts(traffic.truth).values():
        assert all(failed <= tried for tried, failed in zip(outcomes.tried, outcomes.failed, strict=True))
    busy = [len(node.working) for name in ("web", "catalog") for node in traffic._modules[name].nodes.values()]
    assert max(busy) <= 8
    assert traffic._modules["payments"].busy <= 16
    assert all(sum(last) == 0 for last in (traffic.truth.journeys[name].failed[-10:] for name in ("browse",)))


def test_healthy_minutes_have_no_failures_at_any_steps():
    """Traffic counts every complete second once, for any steps in which time advances."""
    twin = twin_of({"web": instances()})
    traffic = started(twin)
    for before, after in pairwise([0, 0.25, 1.0, 1.0, 2.999, 3.0, 7.5]):
        traffic.advance(START + after)
        assert len(traffic.truth.journeys["ask"].tried) == math.floor(max(before, after))
