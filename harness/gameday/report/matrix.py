"""The text of a matrix: a table for the terminal, and Markdown. Letters carry the meaning, never colour alone."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.matrix.model import STATE_WORDS, Cell, CellState, Matrix, MatrixFinding, Relation
from gameday.report.markdown import table, text_of
from gameday.report.phrases import count
from gameday.steady_state.judging.phrases import points_in_words
from gameday.text import printable

SIGNS: dict[CellState, str] = {"spread": "X", "contained": ".", "starved": "o", "unknown": "?", "no-kpi": "-"}
RELATIONS: dict[Relation, str] = {
    "hit": "hit",
    "needs": "needs it",
    "tolerates": "tolerates it",
    "through": "its customers come through it",
    "none": "nothing",
}
KEY = (
    "   ".join(f"{sign} {STATE_WORDS[state]}" for state, sign in SIGNS.items()),
    "[ ] hit   ( ) declared: it needs the hit module, or its customers come through it   ! hurt, but not declared",
)
TITLES = {
    "hidden": "hidden dependency",
    "not-tolerated": "declared as tolerated, but not tolerated",
    "dead": "dead declaration",
    "zonal": "zonal coupling",
}
COUNTED = {
    "hidden": ("hidden dependency", "hidden dependencies"),
    "not-tolerated": ("dependency not tolerated as declared", "dependencies not tolerated as declared"),
    "dead": ("dead declaration", "dead declarations"),
    "zonal": ("zonal coupling", "zonal couplings"),
}
REMEDIES = {
    "hidden": "remove the dependency, or write `needs: [{source}]` in {module}",
    "not-tolerated": "give the call a timeout and a fallback, or write `needs: [{source}]` in {module}",
    "dead": "remove {source} from {module}'s `needs`, or give {module} a KPI that shows the need",
    "zonal": "keep its calls inside a zone, or retry them in another; `gameday check` finds resources in a single zone",
}


def mark(cell: Cell) -> str:
    """Return three letters: `[X]` hit and hurt, `(X)` hurt as declared, ` X!` hurt but undeclared, ` . ` contained."""
    sign = SIGNS[cell.state]
    if cell.relation == "hit":
        return f"[{sign}]"
    if cell.relation in ("needs", "through"):
        return f"({sign})"
    return f" {sign}!" if cell.state == "spread" else f" {sign} "


def terminal(matrix: Matrix) -> str:
    """Render faults in rows, modules in numbered columns (so that twenty fit), then the findings."""
    return "\n".join(printable(line) for line in _terminal(matrix)) + "\n"


def _terminal(matrix: Matrix) -> Iterator[str]:
    modules = matrix.modules
    marks = {(cell.experiment, cell.module): mark(cell) for cell in matrix.cells}
    wide = max([len(row.experiment) for row in matrix.rows] + [len(name) + 4 for name in modules])
    where = ", ".join([matrix.place, f"seed {matrix.seed}", *load(matrix)])
    yield f"{matrix.workload}: what a fault (row) does to the KPIs of each module (column); {where}"
    yield ""
    yield " " * wide + "".join(f"{number:>4} " for number in range(1, len(modules) + 1))
    for row in matrix.rows:
        cells = "".join(f"  {marks[row.experiment, module]}" for module in modules)
        yield f"{row.experiment:<{wide}}{' not run' if row.refused else cells}"
    yield ""
    yield "   ".join(f"{number} {name}" for number, name in enumerate(modules, 1))
    yield from KEY
    yield ""
    for finding in matrix.findings:
        yield f"{TITLES[finding.kind]}: {finding.words}"
        yield from (f"    {name}: {text}" for name, text in evidence(finding))
    yield from (f"not known: {why}" for why in matrix.open)
    yield from (f"note: {note}" for note in matrix.notes)
    yield f"{headline(matrix)} ({basis(matrix)})"


def evidence(finding: MatrixFinding) -> Iterator[tuple[str, str]]:
    """Yield the evidence of a finding: other modules that suffer, the remedy, the runs, and the command to repeat."""
    for chain in finding.chains:
        size = f": {chain.effect.kpi} got worse by {chain.effect.size}" if chain.effect else ""
        yield "also", f"{chain.way[-1]} suffers too, {' → '.join(chain.way)}{size}"
    yield "remedy", REMEDIES[finding.kind].format(source=finding.source, module=finding.module)
    yield "runs", ", ".join(finding.runs)
    if finding.repeat:
        yield "repeat", finding.repeat


def headline(matrix: Matrix) -> str:
    """Count the findings and the unknown cells in one line."""
    counted = {kind: sum(finding.kind == kind for finding in matrix.findings) for kind in COUNTED}
    findings = [f"{number} {COUNTED[kind][number > 1]}" for kind, number in counted.items() if number]
    unknown = [f"{count(len(matrix.open), 'cell')} not known"] if matrix.open else []
    return ", ".join([*(findings or ["No undeclared dependency was found"]), *unknown])


def load(matrix: Matrix) -> Iterator[str]:
    """Yield the load, where it is known: what is contained at it may not be at a higher one."""
    if matrix.customers is not None:
        yield f"{matrix.customers:g} customers/s"


def basis(matrix: Matrix) -> str:
    """State the number of runs, the allowed change, and the chance of a false finding."""
    at = "".join(f" at {words}" for words in load(matrix))
    return (
        f"{count(len(matrix.rows), 'run')}{at}; allowed change: {points_in_words(matrix.margin)}; "
        f"chance of any false spread at most {matrix.error * 100:.3g}%"
    )


def markdown(matrix: Matrix) -> str:
    """Render the matrix as Markdown."""
    modules = matrix.modules
    marks = {(cell.experiment, cell.module): f"`{mark(cell)}`" for cell in matrix.cells}
    lines = [f"## Matrix of {text_of(matrix.workload)}: {text_of(headline(matrix))}", "", text_of(basis(matrix)), ""]
    lines += table(
        ["fault", *modules],
        ([row.experiment, *(marks[row.experiment, module] for module in modules)] for row in matrix.rows),
    )
    lines += ["", *(f"`{line}`  " for line in KEY), ""]
    for finding in matrix.findings:
        lines.append(f"- **{TITLES[finding.kind]}**: {text_of(finding.words)}")
        lines += [
            f"  - {name}: {f'`{text}`' if name == 'repeat' else text_of(text)}" for name, text in evidence(finding)
        ]
    lines += [f"- not known: {text_of(why)}" for why in matrix.open]
    lines += [f"- {text_of(note)}" for note in matrix.notes]
    return "\n".join(lines) + "\n"
