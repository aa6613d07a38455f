"""An AWS endpoint in another process, on loopback: what `--on aws` is tried on."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.session
from botocore.config import Config
from gameday.cli.main import main

from tests.doubles.skipping import HOLD, skipping
from tests.waiting import LAST_NET, until

ROOT = Path(__file__).parent.parent.parent
GAMEDAY = (sys.executable, "-m", "tests.doubles.skipping")


@contextmanager
def moto_server() -> Iterator[str]:
    """Its URL, for as long as the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port) or server.poll() is not None)
        assert server.poll() is None, "moto's server has ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def client(url: str, service: str) -> Any:
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    patient = Config(read_timeout=LAST_NET)
    return session.create_client(service, region_name="us-east-1", endpoint_url=url, config=patient)


def warm_up(url: str) -> None:
    """Let the server load what most tests ask for: the first answer of a service is slow."""
    client(url, "sts").get_caller_identity()
    client(url, "ec2").describe_instances()
    client(url, "iam").list_users()
    client(url, "s3").list_buckets()


def settings(url: str, home: Path) -> dict[str, str]:
    """The environment of a process that takes the server for its account, and skips its waits."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTEST_"))}
    return plain | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "GAMEDAY_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
        HOLD: str(home.parent / "hold"),
    }


def gameday(*words: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a command does and says, played inside this process: another one would mostly import."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.dict(os.environ, env, clear=True),
        patch("sys.argv", ["gameday", *words]),
        contextlib.chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
        skipping(),
    ):
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextmanager
def running(*words: str, env: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A command under way; ended with the block."""
    process = subprocess.Popen(
        [*GAMEDAY, *words], env=env, cwd=cwd, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
