"""Whether the experiment's alarm fires: read its history from just before the injection until the undo."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.aws.alarms import alarms_now, fired_since
from gameday.errors import in_words
from gameday.events import Detected, Remark
from gameday.plan.guards.alarms import unfit_detector
from gameday.plan.guards.guard import Objection
from gameday.plan.plan import Plan
from gameday.steady_state.clock import Clock
from gameday.steady_state.sources.alarm_names import alarm_name


class Detector:
    """Watch the alarm of `detected_by`; without that alarm, read and refuse nothing."""

    def __init__(self, plan: Plan, account: Account, clock: Clock) -> None:
        claim = plan.experiment.detected_by
        self._alarm = claim.alarm if claim else None
        self._region, self._account, self._clock = plan.region, account, clock
        self._since: float | None = None
        self._unread = False
        self.fired: float | None = None
        """When the alarm first fired, in seconds since the epoch."""
        self.read: float | None = None
        """Until when the run has read the alarm's history."""

    def begin(self) -> Iterator[Objection]:
        """Watch from now on; refuse where the alarm fires already or does not exist. Raises AwsError."""
        if self._alarm is None:
            return
        self._since = self._clock.now()
        alarm = alarms_now((self._alarm,), self._account, self._region).get(self._alarm)
        yield from unfit_detector(alarm_name(self._alarm), alarm["StateValue"] if alarm else None)

    def look(self, until: float | None = None) -> Iterator[Detected | Remark]:
        """Read whether the alarm has fired, by `until` where that is given."""
        if self._alarm is None or self._since is None or self.fired is not None:
            return
        now = self._clock.now()
        try:
            fired = fired_since(self._alarm, self._since, self._account, self._region)
        except Exception as error:  # noqa: BLE001 - a read that fails is a gap, and the undo may follow
            if not self._unread:
                name, why = alarm_name(self._alarm), in_words(error)
                yield Remark(now, f"Gameday cannot read the history of alarm {name}: {why}")
            self._unread = True
            return
        self._unread, self.read = False, now if until is None else until
        self.fired = None if fired is not None and until is not None and fired > until else fired
        if self.fired is not None:
            yield Detected(now, alarm_name(self._alarm), self.fired)
