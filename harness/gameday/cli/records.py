"""What `gameday regression` and `gameday explain` do: they read records, and touch no account."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from gameday.cli.run import tell
from gameday.errors import Exit, InvalidInput, worst
from gameday.matrix.model import MATRIX_FILE
from gameday.records.record import EXITS, Record, judged_again, read_record
from gameday.records.refusal_file import ENDING
from gameday.records.regression import Comparison, compare_releases
from gameday.report import bug_report
from gameday.report.explanations import explained
from gameday.report.phrases import printable
from gameday.steady_state.kpi.units import parse_share
from gameday.text import quoted

REPORTS = Path("reports")
"""Where runs write their records, unless told otherwise."""


def regression(new: tuple[Path, ...], old: tuple[Path, ...], margin: str, as_json: bool) -> Exit:
    """Compare runs of a new release with those of an old one; broken where it is proven worse."""
    try:
        allowed = parse_share(margin)
    except ValueError as error:
        raise InvalidInput(f"--margin: {error}", "say --margin 25%") from error
    found = compare_releases(_records(old), _records(new), allowed)
    if as_json:
        raw = {"format": 1, "experiments": [{**asdict(one), "verdict": one.verdict} for one in found]}
        tell(json.dumps(raw, indent=2))
    else:
        for line in (line for one in found for line in _lines(one)):
            tell(printable(line))
    return worst([EXITS[one.verdict.value] for one in found])


def _lines(one: Comparison) -> Iterator[str]:
    yield f"{one.experiment} ({one.place}): {one.verdict.value}"
    for row in one.rows:
        runs = f"{row.new} new against {row.old} old runs"
        yield f"  {row.verdict.value:<8} {row.kpi}, {row.measure}, {runs}: {row.words}"
        if row.remedy:
            yield f"           → {row.remedy}"
    yield from (f"  left out {why}" for why in one.left_out)


def explain_run(run: str) -> Exit:
    """Say of each verdict what was claimed and seen, how sure that is, and what would make it surer."""
    for number, record in enumerate(_named(run)):
        tell(("\n" if number else "") + "\n".join(printable(line) for line in explained(judged_again(record))))
    return Exit.HELD


def report_bug(run: str, log: Path | None) -> Exit:
    """Write what a bug report needs of a run into one zip, and say what is in it."""
    record, id_ = _record_of(run)
    parts = bug_report.parts_of(id_, record, log)
    if len(parts) == 1:  # the versions alone
        raise InvalidInput(f"neither {REPORTS} nor the journal knows run {quoted(run)}", "name the JSON of a run")
    path = bug_report.write_zip(Path(f"gameday-bug-report-{id_}.zip"), parts)
    for part in parts:
        tell(f"  {part.name}: {part.about}")
    tell(f"{path}: secrets are masked; account ids and names of resources are not: read it before you send it")
    return Exit.HELD


def _record_of(run: str) -> tuple[Path | None, str]:
    """The record of a run, where there is one, and the run's id; `latest` is the one that began last."""
    if os.path.isfile(run):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        path = Path(run)
        return path, _id_in(path) or path.stem
    known = {id_: path for path in sorted(REPORTS.rglob("*.json")) if (id_ := _id_in(path))}
    if run == "latest":
        run = max([*known, *bug_report.journalled()], default=run)  # ids begin with the time
    return known.get(run), run


def _id_in(path: Path) -> str | None:
    """The id of the run whose record a file is."""
    found = re.match(r'\{"run":"([\w-]{1,80})"', _head(path))
    return found[1] if found else None


def _named(run: str) -> list[Record]:
    """The records of a file or folder, else of the run with this id under ./reports."""
    if os.path.exists(run):  # noqa: PTH110 - Path.exists raises for a name that is too long
        return _records((Path(run),))
    found = (read_record(path) for path in sorted(REPORTS.rglob("*.json")) if run in _head(path))
    records = [one for one in found if one.run == run]
    if not records:
        raise InvalidInput(
            f"{quoted(run)} is no record, and no run of that id is under {REPORTS}",
            "name the JSON of a run",
            gd_code="GD-E106",
        )
    return records[:1]


def _head(path: Path) -> str:
    """The beginning of a record, where its id stands."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(200)
    except OSError:
        return ""


def _records(paths: tuple[Path, ...]) -> list[Record]:
    """Every record that is named, or lies in a folder that is. Raises InvalidInput."""
    found = []
    for path in paths:
        below = (
            one for one in sorted(path.rglob("*.json")) if one.name != MATRIX_FILE and not one.name.endswith(ENDING)
        )
        files = [*below] if path.is_dir() else [path]
        if not files:
            raise InvalidInput(
                f"{path} holds no record",
                "name a folder that `gameday run --reports` wrote, or a file",
                gd_code="GD-E106",
            )
        found += [read_record(file) for file in files]
    return list({one.run: one for one in found}.values())
