"""Storefront's claims: they hold, and for each one changed line of twin.yaml breaks it, so that no bound is slack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from gameday.engine.journal import Journal
from gameday.files.load import load_experiment
from gameday.files.twin_file import TwinFile
from gameday.plan.plan import RunRequest
from gameday.records.record import Record
from gameday.run.experiment import ExperimentRunner
from gameday.steady_state.kpi.claim import Verdict

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
TWIN = (STOREFRONT / "twin.yaml").read_text()
GAMEDAY = ("lose-an-instance", "lose-a-zone", "throttle-payments")
CURE = "{to: recommendations, only: [browse], timeout: 250ms, retries: 1, fallback: true}"
FLAW = "- {to: recommendations, only: [browse], retries: 8, backoff: 100ms}"


def run(name: str, folder: Path, line: tuple[str, str] | None = None, seed: int = 0) -> Record:
    """Run one of storefront's experiments, with one line of twin.yaml changed where asked."""
    loaded = load_experiment(STOREFRONT / f"{name}.yaml")
    request = RunRequest(loaded.experiment, loaded.workload, loaded.twin, "twin", seed)
    if line:
        was, is_ = line
        assert TWIN.count(was) == 1, f"{was!r} stands {TWIN.count(was)} times in twin.yaml"
        request = replace(request, twin=TwinFile.model_validate(yaml.safe_load(TWIN.replace(was, is_))))
    played = ExperimentRunner(Journal.open(folder)).experiment(request)
    assert isinstance(played, Record), played
    return played


def verdict(record: Record) -> Verdict:
    assert record.judged
    assert record.ended
    assert record.ended.account == "restored"
    return record.judged.judgement.verdict


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", GAMEDAY)
def test_a_claim_of_the_game_day_holds(name: str, seed: int, tmp_path: Path) -> None:
    record = run(name, tmp_path, seed=seed)
    assert verdict(record) is Verdict.HELD, record.judged.judgement.sentence  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "was", "is_"),
    [
        (
            "lose-an-instance",
            "  checkout:\n    instances: {each_zone: 2, launch_delay: 90s, slots: 32, queue: 64}",
            "  checkout:\n    instances: {each_zone: 2, launch_delay: 5m, slots: 32, queue: 64}",
        ),
        ("lose-a-zone", "health_check: {interval: 10s, unhealthy: 2,", "health_check: {interval: 30s, unhealthy: 5,"),
        (
            "lose-a-zone",
            "orders-failing-fast: {metric: Storefront/OrdersFailed, period: 10s,",
            "orders-failing-fast: {metric: Storefront/OrdersFailed, period: 60s,",
        ),
        (
            "lose-a-zone",
            "period: 10s, above: 2, points: 2, of: 3, missing: notBreaching}",
            "period: 10s, above: 200, points: 2, of: 3, missing: notBreaching}",
        ),
        ("throttle-payments", "{to: payments, timeout: 2s, retries: 2,", "{to: payments, timeout: 2s, retries: 0,"),
        (
            "lose-a-zone-then-payments",
            "health_check: {interval: 10s, unhealthy: 2,",
            "health_check: {interval: 30s, unhealthy: 5,",
        ),
    ],
)
def test_one_line_of_the_twin_breaks_a_claim(name: str, was: str, is_: str, tmp_path: Path) -> None:
    assert verdict(run(name, tmp_path, (was, is_))) is Verdict.BROKEN


@pytest.mark.parametrize("seed", [0, 1])
def test_two_faults_in_order_hold(seed: int, tmp_path: Path) -> None:
    record = run("lose-a-zone-then-payments", tmp_path, seed=seed)
    assert verdict(record) is Verdict.HELD, record.judged.judgement.sentence  # type: ignore[union-attr]
    zone, payments = record.judged.phases.faults  # type: ignore[union-attr]
    assert (zone.fault, payments.fault) == ("az-blackhole", "throttle")
    assert payments.injected == record.judged.phases.took_effect + 60  # type: ignore[union-attr,operator]
    assert payments.undo == payments.took_effect + 180  # type: ignore[operator]
    assert zone.injected < payments.injected < payments.undone < zone.undo  # type: ignore[operator]


def test_page_that_waits_for_recommendations_loses_the_orders(tmp_path: Path) -> None:
    record = run("throttle-recommendations", tmp_path)
    assert verdict(record) is Verdict.BROKEN


def test_a_timeout_and_a_fallback_mend_it(tmp_path: Path) -> None:
    record = run("throttle-recommendations", tmp_path, (FLAW, f"- {CURE}"))
    assert verdict(record) is Verdict.HELD, record.judged.judgement.sentence  # type: ignore[union-attr]


def test_the_cure_stands_in_the_file_word_for_word() -> None:
    assert TWIN.count(CURE) == 1
