"""`python -m tests.attack`: attack each area for a bounded time; print the table `area | tried | failed`.

`--write` puts the table into docs/attack.md. Everything stays on loopback. Exit code 1: an attack succeeded.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.attack.area import Attack, Count, Until
from tests.attack.processes import kills, signals
from tests.attack.scenarios import of_kinds

AREAS: dict[str, Attack] = {
    "answers of something else than AWS, once and twelve in a row": of_kinds("nonsense", "rows of nonsense"),
    "answers that drip": of_kinds("drips"),
    "calls that AWS fails": of_kinds("troubles"),
    "somebody else writes meanwhile": of_kinds("stranger"),
    "a process that dies at a step, and its restore": of_kinds("plain", "pairs"),
    "signals to a real process": signals,
    "kill -9 of a real process": kills,
}
"""Each area: a line of the table."""
PAGE = Path(__file__).parent.parent.parent / "docs" / "attack.md"
HEAD = """\
# What was attacked

`make attack` tries each area for a bounded time, on this machine alone, and writes this page. An attack fails the
promise where the account differs afterwards, where a run does not end in its exit code, or where an exception gets out.

"""


def table(counts: dict[str, Count]) -> str:
    """The table, in Markdown."""
    rows = [f"| {area} | {count.tried:,} | {len(count.failed)} |" for area, count in counts.items()]
    return "\n".join(["| area | tried | failed |", "|---|---|---|", *rows, ""])


def main() -> int:
    """Attack, and print the table."""
    parser = argparse.ArgumentParser(prog="tests.attack")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each area")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", nargs="*", default=list(AREAS), choices=list(AREAS), metavar="AREA")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", file=sys.stderr)
    counts: dict[str, Count] = {}
    for area in asked.only:
        counts[area] = AREAS[area](Until.after(asked.seconds), asked.seed)
        print(f"{area}: {counts[area].tried} tried", *counts[area].failed, sep="\n  ", file=sys.stderr, flush=True)
    print(table(counts))
    if asked.write:
        PAGE.write_text(HEAD + table(counts))
    return int(any(count.failed for count in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
