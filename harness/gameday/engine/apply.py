"""Apply: bring an injection's changes about, stage by stage, with every undo in the journal before the first call.

A stage reads in bulk, commits all its intents at once, then only writes, in parallel, and then reads in bulk whether
everything stands. What fails stops it there; what was made until then is in the journal, and the caller undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gameday.aws.account import Account
from gameday.aws.rate_limits import Pace, lasts
from gameday.change import Call, Json, Make, Shape, Strike, Turn
from gameday.engine import probes
from gameday.engine.calls import Hear, Wire, is_later, is_uncertain, until
from gameday.engine.entries import Outcome, Row
from gameday.engine.journal import Journal
from gameday.engine.placeholders import bind, fill, search
from gameday.engine.settings import Reading, read_beside, read_turns, said, stands_at, writes
from gameday.errors import ApplyFailed, AwsError, GamedayError
from gameday.steady_state.clock import Clock

NOT_NOW = 120.0
"""Seconds for which "not now" is waited out: throttling, a resource that is still changing."""
STANDS_WITHIN = 300.0
"""Seconds within which a setting must read as it was set: a stopping instance takes minutes (EC2 User Guide)."""

Stages = tuple[tuple[Turn | Make | Strike, ...], ...]


def apply(
    stages: Stages,
    first: int,
    run: str,
    account: Account,
    journal: Journal,
    clock: Clock,
    hear: Hear,
    pace: Pace | None = None,
) -> None:
    """Make an injection's changes; `first` is the position in the plan of its first one, `pace` that of its calls.

    Raises ApplyFailed, JournalError or GamedayError; nothing is undone here. Again for the same run and positions it
    makes nothing twice: the first intent stays, and only what does not stand is written once more.
    """
    wire = Wire(run, "inject", account, clock, hear)
    stage = _Stage(wire, journal, pace)
    position = first
    for number, changes in enumerate(stages):
        rows = [Row(position + n, first, number, filled(change, run, stage.made)) for n, change in enumerate(changes)]
        position += len(changes)
        # What the next stage must know is read together with whether this one stands.
        following = stages[number + 1] if number + 1 < len(stages) else ()
        ahead = {position + n: change for n, change in enumerate(following) if isinstance(change, Turn)}
        stage.apply(rows, ahead)


def filled(change: Turn | Make | Strike, run: str, made: Mapping[str, str]) -> Turn | Make | Strike:
    """A change with the values of its placeholders: undo must not need to know what they stood for."""
    known = {"run": run, "made": dict(made), "args": change.args}
    values: dict[str, Json] = {"args": fill(change.args, known)}
    if isinstance(change, Turn):
        known |= {"id": change.id, "args": values["args"]}
        values |= {"after": fill(change.after, known)}
        values |= {"adds": tuple(fill(change.adds, known)), "removes": tuple(fill(change.removes, known))}
    return change.model_copy(update=values)


@dataclass
class _Task:
    """The calls of one change that are still to go out, in order."""

    row: Row
    calls: list[Call]
    made: str | None = None


@dataclass
class _Stage:
    wire: Wire
    journal: Journal
    pace: Pace | None = None  # None: as fast as it goes
    made: dict[str, str] = field(default_factory=dict)  # name → id of what the injection made so far
    readings: dict[int, Reading] = field(default_factory=dict)
    unproven: list[Row] = field(default_factory=list)  # sent, and not yet read to stand

    def apply(self, rows: list[Row], ahead: Mapping[int, Turn]) -> None:
        known = {row.position: row for row in self.journal.rows(self.wire.run)}
        fresh = [row for row in rows if row.position not in known]
        rows = [known.get(row.position, row) for row in rows]
        if done := [row for row in rows if not row.is_open]:
            raise ApplyFailed(f"{done[0].change.about} was undone already: a run injects once", "run it anew")
        # What is only made is in nobody's way: the next stage's settings can be read before, and it can be found after.
        only_makes = bool(ahead) and all(isinstance(row.change, Make) for row in rows)
        turns = {row.position: row.change for row in rows if isinstance(row.change, Turn) and not self._is_read(row)}
        self._read_turns({**turns, **ahead} if only_makes else turns)
        self._unmoved(fresh)
        was = self._healed_before([row for row in fresh if isinstance(row.change, Strike)])
        tasks = [self._task(row, is_fresh=row.position not in known) for row in rows]
        now = self.wire.clock.now()
        self.journal.intend(self.wire.run, [replace(row, intended=now, was=was.get(row.position)) for row in fresh])
        self._send(tasks)
        self.unproven += [row for row in rows if not isinstance(row.change, Strike)]
        if not only_makes:
            self._all_stand(ahead)

    def _is_read(self, row: Row) -> bool:
        return row.position in self.readings and self.readings[row.position].ready

    # before anything is sent ------------------------------------------------------------------------------------------

    def _read_turns(self, turns: Mapping[int, Turn]) -> None:
        """Read all settings, waiting for those that are still changing."""

        def ready() -> bool:
            for position, reading in read_turns(turns, self.wire.account).items():
                if isinstance(reading, GamedayError):
                    raise ApplyFailed(f"{turns[position].about}: {reading.what}", reading.remedy) from reading
                self.readings[position] = reading
            return all(self.readings[position].ready for position in turns)

        if not until(ready, self.wire.clock, NOT_NOW):
            busy = next(turn for position, turn in turns.items() if not self.readings[position].ready)
            raise ApplyFailed(f"{busy.id} is still changing after {NOT_NOW:.0f} s: {busy.about}", "try again later")

    def _unmoved(self, fresh: list[Row]) -> None:
        """What undo would write back must still be what is there: whoever changed it since the plan would lose it."""
        for row in fresh:
            turn, now = row.change, self.readings.get(row.position)
            if isinstance(turn, Turn) and now and (now.gone or not stands_at(turn, "before", now)):
                what = "is gone" if now.gone else f"reads {said(now.value)} by now"
                raise ApplyFailed(f"{turn.knob.name} of {turn.id} {what}, not as when the plan was made", "plan again")

    def _healed_before(self, strikes: list[Row]) -> dict[int, Json]:
        asked = [(row, row.change) for row in strikes if isinstance(row.change, Strike) and row.change.healed.value]
        now = self.wire.clock.now()
        known = {"since": now, "now": now, "run": self.wire.run, "made": self.made}
        found = probes.answers([(one.healed, one.region, known) for _, one in asked], self.wire.account)
        was: dict[int, Json] = {}
        for (row, strike), answer in zip(asked, found, strict=True):
            if isinstance(answer, AwsError):
                raise ApplyFailed(f"{strike.about}: {answer.what}", answer.remedy) from answer
            was[row.position] = probes.value(strike.healed, answer)
        return was

    # calls ------------------------------------------------------------------------------------------------------------

    def _task(self, row: Row, is_fresh: bool) -> _Task:
        change = row.change
        known: dict[str, Json] = {"run": self.wire.run, "made": self.made, "args": change.args}
        if isinstance(change, Turn):
            now = self.readings[row.position]
            return _Task(row, [] if stands_at(change, "after", now) else writes(change, "after", now, known))
        if isinstance(change, Strike):
            return _Task(row, [bind(change.call, known | {"id": change.id})] if is_fresh else [])
        there = None if is_fresh else row.made or next(iter(self._found(change)), None)
        if there:
            self.made[change.name] = there
        return _Task(row, [] if there else [bind(change.create, known)], there)

    def _find(self, make: Make) -> Call:
        return bind(make.find, {"run": self.wire.run, "args": make.args})

    def _found(self, make: Make) -> list[str]:
        return list(search(make.found, self.wire.account.pages(self._find(make), make.region)) or [])

    def _send(self, tasks: list[_Task]) -> None:
        """Send until nothing is left, waiting out "not now"; raises ApplyFailed for the first call that fails."""
        later: list[_Task] = []

        def nothing_is_left() -> bool:
            self._look_again(later)
            while not later and (going := self._paced([task for task in tasks if task.calls])):
                failed = self._round(going, later)
                if failed:
                    raise failed
            return not later

        paced = lasts((call, task.row.change.region) for task in tasks for call in task.calls) if self.pace else 0.0
        if not until(nothing_is_left, self.wire.clock, NOT_NOW + paced):
            raise ApplyFailed(f'{later[0].row.change.about}: AWS said "not now" for {NOT_NOW:.0f} s', "try again later")

    def _paced(self, going: list[_Task]) -> list[_Task]:
        """Those whose call may go out now: the undo's share of each API is not touched."""
        return self.pace.first(going, lambda one: (one.calls[0], one.row.change.region)) if self.pace else going

    def _look_again(self, later: list[_Task]) -> None:
        """Before trying again: a look-up may have gone stale, the call may have worked, or somebody else wrote."""
        turned = [task for task in later if isinstance(task.row.change, Turn)]
        self._read_turns({task.row.position: task.row.change for task in turned})  # type: ignore[misc]
        for task in turned:
            task.calls = self._task(task.row, is_fresh=False).calls
            if task.calls and task.row.change.knob.shape is not Shape.SET:  # type: ignore[union-attr]
                self._unmoved([task.row])
        later.clear()

    def _round(self, going: list[_Task], later: list[_Task]) -> ApplyFailed | None:
        """One call of each task: notes which are to be tried again later, and answers with the first failure."""
        self.journal.must_be_sure()
        sent = self.wire.clock.now()
        answers = self.wire.send([(task.row.position, task.calls[0], task.row.change.region) for task in going])
        now = self.wire.clock.now()
        outcomes: dict[int, Outcome] = {}
        failed: ApplyFailed | None = None
        for task, answer in zip(going, answers, strict=True):
            change = task.row.change
            if not isinstance(answer, AwsError):
                self._went_well(task, answer)
                # More to come may be sent, and lost, at any time from now on.
                outcomes[task.row.position] = Outcome(sent, None if task.calls else now, None, task.made)
            elif not isinstance(change, Strike) and is_later(
                answer, change.knob.retry if isinstance(change, Turn) else ()
            ):
                later.append(task)
            else:
                outcomes[task.row.position] = Outcome(sent, None if is_uncertain(answer) else now, answer.code)
                failed = failed or ApplyFailed(f"{change.about}: {answer.what}", answer.remedy)
        self.journal.answer(self.wire.run, outcomes)
        return failed

    def _went_well(self, task: _Task, answer: Json) -> None:
        task.calls.pop(0)
        change = task.row.change
        if isinstance(change, Make) and task.made is None:
            task.made = search(change.made, answer)
            if not task.made:
                raise ApplyFailed(f"{change.about}: `{change.made}` names no id in the answer of {change.create}")
            self.made[change.name] = task.made
            known = {"id": task.made, "run": self.wire.run, "args": change.args, "made": self.made}
            task.calls = [bind(call, known) for call in change.then]

    # afterwards -------------------------------------------------------------------------------------------------------

    def _all_stand(self, ahead: Mapping[int, Turn]) -> None:
        """Read until every setting stands as it was set, and everything made is found; raises ApplyFailed."""
        left = self.unproven

        def all_stand() -> bool:
            turns = {row.position: row.change for row in left if isinstance(row.change, Turn)}
            makes = {row.position: row.change for row in left if isinstance(row.change, Make)}
            finds = [(self._find(make), make.region) for make in makes.values()]
            found, answers = read_beside({**turns, **ahead}, finds, self.wire.account)
            lists = dict(zip(makes, answers, strict=True))
            self.readings |= {key: one for key, one in found.items() if key in ahead and isinstance(one, Reading)}
            left[:] = [row for row in left if not self._stands(row, found.get(row.position), lists.get(row.position))]
            return not left

        if left and not until(all_stand, self.wire.clock, STANDS_WITHIN):
            raise ApplyFailed(
                f"{left[0].change.about}: AWS took the call, but it does not stand after {STANDS_WITHIN:.0f} s",
                "see who else writes this setting",
            )

    def _stands(self, row: Row, now: Reading | GamedayError | None, listed: Json | GamedayError) -> bool:
        change = row.change
        if isinstance(change, Make):
            there = [] if isinstance(listed, GamedayError) else search(change.found, listed) or []
            return self.made[change.name] in there
        ready = isinstance(now, Reading) and now.ready
        return ready and isinstance(change, Turn) and stands_at(change, "after", now)  # type: ignore[arg-type]
