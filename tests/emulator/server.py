"""A second AWS that shares no code with moto, `ministack`: its own environment, and its process on loopback.

It needs another version of botocore than the tests, so it lives in an environment of its own. `python -m
tests.emulator` makes that from requirements.txt.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
HOME = Path(os.environ.get("GAMEDAY_EMULATOR") or ROOT / ".venv" / "emulator")
"""The environment of the emulator; below `.venv`, which git ignores."""
PROGRAM = HOME / "bin" / "ministack"
MISSING = "the second emulator is not installed: run python -m tests.emulator"


def install() -> None:
    """Make the environment, if it is not there yet."""
    if not PROGRAM.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        wanted = Path(__file__).parent / "requirements.txt"
        pip = [str(HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
        subprocess.run(pip, check=True)


@contextmanager
def emulator() -> Iterator[str]:
    """Its URL, for as long as the block lasts. It keeps nothing, and listens on loopback alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        env = {"PATH": os.environ["PATH"], "HOME": folder, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen([str(PROGRAM)], env=env, cwd=folder, stdout=quiet, stderr=quiet)
        try:
            until(lambda: _answers(port) or process.poll() is not None)
            assert process.poll() is None, "the emulator has ended"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
