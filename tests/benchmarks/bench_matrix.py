"""What `gameday matrix` finds of hidden dependencies that were planted, and what it costs.

    python -m tests.benchmarks.bench_matrix [MODULES:WORKLOADS …]

Workloads of 5, 10 and 20 modules are drawn from seeds that follow from the commit's hash; each is played sick and cured
(`tests/planted`). Then one whole matrix of each size, zones included, on two processes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import pairwise
from multiprocessing import get_context

from gameday.matrix.twin import MARGIN, experiments_of, play_rows

from tests.benchmarks.calibration import calibration
from tests.planted.files import twin_of, workload_of
from tests.planted.plant import PLANTS, world
from tests.planted.score import Outcome, Score, score, seed_of

CORES = 2
DRAWN = {5: 16, 10: 8, 20: 4}
"""Modules → workloads of so many."""

LARGEST = 60.0
"""Seconds that a matrix of 20 modules may take on two cores that have nothing else to do."""

SIZES = (0.0, 0.01, 0.02, 0.05, 0.2, 1.01)


def commit() -> str:
    """The hash of the commit at hand."""
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def told(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def share(part: int, whole: int) -> str:
    """`23 of 24 (96%)`."""
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "0 of 0"


def played(drawn: dict[int, int], seed: str) -> list[Score]:
    """All workloads, two at a time, each told as soon as it is done."""
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(score, seed_of(seed, size, i), size) for size, count in drawn.items() for i in range(count)]
        for number, job in enumerate(as_completed(jobs), 1):
            one = job.result()
            found = sum(each.found for each in one.outcomes)
            told(
                f"{number} of {len(jobs)}: {one.modules}/{one.name[:8]}, found {found} of {len(one.outcomes)}, "
                f"made up {len(one.extra)}, after the cure {len(one.cured)}, {one.seconds:.0f}s CPU"
            )
        return [job.result() for job in jobs]


def findings(scores: Sequence[Score]) -> None:
    """Precision, recall, the culprit, and the cured; then recall by kind and by size of the effect."""
    told(
        "modules   workloads   recall            culprit first     precision         cured, with a finding   open cells"
    )
    for size in sorted({one.modules for one in scores}):
        _line(str(size), [one for one in scores if one.modules == size])
    _line("all", scores)
    told(f"draws refused since no run could show a dependency of theirs: {sum(one.out_of_sight for one in scores)}")
    outcomes = [one for each in scores for one in each.outcomes]
    told("\nrecall of what the run could see (four times out of five), by kind")
    for kind in PLANTS:
        mine = [one for one in outcomes if one.planted.kind == kind]
        told(f"  {kind:<16} {share(sum(one.found for one in mine if _seen(one)), sum(map(_seen, mine)))}")
    told("\nrecall by how much worse the KPI truly got (by a run with another seed), everything counted")
    for low, high in pairwise(SIZES):
        mine = [one for one in outcomes if low <= max(0.0, one.effect) < high]
        found = share(sum(one.found for one in mine), len(mine))
        told(f"  {100 * low:>4.0f} to {min(100.0, 100 * high):>3.0f} points   {found}")
    for each in scores:
        for one in each.outcomes:
            if not one.found:
                size = f"{100 * one.effect:.2g} points worse; {100 * one.visible:.2g} could be seen"
                size += " (below the margin)" if one.effect < MARGIN else ""
                told(f"  missed: {one.planted} in {each.modules}/{each.name[:8]}: {size}")
        for link in each.extra:
            told(f"  made up: {link} in {each.modules}/{each.name[:8]}")
        for link in each.cured:
            told(f"  found after the cure: {link} in {each.modules}/{each.name[:8]}")


def _seen(one: Outcome) -> bool:
    """Whether the effect is as large as what the run finds four times out of five."""
    return one.effect >= one.visible


def _line(name: str, scores: Sequence[Score]) -> None:
    outcomes = [one for each in scores for one in each.outcomes]
    visible, found = [one for one in outcomes if _seen(one)], sum(one.found for one in outcomes)
    extra = sum(len(each.extra) for each in scores)
    columns = (
        f"{len(scores):<9}",
        f"{share(sum(one.found for one in visible), len(visible)):<15}",
        f"{share(sum(one.first for one in visible), len(visible)):<15}",
        f"{share(found, found + extra):<15}",
        f"{share(sum(bool(each.cured) for each in scores), len(scores)):<21}",
        str(sum(each.open for each in scores)),
    )
    told(f"{name:<9} " + "   ".join(columns))


def costs(seed: str) -> None:
    """One matrix of each size."""
    told("\nmodules   runs   wall on 2 processes   CPU of all   CPU / 2")
    for size in DRAWN:
        graph = world(seed_of(seed, size, 0), size).cured
        workload, twin = workload_of(graph), twin_of(graph)
        rows = experiments_of(workload, twin.zones, "workload.yaml")
        before, began = _cpu(), time.monotonic()
        play_rows(workload, twin, rows, 0, cores=CORES)
        wall, cpu = time.monotonic() - began, _cpu() - before
        goal = f"   {'within' if cpu / 2 <= LARGEST else 'OVER'} {LARGEST:.0f}s" if size == max(DRAWN) else ""
        told(f"{size:<9} {len(rows):<6} {wall:>8.1f}s {cpu:>21.1f}s {cpu / 2:>8.1f}s{goal}")
    told(f"calibration loop of this machine: {calibration():.3f}s CPU")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the tables."""
    drawn = {int(size): int(count) for size, _, count in (word.partition(":") for word in sys.argv[1:])} or DRAWN
    seed = commit()
    told(f"seeds follow from commit {seed[:12]}")
    findings(played(drawn, seed))
    costs(seed)


if __name__ == "__main__":
    main()
