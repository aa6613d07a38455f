"""A small scheduler for one machine: it starts game days when they are due, never twice and never late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from gameday.errors import Exit, GamedayError, InvalidInput, in_words, worst
from gameday.files.schedule_block import Schedule
from gameday.files.workload import Freeze
from gameday.schedule.book import Book, Kept, findings, identity
from gameday.schedule.holders import Liveness
from gameday.schedule.occurrences import Occurrence, occurrences, why_skipped
from gameday.steady_state.clock import Clock

STEP = 30.0
"""Seconds of one sleep: after a suspend or a change of the clock the scheduler looks again."""
EARLY = 60.0
"""Seconds that `--once` waits for an occurrence: another scheduler's clock may go ahead of ours."""
LONGEST_GAP = 400 * 86400.0
"""Seconds: older occurrences without a record stay without one."""


@dataclass(frozen=True)
class ScheduledDay:
    """A game day with its schedule, and what the scheduler may do with it."""

    name: str
    schedule: Schedule
    freezes: tuple[Freeze, ...]  # of the workload
    book: Book
    play: Callable[[], Exit]
    rescue: Callable[[], Exit]  # undo what dead runs of this machine left

    def after(self, instant: float) -> Occurrence:
        """Return the first occurrence after an instant."""
        return next(occurrences(self.schedule, instant + 0.001))


@dataclass(frozen=True)
class _Missed:
    """An end that could not be recorded yet."""

    book: Book
    kept: Kept


