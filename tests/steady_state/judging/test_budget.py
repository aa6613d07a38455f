from __future__ import annotations

import pytest
from gameday.steady_state.judging.budget import budget_of
from gameday.steady_state.judging.phases import chances
from gameday.steady_state.kpi.claim import Claim, Detection, FaultInterval, Phases

from tests.steady_state.streams import ratio, within


@pytest.mark.parametrize("many", [1, 3])
@pytest.mark.parametrize("recovery", [None, within(60)])
@pytest.mark.parametrize("margin", [None, 0.01])
@pytest.mark.parametrize("detection", [None, Detection("alarm", 60)])
@pytest.mark.parametrize("faults", [(), (FaultInterval("a"), FaultInterval("b"))])
def test_budget_of_all_parts_is_that_of_the_run(many: int, recovery, margin, detection, faults) -> None:
    names = tuple(f"kpi{index}" for index in range(many))
    claim = Claim({name: ratio() for name in names}, names, {}, recovery, margin, detection=detection)
    phases = Phases((0, 60), faults=faults)
    budget = budget_of(claim, phases)
    spent = chances(phases) * many * budget.phase
    spent += many * budget.recovery / 2 if recovery else 0.0
    spent += sum(budget.part for claimed in (margin, detection) if claimed is not None)
    assert spent <= claim.false_verdict * (1 + 1e-9)
    assert budget.recovery <= claim.false_verdict
