"""An account that behaves as badly as AWS does, and counts what undo really met of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gameday.aws.account import Account
from gameday.change import Call, Change, Json, NormalForm, Setting, SettingChange, Shape
from gameday.change.placeholders import bind
from gameday.errors import AwsError, Unreachable
from gameday.steady_state.clock import Clock
from gameday.testing.alternative_answers import in_passing, reserialised
from gameday.testing.wrapper import Wrapped

CHANGING_FOR = 3.0
"""Seconds for which a resource is in passing after a write."""


class Way(StrEnum):
    """How an account can be rough."""

    STALE = "stale"  # reads answer as before a write, for nearly the declared settle time
    CHANGING = "changing"  # a resource passes through other values, and refuses writes meanwhile
    REFUSED = "refused"  # a write is refused at first: "not now", "still in use"
    RESERIALISED = "reserialised"  # order turned round, numbers as text, policies written another way
    LOST = "lost"  # the reply is lost, though the call happened
    LATE = "late"  # a request of apply arrives only after undo's first look at it
    INERT = "inert"  # a write is taken, without effect
    STRANGER = "stranger"  # somebody else writes something else meanwhile


def applicable(changes: Iterable[Change]) -> frozenset[Way]:
    """The ways that undo must meet with these changes; STRANGER is the test's to add."""
    ways: set[Way] = set()
    for watched in _watched(list(changes), run=""):
        ways |= {Way.LOST, Way.LATE, Way.INERT}
        ways |= {Way.STALE} if watched.settle else set()
        ways |= {Way.REFUSED} if watched.not_now else set()
        setting = watched.setting
        if setting and (setting.transitional or setting.ready):
            ways.add(Way.CHANGING)
        if setting and (setting.canonical is not NormalForm.PLAIN or setting.shape is Shape.SET):
            ways.add(Way.RESERIALISED)
    return frozenset(ways)


@dataclass
class _Watched:
    """A setting, or what a Make makes: how it is read, what writes it, and how it behaves right now."""

    region: str
    ids: frozenset[str]
    reads: list[Call]
    writes: frozenset[str]
    refusable: frozenset[str]  # the writes that can be too early
    settle: float
    not_now: tuple[str, ...]
    setting: Setting | None = None
    stale_until: float = float("-inf")
    changing_until: float = float("-inf")
    old: list[Json] = field(default_factory=list)  # what `reads` answered before the last write

    def answers(self, call: Call, region: str) -> int | None:
        """Which of the reads answers a call: a plural one holds all resources, so that it answers for some too."""
        if region != self.region or str(call) != str(self.reads[0]):
            return None
        if self.setting and self.setting.read.plural:
            return 0 if self.ids & set(_texts(call.params)) else None
        return self.reads.index(call) if call in self.reads else None


