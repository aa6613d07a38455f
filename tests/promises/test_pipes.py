"""No verb waits for a pipe or a device that stands where a file belongs: it says so, or looks elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doubles.play import STOREFRONT
from tests.waiting import LAST_NET

WORDS = {
    "validate": "validate PIPE.yaml",
    "validate a workload": "validate lost.yaml",
    "plan": "plan PIPE.yaml",
    "plan of a saved plan": "run PIPE.json",
    "policy": "policy PIPE.yaml",
    "run": "run PIPE.yaml",
    "matrix": "matrix PIPE.yaml",
    "matrix against a file": "matrix WORKLOAD --against PIPE.json",
    "matrix against a folder": "matrix WORKLOAD --against folder",
    "check": "check PIPE.yaml",
    "proxy": "proxy --rules PIPE.yaml",
    "halt": "halt PIPE.yaml",
    "report": "report PIPE.json --reports out",
    "report of a refusal": "report PIPE.refused.json --reports out",
    "explain a file": "explain PIPE.json",
    "explain a folder": "explain folder",
    "explain an id": "explain 20200101-000000-abcdef",
    "regression": "regression PIPE.json --against PIPE.json",
    "regression against a folder": "regression folder --against folder",
    "bug report of a file": "bug-report PIPE.json",
    "bug report of an id": "bug-report 20200101-000000-abcdef",
    "bug report of the latest": "bug-report latest",
    "bug report with a log": "bug-report RECORD --log PIPE.json",
}
"""What is read → the command that reads it."""


PIPES = ("PIPE.yaml", "PIPE.json", "PIPE.refused.json", "reports/q.json", "folder/q.json", "folder/matrix.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in PIPES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
    (tmp_path / "RECORD").write_text("{}")
    (tmp_path / "lost.yaml").write_text(
        "version: 1\nkind: experiment\nname: lost\nworkload: PIPE.yaml\nhypothesis: H.\nsteady_state: [orders]\n"
        "baseline: 1m\nfaults: [{throttle: {module: web, to: 0}}]\nlasts: 1m\n"
    )
    return tmp_path


@pytest.mark.parametrize("read", WORDS)
def test_pipe_in_place_of_a_file_is_not_waited_for(read: str, folder: Path) -> None:
    words = WORDS[read].replace("WORKLOAD", str(STOREFRONT / "workload.yaml")).split()
    environ = os.environ | {"GAMEDAY_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "gameday.cli.main", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LAST_NET,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["journal.lock", "journal.db"])
def test_pipe_in_place_of_the_journal_is_refused(name: str, folder: Path) -> None:
    (folder / "home").mkdir()
    os.mkfifo(folder / "home" / name)
    environ = os.environ | {"GAMEDAY_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "gameday.cli.main", "restore"]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=LAST_NET, check=False)
    assert done.returncode == 5
