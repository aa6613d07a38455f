"""The house of ARCHITECTURE.md: a module imports only what stands above it, and files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = (
    "steady_state",
    "harness.errors",
    "harness.account.change",
    "harness.events",
    "harness.account",
    "harness.spec.mistake",
    "harness.spec.rule",
    "harness.faults",
    "harness.spec",
    "harness.sdk",
    "harness.alarms",
    "harness.plan",
    "harness.checks",
    "harness.store",
    "harness.iam",
    "harness.policy",
    "harness.rights",
    "harness.skewed",
    "harness.soundness",
    "harness.saved_plan",
    "harness.record",
    "harness.matrix",
    "harness.matrix_declared",
    "harness.matrix_seen",
    "harness.matrix_links",
    "harness.matrix_findings",
    "harness.matrix_change",
    "harness.releases",
    "harness.suite",
    "harness.refused",
    "harness.stop",
    "harness.watch",
    "harness.bites",
    "harness.lapses",
    "harness.readiness",
    "harness.detection",
    "harness.run",
    "harness.restore",
    "harness.rescue",
    "harness.testing",
    "harness.twin",
    "harness.suites",
    "harness.report",
    "harness.commands",
    "harness.commands_undo",
    "harness.commands_records",
    "harness.commands_matrix",
    "harness.commands_check",
    "harness.commands_proxy",
    "harness.cli_workload",
    "harness.cli",
    "harness.strategies",
    "harness.pytest_plugin",
)
FILES = sorted((ROOT / "harness").rglob("*.py")) + sorted((ROOT / "steady_state").rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


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
    if module == "harness":
        return
    mine = floor_of(module)
    assert mine is not None, f"{module} has no place in the house: add it to ARCHITECTURE.md and here"
    below = {name for name in imports_of(path) if (floor_of(name) or 0) > mine and name != "harness"}
    assert not below


def test_only_one_module_opens_the_door_to_aws() -> None:
    def touches(path: Path, roots: set[str]) -> bool:
        return any(name.partition(".")[0] in roots for name in imports_of(path))

    # The twin needs botocore's types to answer requests, and faults in the SDK its endpoint: they open no session.
    assert [module_of(path) for path in FILES if touches(path, {"boto3"})] == []
    doors = {module_of(path) for path in FILES if "botocore.session" in imports_of(path)}
    assert doors == {"harness.account.aws"}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 320


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_is_called_by_a_name_that_says_nothing(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "core", "manager", "hypothesis"}
