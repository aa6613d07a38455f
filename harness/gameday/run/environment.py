"""Where an experiment is played: the twin, or an account. Both are opened here, and look the same from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gameday.aws.alarms import past_of
from gameday.aws.client import Aws, open_account
from gameday.change import Call, Json
from gameday.errors import AwsError, InvalidInput
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.plan.plan import Place
from gameday.run.role_sessions import Sessions, open_sessions
from gameday.steady_state.clock import Clock, WallClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.reading import ON_THE_TWIN, Origin
from gameday.steady_state.skew import Clocks

if TYPE_CHECKING:
    from gameday.steady_state.sources import Source

LAG = 60.0
"""Seconds that an account's CloudWatch is given before a bin is read for the first time."""


@dataclass(frozen=True)
class Environment:
    """An account (or its twin), its clock, and where samples come from."""

    account: Aws
    clock: Clock
    source: Source
    lag: float  # seconds until the source's bins can be read
    words: list[str]  # what the source could not read, to be said
    clocks: Clocks | None = None  # what the sources' own clocks show
    sessions: Sessions | None = None  # of the workload's role, which `account` reads through


@contextmanager
def open_environment(
    place: Place, workload: Workload, twin: TwinFile | None, region: str, seed: int
) -> Iterator[Environment]:
    """Open the twin or the account, which only reads until a run narrows it to its plan (`Aws.allowing`).

    Raises InvalidInput where the workload has no twin, AWS is not set up or a KPI asks what its source can never
    answer; Refused where its role cannot be assumed.
    """
    from gameday.steady_state.sources import Sources, Unfit, open_sources

    if place == "twin":
        if twin is None:
            raise InvalidInput(
                f"workload {workload.name} has no twin",
                "add `twin: twin.yaml` to it, or run with --on aws",
                gd_code="GD-E113",
            )
        from gameday.twin.twin import Twin

        with Twin(workload, twin, seed=seed, region=region) as world:
            elsewhere = [name for name, kpi in workload.kpis.items() if kpi.reading.origin not in ON_THE_TWIN]
            words = [f"{name} has no data: the twin has metrics and alarms alone" for name in elsewhere]
            twins = Sources(monitoring(world.aws, region, 0.0, words.append))
            yield Environment(world.aws, world.clock, twins, 0.0, words)
        return
    said: list[str] = []
    lag = max(map(lag_of, workload.kpis.values()), default=0.0)
    clock = WallClock()
    clocks = Clocks(clock)
    with ExitStack() as block:
        base = replace(block.enter_context(closing(open_account())), clocks=clocks)
        sessions = block.enter_context(open_sessions(base, workload.role, region)) if workload.role else None
        aws = sessions.reading() if sessions else base
        try:
            on_aws = monitoring(aws, region, LAG, said.append)
            if queried := {name: kpi for name, kpi in workload.kpis.items() if kpi.reading.logs}:
                from gameday.steady_state.sources.logs import LogsSource

                on_aws["logs"] = block.enter_context(LogsSource(queried, clock, said.append, ask_logs(aws, region)))
            source = block.enter_context(open_sources(on_aws, workload.kpis, said.append, clocks))
        except Unfit as error:
            raise InvalidInput(f"workload {workload.name}: {error}", gd_code="GD-E117") from error
        yield Environment(aws, clock, source, lag, said, clocks, sessions)


def monitoring(aws: Aws, region: str, lag: float, say: Callable[[str], None]) -> dict[Origin, Source]:
    """The KPI sources that read an account, or its twin; `say` is told what cannot be read."""
    return {"cloudwatch": cloudwatch(aws, region, lag), "alarm": alarms(aws, region, say)}


def lag_of(kpi: Kpi) -> float:
    """Seconds until an account's source has told all of a KPI's bin."""
    if kpi.reading.logs:
        return kpi.reading.logs.lag
    return LAG if kpi.reading.cloudwatch else 0.0


def ask_logs(aws: Aws, region: str) -> Callable[[str, Json], Json]:
    """Calls an operation of CloudWatch Logs; raises ValueError saying why there is no answer."""

    def ask(operation: str, params: Json) -> Json:
        try:
            return aws.call(Call(service="logs", operation=operation, params=params), region)
        except AwsError as error:
            raise ValueError(error.what) from error

    return ask


def cloudwatch(aws: Aws, region: str, lag: float) -> Source:
    """The KPI source that reads CloudWatch through an account."""
    from gameday.steady_state.sources.cloudwatch import CloudWatchSource

    def get_metric_data(params: dict[str, Json]) -> Json:
        return aws.call(Call(service="cloudwatch", operation="get_metric_data", params=params), region)

    return CloudWatchSource(get_metric_data, lag)


def alarms(aws: Aws, region: str, say: Callable[[str], None]) -> Source:
    """The KPI source that reads alarms through an account."""
    from gameday.steady_state.sources.alarm import AlarmSource

    return AlarmSource(lambda alarm, since: past_of(alarm, since, aws, region), say)
