"""Plans that nobody thought of: what a run calls is what its plan says, and what its policy allows."""

from __future__ import annotations

from collections import Counter

from gameday.faults import CATALOGUE

from tests.crash_matrix.plans import explore


def test_run_calls_its_plan_and_needs_every_policy_statement() -> None:
    seen: Counter[str] = Counter()
    assert explore(3, 0, lambda fault: seen.update([fault])) > 60
    assert set(seen) == set(CATALOGUE)
