"""Occurrences run once, on time, or are skipped with a reason; deaths lose and double none."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from gameday.errors import Exit, InvalidInput, JournalError, Refused
from gameday.files.workload import Freeze
from gameday.schedule.book import Book
from gameday.schedule.scheduler import ScheduledDay, Scheduler
from gameday.steady_state.clock import TestClock
from gameday.testing.memory_store import Condition, MemoryObjects, Mood

from tests.schedule.memory import Processes, schedule

START = datetime(2026, 12, 1, 9, 30, tzinfo=UTC).timestamp()  # Tuesday 10:30 in Berlin
WEEK = 7 * 86400.0
ALL_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class World:
    """One game day, its book and its clock; the days that ran, by when they began."""

    def __init__(self, now=START, objects=None, **values):
        self.clock = TestClock(now)
        self.objects = objects or MemoryObjects()
        self.began, self.lines, self.dead = [], [], set()
        self.lasts, self.ends = 600.0, Exit.HELD
        self.schedule = schedule(**values)
        self.freezes = ()

    def play(self):
        self.began.append(self.clock.now())
        self.clock.sleep(self.lasts)
        if isinstance(self.ends, Exception):
            raise self.ends
        return self.ends

    def rescue(self):
        self.began.append("rescue")
        return Exit.HELD

    @property
    def book(self):
        return Book(self.objects, "111122223333", "shop", "day")

    def scheduler(self, me="p1"):
        day = ScheduledDay("day", self.schedule, self.freezes, self.book, self.play, self.rescue)
        return Scheduler(self.clock, [day], Processes(me, self.dead), f"me@{me}", self.lines.append)

    def kept(self):
        return [self.book.get(each) for each in self.book.ids()]


def test_once_due_runs_and_records_its_end():
    world = World()
    assert world.scheduler().once() == Exit.HELD
    (kept,) = world.kept()
    assert (kept.id, kept.state, kept.exit, kept.who) == ("20261201T0930Z", "done", 0, "me@p1")


def test_once_early_waits_for_the_instant():
    world = World(START - 40)
    world.scheduler().once()
    assert world.began == [START]


def test_once_far_from_a_start_runs_nothing():
    world = World(START - 3600)
    assert world.scheduler().once() == Exit.REFUSED
    assert (world.began, world.kept()) == ([], [])


def test_two_machines_run_one_occurrence_once():
    world = World()
    world.scheduler("p1").once()
    world.clock = TestClock(START + 60)
    assert world.scheduler("p2").once() == Exit.HELD
    assert world.began == [START]
    assert "me@p1 has it" in world.lines[-1]


@pytest.mark.parametrize(("late", "state"), [(600.0, "done"), (601.0, "skipped")])
def test_start_within_decides_late_starts(late, state):
    world = World(START - WEEK)
    world.scheduler().once()
    world.clock = TestClock(START + late)
    world.scheduler("p2").once()
    assert world.kept()[-1].state == state


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"windows": [{"from": "10:00", "to": "10:35"}]}, "window closed"),
        ({"freezes": [{"from": "2026-12-01", "to": "2026-12-01", "zone": "UTC", "why": "move"}]}, "freeze: move"),
    ],
)
def test_window_and_freeze_skip_with_their_reason(values, reason):
    world = World(START + 300, **values)
    assert world.scheduler().once() == Exit.REFUSED
    assert [(kept.state, kept.reason) for kept in world.kept()] == [("skipped", reason)]


def test_freeze_of_the_workload_skips_too():
    world = World()
    world.freezes = (Freeze.model_validate({"from": "2026-11-30", "to": "2026-12-02", "zone": "UTC", "why": "sale"}),)
    assert world.scheduler().once() == Exit.REFUSED


def test_window_that_begins_at_the_start_is_open():
    world = World(windows=[{"from": "10:30", "to": "10:31"}])
    assert world.scheduler().once() == Exit.HELD


def test_downtime_records_each_start_and_finds_it():
    world = World()
    world.scheduler().once()
    world.clock = TestClock(START + 3 * WEEK)
    world.scheduler("p2").once()
    assert [kept.state for kept in world.kept()] == ["done", "skipped", "skipped", "done"]
    assert [len(kept.findings) for kept in world.kept()] == [0, 0, 1, 2]
    assert "overdue" in world.kept()[-1].findings[0]


def test_changed_schedule_misses_no_starts_of_the_old_one():
    world = World()
    world.scheduler().once()
    world.schedule = schedule(days=["wed"])
    world.clock = TestClock(START + 2 * WEEK + 86400)
    world.scheduler("p2").once()
    assert [kept.state for kept in world.kept()] == ["done", "done"]


@pytest.mark.parametrize(
    ("ends", "state", "code"),
    [
        (Exit.BROKEN, "done", 1),
        (Exit.STUCK, "done", 4),
        (Exit.REFUSED, "skipped", 5),
        (Exit.INTERRUPTED, "interrupted", 130),
        (Refused(("held by x",)), "skipped", 5),
    ],
)
def test_end_of_the_run_is_the_end_of_the_occurrence(ends, state, code):
    world = World()
    world.ends = ends
    assert world.scheduler().once() == code
    assert [(kept.state, kept.exit) for kept in world.kept()] == [(state, code)]


def test_newer_version_in_the_store_starts_nothing():
    world = World()
    key = "occurrences/111122223333/shop/day/20261124T0930Z.json"
    world.objects.put(key, '{"version": 2}', "")
    with pytest.raises(InvalidInput) as raised:
        world.scheduler().forever(START + 60)
    assert (raised.value.gd_code, world.began) == ("GD-E123", [])


def test_damaged_record_starts_nothing():
    world = World()
    world.objects.put("occurrences/111122223333/shop/day/20261124T0930Z.json", "{", "")
    with pytest.raises(JournalError) as raised:
        world.scheduler().once()
    assert (raised.value.gd_code, world.began) == ("GD-E321", [])


@pytest.mark.parametrize(("rescued", "code"), [(Exit.HELD, 3), (Exit.STUCK, 4)])
def test_death_is_closed_after_its_undo(rescued, code):
    world = World()
    world.play = lambda: (_ for _ in ()).throw(Died)
    with pytest.raises(Died):
        world.scheduler("p1").once()
    world.dead.add("p1")
    world.rescue = lambda: rescued
    assert world.scheduler("p2").once() == code
    assert [(kept.state, kept.exit) for kept in world.kept()] == [("interrupted", code)]


def test_occurrence_of_a_live_process_is_left_alone():
    world = World()
    world.play = lambda: (_ for _ in ()).throw(Died)
    with pytest.raises(Died):
        world.scheduler("p1").once()
    assert world.scheduler("p2").once() == Exit.HELD
    assert [kept.state for kept in world.kept()] == ["running"]


@pytest.mark.parametrize(("ignores", "runs"), [(frozenset(), 1), (frozenset({Condition.NEW}), 2)])
def test_race_of_two_machines_runs_once_by_the_condition(ignores, runs):
    objects = MemoryObjects(ignores)
    world = World(objects=objects)
    world.lasts = 0.0
    rivals = [world.scheduler("p2")]
    objects.between = lambda: rivals.pop().once() if rivals else None
    world.scheduler("p1").once()
    assert len(world.began) == runs


@pytest.mark.parametrize(("start_within", "state"), [("10m", "done"), ("1m", "skipped")])
def test_claim_whose_answer_is_lost_runs_if_in_time(start_within, state):
    world = World(START + 50, start_within=start_within)
    moods = [Mood.CUT]
    world.objects.mood = lambda: moods.pop() if moods else Mood.WELL
    world.scheduler().forever(START + 1500)
    assert [kept.state for kept in world.kept()] == [state]
    assert len(world.began) == (state == "done")


class Unsteady(MemoryObjects):
    """A store that does not answer some calls."""

    def __init__(self, chance):
        super().__init__()
        self.chance = chance

    def put(self, key, body, tag):
        if self.chance.random() < 0.5:
            raise JournalError("no answer")
        return super().put(key, body, tag)


def test_store_without_answers_is_asked_again():
    world = World(START - 100, objects=Unsteady(random.Random(3)))
    world.lasts = 1.0
    world.scheduler().forever(START + 8 * WEEK + 5000)
    assert [kept.state for kept in world.kept()] == ["done"] * 9
    assert len(world.began) == 9


class Died(BaseException):
    """The process was killed."""


class Mortal(MemoryObjects):
    """A store whose writer dies at some writes, before or after the write."""

    chance = random.Random(0)
    rate = 0.0

    def put(self, key, body, tag):
        self.maybe_die()
        done = super().put(key, body, tag)
        self.maybe_die()
        return done

    def maybe_die(self):
        if self.chance.random() < self.rate:
            raise Died


def live_and_die(seed: int, deaths: int) -> World:
    """Two machines keep one schedule; each dies at random moments and comes back, `deaths` times in all."""
    chance = random.Random(seed)
    objects = Mortal()
    objects.chance, objects.rate = chance, 0.2
    world = World(START - 60, objects=objects, days=ALL_DAYS)
    faults = {"there": False}

    def play():
        world.began.append(world.clock.now())
        faults["there"] = True
        for _ in range(10):
            world.clock.sleep(60.0)
            objects.maybe_die()
        faults["there"] = False
        return Exit.HELD

    def rescue():
        objects.maybe_die()
        faults["there"] = False
        objects.maybe_die()
        return Exit.HELD

    world.play, world.rescue = play, rescue
    while len(world.dead) < deaths:
        me = f"p{len(world.dead)}"
        try:
            world.scheduler(me).forever(world.clock.now() + chance.choice([3600, 86400, 10 * 86400]))
        except Died:
            world.dead.add(me)
            world.clock.sleep(chance.choice([1.0, 300.0, 7200.0, 3 * 86400.0]))
    objects.rate = 0.0
    world.scheduler("last").forever(world.clock.now() + 86400)
    assert not faults["there"]
    return world


@pytest.mark.parametrize("seed", range(4))
def test_deaths_double_no_occurrence_and_lose_none(seed):
    world = live_and_die(seed, 250)
    kept = world.kept()
    assert {each.state for each in kept} == {"done", "skipped", "interrupted"}
    instants = [each.instant for each in kept]
    days = {round((later - before) / 3600) for before, later in pairwise(instants)}
    assert days <= {23, 24, 25}  # each day has its record
    began = [each for each in world.began if each != "rescue"]
    nearest = [max(each for each in instants if each <= at) for at in began]
    assert len(set(nearest)) == len(nearest)
    assert all(at - instant <= 600 for at, instant in zip(began, nearest, strict=True))
