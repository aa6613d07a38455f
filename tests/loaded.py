"""A command beside busy loops, which end with it: `python -m tests.loaded 8 pytest -n 3`; its exit code is ours."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Busy for as long as its parent lives, however the parent ends."""


def main(number: int, *command: str) -> int:
    """Run a command beside so many busy loops; its exit code."""
    with ExitStack() as ends:
        for _ in range(number):
            loop = subprocess.Popen([sys.executable, "-c", BUSY])
            ends.callback(loop.wait)
            ends.callback(loop.kill)
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
