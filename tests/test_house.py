"""The house of ARCHITECTURE.md: a module imports only what stands above it, and files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = (
    "gameday.steady_state",
    "gameday.errors",
    "gameday.account.change",
    "gameday.events",
    "gameday.account",
    "gameday.spec.mistake",
    "gameday.spec.rule",
    "gameday.faults",
    "gameday.spec",
    "gameday.sdk",
    "gameday.alarms",
    "gameday.plan",
    "gameday.checks",
    "gameday.store",
    "gameday.iam",
    "gameday.policy",
    "gameday.rights",
    "gameday.skewed",
    "gameday.soundness",
    "gameday.saved_plan",
    "gameday.record",
    "gameday.matrix",
    "gameday.matrix_declared",
    "gameday.matrix_seen",
    "gameday.matrix_links",
    "gameday.matrix_findings",
    "gameday.matrix_change",
    "gameday.releases",
    "gameday.suite",
    "gameday.refused",
    "gameday.stop",
    "gameday.watch",
    "gameday.bites",
    "gameday.lapses",
    "gameday.readiness",
    "gameday.detection",
    "gameday.run",
    "gameday.restore",
    "gameday.rescue",
    "gameday.testing",
    "gameday.twin",
    "gameday.suites",
    "gameday.report",
    "gameday.commands",
    "gameday.commands_undo",
    "gameday.commands_records",
    "gameday.commands_matrix",
    "gameday.commands_check",
    "gameday.commands_proxy",
    "gameday.cli_workload",
    "gameday.cli",
    "gameday.strategies",
    "gameday.pytest_plugin",
)
FILES = sorted((ROOT / "harness").rglob("*.py")) + sorted((ROOT / "harness" / "gameday" / "steady_state").rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "harness").with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floor_of(module: str) -> int | None:
    matches = [number for number, floor in enumerate(FLOORS) if module == floor or module.startswith(floor + ".")]
    return matches[0] if matches else None


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    module = module_of(path)
    if module == "gameday":
        return
    mine = floor_of(module)
    assert mine is not None, f"{module} has no place in the house: add it to ARCHITECTURE.md and here"
    below = {name for name in imports_of(path) if (floor_of(name) or 0) > mine and name != "gameday"}
    assert not below


def test_only_one_module_opens_the_door_to_aws() -> None:
    def touches(path: Path, roots: set[str]) -> bool:
        return any(name.partition(".")[0] in roots for name in imports_of(path))

    # The twin needs botocore's types to answer requests, and faults in the SDK its endpoint: they open no session.
    assert [module_of(path) for path in FILES if touches(path, {"boto3"})] == []
    doors = {module_of(path) for path in FILES if "botocore.session" in imports_of(path)}
    assert doors == {"gameday.account.aws"}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 320


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_is_called_by_a_name_that_says_nothing(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "core", "manager", "hypothesis"}
