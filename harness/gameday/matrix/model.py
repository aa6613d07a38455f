"""The matrix of modules as values: faults in rows, modules in columns, and the findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from zlib import crc32

from pydantic import TypeAdapter, ValidationError

from gameday.errors import Exit, InvalidInput
from gameday.steady_state.kpi.claim import Verdict

Relation = Literal["hit", "needs", "tolerates", "through", "none"]
"""The declared relation of a module to a fault:

- hit: the fault hits it;
- needs: it needs a hit module, directly or through others;
- tolerates: it declares that it tolerates a hit module;
- through: a hit module calls it, so its customers come through that module;
- none: none of these.
"""

CellState = Literal["spread", "contained", "starved", "unknown", "no-kpi"]
"""The observed state of a module: proven worse, proven not worse, without traffic since its callers suffer, unknown."""

STATE_WORDS: dict[CellState, str] = {
    "spread": "hurt",
    "contained": "contained",
    "starved": "without traffic, since its callers suffer",
    "unknown": "unknown",
    "no-kpi": "no KPI",
}

FindingKind = Literal["hidden", "not-tolerated", "dead", "zonal"]

PEAK = 0.01
"""By how much the worst minute must exceed the interval of the mean before the size names it."""


@dataclass(frozen=True)
class ObservedEffect:
    """How one KPI changed under one fault; a change for the worse is positive (as in `isolation`)."""

    kpi: str
    module: str | None  # the KPI's module
    verdict: Verdict  # held: contained; broken: spread
    change: float | None
    low: float | None
    high: float | None
    detectable: float | None  # the smallest change that this run would have called spread, four times out of five
    words: str
    kind: Literal["share", "time", "rate"]  # a share of requests; of time (a gauge's); a rate, changed relatively
    worst_minute: float | None = None  # the change in the worst minute of the fault; None: not of requests

    @property
    def in_words(self) -> str:
        """The effect in words, to follow its module's name, which may also be the KPI's name."""
        return self.words if self.kpi == self.module else f"{self.kpi} {self.words}"

    @property
    def size(self) -> str:
        """`91 points (90 to 92)`; only where the change is known."""
        if self.change is None or self.low is None or self.high is None:
            return "an unknown size"
        low, high, change = (f"{value * 100:.3g}" for value in (self.low, self.high, self.change))
        unit = "%" if self.kind == "rate" else " points"
        peak = self.worst_minute
        parts = [] if low == high else [f"{low} to {high}"]
        parts += [f"{peak * 100:.3g} in the worst minute"] if peak is not None and peak > self.high + PEAK else []
        return f"{change}{unit} ({'; '.join(parts)})" if parts else f"{change}{unit}"


@dataclass(frozen=True)
class MatrixRow:
    """One run: a fault on a module or on a zone, and its effect on every KPI; or why it did not run."""

    experiment: str  # its name: isolate-web, throttle-ledger, lose-us-east-1a
    module: str | None  # None: a zone
    zone: str | None
    hit: dict[str, float]  # module → the share of its capacity that the fault took away
    effects: tuple[ObservedEffect, ...]
    refused: tuple[str, ...] = ()
    baseline: float | None = None  # seconds, where the row needed a longer one than others


def seed_of_row(seed: int, experiment: str) -> int:
    """Return the seed of a row on the twin: rows have their own noise, so that each is another look."""
    return (seed + crc32(experiment.encode())) % 2**63


@dataclass(frozen=True)
class Cell:
    """One fault and one module: the declared relation, and the effect on the most telling KPI."""

    experiment: str
    module: str
    relation: Relation
    state: CellState
    effect: ObservedEffect | None


@dataclass(frozen=True)
class Chain:
    """Another module that suffers by a link, and the way to it."""

    way: tuple[str, ...]  # source, module, …, last
    effect: ObservedEffect | None  # on the last module


@dataclass(frozen=True)
class MatrixFinding:
    """A contradiction between declarations and effects, with its evidence."""

    kind: FindingKind
    source: str  # the module or zone that the fault hit
    module: str  # the module that suffers; for a dead declaration the one that declares
    experiment: str
    words: str
    effect: ObservedEffect | None = None
    chains: tuple[Chain, ...] = ()
    runs: tuple[str, ...] = ()  # the experiments it rests on: its own, and those that show the chains
    repeat: str = ""  # the command that repeats it


@dataclass(frozen=True)
class Matrix:
    """A matrix: rows, cells and findings of a workload."""

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
    open: tuple[str, ...] = ()  # reasons why the answer stays unknown
    customers: float | None = None  # the load: customers a second; None: unknown, as on an account
    version: Literal[1] = field(default=1)

    @property
    def modules(self) -> list[str]:
        """The modules in the workload's order."""
        return list(dict.fromkeys(cell.module for cell in self.cells))

    @property
    def hidden(self) -> tuple[MatrixFinding, ...]:
        """Hidden dependencies, including those that a module wrongly declares to tolerate."""
        return tuple(finding for finding in self.findings if finding.kind in ("hidden", "not-tolerated"))

    @property
    def exit(self) -> Exit:
        """The exit code: broken on a hidden dependency, else unknown where the answer stays unknown, else held."""
        return Exit.BROKEN if self.hidden else Exit.UNKNOWN if self.open else Exit.HELD


MATRIX_FILE = "matrix.json"
"""A matrix in a folder of reports, beside the records of its runs."""

_MATRIX: TypeAdapter[Matrix] = TypeAdapter(Matrix)


def to_json(matrix: Matrix) -> str:
    """Return the matrix as JSON; the same bytes for the same matrix."""
    return _MATRIX.dump_json(matrix, indent=2).decode()


def from_json(text: str | bytes, name: str) -> Matrix:
    """Return a matrix from its JSON; `name` is the text's origin. Raises InvalidInput."""
    try:
        return _MATRIX.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise InvalidInput(
            f"{name} is not a matrix: {first['msg']} at {place}",
            "give a file that `gameday matrix --json` wrote",
            gd_code="GD-E102",
        ) from error
