"""Where an experiment runs: the twin or an account. This module opens both; the rest of a run treats them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from gameday.aws.client import Aws, open_account
from gameday.aws.credentials import Credentials
from gameday.aws.source_calls import calls_of_sources
from gameday.errors import InvalidInput
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.plan import Place
from gameday.run.bounded_source import BoundedSource
from gameday.run.role_sessions import Sessions
from gameday.steady_state.clock import Clock, WallClock
from gameday.steady_state.deadline import Hurries, never
from gameday.steady_state.kpi.source import Source, SourceContext, Unfit
from gameday.steady_state.skew import Clocks


@dataclass(frozen=True)
class Environment:
    """An account (or its twin), its clock, and the source of samples."""

    account: Aws
    clock: Clock
    source: Source
    lag: float  # seconds until the source's bins can be read
    clocks: Clocks | None = None  # what the sources' own clocks show
    sessions: Sessions | None = None  # of the workload's role, which `account` reads through

    @property
    def credentials(self) -> Credentials | None:
        """The credentials that sign the run's calls, or that open its role's sessions; None on the twin."""
        base = self.sessions.base if self.sessions else self.account
        return None if base.connection.is_twin else base.credentials()


@contextmanager
def open_environment(
    place: Place,
    workload: Workload,
    twin: TwinFile | None,
    region: str,
    seed: int,
    hurries: Hurries = never,
    watch: Callable[[Clock], None] = lambda _: None,
) -> Iterator[Environment]:
    """Open the twin or the account. It only reads until a run gives it an allow-list (`Aws.allowing`).

    No read of an account waits any longer once `hurries` returns true. `watch` gets the clock of a twin before the twin
    is built, which may take long.

    Raises InvalidInput where the workload has no twin, AWS is not set up, or a source can never answer a KPI's query.
    Raises Refused where the workload's role cannot be assumed.
    """
    from gameday.steady_state.sources import open_sources

    if place == "twin":
        if twin is None:
            raise InvalidInput(
                f"workload {workload.name} has no twin",
                "add `twin: twin.yaml` to the workload, or run with --on aws",
                gd_code="GD-E113",
            )
        from gameday.twin.twin import Twin

        built = Twin(workload, twin, seed=seed, region=region)
        watch(built.clock)
        with built as world:
            context = SourceContext(world.clock, calls_of_sources(world.aws, region), on_twin=True)
            with open_sources(workload.kpis, context) as source:
                yield Environment(world.aws, world.clock, source, 0.0)
        return
    lag = max((kpi.source.lag for kpi in workload.kpis.values()), default=0.0)
    clock = WallClock()
    clocks = Clocks(clock)
    with ExitStack() as block:
        base = replace(open_account(hurries=hurries), clocks=clocks)
        sessions = Sessions(base, workload.role, region) if workload.role else None
        aws = sessions.reading() if sessions else base
        context = SourceContext(clock, calls_of_sources(aws, region), clocks=clocks)
        try:
            source = block.enter_context(open_sources(workload.kpis, context))
        except Unfit as error:
            raise InvalidInput(f"workload {workload.name}: {error}", gd_code="GD-E117") from error
        yield Environment(aws, clock, BoundedSource(source, hurries), lag, clocks, sessions)
