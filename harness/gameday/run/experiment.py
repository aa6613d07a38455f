"""Run experiments: a single one, a saved plan, or a game day of several. Each ends as a record or a refusal."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from gameday import __version__
from gameday.aws.account import Account
from gameday.aws.client import Aws
from gameday.engine.journal import Journal
from gameday.errors import Exit, GamedayError, Refused, in_words, worst
from gameday.events import Called, Detected, Ended, Event, Judged, PhaseBegan, Remark, Sampled
from gameday.iam.undo_rights import undo_rights
from gameday.plan.guards.context import RunFacts, UndoRights
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import make_plan
from gameday.records.origin import Origin
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.context import RunContext
from gameday.run.dry_run import rights
from gameday.run.environment import Environment, open_environment
from gameday.run.loop import run
from gameday.run.sessions import open_run_sessions, wanted
from gameday.run.stop import StopRequest
from gameday.run.team import shared, stoppable
from gameday.steady_state.clock import Clock
from gameday.store.team import TeamStore

log = logging.getLogger("gameday.run")


class Listener(Protocol):
    """A receiver of a run's events: a terminal, a file, a page."""

    def begin(self, plan: Plan, run: str) -> None:
        """Take the plan and the id of a run that begins."""
        ...

    def on_event(self, event: Event) -> None:
        """Take an event of the run."""
        ...

    def close(self) -> None:
        """End: the run is over."""
        ...


@dataclass
class ExperimentRunner:
    """Run experiments with a journal, listeners, and a confirmation before an account is changed."""

    journal: Journal
    listeners: list[Listener] = field(default_factory=list)
    confirm: Callable[[Plan], None] = lambda _: None  # raises Refused if the user declines
    stop: StopRequest = field(default_factory=StopRequest)
    local_journal: bool = False  # an account run may keep its journal on this machine only
    watch: Callable[[Clock], None] = lambda _: None  # gets the clock of each twin before it is built
    command: str = ""
    files: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)

    def experiment(self, request: RunRequest, saved: Plan | None = None) -> Record | Refusal:
        """Plan and run one experiment. A saved plan runs exactly, or is refused where the account has changed."""
        plan: Plan | None = None
        record: Record | None = None
        try:
            with self.planned(request, saved) as (plan, environment, team):
                if plan.refusals:
                    raise Refused(plan.refusals)
                self.confirm(plan)
                record = self._run(plan, environment, team, dict(request.digests))
        except Exception as error:
            if record:
                return _noting(record, error)
            if isinstance(error, Refused):
                return Refusal(request.experiment.name, error.reasons, plan, error.remedy, self.stop.is_signal)
            raise
        return record

    @contextmanager
    def planned(
        self, request: RunRequest, saved: Plan | None = None
    ) -> Iterator[tuple[Plan, Environment, TeamStore | None]]:
        """Yield a plan with its environment and its team's store; reads only. Raises Refused."""
        workload = request.workload
        facts = RunFacts(
            must_be_free=lambda: self.journal.must_be_free(workload.name, workload.account),
            local_journal=self.local_journal,
            saved=saved,
        )
        with (
            shared(self.journal, request, local=self.local_journal, hurries=self.stop.hurries) as team,
            open_environment(
                request.place, workload, request.twin, request.region, request.seed, self.stop.hurries, self.watch
            ) as environment,
        ):
            yield plan_on(environment, request, facts), environment, team

    def _run(self, plan: Plan, environment: Environment, team: TeamStore | None, digests: dict[str, str]) -> Record:
        if team:
            team.prove()  # before the baseline, which takes minutes
        name = new_run_id()
        with stoppable(self.journal, team, name, self.stop):
            actors = open_run_sessions(environment.account, environment.sessions, plan, name)
            stage = RunContext(
                run=name,
                account=actors.account,
                clock=environment.clock,
                source=environment.source,
                journal=self.journal,
                lag=environment.lag,
                stop=self.stop,
                undoing=actors.undoing,
            )
            return replace(self._record(plan, stage, environment), digests=digests)

    def several(self, requests: tuple[RunRequest, ...], on_broken: str) -> Iterator[Record | Refusal]:
        """Run experiments in order, until one is stuck, a signal arrives, or a claim breaks and `on_broken` is stop."""
        for request in requests:
            result = self.experiment(request)
            yield result
            code = result.ended.exit if isinstance(result, Record) and result.ended else Exit.REFUSED
            if self.stop.why or code == Exit.STUCK or (code == Exit.BROKEN and on_broken == "stop"):
                return

    def _record(self, plan: Plan, stage: RunContext, environment: Environment) -> Record:
        sessions, signing = environment.sessions, environment.credentials
        assumed = wanted(sessions, plan, stage.run, "run").arn if sessions else None
        started = datetime.now(UTC).isoformat(timespec="seconds")
        events: list[Event] = []
        self.journal.begin(stage.run, plan, os.getpid())
        log.info("run %s of %s on %s, seed %s", stage.run, plan.experiment.name, plan.place, plan.seed)
        for listener in self.listeners:
            self._notify(listener, lambda receiver: receiver.begin(plan, stage.run), events)
        try:
            for event in run(plan, stage):
                events.append(event)
                _log(event)
                for listener in list(self.listeners):
                    self._notify(listener, lambda receiver, event=event: receiver.on_event(event), events)  # type: ignore[misc]
        finally:
            for listener in list(self.listeners):
                self._notify(listener, lambda receiver: receiver.close(), events)
            self._end(stage.run, events)
        return Record(
            run=stage.run,
            tool=__version__,
            started=started,
            plan=plan,
            events=tuple(events),
            seed=plan.seed,
            principal=sessions.principal if sessions else plan.principal,
            assumed=assumed,
            source_identity=sessions.source if sessions else None,
            undo_until=_utc(signing.sign_until) if signing else None,
            files=self.files,
            commit=self.origin.commit,
            is_dirty=self.origin.is_dirty,
            release=self.origin.release,
            who=self.origin.who,
            command=self.command,
        )

    def _end(self, run: str, events: list[Event]) -> None:
        try:
            self.journal.end(run)
        except Exception as error:  # noqa: BLE001 - the record must follow
            at, why = events[-1].at if events else 0.0, in_words(error)
            events.append(Remark(at, f"Gameday could not close the run ({why}); `gameday restore` closes it"))

    def _notify(self, listener: Listener, send: Callable[[Listener], None], events: list[Event]) -> None:
        """Call a listener. If it fails, drop it and report that; the run goes on."""
        try:
            send(listener)
        except Exception as error:  # noqa: BLE001 - a closed pipe or a listener's bug must not delay an undo
            if listener in self.listeners:
                self.listeners.remove(listener)
            at = events[-1].at if events else 0.0
            events.append(Remark(at, f"Gameday dropped {type(listener).__name__}: {type(error).__name__}: {error}"))


