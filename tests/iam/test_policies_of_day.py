"""The policy of a game day covers its experiments: also the targets of a later plan, and nothing without the tag."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gameday.files.experiment import Experiment
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.iam.policy import not_permitted, policies_of, policies_of_day
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import make_plan
from gameday.twin.twin import Twin

from tests.doubles.play import SHORT, read

STOP = {"stop-instance": {"module": "web", "count": 1}}
THROTTLE = {"az-blackhole": {"zone": "us-east-1a"}}
TAGGED = {"aws:ResourceTag/gameday": "allowed"}


@pytest.fixture(scope="module")
def twin() -> Iterator[tuple[Twin, Workload]]:
    workload = Workload.model_validate(read("workload.yaml"))
    with Twin(workload, TwinFile.model_validate(read("twin.yaml")), seed=7) as twin:
        yield twin, workload


def planned(twin: tuple[Twin, Workload], fault: object, seed: int = 0) -> Plan:
    experiment = Experiment.model_validate(SHORT | {"faults": [fault], "allow": ["irreversible"]})
    request = RunRequest(experiment, twin[1], None, "twin", seed)
    return make_plan(request, twin[0].aws, twin[0].clock.now())


def others(twin: tuple[Twin, Workload]) -> tuple[Plan, Plan]:
    """Two plans of one experiment with other targets."""
    first = planned(twin, STOP)
    plans = (planned(twin, STOP, seed) for seed in range(1, 20))
    return first, next(plan for plan in plans if not_permitted(plan, [policies_of(first).run], undo_only=False))


def test_policy_of_day_covers_later_targets(twin):
    first, later = others(twin)
    day = policies_of_day([(first, ()), (planned(twin, THROTTLE), ())])
    assert not_permitted(later, [day.run], day.boundary, undo_only=False, facts=TAGGED) == ()
    assert not_permitted(later, [day.rescue], day.boundary, facts=TAGGED) == ()


def test_policy_of_day_stops_at_the_tag(twin):
    first, later = others(twin)
    day = policies_of_day([(first, ())])
    assert not_permitted(later, [day.run], undo_only=False, facts={"aws:ResourceTag/gameday": "no"}) != ()


def test_policy_of_day_without_opt_in_names_targets(twin):
    open_to_all = twin[1].model_copy(update={"opt_in": None})
    first, later = others((twin[0], open_to_all))
    assert not_permitted(later, [policies_of_day([(first, ())]).run], undo_only=False, facts=TAGGED) != ()


def test_policy_of_day_covers_each_experiment(twin):
    stop, dark = planned(twin, STOP), planned(twin, THROTTLE)
    assert not_permitted(dark, [policies_of_day([(stop, ())]).run], undo_only=False, facts=TAGGED) != ()
    day = policies_of_day([(stop, ()), (dark, ())])
    assert not_permitted(dark, [day.run], day.boundary, undo_only=False, facts=TAGGED) == ()
