"""A refusal as a file beside the records of runs, so that `gameday report` can make its page again."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gameday.disk import write_anew
from gameday.errors import InvalidInput
from gameday.plan.json_file import content, damage, odd_numbers
from gameday.records.record import plan_written
from gameday.records.suite import Refusal

VERSION = 1
LARGEST = 64 * 2**20
"""Bytes of the largest such file that Gameday reads."""

_REFUSAL: TypeAdapter[Refusal] = TypeAdapter(Refusal)
_REMEDY = "name the file of a refusal or of a run, beside its index.html"


def write_refusal(refusal: Refusal, started: str, path: Path) -> None:
    """Write a refusal for its owner alone; `started` is the start of its suite, ISO 8601. Raises OSError."""
    raw = _REFUSAL.dump_python(refusal, mode="json", by_alias=True)
    raw["plan"] = plan_written(refusal.plan) if refusal.plan else None
    write_anew(path, json.dumps({"version": VERSION, "started": started, "refused": raw}, indent=1).encode())


def read_refusal(path: Path) -> tuple[Refusal, str]:
    """Read a refusal and the start of its suite. Raises InvalidInput for another or a damaged file."""
    try:
        raw = json.loads(content(path, "refusal", LARGEST, _REMEDY))
        if not isinstance(raw, dict) or raw.get("version") != VERSION or not isinstance(raw.get("started"), str):
            raise InvalidInput(
                f"{path}: is not a refusal that this version of Gameday reads", _REMEDY, gd_code="GD-E102"
            )
        if odd := next(odd_numbers(raw), None):
            raise InvalidInput(f"{path}: is damaged at {odd}", _REMEDY, gd_code="GD-E102")
        return _REFUSAL.validate_json(json.dumps(raw.get("refused"))), raw["started"]
    except ValidationError as error:
        raise InvalidInput(f"{path}: {damage(error)}", _REMEDY, gd_code="GD-E102") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: is not JSON: {error}", _REMEDY, gd_code="GD-E102") from error