def _utc(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _noting(record: Record, error: Exception) -> Record:
    """Return the record with an error that closing the run's environment raised; a bug of Gameday exits 70 at least."""
    log.error("after run %s", record.run, exc_info=error)
    remark = Remark(record.end, f"after the run, Gameday met an error: {in_words(error)}")
    last, is_ours = record.ended, isinstance(error, GamedayError)
    again = [replace(last, exit=int(worst([Exit(last.exit), Exit.BUG])))] if last and not is_ours else []
    return replace(record, events=(*record.events, remark, *again))


def plan_on(environment: Environment, request: RunRequest, facts: RunFacts) -> Plan:
    """Make a plan with every refusal and warning, including those of the environment; reads only. Raises Refused."""

    def checked(plan: Plan, account: Account) -> UndoRights:
        if isinstance(account, Aws):
            return rights(plan, account, environment.sessions)
        return undo_rights(plan, account)

    known = replace(facts, clocks=environment.clocks, undo_rights=checked, credentials=environment.credentials)
    return make_plan(request, environment.account, environment.clock.now(), known)


def _log(event: Event) -> None:
    """Log one line for an event: calls without their parameters, samples by their number."""
    match event:
        case Sampled():
            log.debug("sampled %s: %d new", event.kpi, len(event.samples))
        case Called():
            what = f"{event.service}.{event.operation}", event.region, event.error or "done", event.request_id or "-"
            log.info("called for change %d: %s %s %s request %s", event.position, *what)
        case PhaseBegan():
            log.info("phase %s begins", event.phase)
        case Judged():
            log.info("judged %s: %s", event.judgement.verdict.value, event.judgement.sentence)
        case Ended():
            log.info("ended: account %s, exit %d", event.account, event.exit)
        case Detected():
            log.info("alarm %s fired at %.3f", event.alarm, event.fired_at)
        case Remark():
            log.info("remark: %s", event.text)
        case _:
            log.info("%s: %s", event.type, event.about)


def new_run_id() -> str:
    """Return a random run id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
