"""A release that recovers later or loses more is found, and one that does not is hardly ever blamed."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from math import exp
from pathlib import Path

import pytest
from click.testing import CliRunner
from gameday.cli.main import cli
from gameday.cli.records import _records
from gameday.errors import InvalidInput
from gameday.records.record import Record, write_record
from gameday.records.regression import compare_releases
from gameday.steady_state.judging.regression import Measured, Regression, compare, holm
from gameday.steady_state.kpi.claim import Verdict

from tests.report.sample import broken, held

HELD, UNKNOWN, BROKEN = Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN


def runs(seed: int, count: int, middle: float = 60.0, spread: float = 0.25) -> list[Measured]:
    draw = random.Random(seed)
    return [Measured(middle * exp(draw.gauss(0, spread))) for _ in range(count)]


def of(old: list[Measured], new: list[Measured], margin: float = 0.25, resolution: float = 1.0) -> Regression:
    return compare("orders", "recovery", old, new, margin, 0.05, resolution)


def test_a_release_twice_as_slow_is_broken_and_says_by_how_much() -> None:
    found = of(runs(1, 10), runs(2, 5, 120))
    assert found.verdict is BROKEN
    assert found.low < 2 < found.high
    assert found.words.startswith("1")
    assert "slower (between 1." in found.words


def test_a_release_that_is_as_before_holds_where_runs_are_alike() -> None:
    assert of(runs(1, 10, spread=0.05), runs(2, 5, spread=0.05)).verdict is HELD


def test_worse_by_less_than_the_margin_is_allowed() -> None:
    found = of(runs(1, 10, spread=0.02), runs(2, 10, 66, spread=0.02))
    assert found.low > 1
    assert found.verdict is HELD


def test_runs_that_differ_much_are_unknown_and_ask_for_more_runs() -> None:
    found = of(runs(1, 4, spread=0.4), runs(4, 3, spread=0.4))
    assert found.verdict is UNKNOWN
    assert "more runs of each release would settle it" in found.remedy
    assert found.spread > 0.1


def test_one_new_run_is_compared_with_the_spread_of_the_old() -> None:
    assert of(runs(1, 10), [Measured(300.0)]).verdict is BROKEN


def test_one_run_of_each_tells_nothing() -> None:
    found = of([Measured(10.0)], [Measured(100.0)])
    assert (found.verdict, found.ratio) == (UNKNOWN, None)


def test_a_new_run_that_was_not_back_counts_as_at_least_its_time() -> None:
    late = [Measured(300.0, censored=True)] * 3
    assert of(runs(1, 10), late).verdict is BROKEN
    early = [Measured(10.0, censored=True)] * 3
    assert of(runs(1, 10), early).verdict is UNKNOWN  # it may have taken any time


def test_an_old_run_that_was_not_back_cannot_prove_a_regression() -> None:
    old = [*runs(1, 9), Measured(10.0, censored=True)]
    assert of(old, runs(2, 5, 300)).verdict is UNKNOWN


def test_what_is_below_the_resolution_is_unknown() -> None:
    found = of([Measured(5.0)] * 5, [Measured(55.0)] * 5, resolution=60.0)
    assert (found.verdict, found.ratio, found.remedy) == (UNKNOWN, None, "read the KPI in a shorter period")


def test_a_resolution_within_the_margin_holds() -> None:
    none = [Measured(0.0)] * 3
    assert compare("orders", "recovery", none, [Measured(0.9)], 0.25, 0.05, 1.0, tolerable=60.0).verdict is HELD


def test_a_loss_below_its_own_error_is_unknown() -> None:
    old = [Measured(2.0, error=20.0), Measured(-5.0, error=20.0)]
    assert of(old, [Measured(15.0, error=20.0)]).verdict is UNKNOWN
    assert of(old, [Measured(200.0, error=20.0)]).verdict is BROKEN


def test_an_old_run_below_the_resolution_never_holds() -> None:
    old = [Measured(5.0), *[Measured(61.0)] * 9]
    assert of(old, [Measured(62.0)] * 9, resolution=60.0).verdict is UNKNOWN


def test_an_erratic_release_is_unknown_not_broken() -> None:
    found = of(runs(3, 20, spread=0.05), [Measured(55.0), Measured(90.0), Measured(160.0)])
    assert found.verdict is UNKNOWN


def test_one_slow_run_in_ten_of_one_law_is_not_broken() -> None:
    old = [Measured(value) for value in (60.0, 61.0, 62.0, 180.0, 59.0, 58.0, 181.0, 60.5)]
    assert of(old, [Measured(60.2), Measured(179.0), Measured(180.5)]).verdict is UNKNOWN


def test_identical_runs_still_differ_by_a_sampling_period() -> None:
    assert of([Measured(10.0)] * 2, [Measured(11.0)], resolution=5.0).verdict is UNKNOWN


def test_among_many_comparisons_chance_findings_do_not_count() -> None:
    barely = replace(of(runs(1, 10), runs(2, 5, 120)), worse=0.04)
    assert [one.verdict for one in holm([barely], 0.05)] == [BROKEN]
    assert {one.verdict for one in holm([barely] * 3, 0.05)} == {UNKNOWN}


# Records ------------------------------------------------------------------------------------------------------------


def numbered(record: Record, number: int) -> Record:
    return replace(record, run=f"{record.run}-{number}", seed=number)


def test_records_of_two_releases_are_compared_kpi_by_kpi() -> None:
    old, new = ([numbered(held(), number) for number in seeds] for seeds in (range(5), range(5, 9)))
    (found,) = compare_releases(old, new, 0.25)
    assert (found.experiment, found.verdict) == ("lose-a-zone", HELD)
    assert {(row.kpi, row.measure) for row in found.rows} == {
        ("orders", "recovery"),
        ("orders", "loss"),
        ("checkout-latency", "recovery"),
        ("checkout-capacity", "recovery"),
    }


def test_a_repeated_seed_on_the_twin_counts_once() -> None:
    twice = [numbered(held(), 1), replace(numbered(held(), 1), run="again")]
    (found,) = compare_releases(twice, [numbered(held(), 3)], 0.25)
    assert found.left_out == ("again: repeats another run's seed on the twin",)
    assert found.verdict is UNKNOWN


def test_compare_releases_refuses_shared_runs_and_no_pairs() -> None:
    with pytest.raises(InvalidInput, match="is on both sides"):
        compare_releases([held()], [held()], 0.25)
    with pytest.raises(InvalidInput, match="no experiment ran in both"):
        compare_releases([held()], [broken()], 0.25)


def test_the_command_compares_folders_of_records(tmp_path: Path) -> None:
    for number in range(6):
        folder = "old" if number < 3 else "new"
        (tmp_path / folder).mkdir(exist_ok=True)
        write_record(numbered(held(), number), tmp_path / folder / f"{number}.json")
    words = ["regression", str(tmp_path / "new"), "--against", str(tmp_path / "old")]
    found = CliRunner().invoke(cli, words)
    assert found.exit_code == 0
    assert "lose-a-zone (twin): held" in found.output
    raw = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    assert raw["experiments"][0]["verdict"] == "held"
    assert raw["experiments"][0]["rows"][0]["old"] == 3
    one, other = (str(tmp_path / name) for name in ("new/5.json", "old/1.json"))
    alone = CliRunner().invoke(cli, ["regression", one, "--against", other])
    assert alone.exit_code == 3


def test_explain_by_id_passes_over_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    os.mkfifo(tmp_path / "reports" / "a.json")
    write_record(held(), tmp_path / "reports" / "b.json")
    done = CliRunner().invoke(cli, ["explain", held().run], standalone_mode=False)
    assert done.return_value == 0 or done.exit_code == 0
    assert held().name in done.output


def test_regression_counts_a_run_in_two_files_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_record(held(), tmp_path / f"{name}.json")
    assert [record.run for record in _records((tmp_path,))] == [held().run]
