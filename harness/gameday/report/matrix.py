"""A matrix in words: a table for the terminal, and Markdown. Told apart by letters, never by colour alone."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.matrix.model import STATE_WORDS, Cell, CellState, Matrix, MatrixFinding, Relation
from gameday.report.markdown import table, text_of
from gameday.report.phrases import count, printable
from gameday.steady_state.judging.phrases import points_in_words

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
    "[ ] hit   ( ) declared: needs what is hit, or its customers come through it   ! hurt, and not declared",
)
TITLES = {
    "hidden": "hidden dependency",
    "not-tolerated": "tolerated, and not tolerated",
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
    "hidden": "cut it, or write `needs: [{source}]` in {module}",
    "not-tolerated": "give the call a timeout and a fallback, or write `needs: [{source}]` in {module}",
    "dead": "take {source} out of {module}'s `needs`, or give {module} a KPI that shows the need",
    "zonal": "keep its calls inside a zone, or try again in another; `gameday check` looks for what stands in one",
}


def mark(cell: Cell) -> str:
    """Three letters: `[X]` hit and hurt, `(X)` hurt as declared, ` X!` hurt and not declared, ` . ` contained."""
    sign = SIGNS[cell.state]
    if cell.relation == "hit":
        return f"[{sign}]"
    if cell.relation in ("needs", "through"):
        return f"({sign})"
    return f" {sign}!" if cell.state == "spread" else f" {sign} "


def terminal(matrix: Matrix) -> str:
    """Faults in rows, modules in columns (numbered, so that twenty fit), then the findings."""
    return "\n".join(printable(line) for line in _terminal(matrix)) + "\n"


def _terminal(matrix: Matrix) -> Iterator[str]:
    modules = matrix.modules
    marks = {(cell.experiment, cell.module): mark(cell) for cell in matrix.cells}
    wide = max([len(row.experiment) for row in matrix.rows] + [len(name) + 4 for name in modules])
    where = f"{matrix.place}, seed {matrix.seed}"
    yield f"{matrix.workload}: what a fault (row) does to the KPIs of each module (column); {where}"
    yield ""
    yield " " * wide + "".join(f"{number:>4} " for number in range(1, len(modules) + 1))
    for row in matrix.rows:
        cells = "".join(f"  {marks[row.experiment, module]}" for module in modules)
        yield f"{row.experiment:<{wide}}{' refused' if row.refused else cells}"
    yield ""
    yield "   ".join(f"{number} {name}" for number, name in enumerate(modules, 1))
    yield from KEY
    yield ""
    for one in matrix.findings:
        yield f"{TITLES[one.kind]}: {one.words}"
        yield from (f"    {name}: {text}" for name, text in evidence(one))
    yield from (f"not known: {why}" for why in matrix.open)
    yield from (f"note: {note}" for note in matrix.notes)
    yield f"{headline(matrix)} ({basis(matrix)})"


def evidence(one: MatrixFinding) -> Iterator[tuple[str, str]]:
    """What else suffers by it, what to do about it, the runs it rests on, and the command that repeats it."""
    for chain in one.chains:
        size = f": {chain.effect.kpi} got worse by {chain.effect.size}" if chain.effect else ""
        yield "by it", f"{chain.way[-1]} suffers too, {' → '.join(chain.way)}{size}"
    yield "remedy", REMEDIES[one.kind].format(source=one.source, module=one.module)
    yield "runs", ", ".join(one.runs)
    if one.repeat:
        yield "repeat", one.repeat


def headline(matrix: Matrix) -> str:
    """What was found, counted, and how much cannot be told."""
    counted = {kind: sum(one.kind == kind for one in matrix.findings) for kind in COUNTED}
    found = [f"{number} {COUNTED[kind][number > 1]}" for kind, number in counted.items() if number]
    unknown = [f"{count(len(matrix.open), 'cell')} not known"] if matrix.open else []
    return ", ".join([*(found or ["No undeclared dependency was found"]), *unknown])


def basis(matrix: Matrix) -> str:
    """What that rests on, and how sure it is."""
    return (
        f"{count(len(matrix.rows), 'run')}; allowed: {points_in_words(matrix.margin)}; "
        f"chance of any false spread at most {matrix.error * 100:.3g}%"
    )


def markdown(matrix: Matrix) -> str:
    """The same as Markdown."""
    modules = matrix.modules
    marks = {(cell.experiment, cell.module): f"`{mark(cell)}`" for cell in matrix.cells}
    lines = [f"## Matrix of {text_of(matrix.workload)}: {text_of(headline(matrix))}", "", text_of(basis(matrix)), ""]
    lines += table(
        ["fault", *modules],
        ([row.experiment, *(marks[row.experiment, module] for module in modules)] for row in matrix.rows),
    )
    lines += ["", *(f"`{line}`  " for line in KEY), ""]
    for one in matrix.findings:
        lines.append(f"- **{TITLES[one.kind]}**: {text_of(one.words)}")
        lines += [f"  - {name}: {f'`{text}`' if name == 'repeat' else text_of(text)}" for name, text in evidence(one)]
    lines += [f"- not known: {text_of(why)}" for why in matrix.open]
    lines += [f"- {text_of(note)}" for note in matrix.notes]
    return "\n".join(lines) + "\n"
