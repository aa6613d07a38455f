"""Compare an older and a newer matrix of a workload: effects that are new, gone, or changed in size."""

from __future__ import annotations

from dataclasses import dataclass

from gameday.errors import Exit, InvalidInput
from gameday.matrix.model import STATE_WORDS, Cell, Matrix, MatrixFinding, ObservedEffect


@dataclass(frozen=True)
class Difference:
    """The differences, a line each."""

    lines: tuple[str, ...]
    exit: Exit  # broken on a new hidden dependency


def comparable(old: Matrix, workload: str, margin: float, customers: float | None = None) -> None:
    """Raise InvalidInput where a matrix belongs to another workload, or has another margin or load."""
    if None not in (old.customers, customers) and old.customers != customers:
        what = f"the older matrix is at {old.customers:g} customers a second, not at {customers:g}"
        raise InvalidInput(what, "give the same --load as then", gd_code="GD-E120")
    if (old.workload, old.margin) != (workload, margin):
        what = f"the older matrix is of {old.workload} with a margin of {old.margin}, not of {workload} with {margin}"
        raise InvalidInput(what, "name a matrix of the same workload", gd_code="GD-E120")


def difference(old: Matrix, new: Matrix) -> Difference:
    """Compare two matrices. Raises InvalidInput where they have different workloads or margins.

    A size has changed where the two intervals do not overlap: a stricter criterion than a test of their difference
    (Schenker and Gentleman, The American Statistician 55, 2001, https://doi.org/10.1198/000313001317097960).
    """
    comparable(old, new.workload, new.margin, new.customers)
    before, after = ({_identity(finding) for finding in matrix.findings} for matrix in (old, new))
    fresh = tuple(finding.words for finding in new.findings if _identity(finding) not in before)
    gone = tuple(finding.words for finding in old.findings if _identity(finding) not in after)
    hidden_before = {(finding.source, finding.module) for finding in old.hidden}
    broken = {(finding.source, finding.module) for finding in new.hidden} - hidden_before
    lines = [
        *(f"new: {words}" for words in fresh),
        *(f"no longer found: {words}" for words in gone),
        *_cells(old, new),
    ]
    code = Exit.BROKEN if broken else Exit.UNKNOWN if new.open else Exit.HELD
    return Difference(tuple(lines), code)


def _identity(finding: MatrixFinding) -> tuple[str, str, str]:
    """Return what identifies a finding; for zones, that is not the zone, since the worst zone may differ."""
    return finding.kind, "" if finding.kind == "zonal" else finding.source, finding.module


def _cells(old: Matrix, new: Matrix) -> list[str]:
    was = {(cell.experiment, cell.module): cell for cell in old.cells}
    now = {(cell.experiment, cell.module): cell for cell in new.cells}
    lines = []
    for key in sorted(was.keys() | now.keys()):
        name = f"{key[0]}, {key[1]}"
        then, today = was.get(key), now.get(key)
        if then is None or today is None:
            lines.append(f"{name}: {'new in the matrix' if then is None else 'no longer in the matrix'}")
        elif then.state != today.state:
            lines.append(f"{name}: was {_in_words(then)}, is {_in_words(today)}")
        elif then.state == "spread" and _apart(then.effect, today.effect):
            lines.append(f"{name}: {_in_words(then)} before, {_in_words(today)} now")
    return lines


def _in_words(cell: Cell) -> str:
    state = STATE_WORDS[cell.state]
    known = cell.effect is not None and cell.effect.change is not None
    return f"{state} ({cell.effect.kpi} by {cell.effect.size})" if known and cell.effect else state


def _apart(then: ObservedEffect | None, now: ObservedEffect | None) -> bool:
    if then is None or now is None or then.kpi != now.kpi or None in (then.low, then.high, now.low, now.high):
        return False
    return (then.high or 0.0) < (now.low or 0.0) or (now.high or 0.0) < (then.low or 0.0)
