"""Where an experiment is played: the twin, or an account. Both are opened here, and look the same from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.account.aws import Aws, open_account
from harness.account.change import Call, Json
from harness.account.filter import Filter
from harness.errors import InvalidInput
from harness.plan import Place
from harness.spec.twin_file import TwinFile
from harness.spec.workload import Workload
from steady_state.clock import Clock, WallClock

if TYPE_CHECKING:
    from steady_state.sources import Source

LAG = 60.0
"""Seconds that an account's CloudWatch is given before a bin is read for the first time."""


@dataclass(frozen=True)
class Ground:
    """An account (or its twin), its clock, and where samples come from."""

    account: Aws
    clock: Clock
    source: Source
    lag: float  # seconds until the source's bins can be read
    words: list[str]  # what the source could not read, to be said


@contextmanager
def open_ground(place: Place, workload: Workload, twin: TwinFile | None, region: str, seed: int) -> Iterator[Ground]:
    """Open the twin or the account, to be read only until a run allows what it planned (`Aws.only`).

    Raises InvalidInput where the workload has no twin, or no session can be had.
    """
    if place == "twin":
        if twin is None:
            raise InvalidInput(
                f"workload {workload.name} has no twin", "add `twin: twin.yaml` to it, or run with --on aws"
            )
        from harness.twin.twin import Twin

        with Twin(workload, twin, seed=seed, region=region) as world, world.aws.only(Filter()):
            yield Ground(world.aws, world.clock, cloudwatch(world.aws, region, lag=0.0), 0.0, [])
        return
    aws = open_account()
    from steady_state.sources import open_sources

    words: list[str] = []
    lag = LAG if any(kpi.reading.origin == "cloudwatch" for kpi in workload.kpis.values()) else 0.0
    try:
        with open_sources(cloudwatch(aws, region, LAG), workload.kpis, words.append) as source, aws.only(Filter()):
            yield Ground(aws, WallClock(), source, lag, words)
    finally:
        aws.close()


def cloudwatch(aws: Aws, region: str, lag: float) -> Source:
    """The KPI source that reads CloudWatch through an account."""
    from steady_state.sources.cloudwatch import CloudWatch

    def get_metric_data(params: dict[str, Json]) -> Json:
        return aws.call(Call(service="cloudwatch", operation="get_metric_data", params=params), region)

    return CloudWatch(get_metric_data, lag)
