"""What `gameday matrix` does."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gameday.cli.run import ask, tell
from gameday.engine.journal import Journal
from gameday.errors import Exit, InvalidInput, worst
from gameday.files.experiment import Experiment
from gameday.files.load import load_any
from gameday.files.loaded import LoadedWorkload
from gameday.files.workload import Workload
from gameday.matrix.compare import comparable, difference
from gameday.matrix.findings import analyse
from gameday.matrix.model import MATRIX_FILE, Matrix, MatrixRow, from_json, to_json
from gameday.matrix.twin import MARGIN, Keep, experiments_of, play_rows, write_experiments
from gameday.plan.json_file import content
from gameday.plan.plan import Place, Plan
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report.matrix import markdown, terminal
from gameday.report.matrix_page import page
from gameday.report.phrases import printable
from gameday.report.plan_text import plan_text
from gameday.report.progress import progress
from gameday.report.write import write_reports
from gameday.run.experiment import ExperimentRunner
from gameday.run.signals import undo_on_signals

LARGEST = 64 * 2**20
"""Bytes of a matrix that are read."""


@dataclass(frozen=True)
class MatrixRequest:
    """What `gameday matrix` was told."""

    place: Place
    seed: int
    production: bool
    local_journal: bool
    yes: bool
    as_json: bool
    reports: Path | None
    against: Path | None
    write: Path | None
    command: str


def matrix(file: Path, asked: MatrixRequest) -> Exit:
    """Play every row, or write the experiments; show what was found."""
    loaded = load_any(file)
    if not isinstance(loaded, LoadedWorkload):
        raise InvalidInput(f"{file} is not a workload", "a matrix is made of a whole workload", gd_code="GD-E101")
    workload = loaded.workload
    experiments = experiments_of(workload, _zones(loaded, asked.place), str(file))
    if asked.write:
        for path in write_experiments(asked.write, experiments):
            tell(str(path))
        return Exit.HELD
    older = _read(asked.against, workload.name) if asked.against else None
    folder = _folder(asked, workload.name)
    keep = partial(keep_row, folder) if folder else None
    if loaded.twin and asked.place == "twin":
        code, rows = Exit.HELD, play_rows(workload, loaded.twin, experiments, asked.seed, _progress, keep=keep)
    else:
        code, rows = _on_account(file, workload, experiments, asked, keep or (lambda _: None))
    found = analyse(workload, rows, asked.seed, MARGIN, _repeat(file, asked), asked.place)
    tell((to_json(found) if asked.as_json else terminal(found)).rstrip("\n"))
    codes = [code, _written(folder, found, asked.as_json) if folder else Exit.HELD]
    if older is None:
        return worst([found.exit, *codes])
    changed = difference(older, found)
    for line in changed.lines or ("nothing changed",):
        tell(f"against {asked.against}: {printable(line)}", err=asked.as_json)
    return worst([changed.exit, *codes])


def _zones(loaded: LoadedWorkload, place: Place) -> tuple[str, ...]:
    if place == "aws":
        from gameday.matrix.account import zones_of

        return zones_of(loaded.workload)
    if loaded.twin is None:
        raise InvalidInput(
            f"workload {loaded.workload.name} has no twin", "add `twin: twin.yaml` to it", gd_code="GD-E113"
        )
    return loaded.twin.zones


def _on_account(
    file: Path, workload: Workload, experiments: tuple[Experiment, ...], asked: MatrixRequest, keep: Keep
) -> tuple[Exit, tuple[MatrixRow, ...]]:
    from gameday.matrix.account import Rows

    display = progress(sys.stderr)
    player = ExperimentRunner(
        Journal.open(),
        [display],
        local_journal=asked.local_journal,
        command=asked.command,
        files=(str(file),),
    )

    def confirm(plans: list[Plan | Refusal]) -> None:
        if not asked.yes:
            ask("\n\n".join(map(_plan_words, plans)), player.stop)

    with undo_on_signals(player.stop, display.shows):
        rows = Rows(player, confirm, keep, partial(tell, err=True))
        return rows.play(workload, experiments, asked.seed, asked.production)


def _plan_words(planned: Plan | Refusal) -> str:
    if isinstance(planned, Refusal):
        return f"{planned.name} will be refused: {'; '.join(map(str, planned.reasons))}"
    return plan_text(planned)


def _folder(asked: MatrixRequest, name: str) -> Path | None:
    """Where reports go: where it was said; on an account, whose hours nobody wants to lose, in any case."""
    if asked.reports is None and asked.place == "twin":
        return None
    folder = asked.reports or Path("reports") / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-matrix-{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: the reports cannot be written: {error.strerror}"
        raise InvalidInput(msg, "name another folder with --reports", gd_code="GD-E108") from error
    return folder


def keep_row(folder: Path, record: Record) -> None:
    """A row's record and its own page, in a folder of its name; a page that cannot be written is said."""
    try:
        write_reports(folder / record.name, Suite(record.name, record.started, (record,)))
    except InvalidInput as error:
        tell(f"gameday: {error}", err=True)


def _written(folder: Path, found: Matrix, quiet: bool) -> Exit:
    """What was found is told in any case; a copy of it that cannot be written is said, and counts."""
    texts = {MATRIX_FILE: to_json(found), "matrix.md": markdown(found), "index.html": page(found)}
    try:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        tell(f"gameday: {error.filename or folder}: cannot be written: {error.strerror}", err=True)
        return Exit.INVALID
    tell(f"report: {folder / 'index.html'}", err=quiet)
    kept = all((folder / row.experiment / "index.html").exists() for row in found.rows if not row.refused)
    return Exit.HELD if kept else Exit.INVALID


def _read(path: Path, workload: str) -> Matrix:
    """The matrix to compare with: that it can be is known before anything is played."""
    path = path / MATRIX_FILE if path.is_dir() else path
    remedy = "name a folder of --reports, or what `gameday matrix --json` wrote"
    found = from_json(content(path, "matrix", LARGEST, remedy), str(path))
    comparable(found, workload, MARGIN)
    return found


def _progress(row: MatrixRow) -> None:
    tell(f"{row.experiment}: {'refused: ' + row.refused[0] if row.refused else 'played'}", err=True)


def _repeat(file: Path, asked: MatrixRequest) -> str:
    aws = ["--on", "aws"] if asked.place == "aws" else []
    local = ["--local-journal"] if asked.local_journal else []
    write = shlex.join(["gameday", "matrix", str(file), *aws, "--write", "matrix"])
    run = shlex.join([*aws, *local, "--seed", str(asked.seed)])
    return f"{write} && gameday run matrix/".replace("{", "{{").replace("}", "}}") + "{experiment}.yaml " + run
