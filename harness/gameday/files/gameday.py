"""The gameday file: experiments of one workload, in order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gameday.files.schedule_block import Schedule
from gameday.files.workload import Name
from gameday.steady_state.kpi.written import Written

MOST_EXPERIMENTS = 1000
"""Experiments of one game day."""


class Gameday(Written):
    """Several experiments, one after the other, each from a steady state."""

    version: Literal[1] = Field(description="the version of the file format")
    kind: Literal["gameday"] = Field(description="the kind of this file")
    name: Name = Field(description="its name in reports")
    workload: str = Field(description="the workload file, relative to this one")
    experiments: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_EXPERIMENTS, description="experiment files in order, relative to this one"
    )
    on_broken: Literal["stop", "go-on"] = Field(
        "go-on", description="what to do after a broken claim; a stuck account always stops"
    )
    schedule: Schedule | None = Field(None, description="when it starts; null: only by hand")
