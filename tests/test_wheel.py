"""The wheel, installed into an environment of its own, in a project that has modules of the same names as ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import LAST_NET

ROOT = Path(__file__).parent.parent
PACKED = ("pyproject.toml", "README.md", "LICENSE", "harness", "steady_state")
"""What the wheel is built from."""

OWN_TEST = """
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import harness
import steady_state
import tests.own
from gameday import sdk


def test_the_projects_own_modules_are_its_own():
    assert (harness.WHOSE, steady_state.WHOSE, tests.own.WHOSE) == ("project", "project", "project")


def test_faults_in_the_sdk_hit():
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("sqs", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x", config=config)
    with sdk.throttle("sqs", "ListQueues", first=1) as seen, pytest.raises(ClientError):
        client.list_queues()
    assert seen.attempts == 1
"""
PYTEST = """#!{python}
import sys
from pytest import console_main
sys.exit(console_main())
"""
"""The script that pip would have installed."""
MINE = 'WHOSE = "project"\n'


@dataclass(frozen=True)
class Project:
    """A project in a folder, and the programs of the environment that it uses."""

    folder: Path
    programs: Path

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """What a program of the environment says and ends with."""
        strange = ("PYTHON", "PYTEST_", "COV_", "AWS_", "GAMEDAY_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(strange)}
        env["GAMEDAY_HOME"] = str(self.folder.parent / "home")
        command = [str(self.programs / program), *words]
        return subprocess.run(
            command, cwd=self.folder, env=env, text=True, capture_output=True, timeout=LAST_NET, check=False
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKED:
        if (ROOT / name).is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=skipped)
        else:
            shutil.copy(ROOT / name, source / name)
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out), str(source))
    _pip(*build)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project beside the installed wheel; what the wheel needs is found where these tests find it."""
    base = tmp_path_factory.mktemp("project")
    venv.create(base / "venv", with_pip=False)
    python = base / "venv" / "bin" / "python"
    _pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = (base / "venv" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = python.parent / "pytest"
    script.write_text(PYTEST.format(python=python))
    script.chmod(0o755)
    folder = base / "theirs"
    for name in ("harness", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "harness" / "__init__.py").write_text(MINE)
    (folder / "steady_state.py").write_text(MINE)
    (folder / "tests" / "__init__.py").write_text("")
    (folder / "tests" / "own.py").write_text(MINE)
    (folder / "tests" / "test_own.py").write_text(OWN_TEST)
    (folder / "reports").mkdir()
    (folder / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\ntestpaths = tests chaos\ngameday_experiments = chaos/lose-an-instance.yaml\n"
    )
    return Project(folder, base / "venv" / "bin")


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LAST_NET, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def started(project: Project) -> Project:
    """The project, with the starter in `chaos/`."""
    done = project.run("gameday", "init", "chaos")
    assert done.returncode == 0, done.stderr
    return project


@pytest.mark.parametrize("command", [("pytest",), ("python", "-m", "pytest")], ids=" ".join)
def test_the_plugin_in_a_project_collects_and_holds(started: Project, command: tuple[str, ...]) -> None:
    done = started.run(*command, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    assert "lose-an-instance  held" in done.stdout


def test_the_command_in_a_project_validates_and_runs(started: Project) -> None:
    experiment = "chaos/lose-an-instance.yaml"
    for command in (("gameday",), ("python", "-m", "gameday.cli.main")):
        done = started.run(*command, "validate", experiment)
        assert done.returncode == 0, done.stdout + done.stderr
    done = started.run("gameday", "run", experiment, "--reports", "reports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (started.folder / "reports" / "index.html").is_file()


def test_the_wheel_holds_one_package_only(project: Project) -> None:
    (packages,) = (project.programs.parent / "lib").glob("python*/site-packages")
    names = {path.name for path in packages.iterdir() if not path.name.startswith("gameday_harness-")}
    assert names == {"gameday", "dependencies.pth"}
