"""Write experiments for people to edit. Gameday never overwrites a file that somebody changed."""

from __future__ import annotations

from pathlib import Path

from gameday.disk import read_regular
from gameday.errors import InvalidInput

_REMEDY = "name another folder, or remove the file"


def write_draft(path: Path, text: str) -> None:
    """Write a file and its folder. Raises InvalidInput if that fails, or if the file has another content."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not (path.is_file() and read_regular(path) == text.encode()):
            raise InvalidInput(
                f"{path} exists with another content; Gameday overwrites nothing", _REMEDY, gd_code="GD-E109"
            )
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"Gameday cannot write {error.filename or path}: {error.strerror}", _REMEDY, gd_code="GD-E108"
        ) from error
