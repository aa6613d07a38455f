"""Whether the alarm that an experiment names fires: its history, read from just before the injection until the undo."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.aws.alarms import alarms_now, fired_since
from gameday.aws.arns import alarm_name
from gameday.errors import AwsError
from gameday.events import Detected, Remark
from gameday.plan.guards.alarms import unfit_detector
from gameday.plan.guards.guard import Objection
from gameday.plan.plan import Plan
from gameday.steady_state.clock import Clock


class Detector:
    """The alarm of `detected_by`; without one it sees nothing, and refuses nothing."""

    def __init__(self, plan: Plan, account: Account, clock: Clock) -> None:
        claim = plan.experiment.detected_by
        self._alarm = claim.alarm if claim else None
        self._region, self._account, self._clock = plan.region, account, clock
        self._since: float | None = None
        self._unread = False
        self.fired: float | None = None
        """When it first fired, in seconds since the epoch."""
        self.read: float | None = None
        """Until when its history was read."""

    def begin(self) -> Iterator[Objection]:
        """Watch from now on; refuse where it fires already, or is not there. Raises AwsError."""
        if self._alarm is None:
            return
        self._since = self._clock.now()
        found = alarms_now((self._alarm,), self._account, self._region).get(self._alarm)
        yield from unfit_detector(alarm_name(self._alarm), found["StateValue"] if found else None)

    def look(self) -> Iterator[Detected | Remark]:
        """Read whether it has fired."""
        if self._alarm is None or self._since is None or self.fired is not None:
            return
        now = self._clock.now()
        try:
            self.fired = fired_since(self._alarm, self._since, self._account, self._region)
        except AwsError as error:
            if not self._unread:
                yield Remark(now, f"whether alarm {alarm_name(self._alarm)} has fired cannot be read: {error.what}")
            self._unread = True
            return
        self._unread, self.read = False, now
        if self.fired is not None:
            yield Detected(now, alarm_name(self._alarm), self.fired)
