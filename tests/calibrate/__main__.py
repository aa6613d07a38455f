"""The table of what is promised, beside what is measured.

    python -m tests.calibrate [--quick] [WORDS]     # only the jobs whose name holds WORDS

Seeds are frozen: the same table comes out every time. Exit code 1 where a goal is missed.
Beside each row stands what other rules make of the same streams, or why they have no answer.
"""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context

from tests.calibrate.jobs import QUICK, fill, jobs


def main(arguments: list[str]) -> int:
    """Fill the table and print it as it comes."""
    share = QUICK if "--quick" in arguments else 1.0
    words = " ".join(one for one in arguments if not one.startswith("--"))
    wanted = [index for index, job in enumerate(jobs()) if words in job.name]
    missed = 0
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # two processes, a core for each
    with get_context("spawn").Pool(2) as pool:
        for rows, seconds in pool.imap(fill, [(index, share) for index in wanted]):
            for row in rows:
                verdict = {True: "PASS", False: "FAIL", None: "    "}[row.passed]
                print(f"{verdict}  {row.claim:<66} {row.goal:<22} {row.measured}", flush=True)
                for name, told in row.anchors.items():
                    print(f"         anchor: {name:<79} {told}", flush=True)
                missed += row.passed is False
            if "--times" in arguments:
                print(f"      ({seconds:.1f}s)", flush=True)
    print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
