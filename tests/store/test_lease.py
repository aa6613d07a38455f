"""Two runs never hold one workload: lease, takeover and records, on a linearizable store with virtual clocks."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import pytest
from gameday.aws.account import LONGEST_CALL
from gameday.change import Call, IrreversibleAction, Probe
from gameday.engine.entries import Entry, Run
from gameday.errors import JournalError, LeaseLost, Refused
from gameday.store.lease import LASTS, RENEW, UNMOVED, Lease, Sighting, watch
from gameday.store.run_records import _checksum, open_runs
from gameday.store.s3 import NEW
from gameday.store.team import TeamStore
from gameday.testing.memory_store import MemoryObjects, Mood
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

WORKLOAD, ACCOUNT = "shop", "111122223333"


class Now:
    """A monotonic clock of one machine."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def a_run(name: str = "run-1", who: str = "ann@laptop") -> Run:
    return Run(name, WORKLOAD, ACCOUNT, "us-east-1", "aws", 1, who, 0.0, "{}")


def an_entry(position: int = 0) -> Entry:
    call = Call(service="ec2", operation="describe_instances")
    healed = Probe(call=call, holds="`true`", about="there")
    action = IrreversibleAction(region="us-east-1", id="i-1", call=call, healed=healed, why="it is gone")
    return Entry(position, 0, 0, action)


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def now() -> Now:
    return Now()


def lease(objects: MemoryObjects, now: Now) -> Lease:
    return Lease(objects, WORKLOAD, ACCOUNT, now)


def test_take_held_lease_names_holder_run_and_time(objects: MemoryObjects, now: Now) -> None:
    lease(objects, now).take("run-1", "ann@laptop")
    with pytest.raises(Refused, match=r"run run-1 \(ann@laptop\) has workload shop since 20\d\d-"):
        lease(objects, now).take("run-2", "bob@ci")
    with pytest.raises(Refused, match="run-1"):
        lease(objects, now).must_be_free()


def test_a_lease_that_was_let_go_can_be_taken_again(objects: MemoryObjects, now: Now) -> None:
    first = lease(objects, now)
    assert first.take("run-1", "ann@laptop") == 1
    first.free()
    lease(objects, now).must_be_free()
    assert lease(objects, now).take("run-2", "bob@ci") == 2


def test_a_holder_may_send_until_its_last_renewal_has_run_out(objects: MemoryObjects, now: Now) -> None:
    mine = lease(objects, now)
    mine.take("run-1", "ann@laptop")
    now.at = LASTS - 0.1
    mine.must_be_sure()
    now.at = LASTS
    with pytest.raises(LeaseLost, match="could not renew its lease of workload shop for 60 s"):
        mine.must_be_sure()
    mine.renew()
    mine.must_be_sure()


def test_a_slow_renewal_counts_from_before_it_was_asked(objects: MemoryObjects, now: Now) -> None:
    mine = lease(objects, now)
    mine.take("run-1", "ann@laptop")

    def slow() -> None:
        now.at += 30.0

    objects.between = slow
    mine.renew()
    now.at += LASTS - 30.0
    with pytest.raises(LeaseLost, match="for 60 s"):
        mine.must_be_sure()


def test_a_renewal_is_due_three_times_in_the_life_of_a_lease(objects: MemoryObjects, now: Now) -> None:
    mine = lease(objects, now)
    assert not mine.is_due
    mine.take("run-1", "ann@laptop")
    now.at = RENEW - 0.1
    assert not mine.is_due
    now.at = RENEW
    assert mine.is_due


