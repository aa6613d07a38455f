"""Playing experiments: one alone, a saved plan, or a game day of several; each ends as a record or a refusal."""

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
from gameday.engine.journal import Journal
from gameday.errors import Exit, JournalError, Refused
from gameday.events import Called, Detected, Ended, Event, Judged, PhaseBegan, Remark, Sampled
from gameday.iam.undo_rights import undo_rights
from gameday.plan.guards.context import RunFacts
from gameday.plan.plan import Plan, RunRequest
from gameday.plan.planner import make_plan
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.environment import Environment, open_environment
from gameday.run.loop import RunContext, run
from gameday.run.role_sessions import Sessions
from gameday.run.sessions import open_run_sessions, wanted
from gameday.run.stop import StopRequest
from gameday.run.team import shared, stoppable
from gameday.store.team import TeamStore

log = logging.getLogger("gameday.run")


class Listener(Protocol):
    """Whatever wants to hear what happens: a terminal, a file, a page."""

    def begin(self, plan: Plan, run: str) -> None:
        """A run begins."""
        ...

    def on_event(self, event: Event) -> None:
        """An event of it."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...


@dataclass
class ExperimentRunner:
    """How to play: with which journal and listeners, and who is asked before an account is touched."""

    journal: Journal
    listeners: list[Listener] = field(default_factory=list)
    confirm: Callable[[Plan], None] = lambda _: None  # raises Refused where the answer is no
    stop: StopRequest = field(default_factory=StopRequest)
    local_journal: bool = False  # an account run may keep its journal on this machine alone
    command: str = ""
    files: tuple[str, ...] = ()

    def experiment(self, request: RunRequest, saved: Plan | None = None) -> Record | Refusal:
        """Plan and run one experiment; a saved plan is applied exactly, or refused where the account has changed."""
        plan: Plan | None = None
        try:
            with self.planned(request, saved) as (plan, environment, team):
                if plan.refusals:
                    raise Refused(plan.refusals)
                self.confirm(plan)
                return self._run(plan, environment, team)
        except Refused as refusal:
            return Refusal(request.experiment.name, refusal.reasons, plan, refusal.remedy, self.stop.is_signal)

    @contextmanager
    def planned(
        self, request: RunRequest, saved: Plan | None = None
    ) -> Iterator[tuple[Plan, Environment, TeamStore | None]]:
        """A plan with its environment and its team's store; reads only. Raises Refused."""
        workload = request.workload
        facts = RunFacts(
            must_be_free=lambda: self.journal.must_be_free(workload.name, workload.account),
            local_journal=self.local_journal,
            saved=saved,
        )
        with (
            shared(self.journal, request, local=self.local_journal) as team,
            open_environment(request.place, workload, request.twin, request.region, request.seed) as environment,
        ):
            yield plan_on(environment, request, facts), environment, team

    def _run(self, plan: Plan, environment: Environment, team: TeamStore | None) -> Record:
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
            return self._record(plan, stage, environment.sessions)

    def several(self, requests: tuple[RunRequest, ...], on_broken: str) -> Iterator[Record | Refusal]:
        """Experiments in order; a stuck account or a signal ends the day, a broken claim where the file says so."""
        for request in requests:
            played = self.experiment(request)
            yield played
            code = played.ended.exit if isinstance(played, Record) and played.ended else Exit.REFUSED
            if self.stop.why or code == Exit.STUCK or (code == Exit.BROKEN and on_broken == "stop"):
                return

    def _record(self, plan: Plan, stage: RunContext, sessions: Sessions | None) -> Record:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        events: list[Event] = []
        self.journal.begin(stage.run, plan, os.getpid())
        log.info("run %s of %s on %s, seed %s", stage.run, plan.experiment.name, plan.place, plan.seed)
        for listener in self.listeners:
            self._tell(listener, lambda one: one.begin(plan, stage.run), events)
        try:
            for event in run(plan, stage):
                events.append(event)
                _log(event)
                for listener in list(self.listeners):
                    self._tell(listener, lambda one, heard=event: one.on_event(heard), events)  # type: ignore[misc]
        finally:
            for listener in list(self.listeners):
                self._tell(listener, lambda one: one.close(), events)
            self._end(stage.run, events)
        return Record(
            run=stage.run,
            tool=__version__,
            started=started,
            plan=plan,
            events=tuple(events),
            seed=plan.seed,
            principal=sessions.principal if sessions else plan.principal,
            assumed=wanted(sessions, plan, stage.run, "run").arn if sessions else None,
            source_identity=sessions.source if sessions else None,
            files=self.files,
            command=self.command,
        )

    def _end(self, run: str, events: list[Event]) -> None:
        try:
            self.journal.end(run)
        except JournalError as error:
            at = events[-1].at if events else 0.0
            events.append(Remark(at, f"the run could not be closed: {error.what}: `gameday restore` closes it"))

    def _tell(self, listener: Listener, say: Callable[[Listener], None], events: list[Event]) -> None:
        """Tell a listener; one that fails is dropped and reported, and the run goes on."""
        try:
            say(listener)
        except Exception as error:  # noqa: BLE001 - a closed pipe or a bug of a listener must not hold an undo back
            if listener in self.listeners:
                self.listeners.remove(listener)
            at = events[-1].at if events else 0.0
            events.append(Remark(at, f"{type(listener).__name__} was dropped: {type(error).__name__}: {error}"))


def plan_on(environment: Environment, request: RunRequest, facts: RunFacts) -> Plan:
    """A plan with every refusal and warning, those of the environment included; reads only. Raises Refused."""
    known = replace(facts, clocks=environment.clocks, undo_rights=undo_rights)
    return make_plan(request, environment.account, environment.clock.now(), known)


def _log(event: Event) -> None:
    """One line an event: of calls no parameters, of samples how many."""
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
    """A random run id, sorted by time where many stand in a list."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
