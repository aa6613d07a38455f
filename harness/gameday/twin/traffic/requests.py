"""The steps of a request: arrive, call, be served, be answered, time out, retry, leave."""

from __future__ import annotations

from gameday.twin.traffic.agenda import Agenda, Deadlines
from gameday.twin.traffic.servers import REFUSED, SILENT, STARTED
from gameday.twin.traffic.visit import Visit

TCP_GIVES_UP = 127.0
"""Seconds until Linux gives up connecting: net.ipv4.tcp_syn_retries = 6 (tcp(7))."""

LONGEST_BACKOFF = 20.0
"""The AWS SDKs' longest delay, in seconds (AWS SDKs and Tools Reference Guide, "Retry behavior")."""


class RequestSimulation:
    """Move visits through their steps; `lost` holds the paths on which packets are lost right now."""

    __slots__ = ("_agenda", "_silences", "_timeouts", "lost")

    def __init__(self, agenda: Agenda) -> None:
        self.lost: frozenset[tuple[str, str]] = frozenset()
        self._agenda = agenda
        self._silences = Deadlines(agenda, TCP_GIVES_UP, self._tcp_gives_up)
        self._timeouts: dict[float, Deadlines] = {}

    def deadlines(self, timeout: float | None) -> Deadlines | None:
        """Return the queue of deadlines for calls with this timeout."""
        if timeout is None:
            return None
        return self._timeouts.setdefault(timeout, Deadlines(self._agenda, timeout, self._call_times_out))

    def begin(self, visit: Visit, now: float) -> None:
        """Make the visit's first call."""
        if self._refused(visit, now):
            self._answered(visit, False, now)

    def cut(self, visits: list[Visit], now: float) -> None:
        """Reset the visits of hosts that went away: their callers see a failed attempt."""
        for visit in visits:
            visit.serial = -1
        for visit in visits:
            caller = self._caller(visit, now)
            if caller is not None:
                self._answered(caller, False, now)

    def _refused(self, visit: Visit, now: float) -> bool:
        """Begin the visit's current call. Returns whether its first attempt was refused at once."""
        visit.serial += 1
        visit.tries = 0
        deadlines = visit.calls[visit.step].deadlines
        if deadlines is not None:
            deadlines.set(visit, now)
        return self._attempt(visit, now)

    def _attempt(self, caller: Visit, now: float) -> bool:
        """Send the request of the caller's current call. Returns whether it was refused at once."""
        server = caller.calls[caller.step].server
        caller.sent = now
        visit = Visit(server, caller, caller.serial, caller.journey, now)
        fate = server.admit(visit, caller, self.lost, now)
        if fate is STARTED:
            self._agenda.at(now + server.service(), self._served, visit)
        elif fate is SILENT:
            self._falls_silent(caller, now)
        return fate is REFUSED

    def _served(self, now: float, visit: Visit) -> None:
        """Go on after the visit's own work: make its calls, or answer."""
        if visit.serial < 0:
            return
        server = visit.server
        good = not (server.errors and server.breaks() < server.errors)
        if good and visit.calls:
            self.begin(visit, now)
            return
        caller = self._leave(visit, good, now)
        if caller is not None:
            self._answered(caller, good, now)

    def _answered(self, visit: Visit, good: bool, now: float) -> None:
        """End an attempt of the visit's call. A loop, not recursion: an answer may pass any number of callers."""
        following: tuple[Visit, bool] | None = visit, good
        while following is not None:
            visit, good = following
            visit.calls[visit.step].server.count(good, now - visit.sent)
            visit.sent = -1.0
            following = None if not good and self._retries(visit, now) else self._call_over(visit, good, now)

    def _retries(self, visit: Visit, now: float) -> bool:
        call = visit.calls[visit.step]
        if visit.tries >= call.retries:
            return False
        longest = min(LONGEST_BACKOFF, call.backoff * 2.0**visit.tries)
        visit.tries += 1
        self._agenda.at(now + longest * call.jitter(), self._retry, (visit, visit.serial))
        return True

    def _retry(self, now: float, retrying: tuple[Visit, int]) -> None:
        visit, serial = retrying
        if visit.serial == serial and self._attempt(visit, now):
            self._answered(visit, False, now)

    def _call_over(self, visit: Visit, good: bool, now: float) -> tuple[Visit, bool] | None:
        """Begin the visit's next call, or end the visit. Returns the visit whose attempt ended, and whether well."""
        if good or visit.calls[visit.step].fallback:
            visit.step += 1
            if visit.step < len(visit.calls):
                return (visit, False) if self._refused(visit, now) else None
            good = True
        caller = self._leave(visit, good, now)
        return None if caller is None else (caller, good)

    def _call_times_out(self, visit: Visit, now: float) -> None:
        if visit.sent >= 0.0:
            visit.calls[visit.step].server.count(False, now - visit.sent)
            visit.sent = -1.0
        following = self._call_over(visit, False, now)
        if following is not None:
            self._answered(*following, now)

    def _tcp_gives_up(self, visit: Visit, now: float) -> None:
        self._answered(visit, False, now)

    def _falls_silent(self, caller: Visit, now: float) -> None:
        """Wait in vain for an answer: the call's timeout ends it or, where that is longer or missing, TCP."""
        deadlines = caller.calls[caller.step].deadlines
        if deadlines is None or deadlines.length > TCP_GIVES_UP:
            self._silences.set(caller, now)

    def _leave(self, visit: Visit, good: bool, now: float) -> Visit | None:
        """End the visit and give its slot to the next. Returns the caller, if it still waits and can be reached."""
        visit.serial = -1
        server = visit.server
        follower = server.release(visit)
        if follower is not None:
            self._agenda.at(now + server.service(), self._served, follower)
        server.count_work(good, now - visit.began)
        return self._caller(visit, now)

    def _caller(self, visit: Visit, now: float) -> Visit | None:
        caller = visit.caller
        if caller is None or caller.serial != visit.ticket:
            return None
        if self.lost and (caller.place, visit.place) in self.lost:
            self._falls_silent(caller, now)
            return None
        return caller
