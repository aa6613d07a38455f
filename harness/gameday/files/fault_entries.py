"""The entries of `faults:`, each one fault of the catalogue and its fields: `- az-blackhole: {zone: us-east-1a}`.

`at` and `for` are written beside the fault's name, not among its fields: they say when the experiment injects it, so no
fault of the catalogue knows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Names
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from gameday.change import Json
from gameday.faults import CATALOGUE
from gameday.faults.fault import Fault
from gameday.files.entries import Entries
from gameday.files.yaml.document import Document, Loc
from gameday.files.yaml.mistake import Mistake
from gameday.files.yaml.validate import shaped
from gameday.steady_state.kpi.units import Duration, exact_duration
from gameday.text import one_of, quoted


class FaultTimes(BaseModel):
    """When an experiment injects and undoes one of its faults."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)

    at: Duration = Field(
        0.0, ge=0, description="when Gameday injects it, counted from the effect of the faults that begin at 0s"
    )
    for_: Duration | None = Field(
        None, alias="for", gt=0, description="how long it stays once it takes effect; without it, until all faults end"
    )


@dataclass(frozen=True)
class ScheduledFault:
    """A fault of an experiment: `at` seconds after the first effect, for `lasts` seconds (None: until all end)."""

    fault: Fault
    at: float = 0.0
    lasts: float | None = None

    @property
    def is_timed(self) -> bool:
        """Whether it begins or ends apart from the others."""
        return self.at > 0 or self.lasts is not None


def fault_from(raw: object) -> ScheduledFault:
    """Return the fault of an entry. Raises ValueError if the name, the fields or the times are wrong."""
    if isinstance(raw, ScheduledFault):
        return raw
    if isinstance(raw, Fault):
        return ScheduledFault(raw)
    names = [name for name in raw if name not in TIMES] if isinstance(raw, dict) else []
    if not isinstance(raw, dict) or len(names) != 1:
        msg = "a fault is its name and its fields"
        raise ValueError(msg)
    (name,) = names
    if name not in CATALOGUE:
        msg = f"there is no fault {quoted(name)}: {one_of(name, CATALOGUE)}"
        raise ValueError(msg)
    fault = CATALOGUE[name].model_validate_json(json.dumps(raw[name] or {}), strict=True)
    times = FaultTimes.model_validate({key: raw[key] for key in TIMES if key in raw}, by_alias=True)
    return ScheduledFault(fault, times.at, times.for_)


def entry_of(fault: Fault) -> dict[str, Json]:
    """Return a fault as an entry: its name, and the fields that the file gave."""
    fields = fault.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {fault.name: {key: _as_written(value) for key, value in fields.items()}}


def scheduled_entry(scheduled: ScheduledFault) -> dict[str, Json]:
    """Return a fault as an entry, with its times where they differ from the whole."""
    times: dict[str, Json] = {"at": exact_duration(scheduled.at)} if scheduled.at else {}
    times |= {} if scheduled.lasts is None else {"for": exact_duration(scheduled.lasts)}
    return entry_of(scheduled.fault) | times


def _as_written(value: Json) -> Json:
    """Return a whole number without its point: people write 2, not 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


TIMES = ("at", "for")
"""Keys of an entry beside the fault's name."""

FaultEntry = Annotated[
    ScheduledFault, PlainValidator(fault_from), PlainSerializer(scheduled_entry), WithJsonSchema({"type": "object"})
]
"""A fault with its times: a value in Python, and an entry in files."""


def read_faults(document: Document, environ: Names[str, str]) -> tuple[dict[Loc, ScheduledFault], list[Mistake]]:
    """Return the valid faults by the place of their fields, and the mistakes of the others."""
    faults: dict[Loc, ScheduledFault] = {}
    mistakes: list[Mistake] = []
    entries = Entries("faults", "fault", CATALOGUE, lambda name: CATALOGUE[name].example, TIMES)
    for loc, name in entries.named(document, mistakes):
        fault, more = shaped(CATALOGUE[name], document, environ, loc)
        times, wrong = shaped(FaultTimes, document, environ, loc[:-1])
        mistakes += [*more, *wrong]
        if fault and times:
            faults[loc] = ScheduledFault(fault, times.at, times.for_)
    return faults, mistakes
