"""An account that is as inconsistent as AWS, and counts which inconsistencies undo met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from gameday.aws.account import Account
from gameday.change import Call, Change, CreatedResource, Json, NormalForm, Setting, SettingChange, Shape
from gameday.errors import AwsError, Unreachable
from gameday.steady_state.clock import Clock
from gameday.testing.alternative_answers import in_transition, reserialised
from gameday.testing.wrapper import Wrapped

CHANGING_FOR = 3.0
"""Seconds for which a resource is in transition after a write."""


class Way(StrEnum):
    """How an account can be rough."""

    STALE = "stale"  # reads return the value before a write, for nearly the declared settle time
    CHANGING = "changing"  # a resource passes through other values, and rejects writes meanwhile
    REFUSED = "refused"  # a write fails at first: "not now", "still in use"
    RESERIALISED = "reserialised"  # lists in reverse, numbers as text, policies in another notation
    LOST = "lost"  # the call happens, and its reply is lost
    LATE = "late"  # a request of apply arrives only after undo has read what it writes
    INERT = "inert"  # a write succeeds without effect
    UNSEEN = "unseen"  # a new id is unknown at first, to every call of apply that names it
    STRANGER = "stranger"  # somebody else writes another value meanwhile


def applicable(changes: Iterable[Change]) -> frozenset[Way]:
    """Return the ways that undo must meet with these changes; a test adds STRANGER itself, and apply meets UNSEEN."""
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
    """A setting or a created resource: the calls that read and write it, and its current behaviour."""

    region: str
    ids: frozenset[str]
    reads: list[Call]
    writes: frozenset[str]
    refusable: frozenset[str]  # the writes that may come too early
    settle: float
    not_now: tuple[str, ...]
    setting: Setting | None = None
    by_id: Callable[[str], list[Call]] = lambda _: []  # its reads once it has this id
    stale_until: float = float("-inf")
    changing_until: float = float("-inf")
    old: Sequence[Json | AwsError] = ()  # what `reads` answered before the last write

    def learn(self, call: Call) -> None:
        """Add a read by id to its reads."""
        if call not in self.reads and any(call in self.by_id(text) for text in _texts(call.params)):
            self.reads.append(call)

    def answers(self, call: Call, region: str) -> int | None:
        """Return the index of the read that answers a call; a plural read covers all resources, and so any of them."""
        if region != self.region or str(call) != str(self.reads[0]):
            return None
        if self.setting and self.setting.read.plural:
            return 0 if self.ids & set(_texts(call.params)) else None
        return self.reads.index(call) if call in self.reads else None


class RoughAccount(Wrapped):
    """An account that is rough in the given ways, and counts in `met` what happened since `undo_begins`."""

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
        """Wrap an account.

        `late` is the number, from 0, of apply's mutating call that arrives late. It arrives once undo has read what the
        call writes, and not before `late_by` seconds of undo. `stranger` writes something as somebody else.
        """
        super().__init__(account)
        self.clock = clock
        self.ways = frozenset(ways)
        self.late = late
        self.late_by = late_by
        self.stranger = stranger
        self.met: Counter[Way] = Counter()
        self.unseen = 0  # how often UNSEEN was met
        self.mutating = 0
        self._watched = _watched(changes, run)
        self._writes = {op for watched in self._watched for op in watched.writes}
        self._writes |= {str(template.call) for change in changes for template in change.apply_templates()}
        self._is_undoing = False
        self._arrives = 0.0
        self._happened: set[tuple[bool, Way, str]] = set()
        self._on_its_way: tuple[Call, str] | None = None
        self._creates = [change for change in changes if isinstance(change, CreatedResource)]
        self._new: dict[str, str] = {}  # new id → the error code of a call that does not find it
        self._not_found: set[tuple[str, str]] = set()  # operation and new id, each refused once

    def undo_begins(self) -> None:
        """Note that undo begins: resources are in transition, and `met` counts from here on."""
        if not self._is_undoing:
            self._arrives = self.clock.now() + self.late_by
        self._is_undoing = True
        if Way.CHANGING in self.ways:
            for watched in self._watched:
                watched.changing_until = self.clock.now() + CHANGING_FOR

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        """Make a call on the rough account; raises AwsError."""
        if str(call) in self._writes:
            return self._write(call, region)
        answer = self._read(call, region, paged)
        if self._is_undoing:
            self._after_read(call, region)
        return answer

    def _after_read(self, call: Call, region: str) -> None:
        """Let the late request arrive once undo has read what it writes; the stranger writes after the first read."""
        is_due = self.clock.now() >= self._arrives
        if self._on_its_way and is_due and self._is_read(str(self._on_its_way[0]), call, region):
            self._meets(Way.LATE)
            self.arrive()
        if Way.STRANGER in self.ways and not self.met[Way.STRANGER]:
            self._meets(Way.STRANGER)
            self.stranger()

    def arrive(self) -> None:
        """Let the late request arrive now, if it has not yet."""
        if self._on_its_way:
            late, self._on_its_way = self._on_its_way, None
            self.account.call_all([late])

    def _is_read(self, write: str, call: Call, region: str) -> bool:
        written = [watched for watched in self._watched if write in watched.writes]
        return not written or any(watched.answers(call, region) is not None for watched in written)

    def _meets(self, way: Way) -> None:
        if self._is_undoing:
            self.met[way] += 1

    def _for_once(self, way: Way, call: Call) -> bool:
        """Whether to apply a way to a call: once for each operation in apply, and once in undo."""
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
        self._hide_new_ids(call)
        written = [watched for watched in self._watched if watched.region == region and str(call) in watched.writes]
        for watched in written:
            self._refuse(watched, call)
        if self._is_undoing and self._for_once(Way.INERT, call):
            return {}
        old = [self._read_plainly(watched) for watched in written]
        answer = self.account.call(call, region)
        self._learn_new_id(call, answer)
        for watched, before in zip(written, old, strict=True):
            self._note_write(watched, before)
        if self._is_undoing and self._for_once(Way.LOST, call):
            raise Unreachable(call.service, call.operation, "ReadTimeout", "the reply was lost")
        return answer

    def _hide_new_ids(self, call: Call) -> None:
        if Way.UNSEEN not in self.ways or self._is_undoing:
            return
        for id_ in self._new.keys() & set(_texts(call.params)):
            if (str(call), id_) not in self._not_found:
                self._not_found.add((str(call), id_))
                self.unseen += 1
                raise AwsError(call.service, call.operation, self._new[id_], "not there yet")

    def _learn_new_id(self, call: Call, answer: Json) -> None:
        for change in self._creates:
            if str(call) == str(change.create) and (made := change.made_id(answer)):
                self._new[made] = next(iter(change.gone), "")

    def _refuse(self, watched: _Watched, call: Call) -> None:
        if str(call) not in watched.refusable or not watched.not_now:
            return
        setting = watched.setting
        changes = setting and (setting.transitional or setting.ready) and self.clock.now() < watched.changing_until
        if changes or self._for_once(Way.REFUSED, call):
            raise AwsError(call.service, call.operation, watched.not_now[0], "not now")

    def _read_plainly(self, watched: _Watched) -> Sequence[Json | AwsError]:
        if Way.STALE not in self.ways:
            return []
        return self.account.call_all([(read, watched.region) for read in watched.reads], paged=True)

    def _note_write(self, watched: _Watched, before: Sequence[Json | AwsError]) -> None:
        now = self.clock.now()
        if Way.CHANGING in self.ways:
            watched.changing_until = now + CHANGING_FOR
        # A write without effect must not make reads stale, or they would stay stale for as long as it is repeated.
        if (
            Way.STALE in self.ways
            and now >= watched.stale_until
            and _plain(before) != _plain(self._read_plainly(watched))
        ):
            watched.stale_until = now + 0.9 * watched.settle
            watched.old = before

    # reads ------------------------------------------------------------------------------------------------------------

    def _read(self, call: Call, region: str, paged: bool) -> Json:
        for watched in self._watched:
            watched.learn(call)
        now, answer = self.clock.now(), self._maybe_stale(call, region, paged)
        for watched in self._watched:
            if watched.answers(call, region) is None or watched.setting is None:
                continue
            if now < watched.changing_until:
                answer = self._roughened(Way.CHANGING, answer, in_transition(watched.setting, answer))
            if Way.RESERIALISED in self.ways:
                answer = self._roughened(Way.RESERIALISED, answer, reserialised(watched.setting, answer))
        return answer

    def _maybe_stale(self, call: Call, region: str, paged: bool) -> Json:
        """Read; a stale read by id still finds what is deleted, and does not find yet what is created."""
        (plain,) = self.account.call_all([(call, region)], paged)
        for watched in self._watched:
            index = watched.answers(call, region)
            if index is not None and self.clock.now() < watched.stale_until:
                # A read by id that is new since the write answers like the read by tag.
                old = watched.old[index] if index < len(watched.old) else watched.old[0]
                if _plain([old]) != _plain([plain]):
                    self._meets(Way.STALE)
                plain = old
        if isinstance(plain, AwsError):
            raise plain
        return plain

    def _roughened(self, way: Way, plain: Json, rough: Json) -> Json:
        if rough != plain:
            self._meets(way)
        return rough


def _watched(changes: Sequence[Change], run: str) -> list[_Watched]:
    """List the settings that the changes set, once for each region, and the resources that they create."""
    setting_changes = [change for change in changes if isinstance(change, SettingChange)]
    listed: list[_Watched] = []
    by_read = {(change.setting.name, change.setting.read.rows): change.setting for change in setting_changes}
    for key, region in dict.fromkeys(
        ((change.setting.name, change.setting.read.rows), change.region) for change in setting_changes
    ):
        setting = by_read[key]
        # Settings that share a read (two settings of a group) share its answers, too.
        args = {
            change.id: change.args
            for change in setting_changes
            if change.region == region and change.read_call == setting.read.call
        }
        calls = [call for _, call in setting.read_calls(args, args, len(args))]
        ops = frozenset(map(str, setting.write_calls()))
        listed.append(_Watched(region, frozenset(args), calls, ops, ops, setting.settle, setting.retry, setting))
    for change in changes:
        if change.creates:
            known = change.bindings(run, {})
            by_id = partial(change.reads, bindings=known)
            deletes = frozenset(str(template.call) for template in change.undo_templates())
            ops = deletes | {str(template.call) for template in change.apply_templates()}
            busy = change.undo_retry_codes
            reads, settle = change.reads(None, known), change.settle_time
            listed.append(_Watched(change.region, frozenset(), reads, ops, deletes, settle, busy, by_id=by_id))
    return listed


def _plain(answers: Sequence[Json | AwsError]) -> list[Json]:
    """Return answers that can be compared: an error's code in place of the error."""
    return [answer.code if isinstance(answer, AwsError) else answer for answer in answers]


def _texts(value: Json) -> list[str]:
    """Collect all texts in a value."""
    if isinstance(value, dict | list):
        return [text for part in (value.values() if isinstance(value, dict) else value) for text in _texts(part)]
    return [value] if isinstance(value, str) else []
