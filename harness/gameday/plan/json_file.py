"""Read the JSON file of a plan or a record, whole or not at all, and find numbers that no run writes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from gameday.disk import read_regular
from gameday.errors import InvalidInput

LARGEST = 1e20
"""The largest number in a record: AWS counts in 64 bits, and its squares are still finite."""

DEEPEST = 100
"""The deepest nesting of lists and objects in a record; no parameters of AWS nest so deep."""


def damage(error: ValidationError) -> str:
    """Return where the JSON of a file first differs from the shape that Gameday writes, and why."""
    first = error.errors(include_url=False)[0]
    return f"is damaged at {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def odd_numbers(raw: object) -> Iterator[str]:
    """Yield where parsed JSON holds numbers that no run writes, or nests too deep; walk no deeper."""
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
            yield f"{'.'.join(place)}: {str(node)[:24]} is not a number that a run writes"


def content(path: Path, kind: str, largest: int, remedy: str) -> bytes:
    """Return the content of a record's or plan's file; raises InvalidInput where it cannot be read whole."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device may never end
            raise InvalidInput(f"{path}: is not a file", remedy, gd_code="GD-E102")
        if status.st_size > largest:
            raise InvalidInput(
                f"{path}: is larger than any {kind} ({status.st_size >> 20:,} MB)", remedy, gd_code="GD-E102"
            )
        return read_regular(path)  # which is still a file
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}", remedy, gd_code="GD-E102") from error
