"""The matrix of modules as values: faults in rows, KPIs of modules in columns, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from gameday.errors import Exit, InvalidInput
from gameday.steady_state.kpi.claim import Verdict

Relation = Literal["hit", "needs", "tolerates", "through", "none"]
"""What is declared of a module, seen from a fault: hit itself; needs what is hit, transitively; tolerates it; is
called by it, so that its customers come through it; nothing of that."""

CellState = Literal["spread", "contained", "starved", "unknown", "no-kpi"]
"""What was seen of a module: proven worse or proven not; without traffic since its callers suffer; not to be told."""

STATE_WORDS: dict[CellState, str] = {
    "spread": "hurt",
    "contained": "contained",
    "starved": "without traffic, since its callers suffer",
    "unknown": "not to be told",
    "no-kpi": "no KPI",
}

FindingKind = Literal["hidden", "not-tolerated", "dead", "zonal"]


@dataclass(frozen=True)
class ObservedEffect:
    """How one KPI changed under one fault; a change for the worse is positive (as in `isolation`)."""

    kpi: str
    module: str | None  # that it speaks for
    verdict: Verdict  # held: contained; broken: spread
    change: float | None
    low: float | None
    high: float | None
    detectable: float | None  # the smallest change that this run would have called spread, four times out of five
    words: str
    kind: Literal["share", "time", "rate"]  # a share of requests; of time (a gauge's); a rate, changed relatively

    @property
    def told(self) -> str:
        """What became of it, to be read after its module's name, which the KPI may bear, too."""
        return self.words if self.kpi == self.module else f"{self.kpi} {self.words}"

    @property
    def size(self) -> str:
        """`91 points (90 to 92)`; only where the change is known."""
        if self.change is None or self.low is None or self.high is None:
            return "an unknown size"
        low, high, change = (f"{one * 100:.3g}" for one in (self.low, self.high, self.change))
        unit = "%" if self.kind == "rate" else " points"
        return f"{change}{unit}" if low == high else f"{change}{unit} ({low} to {high})"


@dataclass(frozen=True)
class MatrixRow:
    """One run: a fault on a module or on a zone, and its effect on every KPI; or why there was none."""

    experiment: str  # its name: isolate-web, throttle-ledger, lose-us-east-1a
    module: str | None  # None: a zone
    zone: str | None
    hit: dict[str, float]  # module → the share of its capacity that was taken
    effects: tuple[ObservedEffect, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One fault, one module: what was declared, and what was seen at the KPI that tells most."""

    experiment: str
    module: str
    relation: Relation
    state: CellState
    effect: ObservedEffect | None


@dataclass(frozen=True)
class Chain:
    """What else suffers by a link, and how it comes to it."""

    way: tuple[str, ...]  # source, module, …, last
    effect: ObservedEffect | None  # on the last


@dataclass(frozen=True)
class MatrixFinding:
    """What declarations and effects do not agree on, with its evidence."""

    kind: FindingKind
    source: str  # the module or zone that the fault hit
    module: str  # the module that suffers; for a dead declaration the one that declares
    experiment: str
    words: str
    effect: ObservedEffect | None = None
    chains: tuple[Chain, ...] = ()
    runs: tuple[str, ...] = ()  # the experiments it rests on: its own, and those that told the chains
    repeat: str = ""  # the command that repeats it


@dataclass(frozen=True)
class Matrix:
    """All of it."""

    workload: str
    place: Literal["twin", "aws"]
    seed: int
    margin: float
    error: float  # chance of any false spread in the whole matrix
    rows: tuple[MatrixRow, ...]
    cells: tuple[Cell, ...]
    findings: tuple[MatrixFinding, ...]
    declared: dict[str, tuple[str, ...]]  # module → what it declares that it needs or tolerates
    notes: tuple[str, ...] = ()
    open: tuple[str, ...] = ()  # what keeps the answer from being known
    version: Literal[1] = field(default=1)

    @property
    def modules(self) -> list[str]:
        """The modules in the workload's order."""
        return list(dict.fromkeys(cell.module for cell in self.cells))

    @property
    def hidden(self) -> tuple[MatrixFinding, ...]:
        """Hidden dependencies; one that is declared tolerated and is not is one, too."""
        return tuple(one for one in self.findings if one.kind in ("hidden", "not-tolerated"))

    @property
    def exit(self) -> Exit:
        """Broken on a hidden dependency, unknown where cells keep the answer from being known."""
        return Exit.BROKEN if self.hidden else Exit.UNKNOWN if self.open else Exit.HELD


MATRIX_FILE = "matrix.json"
"""A matrix in a folder of reports, beside the records of its runs."""

_MATRIX: TypeAdapter[Matrix] = TypeAdapter(Matrix)


def to_json(matrix: Matrix) -> str:
    """The matrix as JSON; the same bytes for the same matrix."""
    return _MATRIX.dump_json(matrix, indent=2).decode()


def from_json(text: str | bytes, name: str) -> Matrix:
    """A matrix from its JSON. Raises InvalidInput; `name` says where the text is from."""
    try:
        return _MATRIX.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise InvalidInput(
            f"{name} is not a matrix: {first['msg']} at {place}",
            "name what `gameday matrix --json` wrote",
            gd_code="GD-E102",
        ) from error