class RoughAccount(Wrapped):
    """An account that is rough in the given ways, and counts in `met` what came about since `undo_begins`."""

    def __init__(
        self,
        account: Account,
        clock: Clock,
        changes: Sequence[Change],
        run: str,
        ways: Iterable[Way] = (),
        *,
        late: int | None = None,
        late_by: float = 0.0,
        stranger: Callable[[], None] = lambda: None,
    ) -> None:
        """`late` is the number, from 0, of apply's mutating call that arrives late; `stranger` writes something.

        It arrives once undo has looked, and not before `late_by` seconds of undo.
        """
        super().__init__(account)
        self.clock = clock
        self.ways = frozenset(ways)
        self.late = late
        self.late_by = late_by
        self.stranger = stranger
        self.met: Counter[Way] = Counter()
        self.mutating = 0
        self._watched = _watched(changes, run)
        self._writes = {op for one in self._watched for op in one.writes}
        self._writes |= {str(template.call) for change in changes for template in change.apply_templates()}
        self._is_undoing = False
        self._arrives = 0.0
        self._happened: set[tuple[bool, Way, str]] = set()
        self._on_its_way: tuple[Call, str] | None = None

    def undo_begins(self) -> None:
        """From here on it is undo's turn: resources are found in passing, and what it meets is counted."""
        if not self._is_undoing:
            self._arrives = self.clock.now() + self.late_by
        self._is_undoing = True
        if Way.CHANGING in self.ways:
            for one in self._watched:
                one.changing_until = self.clock.now() + CHANGING_FOR

    def one(self, call: Call, region: str, paged: bool) -> Json:
        """One call's answer; raises AwsError."""
        if str(call) in self._writes:
            return self._write(call, region)
        answer = self._read(call, region, paged)
        if self._is_undoing:
            self._after_a_look(call, region)
        return answer

    def _after_a_look(self, call: Call, region: str) -> None:
        """The late request arrives once undo has looked at what it writes; the stranger comes after the first look."""
        is_due = self.clock.now() >= self._arrives
        if self._on_its_way and is_due and self._is_looked_at(str(self._on_its_way[0]), call, region):
            self._meets(Way.LATE)
            self.arrive()
        if Way.STRANGER in self.ways and not self.met[Way.STRANGER]:
            self._meets(Way.STRANGER)
            self.stranger()

    def arrive(self) -> None:
        """What is still on its way arrives now, whether anybody looks or not."""
        if self._on_its_way:
            late, self._on_its_way = self._on_its_way, None
            self.account.call_all([late])

    def _is_looked_at(self, write: str, call: Call, region: str) -> bool:
        written = [one for one in self._watched if write in one.writes]
        return not written or any(one.answers(call, region) is not None for one in written)

    def _meets(self, way: Way) -> None:
        if self._is_undoing:
            self.met[way] += 1

    def _for_once(self, way: Way, call: Call) -> bool:
        """Whether it is to happen now: once for each operation in apply, and once in undo."""
        key = (self._is_undoing, way, str(call))
        is_now = way in self.ways and key not in self._happened
        if is_now:
            self._happened.add(key)
            self._meets(way)
        return is_now

    # writes -----------------------------------------------------------------------------------------------------------

    def _write(self, call: Call, region: str) -> Json:
        number, self.mutating = self.mutating, self.mutating + 1
        if Way.LATE in self.ways and not self._is_undoing and number == self.late:
            self._on_its_way = call, region
            raise Unreachable(call.service, call.operation, "ReadTimeout", "the request is still on its way")
        written = [one for one in self._watched if one.region == region and str(call) in one.writes]
        for one in written:
            self._refuse(one, call)
        if self._is_undoing and self._for_once(Way.INERT, call):
            return {}
        old = [self._read_plainly(one) for one in written]
        answer = self.account.call(call, region)
        for one, before in zip(written, old, strict=True):
            self._is_written(one, before)
        if self._is_undoing and self._for_once(Way.LOST, call):
            raise Unreachable(call.service, call.operation, "ReadTimeout", "the reply was lost")
        return answer

    def _refuse(self, one: _Watched, call: Call) -> None:
        if str(call) not in one.refusable or not one.not_now:
            return
        changes = (
            one.setting and (one.setting.transitional or one.setting.ready) and self.clock.now() < one.changing_until
        )
        if changes or self._for_once(Way.REFUSED, call):
            raise AwsError(call.service, call.operation, one.not_now[0], "not now")

    def _read_plainly(self, one: _Watched) -> list[Json]:
        return [self.account.pages(read, one.region) for read in one.reads] if Way.STALE in self.ways else []

    def _is_written(self, one: _Watched, before: list[Json]) -> None:
        now = self.clock.now()
        if Way.CHANGING in self.ways:
            one.changing_until = now + CHANGING_FOR
        # A write that changes nothing makes nothing stale, or reads would stay stale for as long as it is repeated.
        if Way.STALE in self.ways and now >= one.stale_until and before != self._read_plainly(one):
            one.stale_until = now + 0.9 * one.settle
            one.old = before

    # reads ------------------------------------------------------------------------------------------------------------

    def _read(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().one(call, region, paged)
        now = self.clock.now()
        for one in self._watched:
            which = one.answers(call, region)
            if which is None:
                continue
            if now < one.stale_until:
                answer = self._told(Way.STALE, answer, one.old[which])
            if one.setting and now < one.changing_until:
                answer = self._told(Way.CHANGING, answer, in_passing(one.setting, answer))
            if one.setting and Way.RESERIALISED in self.ways:
                answer = self._told(Way.RESERIALISED, answer, reserialised(one.setting, answer))
        return answer

    def _told(self, way: Way, plain: Json, rough: Json) -> Json:
        if rough != plain:
            self._meets(way)
        return rough


def _watched(changes: Sequence[Change], run: str) -> list[_Watched]:
    """Every setting that the changes set (one for each setting and region), and everything they create."""
    setting_changes = [change for change in changes if isinstance(change, SettingChange)]
    found: list[_Watched] = []
    for name, region in dict.fromkeys((change.setting.name, change.region) for change in setting_changes):
        setting = next(change.setting for change in setting_changes if change.setting.name == name)
        # Settings that share their read (two settings of one group) share its answers too.
        args = {
            change.id: change.args
            for change in setting_changes
            if change.region == region and change.read_call == setting.read.call
        }
        calls = [call for _, call in setting.read_calls(args, args, len(args))]
        ops = frozenset(map(str, setting.write_calls()))
        found.append(_Watched(region, frozenset(args), calls, ops, ops, setting.settle, setting.retry, setting))
    for change in changes:
        if change.creates:
            find = bind(change.read_call, change.bindings(run, {}))
            deletes = frozenset(str(template.call) for template in change.undo_templates())
            ops = deletes | {str(template.call) for template in change.apply_templates()}
            busy = change.undo_retry_codes
            found.append(_Watched(change.region, frozenset(), [find], ops, deletes, change.settle_time, busy))
    return found


def _texts(value: Json) -> list[str]:
    """All texts in a value."""
    if isinstance(value, dict | list):
        return [text for part in (value.values() if isinstance(value, dict) else value) for text in _texts(part)]
    return [value] if isinstance(value, str) else []
