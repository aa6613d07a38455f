"""Run `gameday matrix`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gameday.cli.keeping import Keeping
from gameday.cli.output import tell
from gameday.cli.run import ask
from gameday.disk import FOR_OTHERS, write_anew
from gameday.engine.journal import Journal
from gameday.engine.sqlite import home
from gameday.errors import Exit, InvalidInput, worst
from gameday.files.experiment import Experiment
from gameday.files.load import load_any
from gameday.files.loaded import LoadedWorkload
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.matrix.compare import comparable, difference
from gameday.matrix.findings import analyse
from gameday.matrix.model import MATRIX_FILE, Matrix, MatrixRow, from_json, to_json
from gameday.matrix.twin import MARGIN, Keep, experiments_of, play_rows, write_experiments
from gameday.plan.json_file import content
from gameday.plan.plan import Place, Plan
from gameday.records.history.history import History
from gameday.records.history.keeper import Keeper
from gameday.records.history.log import folder_of_history
from gameday.records.origin import origin_of
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report.matrix import markdown, terminal
from gameday.report.matrix_page import page
from gameday.report.plan_text import plan_text
from gameday.report.progress import progress
from gameday.report.still_working import StillWorking
from gameday.report.write import write_reports
from gameday.run.experiment import ExperimentRunner
from gameday.run.signals import undo_on_signals
from gameday.text import printable

LARGEST = 64 * 2**20
"""Bytes of the largest matrix file that Gameday reads."""


@dataclass(frozen=True)
class MatrixRequest:
    """The options of `gameday matrix`."""

    place: Place
    seed: int
    load: float  # times the twin's customers
    production: bool
    local_journal: bool
    yes: bool
    as_json: bool
    reports: Path | None
    against: Path | None
    write: Path | None
    command: str


def matrix(file: Path, options: MatrixRequest) -> Exit:
    """Play every row, or write the experiments; show the findings. Raises InvalidInput."""
    loaded = load_any(file)
    if not isinstance(loaded, LoadedWorkload):
        raise InvalidInput(
            f"{file} is not a workload", "name a workload file: a matrix covers a whole workload", gd_code="GD-E101"
        )
    if options.load != 1 and options.place == "aws":
        raise InvalidInput("--load is for the twin", "leave it out: the account has its own load", gd_code="GD-E105")
    workload, twin = loaded.workload, loaded.twin.at_load(options.load) if loaded.twin else None
    experiments = experiments_of(workload, _zones(loaded, options.place), str(file))
    if options.write:
        for path in write_experiments(options.write, experiments):
            tell(str(path))
        return Exit.HELD
    older = _read(options.against, workload.name, twin) if options.against else None
    folder = _folder(options, workload.name)
    keeper = Keeper(History(folder_of_history(), _say), home() / "runs", (), origin_of([file]), options.command)
    history = Keeping(keeper, workload, options.place, workload.regions[0], _say)
    keep = partial(keep_row, folder, history) if folder else None
    if twin and options.place == "twin":
        code, rows = Exit.HELD, _on_twin(workload, twin, experiments, options.seed, keep)
    else:
        code, rows = _on_account(file, history, experiments, options, keep or (lambda _: None))
    analysed = analyse(workload, rows, options.seed, MARGIN, _repeat(file, options), options.place)
    if twin and options.place == "twin":
        analysed = replace(analysed, customers=twin.customers.rate)
    tell((to_json(analysed) if options.as_json else terminal(analysed)).rstrip("\n"))
    codes = [code, _written(folder, analysed, options.as_json) if folder else Exit.HELD]
    if older is None:
        return worst([analysed.exit, *codes])
    changed = difference(older, analysed)
    for line in changed.lines or ("nothing changed",):
        tell(printable(f"against {options.against}: {line}"), err=options.as_json)
    return worst([changed.exit, *codes])


def _zones(loaded: LoadedWorkload, place: Place) -> tuple[str, ...]:
    if place == "aws":
        from gameday.matrix.account import zones_of

        return zones_of(loaded.workload)
    if loaded.twin is None:
        raise InvalidInput(
            f"workload {loaded.workload.name} has no twin", "add `twin: twin.yaml` to the workload", gd_code="GD-E113"
        )
    return tuple(zone for zone in loaded.twin.zones if zone.startswith(loaded.workload.regions[0]))


def _on_account(
    file: Path, history: Keeping, experiments: tuple[Experiment, ...], options: MatrixRequest, keep: Keep
) -> tuple[Exit, tuple[MatrixRow, ...]]:
    from gameday.matrix.account import Rows

    display = progress(sys.stderr)
    player = ExperimentRunner(
        Journal.open(),
        [history.keeper, display],
        local_journal=options.local_journal,
        command=options.command,
        files=(str(file),),
        origin=history.keeper.origin,
    )

    def confirm(plans: list[Plan | Refusal]) -> None:
        if not options.yes:
            ask("\n\n".join(map(_plan_words, plans)), player.stop)

    with undo_on_signals(player.stop, display.shows):
        rows = Rows(player, confirm, keep, partial(tell, err=True))
        return rows.play(history.workload, experiments, options.seed, options.production)


def _plan_words(planned: Plan | Refusal) -> str:
    if isinstance(planned, Refusal):
        return printable(f"{planned.name} will be refused: {'; '.join(map(str, planned.reasons))}")
    return plan_text(planned)


def _folder(options: MatrixRequest, name: str) -> Path | None:
    """Return the folder of the reports: on an account there is always one, since its runs take hours."""
    if options.reports is None and options.place == "twin":
        return None
    folder = options.reports or Path("reports") / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-matrix-{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: the reports cannot be written: {error.strerror}"
        raise InvalidInput(msg, "name another folder with --reports", gd_code="GD-E108") from error
    return folder


def keep_row(folder: Path, history: Keeping, record: Record) -> None:
    """Write a row's record and page into a folder of its name, and keep it; print an error if that fails."""
    origin, written = history.keeper.origin, None
    # A row on the twin was played in a process of its own, which does not know where the matrix comes from.
    record = replace(record, release=origin.release, commit=origin.commit, is_dirty=origin.is_dirty, who=origin.who)
    try:
        page = write_reports(folder / record.name, Suite(record.name, record.started, (record,)))
        written = page.with_name(f"{record.name}.json")
    except InvalidInput as error:
        tell(f"gameday: {error}", err=True)
    history.keep(record, written)


