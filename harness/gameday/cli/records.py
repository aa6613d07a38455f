"""Run `gameday regression`, `explain` and `bug-report`: they read records, and touch no account."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from gameday.cli.output import tell
from gameday.disk import read_regular
from gameday.errors import Exit, InvalidInput, worst
from gameday.matrix.model import MATRIX_FILE
from gameday.records.file_limits import ENDING
from gameday.records.record import EXITS, Record, judged_again, read_record
from gameday.records.regression import Comparison, compare_releases
from gameday.report import bug_report
from gameday.report.explanations import explained
from gameday.steady_state.kpi.units import parse_share
from gameday.text import printable, quoted

REPORTS = Path("reports")
"""The default folder of records."""
HEAD = 200
"""Bytes at the beginning of a record that hold the run's id."""


def regression(new: tuple[Path, ...], old: tuple[Path, ...], margin: str, as_json: bool) -> Exit:
    """Compare runs of a new release with those of an old one; return *broken* if it is proven worse."""
    try:
        allowed = parse_share(margin)
    except ValueError as error:
        raise InvalidInput(f"--margin: {error}", "write a share, like --margin 25%") from error
    comparisons = compare_releases(_records(old), _records(new), allowed)
    if as_json:
        raw = {"format": 1, "experiments": [{**asdict(pair), "verdict": pair.verdict} for pair in comparisons]}
        tell(json.dumps(raw, indent=2))
    else:
        for line in (line for comparison in comparisons for line in _lines(comparison)):
            tell(printable(line))
    return worst([EXITS[comparison.verdict.value] for comparison in comparisons])


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.experiment} ({comparison.place}): {comparison.verdict.value}"
    for row in comparison.rows:
        runs = f"{row.new} new against {row.old} old runs"
        yield f"  {row.verdict.value:<8} {row.kpi}, {row.measure}, {runs}: {row.words}"
        if row.remedy:
            yield f"           → {row.remedy}"
    yield from (f"  not counted: {why}" for why in comparison.left_out)


def explain_run(run: str) -> Exit:
    """Print for each verdict what was claimed and seen, how certain it is, and what would add certainty."""
    for number, record in enumerate(_named(run)):
        tell(("\n" if number else "") + "\n".join(printable(line) for line in explained(judged_again(record))))
    return Exit.HELD


def report_bug(run: str, log: Path | None) -> Exit:
    """Write the parts of a bug report into one zip, and list them. Raises InvalidInput for an unknown run."""
    record, id_ = _record_of(run)
    parts = bug_report.parts_of(id_, record, log)
    if len(parts) == 1:  # the versions alone
        raise InvalidInput(f"neither {REPORTS} nor the journal has run {quoted(run)}", "name the JSON file of a run")
    path = bug_report.write_zip(Path(f"gameday-bug-report-{id_}.zip"), parts)
    for part in parts:
        tell(printable(f"  {part.name}: {part.about}"))
    tell(f"{path}: secrets are masked, account ids and resource names are not; read it before you send it")
    return Exit.HELD


def _record_of(run: str) -> tuple[Path | None, str]:
    """Return the record of a run, if there is one, and the run's id; `latest` is the run that began last."""
    if os.path.isfile(run):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        path = Path(run)
        return path, _id_in(path) or path.stem
    known = {id_: path for path in sorted(REPORTS.rglob("*.json")) if (id_ := _id_in(path))}
    if run == "latest":
        run = max([*known, *bug_report.journalled()], default=run)  # ids begin with the time
    return known.get(run), run


def _id_in(path: Path) -> str | None:
    """Return the run's id, if the file is a record."""
    match = re.match(r'\{"run":"([\w-]{1,80})"', _head(path))
    return match[1] if match else None


def _named(run: str) -> Iterator[Record]:
    """Yield the records of a file or folder, else the record with this id under ./reports. Raises InvalidInput."""
    if os.path.exists(run):  # noqa: PTH110 - Path.exists raises for a name that is too long
        yield from _records((Path(run),))
        return
    paths = (path for path in sorted(REPORTS.rglob("*.json")) if run in _head(path))
    record = next((record for record in map(read_record, paths) if record.run == run), None)
    yield record or read_record(_kept(run))


def _kept(run: str) -> Path:
    """Return the record of a run of the history. Raises InvalidInput."""
    from gameday.cli.exchange import record_path

    path = record_path(run)
    if path.name.endswith(ENDING):
        raise InvalidInput(f"run {quoted(run)} was refused, so it has no record", "name another run", gd_code="GD-E106")
    return path


def _head(path: Path) -> str:
    """Read the beginning of a record, which holds its id; nothing of a pipe or a device, which may never end."""
    try:
        return read_regular(path, HEAD).decode(errors="replace")
    except OSError:
        return ""


def _records(paths: tuple[Path, ...]) -> Iterator[Record]:
    """Read the records of all files and folders, one by one, each run once. Raises InvalidInput."""
    seen = set()
    for file in _files(paths):
        record = read_record(file)
        if record.run not in seen:
            seen.add(record.run)
            yield record


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a name that is too long


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if not _exists(path):
            yield _kept(str(path))
            continue
        below = (
            file for file in sorted(path.rglob("*.json")) if file.name != MATRIX_FILE and not file.name.endswith(ENDING)
        )
        files = [*below] if path.is_dir() else [path]
        if not files:
            raise InvalidInput(
                f"{path} holds no record",
                "name a folder that `gameday run --reports` wrote, or a file",
                gd_code="GD-E106",
            )
        yield from files
