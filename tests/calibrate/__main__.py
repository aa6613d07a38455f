"""The table of what is promised, beside what is measured.

    python -m tests.calibrate [--quick] [WORDS]     # only the jobs whose name holds WORDS

Seeds are frozen: the same table comes out every time. Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from multiprocessing import get_context

from tests.calibrate.row import Job, Row

GROUPS = ("delay", "false_aborts", "recovery", "isolation", "loss", "regression", "twin")
"""Modules of this directory, each with its `JOBS`."""
QUICK = 0.01


def jobs(words: str = "") -> list[Job]:
    """All jobs, in the order of the table."""
    found = [job for group in GROUPS for job in import_module(f"tests.calibrate.{group}").JOBS]
    return [job for job in found if words in job.name]


def fill(task: tuple[int, float]) -> tuple[list[Row], float]:
    """The rows of one job, and the seconds they took."""
    began = time.monotonic()
    return jobs()[task[0]].fill(task[1]), time.monotonic() - began


def main(arguments: list[str]) -> int:
    """Fill the table and print it as it comes."""
    share = QUICK if "--quick" in arguments else 1.0
    words = " ".join(one for one in arguments if not one.startswith("--"))
    wanted = [index for index, job in enumerate(jobs()) if words in job.name]
    missed = 0
    with get_context("spawn").Pool(2) as pool:
        for rows, seconds in pool.imap(fill, [(index, share) for index in wanted]):
            for row in rows:
                verdict = {True: "PASS", False: "FAIL", None: "    "}[row.passed]
                print(f"{verdict}  {row.claim:<66} {row.goal:<22} {row.measured}", flush=True)
                missed += row.passed is False
            if "--times" in arguments:
                print(f"      ({seconds:.1f}s)", flush=True)
    print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
