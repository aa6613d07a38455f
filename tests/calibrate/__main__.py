"""The table of promises, each beside its measurement.

    python -m tests.calibrate [--quick] [WORDS]     # only the jobs whose name contains WORDS

Seeds are frozen, so the table is the same every time. Exit code 1 if a goal is missed.
Each row also shows the results of other rules on the same streams, or why they have none.
"""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context

from tests.calibrate.jobs import QUICK, fill, jobs


def main(arguments: list[str]) -> int:
    """Fill the table, and print each row as soon as it is ready."""
    share = QUICK if "--quick" in arguments else 1.0
    words = " ".join(word for word in arguments if not word.startswith("--"))
    wanted = [index for index, job in enumerate(jobs()) if words in job.name]
    missed = 0
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # two processes, a core for each
    with get_context("spawn").Pool(2) as pool:
        for rows, seconds in pool.imap(fill, [(index, share) for index in wanted]):
            for row in rows:
                verdict = {True: "PASS", False: "FAIL", None: "    "}[row.passed]
                print(f"{verdict}  {row.claim:<66} {row.goal:<22} {row.measured}", flush=True)
                for name, result in row.anchors.items():
                    print(f"         anchor: {name:<79} {result}", flush=True)
                missed += row.passed is False
            if "--times" in arguments:
                print(f"      ({seconds:.1f}s)", flush=True)
    print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
