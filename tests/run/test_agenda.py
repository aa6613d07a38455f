"""When faults begin and end: planned times against what has happened."""

from __future__ import annotations

from gameday.change import PlannedFault
from gameday.change.planned_fault import Effect
from gameday.run.agenda import Agenda
from gameday.steady_state.kpi.claim import FaultInterval
from hypothesis import given
from hypothesis import strategies as st

ZERO, LASTS = 1000.0, 600.0
TIMES = st.tuples(st.integers(0, 599), st.one_of(st.none(), st.integers(1, 600)))


def planned(*times: tuple[float, float | None]) -> tuple[PlannedFault, ...]:
    effect = Effect(about="it shows", probes=())
    return tuple(
        PlannedFault(fault=f"fault-{n}", label=f"fault {n}", stages=(), effect=effect, at=at, lasts=lasts)
        for n, (at, lasts) in enumerate(sorted(times, key=lambda time: time[0]))
    )


def agenda(*times: tuple[float, float | None]) -> Agenda:
    made = Agenda(planned(*times), {})
    made.start(ZERO, LASTS)
    return made


def test_agenda_without_times_is_not_timed_and_has_no_intervals() -> None:
    made = agenda((0, None), (0, None))
    assert not made.is_timed
    assert made.first == (0, 1)
    assert made.intervals(2000.0, 2001.0) == ()


def test_fault_begins_at_its_offset_from_the_first_effect() -> None:
    made = agenda((0, None), (60, None))
    made.injected[0] = ZERO - 5
    assert made.to_inject(ZERO + 59.9) == ()
    assert made.next(ZERO) == ZERO + 60
    assert made.to_inject(ZERO + 60) == (1,)


def test_fault_ends_after_its_time_from_its_own_effect() -> None:
    made = agenda((0, None), (60, 30))
    made.injected |= {0: ZERO, 1: ZERO + 60}
    assert made.to_undo(ZERO + 500) == ()  # it has not taken effect yet
    made.took_effect[1] = ZERO + 75
    assert made.to_undo(ZERO + 104.9) == ()
    assert made.next(ZERO + 80) == ZERO + 105
    assert made.to_undo(ZERO + 105) == (1,)
    made.undo[1] = ZERO + 105
    assert made.to_undo(ZERO + 200) == ()
    assert made.in_force == (0,)


def test_faults_that_end_together_end_the_last_one_first() -> None:
    made = agenda((0, 50), (0, 50), (0, None))
    made.injected |= dict.fromkeys(range(3), ZERO)
    made.took_effect |= dict.fromkeys(range(3), ZERO)
    assert made.to_undo(ZERO + 50) == (1, 0)


def test_interval_of_a_fault_that_never_began_is_empty() -> None:
    made = agenda((0, None), (60, None))
    made.injected[0] = ZERO - 5
    made.took_effect[0] = ZERO
    assert made.intervals(ZERO + 30, ZERO + 31) == (
        FaultInterval("fault-0", ZERO - 5, ZERO, ZERO + 30, ZERO + 31),
        FaultInterval("fault-1"),
    )


@given(st.lists(TIMES, min_size=1, max_size=6), st.floats(0, 120))
def test_agenda_begins_and_ends_every_fault_once_in_order(times: list[tuple[int, int | None]], delay: float) -> None:
    made = agenda((0, None), *times)
    made.injected |= dict.fromkeys(made.first, ZERO)
    made.took_effect |= dict.fromkeys(made.first, ZERO)
    now, begun, ended = ZERO, [*made.first], []
    while now < made.end:
        for index in made.to_undo(now):
            made.undo[index] = now
            ended.append(index)
        for index in made.to_inject(now):
            made.injected[index] = now
            made.took_effect[index] = now + delay  # known a little early, and due all the same
            begun.append(index)
        assert made.next(now) > now
        now = made.next(now)
    assert begun == list(range(len(made.planned_faults)))
    assert len(set(ended)) == len(ended)
    for index, planned_fault in enumerate(made.planned_faults):
        assert made.injected[index] == ZERO + planned_fault.at
        if index in made.undo:
            assert made.undo[index] == made.took_effect[index] + planned_fault.lasts
        else:
            lasts = planned_fault.lasts
            assert lasts is None or made.took_effect[index] + lasts >= made.end