def test_a_renewal_whose_answer_was_lost_is_known_for_our_own(objects: MemoryObjects, now: Now) -> None:
    mine = lease(objects, now)
    mine.take("run-1", "ann@laptop")
    objects.mood = lambda: Mood.LOST
    mine.renew()
    objects.mood = lambda: Mood.CUT
    with pytest.raises(JournalError):
        mine.renew()
    objects.mood = lambda: Mood.WELL
    mine.renew()
    assert not mine.is_taken_over


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86_400.0])
def test_wall_clock_that_jumps_neither_ends_nor_extends_a_lease(
    jump: float, objects: MemoryObjects, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = lease(objects, now)
    mine.take("run-1", "ann@laptop")
    sighting = watch(objects, WORKLOAD, ACCOUNT, None, now.at)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    now.at = LASTS - 1
    mine.must_be_sure()
    sighting = watch(objects, WORKLOAD, ACCOUNT, sighting, now.at)
    assert sighting
    assert not sighting.is_dead(now.at)
    now.at = UNMOVED
    with pytest.raises(LeaseLost):
        mine.must_be_sure()
    assert sighting.is_dead(now.at)


def test_a_lease_that_moves_is_never_seen_as_dead(objects: MemoryObjects, now: Now) -> None:
    mine = lease(objects, now)
    mine.take("run-1", "ann@laptop")
    sighting = watch(objects, WORKLOAD, ACCOUNT, None, now.at)
    for _ in range(20):
        now.at += RENEW
        mine.renew()
        sighting = watch(objects, WORKLOAD, ACCOUNT, sighting, now.at)
        assert sighting
        assert not sighting.is_dead(now.at)


def test_a_takeover_waits_out_the_lease_and_the_longest_call(objects: MemoryObjects, now: Now) -> None:
    lease(objects, now).take("run-1", "ann@laptop")
    observer = Now(5_000.0)  # another machine's clock has nothing to do with the holder's
    sighting = watch(objects, WORKLOAD, ACCOUNT, None, observer.at)
    observer.at += LASTS + LONGEST_CALL - 0.1
    sighting = watch(objects, WORKLOAD, ACCOUNT, sighting, observer.at)
    assert sighting
    assert not sighting.is_dead(observer.at)
    observer.at += 0.1
    assert sighting.is_dead(observer.at)


def test_lease_renewed_after_the_last_read_is_not_taken_over(objects: MemoryObjects, now: Now) -> None:
    mine = lease(objects, now)
    mine.take("run-1", "ann@laptop")
    sighting = watch(objects, WORKLOAD, ACCOUNT, None, now.at)
    assert sighting
    mine.renew()
    with pytest.raises(Refused, match=r"run run-1 .* has workload"):
        lease(objects, now).take_over(sighting, "run-1", "bob@ci")


def test_process_that_wakes_after_takeover_notes_no_intent(objects: MemoryObjects, now: Now) -> None:
    zombie = TeamStore(objects, WORKLOAD, ACCOUNT, now)
    zombie.take(a_run())
    zombie.intend([an_entry(0)])
    sighting = watch(objects, WORKLOAD, ACCOUNT, None, now.at)
    rescuer = TeamStore(objects, WORKLOAD, ACCOUNT, Now(0.0))
    told = rescuer.take_over("run-1", "bob@ci", sighting)
    assert told
    assert [entry.position for entry in told.entries] == [0]
    with pytest.raises(LeaseLost, match="another machine has taken this run over"):
        zombie.intend([an_entry(1)])
    with pytest.raises(LeaseLost, match="took over the lease of workload shop: run run-1"):
        zombie.lease.renew()
    assert zombie.lease.is_taken_over
    rescuer.settle({0: ("restored", "as it was")})
    rescuer.end("restored later")
    assert open_runs(objects) == []
    TeamStore(objects, WORKLOAD, ACCOUNT, now).must_be_free()


def test_run_whose_first_record_fails_leaves_the_workload_free(objects: MemoryObjects, now: Now) -> None:
    moods = iter([Mood.WELL, Mood.DOWN])
    objects.mood = lambda: next(moods, Mood.WELL)
    team = TeamStore(objects, WORKLOAD, ACCOUNT, now)
    with pytest.raises(JournalError, match="does not answer"):
        team.take(a_run())
    team.must_be_free()


def test_record_without_an_answer_does_not_look_like_a_fence(objects: MemoryObjects, now: Now) -> None:
    team = TeamStore(objects, WORKLOAD, ACCOUNT, now)
    team.take(a_run())
    objects.mood = lambda: Mood.CUT
    with pytest.raises(JournalError):
        team.intend([an_entry(0)])
    objects.mood = lambda: Mood.WELL
    team.intend([an_entry(1)])
    rescuer = TeamStore(objects, WORKLOAD, ACCOUNT, now)
    told = rescuer.take_over("run-1", "bob@ci", watch(objects, WORKLOAD, ACCOUNT, None, now.at))
    assert told
    assert [entry.position for entry in told.entries] == [0, 1]


@pytest.mark.parametrize("body", ["", "{}", "[1]", '{"workload": 1}'])
def test_invalid_lease_raises(objects: MemoryObjects, now: Now, body: str) -> None:
    objects.put(f"leases/{ACCOUNT}/{WORKLOAD}.json", body, NEW)
    with pytest.raises(JournalError, match=r"leases/111122223333/shop.json in the store is not a lease"):
        lease(objects, now).must_be_free()


def test_unreadable_records_raise(objects: MemoryObjects, now: Now) -> None:
    team = TeamStore(objects, WORKLOAD, ACCOUNT, now)
    team.take(a_run())
    key, text = f"runs/{ACCOUNT}/{WORKLOAD}/run-1/000001.json", '{"type": "prophecy"}'
    objects.put(key, f"{_checksum(key, text)} {text}", NEW)
    with pytest.raises(JournalError, match="this version of Gameday cannot read"):
        team.intend([an_entry()])


# All interleavings ----------------------------------------------------------------------------------------------------


WHO = st.integers(0, 2)
TIMES = st.sampled_from([1.0, RENEW, LASTS - 1, LASTS, UNMOVED - 1, UNMOVED])


@dataclass
class Machine:
    """A machine with a clock of its own, whose harness may sleep for as long as it likes."""

    name: str
    clock: Now
    team: TeamStore
    run: str = ""
    intended: int = 0
    ready: bool = False  # an intent stands, and its call has not gone out


class Interleavings(RuleBasedStateMachine):
    """Two machines run and rescue on one workload; clocks go on for all alike, and wall clocks do not matter at all."""

    def __init__(self) -> None:
        super().__init__()
        self.objects = MemoryObjects()
        self.machines: list[Machine] = []
        self.is_in: set[str] = set()  # runs whose fault is in
        self.rescued: set[str] = set()
        self.sightings: dict[int, Sighting | None] = {}
        self.count = 0
        self.mood = Mood.WELL
        self.objects.mood = self._mood

    def _mood(self) -> Mood:
        mood, self.mood = self.mood, Mood.WELL
        return mood

    @initialize(offsets=st.lists(st.floats(0, 1e6), min_size=3, max_size=3))
    def machines_start(self, offsets: list[float]) -> None:
        for number, offset in enumerate(offsets):
            clock = Now(offset)
            self.machines.append(Machine(f"m{number}", clock, TeamStore(self.objects, WORKLOAD, ACCOUNT, clock)))

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        for machine in self.machines:
            machine.clock.at += seconds

    @rule(mood=st.sampled_from(list(Mood)))
    def the_network_has_a_mood(self, mood: Mood) -> None:
        self.mood = mood

    @rule(n=WHO, rival=WHO)
    def go_on(self, n: int, rival: int) -> None:
        """The next step of a harness: take the workload, note an intent, send its call."""
        machine = self.machines[n]
        if not machine.run:
            self._take(machine, self.machines[rival])
        elif not machine.ready:
            with suppress(JournalError):
                machine.team.intend([an_entry(machine.intended)])
                machine.intended, machine.ready = machine.intended + 1, True
        else:
            self._send(machine)

    def _take(self, machine: Machine, rival: Machine) -> None:
        # In the middle of ours, between its read and its write, another machine may take it.
        if rival is not machine and not rival.run:
            self.objects.between = lambda: self._steal(rival)
        self._steal(machine)
        self.objects.between = lambda: None

    def _steal(self, rival: Machine) -> None:
        self.objects.between = lambda: None
        self.count += 1
        run = f"run-{self.count}"
        try:
            rival.team.take(a_run(run, rival.name))
        except (Refused, JournalError):
            rival.team = TeamStore(self.objects, WORKLOAD, ACCOUNT, rival.clock)
        else:
            rival.run, rival.intended = run, 0

    @rule(n=WHO)
    def renew(self, n: int) -> None:
        machine = self.machines[n]
        if machine.run:
            with suppress(JournalError):
                machine.team.lease.renew()

    def _send(self, machine: Machine) -> None:
        """The call goes out, if the holder is still sure: no call without an intent, none after a takeover."""
        machine.ready = False
        try:
            machine.team.must_be_sure()
        except LeaseLost:
            return
        assert machine.run not in self.rescued, f"{machine.name} sent for {machine.run} after it was taken over"
        others = self.is_in - {machine.run}
        assert not others, f"{machine.run} and {others} hold the workload at once"
        self.is_in.add(machine.run)

    @rule(n=WHO, how=st.sampled_from(["end", "die"]))
    def stop(self, n: int, how: str) -> None:
        machine = self.machines[n]
        if how == "end" and machine.run and not machine.team.lease.is_taken_over:
            self.is_in.discard(machine.run)  # the undo depends on state alone, so any machine may do it
            with suppress(JournalError):
                machine.team.end("")
        self._forget(machine)

    def _forget(self, machine: Machine) -> None:
        machine.run, machine.ready = "", False
        machine.team = TeamStore(self.objects, WORKLOAD, ACCOUNT, machine.clock)

    @rule(n=WHO, seconds=TIMES)
    def rescue(self, n: int, seconds: float) -> None:
        """Look, wait, look again; a holder that has not moved for long enough is taken over, and undone."""
        machine = self.machines[n]
        self.sightings[n] = watch(self.objects, WORKLOAD, ACCOUNT, self.sightings.get(n), machine.clock.at)
        self.time_passes(seconds)
        seen = watch(self.objects, WORKLOAD, ACCOUNT, self.sightings[n], machine.clock.at)
        if not machine.run and seen and seen.is_dead(machine.clock.at):
            self._take_over(machine, seen)

    def _take_over(self, machine: Machine, seen: Sighting) -> None:
        run, team = seen.holding.run, TeamStore(self.objects, WORKLOAD, ACCOUNT, machine.clock)
        try:
            told = team.take_over(run, machine.name, seen)
        except (Refused, JournalError):
            return  # the next rescuer tries again
        self.rescued.add(run)
        assert run not in self.is_in or (told and told.owed), "every sent call has an intent in the records"
        self.is_in.discard(run)
        with suppress(JournalError):
            if told:
                team.settle({entry.position: ("restored", "") for entry in told.entries})
            team.end("restored later")

    @invariant()
    def at_most_one_run_is_in(self) -> None:
        assert len(self.is_in) <= 1


Interleavings.TestCase.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
TestInterleavings = Interleavings.TestCase
