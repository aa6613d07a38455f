"""Evidence for and against a breach: e-values, which keep their error rate even if a test looks after every bin.

Take a bin and an alternative q beyond the edge. While the true share stays on the edge's other side, the likelihood
ratio against the edge has a mean of at most 1, given any past. So has any average of products of such ratios. By
Ville's inequality such a product ever exceeds 1/α with a chance of at most α (Ramdas, Grünwald, Vovk, Shafer:
Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38, 2023,
https://arxiv.org/abs/2210.01948). Sums over restarts find a late change (Shin, Ramdas, Rinaldo: E-detectors,
https://arxiv.org/abs/2203.03532).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, log1p
from typing import TYPE_CHECKING

from gameday.steady_state.judging.edges import Edge

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import ArrayLike, NDArray

    Matrix = NDArray[float64]

ALTERNATIVES = 10
MOSTLY_BAD = 0.98
SMALLEST = 1e-6
"""An edge of 0 (`at_least: 100%`) counts as one in a million: a likelihood ratio against 0 would divide by zero."""

ENOUGH = 1e40
"""The cap on evidence, so that the product with the next bin is still a float."""

LARGEST_LOG = 600.0
"""The cap on the logarithm of a bin: the exponential of more is no float."""

STRETCH = 250.0
"""The largest sum of logarithms before it becomes evidence: its exponential is far from a float's limits."""

HEALTHY = (0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
SLOWER = (0.95, 0.85, 0.7, 0.5, 0.3, 0.15, 0.05, 0.01)
FASTER = (1.05, 1.15, 1.3, 1.6, 2.0, 3.0, 6.0, 20.0)


@dataclass(frozen=True, slots=True)
class Weights:
    """Logarithms of likelihood ratios: a bin (x, y) weighs x·a + y·b under each alternative (a, b)."""

    pairs: tuple[tuple[float, float], ...]

    def tempered(self, inflation: float) -> Weights:
        """Divide all evidence by the inflation, for streams that come in bursts."""
        return Weights(tuple((a / inflation, b / inflation) for a, b in self.pairs))

    def logs(self, x: float, y: float) -> list[float]:
        """Return the bin's log likelihood ratio under each alternative."""
        return [x * a + y * b for a, b in self.pairs]


def breach(edge: Edge) -> Weights:
    """Return the alternatives beyond the edge.

    Shares: ten, geometric in odds from 1.5 × the edge's odds to 98%. Rates: eight.
    """
    if edge.kind == "rate":
        return _rate(edge, FASTER if edge.above else SLOWER)
    at = _inner(edge.at)
    if not edge.above:
        return _share(at, [at * part for part in HEALTHY])
    first = 1.5 * at / (1 - at)
    last = max(MOSTLY_BAD / (1 - MOSTLY_BAD), 4 * first)
    odds = [first * (last / first) ** (step / (ALTERNATIVES - 1)) for step in range(ALTERNATIVES)]
    return _share(at, [odd / (1 + odd) for odd in odds])


def health(edge: Edge) -> Weights:
    """Return the alternatives on the good side of the edge."""
    if edge.kind == "rate":
        return _rate(edge, SLOWER if edge.above else FASTER)
    return (
        _share(_inner(edge.at), [_inner(edge.at) * part for part in HEALTHY])
        if edge.above
        else breach(Edge("share", edge.at))
    )


def _inner(share: float) -> float:
    return min(max(share, SMALLEST), 1 - SMALLEST)


def _share(at: float, shares: list[float]) -> Weights:
    return Weights(tuple((log(q / at), log1p(-q) - log1p(-at)) for q in shares))


def _rate(edge: Edge, factors: tuple[float, ...]) -> Weights:
    at = max(edge.at, SMALLEST)
    return Weights(tuple((log(factor), at * (1 - factor)) for factor in factors))


class SequentialTest:
    """Evidence that a breach began at injection or at any bin since; its mean stays at 1 without a breach.

    Half of the weight lies on the injection; the other half is spread evenly over the planned bins. A test can watch
    many streams at once, each on its own.
    """

    def __init__(self, weights: Weights, planned: int) -> None:
        self._pairs = weights.pairs
        self._planned = max(1, planned)
        self._seen = 0
        self._sums: Matrix | float = 0.0

    def add(self, x: ArrayLike, y: ArrayLike) -> Matrix:
        """Add bins in their order, and return the evidence after each; evidence of 1/α proves a breach.

        x and y are arrays of bins, or of bins × streams; the result has their shape.
        """
        import numpy as np

        x, y = np.asarray(x, float)[..., None], np.asarray(y, float)[..., None]
        over, under = np.array(self._pairs).T
        logs = np.minimum(x * over + y * under, LARGEST_LOG)
        spent = np.array([self._spent(self._seen + step) for step in range(len(logs) + 1)])
        begins = (np.diff(spent) / len(over)).reshape(-1, *[1] * (logs.ndim - 1))
        had: Matrix | float = self._sums
        for first, last in _stretches(logs):
            logs[first:last] = _onwards(logs[first:last], begins[first:last], had)
            had = logs[last - 1]
        self._seen += len(logs)
        self._sums = np.array(had)
        evidence: Matrix = logs.sum(axis=-1) + (1 - spent[1:]).reshape(-1, *[1] * (logs.ndim - 2))
        return evidence

    def _spent(self, bins: int) -> float:
        """Return the part of the weight on the alternatives that begin within the first `bins`."""
        return min(1.0, 0.5 + 0.5 * bins / self._planned) if bins else 0.0


def _stretches(logs: Matrix) -> Iterator[tuple[int, int]]:
    """Yield stretches of bins, (first, past the last), whose likelihood ratios multiply within a float's range."""
    import numpy as np

    most = np.cumsum(np.abs(logs).max(axis=tuple(range(1, logs.ndim)), initial=0.0))
    first = 0
    while first < len(logs):
        room = (most[first - 1] if first else 0.0) + STRETCH
        last = max(first + 1, int(np.searchsorted(most, room, "right")))
        yield first, last
        first = last


def _onwards(logs: Matrix, begins: Matrix, had: Matrix | float) -> Matrix:
    """Return each alternative's evidence after each bin of a stretch: R_j = (R_(j-1) + w_j) L_j, for all j at once.

    That is R_j = C_j (R_0 + sum of w_i / C_(i-1) up to i = j), with C the product of the likelihood ratios so far.
    """
    import numpy as np

    whole = np.cumsum(logs, axis=0)
    since = np.cumsum(begins * np.exp(logs - whole), axis=0)
    evidence: Matrix = np.minimum(np.exp(whole) * (had + since), ENOUGH)
    return evidence
