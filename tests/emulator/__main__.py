"""`python -m tests.emulator`: install the second emulator, play all on it, and list what it does not carry."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from gameday.errors import Exit

from tests.emulator.cases import CARRIED, NOT_CARRIED, RUNS
from tests.emulator.play import Outcome, conform, experiment
from tests.emulator.server import emulator, install
from tests.emulator.storefront import Storefront


def main() -> int:
    """Every case and experiment that the emulator carries, or with --all every case."""
    parser = argparse.ArgumentParser(prog="tests.emulator")
    parser.add_argument("--all", action="store_true", help="try the cases that it does not carry, too")
    asked = parser.parse_args()
    install()
    bad = 0
    with emulator() as url, tempfile.TemporaryDirectory() as folder:
        for name in (*CARRIED, *(NOT_CARRIED if asked.all else ())):
            if name.startswith("lose-"):
                continue
            began = time.monotonic()
            found = conform(url, Path(folder), name)
            bad += name in CARRIED and found.code != Exit.HELD
            _tell(name, found, began)
        world = Storefront(url)
        world.build()
        world.files(Path(folder))
        for name in RUNS:
            began = time.monotonic()
            found = experiment(url, Path(folder), world, name)
            bad += found.code != Exit.HELD
            _tell(name, found, began)
    print("not carried:", *(f"  {name}: {why}" for name, why in NOT_CARRIED.items()), sep="\n")
    return int(bool(bad))


def _tell(name: str, found: Outcome, began: float) -> None:
    held = sum(law["held"] is True for law in found.laws)
    of = f"{held} of {len(found.laws)} laws held" if found.laws else f"exit {found.code}"
    print(f"{name:<28} {of:<24} {time.monotonic() - began:5.0f} s", flush=True)
    if found.code not in (Exit.HELD, Exit.BROKEN):
        print(found.said)


if __name__ == "__main__":
    sys.exit(main())
