"""Each explanation of a verdict has its claim, its number, its certainty and its remedy, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from gameday.cli.main import cli
from gameday.errors import InvalidInput
from gameday.records.record import write_record
from gameday.steady_state.judging.explain import explain, once_in, together
from gameday.steady_state.judging.judge import judge
from gameday.steady_state.kpi.claim import Claim, Detection, Judgement, Phases
from gameday.steady_state.samples import Series
from syrupy.assertion import SnapshotAssertion

from tests.report.sample import broken, held, spread
from tests.steady_state.streams import (
    EFFECT,
    bound,
    counts,
    gauge,
    latency,
    phases,
    rate,
    ratio,
    readings,
    steady,
    within,
)

JARGON = re.compile(
    r"[Α-Ωα-ω]|\b(p|e)-?values?\b|\b(alpha|beta|sigma|phi|null hypothesis|significan\w*|confidence|posterior|"
    r"quantile|chi-square|variance|nan|inf|None)\b",
    re.IGNORECASE,
)
CERTAIN = re.compile(r"1 time in [\d,]+|nothing is estimated|kept clear of its limit")
STREAMS: dict[str, Series] = {
    "none": (),
    "idle": steady(780, 0),
    "short": steady(400),
    "thin": steady(780, 0.02),
    "fine": steady(780, 50, 0.1),
    "close": steady(300, 50, 0.1) + steady(480, 50, 0.5, EFFECT),
    "dip": steady(300) + counts([(50, 25 if second < 30 else 0) for second in range(480)], EFFECT),
    "late": steady(300) + counts([(50, 25 if 60 <= second < 430 else 0) for second in range(480)], EFFECT),
    "gone": steady(300) + steady(480, 50, 50, EFFECT),
    "better": steady(300, 50, 2) + steady(480, 50, 0, EFFECT),
}
ENDS: tuple[Phases, ...] = (
    phases(),
    phases(aborted="guard: orders is at 12%", undo=EFFECT + 20, undone=EFFECT + 21, end=EFFECT + 80),
    phases(aborted="signal", undo=EFFECT + 20, undone=EFFECT + 21, end=EFFECT + 80),
    phases(injected=None, took_effect=None),
    phases(took_effect=None),
    phases(undo=None, undone=None, end=None),
    phases(fired=EFFECT + 12, alarm_read=EFFECT + 480),
)


def judgements() -> Iterator[tuple[Claim, Judgement, Phases]]:
    kpis = {
        "orders": ratio(),
        "order-rate": rate(bound={"within": "10%", "of": "baseline"}),
        "checkout-latency": latency(tier="technical", module="catalog"),
        "capacity": gauge(tier="technical", module="search"),
    }
    pairs = [
        *((stream, "fine") for stream in STREAMS),
        ("dip", "gone"),
        ("fine", "none"),
        ("gone", "close"),
        ("fine", "dip"),
    ]
    for number, ((own, other), at) in enumerate(product(pairs, ENDS)):
        since = ("impact", "undo")[number // len(ENDS) % 2]
        claim = Claim(
            kpis,
            tuple(kpis),
            during={"orders": bound(at_least="95%"), "capacity": None},
            recovery=within(60, since),
            margin=0.01,
            contained=("catalog", "search", "payments"),
            detection=Detection("orders-low", 30),
        )
        series = {
            "orders": STREAMS[own],
            "order-rate": STREAMS[other],
            "checkout-latency": STREAMS[other],
            "capacity": readings([6] * 320 + [4] * 20 + [6] * 440, kpis["capacity"]),
        }
        yield claim, judge(claim, series, at), at


def test_explain_names_claim_number_odds_and_remedy() -> None:
    seen: set[str] = set()
    for claim, judged, at in judgements():
        assert not JARGON.search(judged.sentence), judged.sentence
        found = explain(claim, judged, at, 1e-4)
        counted = sum(phase.bound != "any" for phase in judged.phases) + (at.abort == "guard")
        rest = (judged.recovery, judged.modules, judged.losses, judged.leads)
        assert len(found) == counted + sum(map(len, rest)) + (judged.detection is not None)
        for finding in found:
            statement = finding.statement
            words = f"{statement}. {finding.certainty}"
            seen.add(words)
            assert finding.verdict
            assert finding.about.startswith(("cost in ", "graph ")) or re.search("claimed|allowed", statement), words
            assert statement.count("claimed") <= 1, words
            assert re.search(r"\d", statement + finding.odds), words
            assert CERTAIN.search(finding.odds), words
            assert len(finding.remedy) > 10, words
            assert not JARGON.search(words), words
            assert words.count(". ") <= 2, words
        grouped = [line for explanation in together(found) for line in explanation.statements]
        assert sorted(finding.statement for finding in found) == sorted(grouped)
    assert len(seen) > 150


@pytest.mark.parametrize(
    ("chance", "words"), [(0.05, "1 time in 20"), (0.05**2, "1 time in 400"), (1e-4, "1 time in 10,000")]
)
def test_once_in_writes_a_chance_in_words(chance: float, words: str) -> None:
    assert once_in(chance) == words


def of(series: Series, **at) -> dict[str, str]:
    claim = Claim({"orders": ratio()}, ("orders",), recovery=within(300), margin=0.01, contained=("shop",))
    when = phases(**at)
    found = explain(claim, judge(claim, {"orders": series}, when), when)
    return {finding.about: finding.remedy for finding in found}


def test_explain_remedy_states_action_and_amount() -> None:
    close = steady(300, 50, 0.1) + steady(480, 50, 0.46, EFFECT)
    assert "it needs about " in of(close)["orders while the fault lasted"]
    assert (
        of(steady(780, 50, 0.1), undo=None, undone=None, end=None)["orders after the undo"] == "run again, to the end"
    )
    assert of(())["orders before the fault"].startswith("fix its source")
    short = of(STREAMS["gone"], lasts=120)["recovery of orders"]
    assert short == "a fault that lasts about 4m longer would settle it"
    assert of(steady(780, 1, 0.02))["module shop"].startswith("about ")


def test_explain_guard_abort_comes_first(snapshot: SnapshotAssertion) -> None:
    at = phases(
        aborted="guard: orders is at 12% of 50; the guard's bound is at least 50%", undo=EFFECT + 9, end=EFFECT + 99
    )
    claim = Claim({"orders": ratio()}, ("orders",))
    first = together(explain(claim, judge(claim, {"orders": STREAMS["gone"]}, at), at, 1e-4))[0]
    assert first.words == snapshot


def test_together_groups_equal_verdicts(snapshot: SnapshotAssertion) -> None:
    claim = Claim({"orders": ratio(), "pages": ratio()}, ("orders", "pages"))
    fine = {"orders": STREAMS["fine"], "pages": steady(780, 20, 0.02)}
    before, *rest = together(explain(claim, judge(claim, fine, phases()), phases()))
    assert (before.verdict, len(before.statements)) == ("held", 2)
    assert before.words == snapshot
    assert [explanation.verdict for explanation in rest[:2]] == ["held", "held"]


# The command --------------------------------------------------------------------------------------------------------


def test_explain_command_takes_record_folder_or_id(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports" / "day").mkdir(parents=True)
    for record in (held(), broken(), spread()):
        write_record(record, tmp_path / "reports" / "day" / f"{record.name}.json")
    by_file = CliRunner().invoke(cli, ["explain", "reports/day/lose-a-zone.json"])
    assert by_file.exit_code == 0
    assert "\nheld\n  orders while the fault lasted: 9" in by_file.output
    assert CliRunner().invoke(cli, ["explain", held().run]).output == by_file.output
    (tmp_path / "reports" / "day" / "matrix.json").write_text("{}")
    assert "throttle-payments: broken (twin)" in CliRunner().invoke(cli, ["explain", "reports/day"]).output


def test_explain_command_unknown_run_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli, ["explain", "nothing"])
    assert isinstance(found.exception, InvalidInput)
    assert found.exception.gd_code == "GD-E106"
    long = CliRunner().invoke(cli, ["explain", "x" * 5000])
    assert isinstance(long.exception, InvalidInput)
    assert len(str(long.exception)) < 200
