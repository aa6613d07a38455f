"""Experiments that gameday writes for people to go on with: files that it never writes over once they were changed."""

from __future__ import annotations

from pathlib import Path

from gameday.disk import read_regular
from gameday.errors import InvalidInput

_REMEDY = "name another folder with --write"


def write_draft(path: Path, text: str) -> None:
    """Write a file, its folder too. Raises InvalidInput where it cannot be, or where another text stands there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not (path.is_file() and read_regular(path) == text.encode()):
            raise InvalidInput(
                f"{path}: is there already, and differs: nothing is overwritten", _REMEDY, gd_code="GD-E109"
            )
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{error.filename or path}: cannot be written: {error.strerror}", _REMEDY, gd_code="GD-E108"
        ) from error