class Scheduler:
    """Start each of the game days when it is due."""

    def __init__(
        self, clock: Clock, days: Sequence[ScheduledDay], processes: Liveness, who: str, tell: Callable[[str], None]
    ) -> None:
        self._clock, self._processes, self._who, self._tell = clock, processes, who, tell
        self._days = tuple(days)
        self._unwritten: list[_Missed] = []
        self._rescued: list[Exit] = []
        self._begun: set[tuple[str, str]] = set()

    def forever(self, until: float = float("inf")) -> Exit:
        """Start game days until a signal ends one, or until an instant. Trouble with a store is tried again."""
        begin = self._clock.now()
        wake = {day.name: begin for day in self._days}
        while (now := self._clock.now()) < until:
            for day in self._days:
                if now >= wake[day.name]:
                    wake[day.name], ended = self._tried(day)
                    if ended is Exit.INTERRUPTED:
                        return ended
            soonest = min(wake.values()) - self._clock.now()
            self._clock.sleep(max(1.0, min(STEP, soonest)))
            self._write_again()
        return Exit.HELD

    def once(self) -> Exit:
        """Start what is due now, and return its exit code. Raises GamedayError where the store does not answer."""
        codes: list[Exit] = []
        for day in self._days:
            coming = day.after(self._clock.now())
            while 0 < (ahead := coming.instant - self._clock.now()) <= EARLY:
                self._clock.sleep(ahead)
            codes += self._pass(day) or [self._nothing_due(day)]
            self._write_again()
        for missed in self._unwritten:
            missed.book.end(missed.kept)  # raises: people must see it
        return worst([*codes, *self._rescued])

    def _nothing_due(self, day: ScheduledDay) -> Exit:
        now = self._clock.now()
        last = next((kept for kept in reversed(day.book.newest(day.book.ids()))), None)
        if last and now - last.instant <= day.schedule.start_within:
            self._tell(f"{day.name} {last.id}: {last.who} has it ({last.state})")
            return Exit.UNKNOWN if last.state == "interrupted" else Exit.HELD
        self._tell(f"{day.name}: nothing is due; the next start is {day.after(now)}")
        return Exit.REFUSED

    def _tried(self, day: ScheduledDay) -> tuple[float, Exit]:
        """Do what is due; return when to look again."""
        began = self._clock.now()
        try:
            ended = worst(self._pass(day))
        except InvalidInput:
            raise
        except GamedayError as error:
            self._tell(f"{day.name}: {in_words(error)}; Gameday tries again")
            return self._clock.now() + STEP, Exit.HELD
        return day.after(began).instant, ended

    def _pass(self, day: ScheduledDay) -> list[Exit]:
        """Close what dead processes began, then run or skip each occurrence that is due."""
        ids = day.book.ids()
        known = [self._closed(day, kept) for kept in day.book.newest(ids)]
        now = self._clock.now()
        codes = [self._run(day, kept) for kept in known if self._is_ours_unbegun(day, kept)]
        for occurrence in self._due(day, ids, known, now):
            kept = self._new(day, occurrence, known)
            ended = self._claimed(day, kept)
            known.append(day.book.get(kept.id) or kept)
            codes.append(ended)
        return codes

    def _due(self, day: ScheduledDay, ids: Sequence[str], known: Sequence[Kept], now: float) -> list[Occurrence]:
        """Return the occurrences without a record up to now, since the last one of the same schedule."""
        same = [kept.instant for kept in known if kept.schedule == identity(day.schedule)]
        since = max(same[-1], now - LONGEST_GAP) if same else now - day.schedule.start_within
        until_now = takewhile(lambda occurrence: occurrence.instant <= now, occurrences(day.schedule, since))
        return [occurrence for occurrence in until_now if occurrence.id not in ids]

    def _new(self, day: ScheduledDay, occurrence: Occurrence, known: Sequence[Kept]) -> Kept:
        now = self._clock.now()
        reason = why_skipped(day.schedule, day.freezes, occurrence, now)
        return Kept(
            id=occurrence.id,
            schedule=identity(day.schedule),
            instant=occurrence.instant,
            state="skipped" if reason else "running",
            reason=reason,
            who=self._who,
            holder=self._processes.me,
            at=now,
            findings=findings(known),
        )

    def _claimed(self, day: ScheduledDay, kept: Kept) -> Exit:
        """Claim an occurrence, and run it if it is ours."""
        if not day.book.claim(kept):
            self._tell(f"{day.name} {kept.id}: another scheduler has it")
            return Exit.HELD
        for line in kept.findings:
            self._tell(f"{day.name}: {line}")
        if kept.state == "skipped":
            self._tell(f"{day.name} {kept.id}: skipped: {kept.reason}")
            return Exit.REFUSED
        return self._run(day, kept)

    def _is_ours_unbegun(self, day: ScheduledDay, kept: Kept) -> bool:
        """Return whether our claim arrived although the store's answer was lost, so that we did not run it."""
        return kept.state == "running" and kept.holder == self._processes.me and (day.name, kept.id) not in self._begun

    def _run(self, day: ScheduledDay, kept: Kept) -> Exit:
        """Run an occurrence that is ours, unless it has become late meanwhile."""
        self._begun.add((day.name, kept.id))
        occurrence = next(occurrences(day.schedule, kept.instant))
        if reason := why_skipped(day.schedule, day.freezes, occurrence, self._clock.now()):
            self._tell(f"{day.name} {kept.id}: skipped: {reason}")
            self._end(day, self._ended(kept, "skipped", reason, Exit.REFUSED))
            return Exit.REFUSED
        self._tell(f"{day.name} {kept.id}: runs")
        ended, code = self._played(day, kept)
        self._end(day, ended)
        return code

    def _played(self, day: ScheduledDay, kept: Kept) -> tuple[Kept, Exit]:
        try:
            code, reason = day.play(), ""
        except GamedayError as error:
            code, reason = error.exit, in_words(error)
        if code is Exit.INTERRUPTED:
            return self._ended(kept, "interrupted", reason or "a signal ended it, and it was undone", code), code
        if code in (Exit.REFUSED, Exit.INVALID):
            return self._ended(kept, "skipped", reason or "refused: its report has the reasons", code), code
        return self._ended(kept, "done", reason, code), code

    def _ended(self, kept: Kept, state: str, reason: str, code: Exit) -> Kept:
        values = {**kept.model_dump(), "state": state, "reason": reason, "exit": int(code), "at": self._clock.now()}
        return Kept.model_validate(values)

    def _closed(self, day: ScheduledDay, kept: Kept) -> Kept:
        """Undo what a dead process of this machine left, and record that it was interrupted."""
        if kept.state != "running" or not self._processes.is_dead(kept.holder):
            return kept
        self._tell(f"{day.name} {kept.id}: its process died; Gameday undoes what it left")
        code = day.rescue()
        self._rescued.append(code)
        stuck = "" if code is Exit.HELD else f"; `gameday restore` ended with {int(code)}"
        ended = self._ended(kept, "interrupted", f"its process died{stuck}", worst([code, Exit.UNKNOWN]))
        self._end(day, ended)
        return ended

    def _end(self, day: ScheduledDay, ended: Kept) -> None:
        """Record an end; where the store does not answer, keep it for later."""
        try:
            day.book.end(ended)
        except GamedayError as error:
            self._tell(f"{day.name} {ended.id}: {in_words(error)}; Gameday tries again")
            self._unwritten.append(_Missed(day.book, ended))

    def _write_again(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        for missed in unwritten:
            try:
                missed.book.end(missed.kept)
            except GamedayError:
                self._unwritten.append(replace(missed))
