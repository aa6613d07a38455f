"""Another package adds a fault, a KPI source and a check, and every verb of the command line knows them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "harness"


def install(package: Path, target: Path) -> Path:
    """Install a package without its dependencies into a folder, as pip does for an environment."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run([*pip, "--target", str(target), str(package)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package, built from a copy, since setuptools builds beside the sources."""
    folder = tmp_path_factory.mktemp("acme")
    return install(Path(shutil.copytree(HERE / "package", folder / "package")), folder / "site")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(HERE / "project", tmp_path_factory.mktemp("project") / "shop"))


def gameday(folder: Path, *words: str, beside: Path | None) -> tuple[int, str, str]:
    """The command line with a folder of packages beside it: exit code, stdout, stderr."""
    path = os.pathsep.join(str(place) for place in (SOURCE, beside) if place)
    done = subprocess.run(
        [sys.executable, "-m", "gameday.cli.main", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "GAMEDAY_HOME": str(folder / ".home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_faults_explains_the_added_fault(installed: Path, project: Path) -> None:
    code, listed, _ = gameday(project, "faults", beside=installed)
    assert (code, "pause-functions" in listed, "throttle" in listed) == (0, True, True)
    code, explained, _ = gameday(project, "faults", "pause-functions", beside=installed)
    assert (code, "lambda:PutFunctionConcurrency" in explained) == (0, True)


def test_schema_has_the_added_fault_and_source(installed: Path, project: Path, tmp_path: Path) -> None:
    assert gameday(project, "schema", str(tmp_path), beside=installed)[0] == 0
    experiment = json.loads((tmp_path / "experiment.schema.json").read_text())
    assert "pause-functions" in experiment["properties"]["faults"]["items"]["properties"]
    workload = json.loads((tmp_path / "workload.schema.json").read_text())
    assert {"$ref": "#/definitions/FleetSpec"} in workload["definitions"]["SourceSpec"]["anyOf"]


def test_validate_reads_the_added_names(installed: Path, project: Path) -> None:
    assert gameday(project, "validate", ".", beside=installed)[0] == 0


def test_validate_without_the_package_names_both_mistakes(project: Path) -> None:
    code, _, said = gameday(project, "validate", ".", beside=None)
    assert (code, "unknown key `fleet`" in said, "no fault `pause-functions`" in said) == (2, True, True)


def test_validate_words_a_wrong_field_of_the_source(installed: Path, project: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(project, tmp_path / "shop"))
    workload = folder / "workload.yaml"
    workload.write_text(workload.read_text().replace("{fleet: shop-web}", "{fleet: 'A B'}"))
    code, _, said = gameday(folder, "validate", "workload.yaml", beside=installed)
    assert (code, "`A B` is not the name of a scaling group" in said) == (2, True)


def test_plan_shows_the_calls_of_the_added_fault(installed: Path, project: Path) -> None:
    code, text, _ = gameday(project, "plan", "pause-hints.yaml", beside=installed)
    assert (code, "call: lambda.put_function_concurrency" in text) == (0, True)


def test_policy_allows_what_fault_and_source_call(installed: Path, project: Path) -> None:
    code, text, _ = gameday(project, "policy", "pause-hints.yaml", beside=installed)
    allowed = json.dumps(json.loads(text)["run"])
    assert code == 0
    assert "lambda:PutFunctionConcurrency" in allowed
    assert "autoscaling:DescribeAutoScalingGroups" in allowed


def test_run_plays_fault_and_source_on_the_twin(installed: Path, project: Path, tmp_path: Path) -> None:
    code, _, said = gameday(project, "run", "pause-hints.yaml", "--reports", str(tmp_path), beside=installed)
    assert code == 0, said
    events = json.loads((tmp_path / "pause-hints.json").read_text())["events"]
    counted = {sample["value"] for event in events if event.get("kpi") == "web-fleet" for sample in event["samples"]}
    assert counted == {4.0}


def test_check_finds_and_proves_what_the_added_check_sees(installed: Path, project: Path, tmp_path: Path) -> None:
    proofs = project / "proofs"
    code, text, _ = gameday(project, "check", "workload.yaml", "--json", "--write", str(proofs), beside=installed)
    (found,) = [finding for finding in json.loads(text)["findings"] if finding["id"] == "ACME101"]
    assert (code, found["resource"]) == (1, "function hints")
    assert gameday(project, "validate", found["proof"], beside=installed)[0] == 0


# what cannot be used --------------------------------------------------------------------------------------------------

METADATA = "Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n"


def broken(folder: Path, group: str, name: str, code: str) -> Path:
    """A package that adds `name` to a group from a module with this code."""
    (folder / "broken-1.0.dist-info").mkdir()
    (folder / "broken-1.0.dist-info" / "METADATA").write_text(METADATA)
    (folder / "broken-1.0.dist-info" / "entry_points.txt").write_text(f"[{group}]\n{name} = broken:it\n")
    (folder / "broken.py").write_text(code)
    return folder


@pytest.mark.parametrize(
    ("group", "name", "code", "why"),
    [
        ("gameday.faults", "other", "import no_such_module", "ModuleNotFoundError"),
        ("gameday.faults", "other", "it = 3", "not a subclass of Fault"),
        ("gameday.faults", "throttle", "it = 3", "that name is Gameday's own"),
        ("gameday.kpi_sources", "other", "raise SystemError('no')", "SystemError: no"),
        ("gameday.kpi_sources", "http", "it = 3", "that name is Gameday's own"),
    ],
)
def test_a_broken_package_is_invalid_input(tmp_path: Path, group: str, name: str, code: str, why: str) -> None:
    beside = broken(tmp_path, group, name, code)
    exit_code, _, said = gameday(tmp_path, "schema", "out", beside=beside)
    assert (exit_code, "package broken" in said and "GD-E122" in said, f"`{name}`" in said, why in said) == (
        2,
        True,
        True,
        True,
    )


def test_a_broken_source_is_a_mistake_at_its_place(project: Path, tmp_path: Path) -> None:
    beside = broken(tmp_path, "gameday.kpi_sources", "fleet", "import no_such_module")
    code, _, said = gameday(project, "validate", "workload.yaml", beside=beside)
    assert (code, "package broken" in said, "workload.yaml:" in said) == (2, True, True)


def test_a_broken_check_is_invalid_input(project: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(project, tmp_path / "shop"))
    workload = folder / "workload.yaml"
    workload.write_text(workload.read_text().replace("{fleet: shop-web}", "{alarm: web-low}"))
    beside = broken(tmp_path, "gameday.checks", "GD101", "it = 3")
    code, _, said = gameday(folder, "check", "workload.yaml", beside=beside)
    assert (code, "package broken" in said, "`GD101`" in said) == (2, True, True)
