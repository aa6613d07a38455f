"""The estimate of what the twin would have to play, and the mistakes where that is too much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gameday.errors import Refused
from gameday.files.load import validate_files
from gameday.files.starter import write_starter
from gameday.files.twin_load import MOST_INSTANCES, MOST_STEPS, cycle_of, instances_of, load_of
from gameday.files.yaml.mistake import MistakeKind
from gameday.twin.traffic import customers
from gameday.twin.twin import Twin

from tests.little import small

QUICK = {"p50": "5ms", "p95": "10ms"}


def called(retries: int, errors: str, **more: Any) -> Any:
    """A twin whose function `work` calls the table `rows` for each customer."""
    call = {"to": "rows", "retries": retries, **more}
    modules = {
        "work": {"function": {}, "latency": QUICK, "calls": [call]},
        "rows": {"table": {"read_capacity": 5, "write_capacity": 7}, "latency": QUICK, "errors": errors},
    }
    journeys = {"buy": {"share": "50%", "enters": "work"}, "look": {"share": "50%", "enters": "rows"}}
    return small(modules=modules, customers={"rate": "10/s", "journeys": journeys})[1]


@pytest.mark.parametrize(
    ("twin", "each"),
    [
        (called(3, "0%"), 1.5),  # half of the customers make one call
        (called(3, "50%"), 0.5 + 0.5 * (1 + 1.875)),
        (called(3, "100%"), 0.5 + 0.5 * 5),
        (called(3, "100%", only=["look"]), 1.0),
    ],
)
def test_requests_are_those_of_customers_and_their_calls(twin: Any, each: float) -> None:
    assert load_of(twin, 100).requests == pytest.approx(100 * 10 * each)


def test_load_counts_checks_and_samples() -> None:
    workload, twin = small()
    load = load_of(twin, 100, workload)
    assert instances_of(twin) == 2
    assert load.checks == 100 * 2 / 10
    assert load.samples == 100 * (4 + 1 + 1)  # modules, journeys, a KPI
    assert load.steps == load.requests + load.checks + load.samples


def test_estimate_is_near_what_the_twin_plays() -> None:
    workload, twin = small()
    with Twin(workload, twin) as world:
        world.live(200.0)
        played = sum(sum(module.tried) for module in world.truth.modules.values())
    assert played == pytest.approx(load_of(twin, 200).requests, rel=0.15)


def test_circle_of_calls_is_found() -> None:
    _, twin = small()
    assert cycle_of(twin) == ()
    raw = twin.model_dump(mode="json", by_alias=True)
    raw["modules"]["rows"]["calls"] = [{"to": "edge"}]
    assert cycle_of(type(twin).model_validate(raw)) == ("edge", "site", "rows", "edge")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rate: 50/s", "rate: 1000000/s"),
        ("each_zone: 2", "each_zone: 5000"),
        ("warm_up: 30s", "warm_up: 6d"),
    ],
)
def test_twin_file_beyond_the_limits_is_a_mistake(tmp_path: Path, old: str, new: str) -> None:
    file = next(path for path in write_starter(tmp_path) if path.name == "twin.yaml")
    text = file.read_text() + "warm_up: 30s\n"
    assert old in text
    file.write_text(text.replace(old, new, 1))
    (mistake,) = validate_files([file])
    assert mistake.kind is MistakeKind.CONFLICT
    assert mistake.line
    assert f"{MOST_STEPS:,}" in mistake.what or f"{MOST_INSTANCES:,}" in mistake.what


def test_retries_beyond_the_limit_end_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    workload, twin = small()
    monkeypatch.setattr(customers, "MOST_EVENTS", 1000)
    with Twin(workload, twin) as world, pytest.raises(Refused) as refused:
        world.live(3600.0)
    assert refused.value.gd_code == "GD-E214"
