"""A plan as a file: written under a seal, and read back only where it is whole, and says what may be run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gameday.change import Json
from gameday.errors import InvalidInput
from gameday.files.check_experiment import FaultsAt, check_alone, check_experiment, check_irreversible
from gameday.files.check_workload import check_together, check_twin, check_workload
from gameday.files.yaml.document import Document, Loc
from gameday.files.yaml.mistake import InvalidFile, Mistake, MistakeKind
from gameday.files.yaml.parse_errors import Position
from gameday.files.yaml.parser import Entry, Items, Mapping, Node, Scalar
from gameday.plan.json_file import content, damage, odd_numbers
from gameday.plan.plan import Plan, canonical
from gameday.steady_state.kpi.masks import KEEP_SECRETS

LARGEST = 64 * 2**20
"""Bytes of a saved plan that `read_plan` reads; one of a thousand changes is 5 MB."""

_MAKE = "make one: gameday plan EXPERIMENT -o FILE"
_AGAIN = "make it again: gameday plan EXPERIMENT -o FILE"
_NOWHERE = Position(0, 0)


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan that `gameday run` applies exactly, with its hash, and a seal over all of the file."""
    raw = {**plan.model_dump(mode="json", by_alias=True, context=KEEP_SECRETS), "hash": plan.digest}
    try:
        path.touch(mode=0o600)  # it alone holds what KPIs' URLs and commands hold
        path.write_text(json.dumps({**raw, "seal": _seal(raw)}, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written: {error.strerror}", gd_code="GD-E108") from error


def read_plan(path: Path) -> Plan:
    """A saved plan.

    Raises InvalidInput where the file is none, was changed after it was made, or says what `validate` would refuse.
    """
    raw = _parsed(path)
    if not isinstance(raw, dict) or not {"experiment", "planned_faults"} <= raw.keys():
        raise InvalidInput(f"{path} is not a saved plan", _MAKE, gd_code="GD-E104")
    sealed, said = raw.pop("seal", None), raw.get("hash")
    if sealed != _seal(raw):
        raise InvalidInput(f"{path} was changed after it was made", _AGAIN, gd_code="GD-E104")
    raw.pop("hash", None)
    try:
        plan = Plan.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        raise InvalidInput(f"{path}: {damage(error)}", _AGAIN, gd_code="GD-E104") from error
    if mistakes := list(_mistakes(path, plan)):
        raise InvalidFile(mistakes)
    if plan.digest != said:
        raise InvalidInput(
            f"{path} is not the plan whose hash it carries, or another version made it", _AGAIN, gd_code="GD-E104"
        )
    return plan


def _parsed(path: Path) -> Json:
    written = content(path, "plan", LARGEST, _MAKE)
    try:
        raw = json.loads(written, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is not a saved plan: {error}", _MAKE, gd_code="GD-E104") from error
    if odd := next(odd_numbers(raw), None):
        raise InvalidInput(f"{path}: is damaged at {odd}", _AGAIN, gd_code="GD-E104")
    return raw


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object each of whose keys stands once: of two, people may read the one that does not count."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        msg = f"key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object"
        raise ValueError(msg)
    return found


def _seal(raw: dict[str, Json]) -> str:
    return "sha256:" + hashlib.sha256(canonical(raw)).hexdigest()


@dataclass(frozen=True)
class _Section(Document):
    """What stands in a plan as if it were a file of its own: its mistakes are placed by keys, not by lines."""

    key: str

    def mistake(
        self,
        loc: Loc,
        what: str,
        remedy: str = "",
        key: bool = False,  # noqa: ARG002 - as there
        kind: MistakeKind = MistakeKind.CONFLICT,
    ) -> Mistake:
        """A mistake at a value of the plan."""
        place = ".".join(str(step) for step in (self.key, *loc))
        return Mistake(f"{self.file}: {place}", 0, 0, what, remedy, kind=kind)


def _part(path: Path, key: str, value: BaseModel) -> _Section:
    data = value.model_dump(mode="json", by_alias=True)
    root = _node(data)
    assert isinstance(root, Mapping), "a model is written as a mapping"  # noqa: S101
    return _Section(path, (), root, data, (), key)


def _node(raw: Json) -> Node:
    if isinstance(raw, dict):
        return Mapping(_NOWHERE, {key: Entry(_NOWHERE, _node(value)) for key, value in raw.items()})
    if isinstance(raw, list):
        return Items(_NOWHERE, [_node(value) for value in raw])
    return Scalar(_NOWHERE, str(raw), plain=False)


def _mistakes(path: Path, plan: Plan) -> Iterator[Mistake]:
    """What `validate` finds in the experiment, the workload and the twin, and whether the plan fits them."""
    experiment, workload = _part(path, "experiment", plan.experiment), _part(path, "workload", plan.workload)
    yield from check_workload(workload, _fields(plan.workload))
    if plan.twin:
        twin = _part(path, "twin", plan.twin)
        yield from check_twin(twin, _fields(plan.twin))
        yield from check_together(workload, plan.workload, twin, plan.twin)
    faults: FaultsAt = {("faults", index, fault.name): fault for index, fault in enumerate(plan.experiment.faults)}
    fields = _fields(plan.experiment)
    yield from check_alone(experiment, fields)
    yield from check_irreversible(experiment, fields, faults)
    yield from check_experiment(experiment, fields, faults, plan.workload, plan.twin)
    if plan.place == "twin" and plan.twin is None:
        yield Mistake(f"{path}: twin", 0, 0, "a plan for the twin says how the twin plays", _AGAIN)


def _fields(value: BaseModel) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).model_fields}
