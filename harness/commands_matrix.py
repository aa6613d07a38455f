"""What `gameday matrix` does."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.commands import tell
from harness.errors import Exit, InvalidInput, Refused, worst
from harness.matrix import Matrix, Row, from_json, to_json
from harness.matrix_change import difference
from harness.matrix_findings import analyse
from harness.report.matrix import markdown, terminal
from harness.report.matrix_page import page
from harness.report.words import printable
from harness.spec.load import load_any
from harness.spec.loaded import LoadedWorkload
from harness.suites.matrix import MARGIN, experiments_of, play_rows, write_experiments


@dataclass(frozen=True)
class Asked:
    """What `gameday matrix` was told."""

    place: str
    seed: int
    as_json: bool
    markdown: Path | None
    html: Path | None
    against: Path | None
    write: Path | None


def matrix(file: Path, asked: Asked) -> Exit:
    """Play every row, or write the experiments; show what was found."""
    if asked.place != "twin":
        raise Refused(("a matrix is played on the twin only, in this version",), "leave --on aws out")
    loaded = load_any(file)
    if not isinstance(loaded, LoadedWorkload):
        raise InvalidInput(f"{file} is not a workload", "a matrix is made of a whole workload")
    if loaded.twin is None:
        raise InvalidInput(f"workload {loaded.workload.name} has no twin", "add `twin: twin.yaml` to it")
    experiments = experiments_of(loaded.workload, loaded.twin, str(file))
    if asked.write:
        for path in write_experiments(asked.write, experiments):
            tell(str(path))
        return Exit.HELD
    older = _read(asked.against) if asked.against else None
    rows = play_rows(loaded.workload, loaded.twin, experiments, asked.seed, _progress)
    found = analyse(loaded.workload, rows, asked.seed, MARGIN, _repeat(file, asked.seed))
    tell((to_json(found) if asked.as_json else terminal(found)).rstrip("\n"))
    failed = worst([_written(asked.markdown, markdown, found), _written(asked.html, page, found)])
    if older is None:
        return found.exit or failed
    changed = difference(older, found)
    for line in changed.lines or ("nothing changed",):
        tell(f"against {asked.against}: {printable(line)}", err=asked.as_json)
    return changed.exit or failed


def _read(path: Path) -> Matrix:
    try:
        return from_json(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not text"
        raise InvalidInput(f"{path}: cannot be read: {why}", "name what `gameday matrix --json` wrote") from error


def _progress(row: Row) -> None:
    tell(f"{row.experiment}: {'refused: ' + row.refused[0] if row.refused else 'played'}", err=True)


def _repeat(file: Path, seed: int) -> str:
    write = shlex.join(["gameday", "matrix", str(file), "--write", "matrix"]).replace("{", "{{").replace("}", "}}")
    return f"{write} && gameday run matrix/{{experiment}}.yaml --seed {seed}"


def _written(path: Path | None, draw: Callable[[Matrix], str], found: Matrix) -> Exit:
    """What was found is told in any case; a copy of it that cannot be written is said, and counts."""
    if path is None:
        return Exit.HELD
    try:
        path.write_text(draw(found), encoding="utf-8")
    except OSError as error:
        tell(f"gameday: {path}: cannot be written: {error.strerror}", err=True)
        return Exit.INVALID
    return Exit.HELD
