"""The gameday file: experiments of one workload, in order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gameday.files.workload import Name
from gameday.steady_state.kpi.written import Written


class Gameday(Written):
    """Several experiments, one after the other, each from a steady state."""

    version: Literal[1] = Field(description="of these files' dialect")
    kind: Literal["gameday"] = Field(description="what this file is")
    name: Name = Field(description="what reports call it")
    workload: str = Field(description="the workload file, relative to this one")
    experiments: tuple[str, ...] = Field(min_length=1, description="experiment files in order, relative to this one")
    on_broken: Literal["stop", "go-on"] = Field(
        "go-on", description="after a broken claim; a stuck account always stops"
    )