def _say(line: str) -> None:
    tell(line, err=True)


def _written(folder: Path, analysed: Matrix, quiet: bool) -> Exit:
    """Write the matrix into the folder; print an error and return its exit code if that fails."""
    texts = {MATRIX_FILE: to_json(analysed), "matrix.md": markdown(analysed), "index.html": page(analysed)}
    try:
        for name, text in texts.items():
            write_anew(folder / name, text.encode(), FOR_OTHERS)
    except OSError as error:
        tell(f"gameday: {error.filename or folder}: cannot be written: {error.strerror}", err=True)
        return Exit.INVALID
    tell(f"report: {folder / 'index.html'}", err=quiet)
    kept = all((folder / row.experiment / "index.html").exists() for row in analysed.rows if not row.refused)
    return Exit.HELD if kept else Exit.INVALID


def _read(path: Path, workload: str, twin: TwinFile | None) -> Matrix:
    """Read the matrix to compare with, and check that it is comparable before any row is played."""
    path = path / MATRIX_FILE if path.is_dir() else path
    remedy = "name a folder of --reports, or a file that `gameday matrix --json` wrote"
    matrix = from_json(content(path, "matrix", LARGEST, remedy), str(path))
    comparable(matrix, workload, MARGIN, twin.customers.rate if twin and matrix.place == "twin" else None)
    return matrix


def _on_twin(
    workload: Workload, twin: TwinFile, experiments: tuple[Experiment, ...], seed: int, keep: Keep | None
) -> tuple[MatrixRow, ...]:
    played: list[MatrixRow] = []

    def announce(row: MatrixRow) -> None:
        played.append(row)
        _progress(row)

    with StillWorking(sys.stderr, lambda: f"{len(played)} of {len(experiments)} rows played"):
        return play_rows(workload, twin, experiments, seed, announce, keep=keep)


def _progress(row: MatrixRow) -> None:
    tell(printable(f"{row.experiment}: {'not run: ' + row.refused[0] if row.refused else 'played'}"), err=True)


def _repeat(file: Path, options: MatrixRequest) -> str:
    """Return the command that repeats a row: its experiment alone, or the whole matrix where it has another load."""
    if options.load != 1:
        load = ["--load", f"{options.load:g}x", "--seed", str(options.seed)]
        return _literal(shlex.join(["gameday", "matrix", str(file), *load]))
    aws = ["--on", "aws"] if options.place == "aws" else []
    local = ["--local-journal"] if options.local_journal else []
    write = shlex.join(["gameday", "matrix", str(file), *aws, "--write", "matrix"])
    run = shlex.join([*aws, *local, "--seed"])
    seed = str(options.seed) if aws else "{seed}"
    return _literal(f"{write} && gameday run matrix/") + "{experiment}.yaml " + f"{_literal(run)} {seed}"


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
