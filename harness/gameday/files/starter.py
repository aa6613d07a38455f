"""The files to start from, which `gameday init` writes."""

from __future__ import annotations

from pathlib import Path

from gameday.errors import InvalidInput
from gameday.files.schema import write_schemas

FILES = ("workload.yaml", "twin.yaml", "lose-an-instance.yaml", "gameday.yaml")
SCHEMAS = ".schemas"


def write_starter(directory: Path) -> list[Path]:
    """Write the starter files and their schemas, and return the paths.

    Raises InvalidInput if one of them exists (then it writes nothing), or if a write fails.
    """
    texts = Path(__file__).parent / "starter"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        there = [name for name in FILES if (directory / name).exists()]
        if there:
            what = f"{directory} has {', '.join(there)} already"
            raise InvalidInput(what, "name another folder: Gameday overwrites nothing", gd_code="GD-E109")
        for name in FILES:
            with (directory / name).open("x", encoding="utf-8") as file:
                file.write((texts / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            f"Gameday cannot write {error.filename or directory}: {error.strerror}",
            "name another folder",
            gd_code="GD-E108",
        ) from error
    return [*(directory / name for name in FILES), *write_schemas(directory / SCHEMAS)]
