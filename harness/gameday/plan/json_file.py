"""A plan or a record as a JSON file of ours: read whole or not at all, and what in it is no number of ours."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from gameday.errors import InvalidInput

LARGEST = 1e20
"""No number in a record is larger: AWS counts in 64 bits, and squares of it are still numbers."""

DEEPEST = 100
"""Lists and objects within each other; what AWS is told is never nested so deep."""


def damage(error: ValidationError) -> str:
    """Where the JSON of a file first has another shape than we write, and why."""
    first = error.errors(include_url=False)[0]
    return f"is damaged at {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def odd_numbers(raw: object) -> Iterator[str]:
    """Where parsed JSON holds numbers that no run writes, or nests deeper than any run does; walks no deeper."""
    waiting: list[tuple[object, tuple[str, ...]]] = [(raw, ())]
    while waiting:
        node, place = waiting.pop()
        if isinstance(node, dict | list):
            inner = node.items() if isinstance(node, dict) else enumerate(node)
            if len(place) >= DEEPEST:
                yield f"{'.'.join(place[:6])}…: is nested deeper than {DEEPEST}"
            else:
                waiting += [(value, (*place, str(key))) for key, value in inner if not isinstance(value, str)]
        elif isinstance(node, int | float) and not abs(node) <= LARGEST:
            yield f"{'.'.join(place)}: {str(node)[:24]} is no number that a run writes"


def content(path: Path, kind: str, largest: int, remedy: str) -> bytes:
    """What stands in the file of a record or a plan; raises InvalidInput where it is none that could be read whole."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or a device may never end
            raise InvalidInput(f"{path}: is not a file", remedy, gd_code="GD-E102")
        if found.st_size > largest:
            raise InvalidInput(
                f"{path}: is larger than any {kind} ({found.st_size >> 20:,} MB)", remedy, gd_code="GD-E102"
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}", remedy, gd_code="GD-E102") from error
