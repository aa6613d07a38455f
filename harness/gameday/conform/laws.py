"""Prove the laws of one setting: read, write, read until seen, write again, write back, equal, gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gameday.aws.account import Account
from gameday.change import AnyChange, Observation, SettingChange
from gameday.conform.case import Case, Target
from gameday.engine.apply import apply
from gameday.engine.calls import until
from gameday.engine.journal import Journal
from gameday.engine.settings import capture, read_settings
from gameday.errors import AwsError, GamedayError
from gameday.events import Called, ChangeClosed, Event
from gameday.steady_state.clock import Clock

READY = 180.0
"""Seconds within which a new resource must be ready: an instance boots in about a minute (Amazon EC2 User Guide)."""
LOOK = 0.5
"""Seconds between two reads after a write."""
READ_FOR = 2.0
"""How many settle times the reads after a write go on, to see whether an older value comes back."""
SLACK = 3.0
"""Seconds by which a read may come later than the value: the pauses between reads, and the read itself."""


@dataclass(frozen=True)
class LawResult:
    """One law of one case: whether it held (None: not known), the seconds it took, and when."""

    case: str
    law: str
    held: bool | None
    at: float  # seconds since the epoch
    seconds: float | None = None
    about: str = ""


@dataclass
class CaseRun:
    """One case under way in its own run of the journal."""

    case: Case
    run: str
    region: str
    account: Account  # sends only the calls of `allowed`
    journal: Journal
    clock: Clock  # its sleep raises ApplyFailed once the user asks for an end
    allow: Callable[[tuple[AnyChange, ...]], Account]  # narrow the account to these changes
    events: list[Event] = field(default_factory=list)
    change: SettingChange | None = None
    is_proven: bool = False  # all laws up to the second write were tried

    def prove(self) -> Iterator[LawResult]:
        """Make the resources and prove the laws up to the second write; the caller undoes. Raises GamedayError."""
        makes = tuple(made for stage in self.case.makes for made in stage)
        self.account = self.allow(makes)
        began = self.clock.now()
        self._apply(self.case.makes, 0)
        unknown = [event for event in self.events if isinstance(event, Called) and event.error]
        codes = ", ".join(sorted({str(event.error) for event in unknown}))
        about = f"{len(makes)} made" + (f"; {len(unknown)} calls were answered {codes} at first" if unknown else "")
        yield self._row("made", True, began, about)
        if self.case.setting:
            self.change = self._captured(self._target())
            self.account = self.allow((*makes, self.change))
            yield from self._writes(self.change, len(makes))
        self.is_proven = True

    def _target(self) -> Target:
        entries = self.journal.entries(self.run)
        made = {name: id_ for entry in entries for name, id_ in entry.change.made_binding(entry.made).items()}
        return self.case.target(made)

    def _apply(self, stages: tuple[tuple[AnyChange, ...], ...], first: int) -> None:
        apply(stages, first, self.run, self.account, self.journal, self.clock, self.events.append)

    def _captured(self, target: Target) -> SettingChange:
        """Return the change of the setting, once the new resource is ready. Raises GamedayError."""
        assert self.case.setting  # noqa: S101 - `prove` asks
        empty = SettingChange(region=self.region, setting=self.case.setting, id=target.id, args=target.args)

        def is_ready() -> bool:
            now = read_settings({0: empty}, self.account)[0]
            return isinstance(now, Observation) and now.ready and not now.gone

        until(is_ready, self.clock, READY)
        args = {target.id: target.args}
        found = capture(self.case.setting, {target.id: target.wanted}, self.region, self.account, args)
        if not found:
            raise GamedayError(f"{target.id} already has the value that the case sets")
        return found[0]

    def _writes(self, change: SettingChange, first: int) -> Iterator[LawResult]:
        self._apply(((change,),), first)
        sent = [event for event in self.events if isinstance(event, Called)][-1]
        written = sent.at + sent.took
        seen = self.clock.now() - written
        is_slow = bool(change.setting.ready or change.setting.transitional)
        in_time = is_slow or seen <= change.setting.settle + SLACK
        yield self._row("a write is seen", in_time, written, f"{change.headline}; settle {change.setting.settle:g} s")
        yield self._stays_seen(change, written)
        yield self._again(change)

    def _stays_seen(self, change: SettingChange, written: float) -> LawResult:
        """Read on: an older value may come back from a server that has not heard of the write."""
        began, old, reads = self.clock.now(), 0.0, 0
        while self.clock.now() < began + READ_FOR * change.setting.settle:
            now, reads = read_settings({0: change}, self.account)[0], reads + 1
            if isinstance(now, Observation) and now.ready and not change.reads_as("after", now):
                old = self.clock.now() - written
            self.clock.sleep(LOOK)
        about = f"{reads} reads; the last old value came {old:.1f} s after the write" if old else f"{reads} reads"
        return LawResult(self.case.name, "it stays seen", old <= change.setting.settle, began, old, about)

    def _again(self, change: SettingChange) -> LawResult:
        """Send the same write once more: the undo may, after a stale read."""
        began, now = self.clock.now(), read_settings({0: change}, self.account)[0]
        if not isinstance(now, Observation):
            raise now
        codes: list[str] = []
        # A set reads as without our items, so that its calls are those of the first write.
        as_before = Observation([], now.row) if change.is_set else now
        for call in change.writes("after", as_before, change.bindings(self.run, {})):
            try:
                self.account.call(call, self.region)
            except AwsError as error:
                codes.append(error.code)

        def still_reads_so() -> bool:
            then = read_settings({0: change}, self.account)[0]
            return isinstance(then, Observation) and change.is_applied(then, {})

        held = until(still_reads_so, self.clock, READY)
        return self._row("the same write again", held, began, f"AWS answers {', '.join(codes) or 'yes'}")

    def after_undo(self, closed: list[ChangeClosed], since: float) -> Iterator[LawResult]:
        """Return what the undo showed: the setting is as before, everything made is gone, and reads say so."""
        number = sum(map(len, self.case.makes))
        undone = [event for event in self.events if isinstance(event, Called) and event.phase == "undo"]
        for change in closed:
            if change.position == number:
                first = next((event.at for event in undone if event.position == number), since)
                # An undo right after the write may remove the resource before reads are quiet: that shows nothing.
                held = True if change.state == "restored" else False if self.is_proven else None
                seconds = change.at - first
                yield LawResult(self.case.name, "written back, equal", held, change.at, seconds, change.about)
        left = [change for change in closed if change.position < number and change.state != "restored"]
        yield self._row("removed", not left, since, "; ".join(change.about for change in left))
        if self.change and not left:
            now = read_settings({0: self.change}, self.account)[0]
            is_gone = isinstance(now, Observation) and now.gone
            about = now.code if isinstance(now, AwsError) else ""
            yield self._row("reads as gone", is_gone or self._is_ended(now), self.clock.now(), about)

    def _is_ended(self, now: Observation | GamedayError) -> bool:
        """A terminated instance is still listed for about an hour, and its rows drop it; others end in passing."""
        return isinstance(now, Observation) and not now.ready

    def _row(self, law: str, held: bool, since: float, about: str = "") -> LawResult:
        now = self.clock.now()
        return LawResult(self.case.name, law, held, now, now - since, about)
