"""The times of faults in an experiment file: what they mean, and their mistakes with place and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.faults.blackhole import AzBlackhole
from gameday.faults.throttle import Throttle
from gameday.files.experiment import Experiment
from gameday.files.fault_entries import ScheduledFault
from gameday.files.load import load_experiment
from gameday.files.yaml.mistake import InvalidFile, Mistake

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
HEAD = f"""version: 1
kind: experiment
name: ordered
workload: {STOREFRONT / "workload.yaml"}
hypothesis: Customers keep buying.
steady_state: [orders]
allow: [irreversible]
"""
ZONE = "  - az-blackhole: {zone: us-east-1a}\n"
THROTTLE = "  - throttle: {module: payments, to: 2}\n"


def write(folder: Path, faults: str, rest: str = "lasts: 7m\n") -> Path:
    path = folder / "ordered.yaml"
    path.write_text(f"{HEAD}faults:\n{faults}{rest}")
    return path


def mistake(folder: Path, faults: str, rest: str = "lasts: 7m\n") -> Mistake:
    with pytest.raises(InvalidFile) as raised:
        load_experiment(write(folder, faults, rest), {})
    (found,) = raised.value.mistakes
    return found


def here(found: Mistake) -> str:
    return found.source[found.column - 1 :]


def test_times_are_read_beside_the_name_of_the_fault(tmp_path: Path) -> None:
    path = write(tmp_path, f"{ZONE}{THROTTLE}    at: 1m\n    for: 90s\n")
    assert load_experiment(path, {}).experiment.faults == (
        ScheduledFault(AzBlackhole(zone="us-east-1a")),
        ScheduledFault(Throttle(module="payments", to=2), 60.0, 90.0),
    )


def test_times_come_back_from_the_written_experiment(tmp_path: Path) -> None:
    path = write(tmp_path, f"{ZONE}    for: 7m\n{THROTTLE}    at: 1m\n")
    experiment = load_experiment(path, {}).experiment
    raw = experiment.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert raw["faults"] == [
        {"az-blackhole": {"zone": "us-east-1a"}, "for": "7m"},
        {"throttle": {"module": "payments", "to": 2}, "at": "1m"},
    ]
    assert Experiment.model_validate(raw) == experiment


def mistakes() -> Iterator[tuple[str, str, str, str, str]]:
    """Name, faults, rest, place, and a word of the remedy."""
    lasts, impact = "lasts: 7m\n", "lasts: 7m\nrecovery: {within: 5m}\n"
    yield "no fault at once", f"{THROTTLE}    at: 1m\n", lasts, "1m", "leave out `at`"
    yield "begins too late", f"{ZONE}{THROTTLE}    at: 7m\n", lasts, "7m", "earlier"
    yield "ends too late", f"{ZONE}{THROTTLE}    at: 6m\n    for: 2m\n", lasts, "2m", "lasts: 8m"
    yield "gap", f"{ZONE}    for: 1m\n{THROTTLE}    at: 2m\n", lasts, "2m", "begin this one earlier"
    yield "gap at the end", f"{ZONE}    for: 1m\n", lasts, "7m", "lasts: 1m"
    yield "nothing undoes it", "  - terminate-instance: {module: web}\n    for: 1m\n" + ZONE, lasts, "1m", "leave out"
    yield "undo too early", f"{ZONE}{THROTTLE}    at: 1m\n    for: 3m\n", impact, "{within", "from: undo"
    yield "injected too late", f"{ZONE}{THROTTLE}    at: 2m\n", impact, "{within", "from: undo"
    yield "one KPI for all", f"{ZONE}{THROTTLE}    at: 2m\n", f"{lasts}effect: {{kpi: orders}}\n", "{kpi", "remove"


CASES = {name: rest for name, *rest in mistakes()}


@pytest.mark.parametrize("case", CASES)
def test_wrong_times_have_their_place_and_remedy(case: str, tmp_path: Path) -> None:
    faults, rest, place, remedy = CASES[case]
    found = mistake(tmp_path, faults, rest)
    assert here(found).startswith(place)
    assert remedy in found.remedy


def test_recovery_from_impact_fits_after_the_last_injection(tmp_path: Path) -> None:
    rest = "lasts: 7m\nrecovery: {within: 5m, sustained: 1m}\n"
    assert load_experiment(write(tmp_path, f"{ZONE}{THROTTLE}    at: 1m\n", rest), {})


def test_faults_may_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    assert load_experiment(write(tmp_path, f"{ZONE}    for: 1m\n{THROTTLE}    at: 1m\n"), {})
