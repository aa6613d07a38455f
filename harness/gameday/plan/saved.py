"""A plan as a file. Its hash detects accidents, not attackers; a run makes the plan again and compares the two."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gameday.disk import write_anew
from gameday.errors import InvalidInput
from gameday.files.check_experiment import check_alone, check_experiment, check_irreversible
from gameday.files.check_order import FaultsAt
from gameday.files.check_workload import check_together, check_twin, check_workload
from gameday.files.yaml.document import Loc
from gameday.files.yaml.mistake import InvalidFile, Mistake, MistakeKind
from gameday.plan.json_file import content, damage, odd_numbers
from gameday.plan.plan import Plan
from gameday.steady_state.kpi.masks import KEEP_SECRETS

VERSION = 1
"""The version of the file that `save_plan` writes and `read_plan` reads."""

LARGEST = 64 * 2**20
"""The largest saved plan that `read_plan` reads, in bytes; a plan of a thousand changes has 5 MB."""

_MAKE = "make one: gameday plan EXPERIMENT -o FILE"
_AGAIN = "make it again: gameday plan EXPERIMENT -o FILE"


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan that `gameday run` applies exactly, with its hash. Raises InvalidInput.

    Only its owner may read the file, since it holds the secrets in KPIs' URLs and commands. It replaces an existing
    file, never writes into it, and refuses a link or a device.
    """
    raw = {**plan.model_dump(mode="json", by_alias=True, context=KEEP_SECRETS), "hash": plan.digest}
    text = json.dumps(raw, indent=1, ensure_ascii=False)
    try:
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise InvalidInput(f"{path}: is a link, a folder or a device", "name a file with -o")
        write_anew(path, text.encode())
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written: {error.strerror}", gd_code="GD-E108") from error


def read_plan(path: Path) -> Plan:
    """Read a saved plan.

    Raises InvalidInput where the file is not a plan, is damaged, was edited, or holds mistakes that `validate` finds.
    """
    try:
        raw = json.loads(content(path, "plan", LARGEST, _MAKE))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is not a saved plan: {error}", _MAKE, gd_code="GD-E104") from error
    if not isinstance(raw, dict) or not {"experiment", "planned_faults", "hash"} <= raw.keys():
        raise InvalidInput(f"{path} is not a saved plan", _MAKE, gd_code="GD-E104")
    if raw.get("version") != VERSION:
        raise InvalidInput(
            f"{path} is a plan of version {raw.get('version')!r}; this version of Gameday reads {VERSION}",
            _AGAIN,
            gd_code="GD-E104",
        )
    if odd := next(odd_numbers(raw), None):
        raise InvalidInput(f"{path}: is damaged at {odd}", _AGAIN, gd_code="GD-E104")
    stated = raw.pop("hash")
    try:
        plan = Plan.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        raise InvalidInput(f"{path}: {damage(error)}", _AGAIN, gd_code="GD-E104") from error
    if mistakes := list(_mistakes(path, plan)):
        raise InvalidFile(mistakes)
    if plan.digest != stated:
        raise InvalidInput(
            f"{path} was changed after it was made, or another version made it", _AGAIN, gd_code="GD-E104"
        )
    return plan


@dataclass(frozen=True)
class _Part:
    """The part of a plan that came from a file; its mistakes show keys, not lines."""

    file: Path
    key: str
    value: BaseModel

    def mistake(
        self,
        loc: Loc,
        what: str,
        remedy: str = "",
        key: bool = False,  # noqa: ARG002 - one place
        kind: MistakeKind = MistakeKind.CONFLICT,
    ) -> Mistake:
        place = ".".join(str(step) for step in (self.key, *loc))
        return Mistake(f"{self.file}: {place}", 0, 0, what, remedy, kind=kind)

    def names(self, key: str) -> tuple[str, ...]:
        return tuple(self.fields.get(key) or ())

    @property
    def fields(self) -> dict[str, Any]:
        return {name: getattr(self.value, name) for name in type(self.value).model_fields}


def _mistakes(path: Path, plan: Plan) -> Iterator[Mistake]:
    """Yield the mistakes that `validate` finds in a plan's experiment, workload and twin."""
    experiment, workload = _Part(path, "experiment", plan.experiment), _Part(path, "workload", plan.workload)
    yield from check_workload(workload, workload.fields)
    if plan.twin:
        twin = _Part(path, "twin", plan.twin)
        yield from check_twin(twin, twin.fields)
        yield from check_together(workload, plan.workload, twin, plan.twin)
    faults: FaultsAt = {
        ("faults", index, scheduled.fault.name): scheduled for index, scheduled in enumerate(plan.experiment.faults)
    }
    yield from check_alone(experiment, experiment.fields, faults)
    yield from check_irreversible(experiment, experiment.fields, faults)
    yield from check_experiment(experiment, experiment.fields, faults, plan.workload, plan.twin)
    if plan.place == "twin" and plan.twin is None:
        yield Mistake(f"{path}: twin", 0, 0, "a plan for the twin must hold the twin file's values", _AGAIN)
