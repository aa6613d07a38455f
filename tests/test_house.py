"""The house of ARCHITECTURE.md: packages in the order of the data, none importing back, and files that stay small."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "harness"
VOCABULARIES = frozenset({"__init__", "errors", "events", "text", "graph", "disk", "strategies"})
"""The only files of code directly in `gameday/`."""
FLOORS = (
    "steady_state",
    "text",
    "graph",
    "disk",
    "errors",
    "change",
    "events",
    "aws",
    "engine",
    "sdk",
    "faults",
    "files",
    "store",
    "twin",
    "plan",
    "iam",
    "records",
    "run",
    "restore",
    "testing",
    "checks",
    "matrix",
    "doctor",
    "conform",
    "schedule",
    "report",
    "strategies",
    "cli",
    "pytest_plugin",
)
"""Each imports only what comes before it."""
ROOMS_OF_STEADY_STATE = ("clock", "deadline", "samples", "registry", "kpi", "skew", "judging", "sources")
ROOMS_OF_THE_TWIN = ("moto", "timetable", "state", "cloudwatch", "traffic", "control_plane", "controllers", "twin")
MOST_ROOMS = 24


def files() -> list[Path]:
    """Every file of code; `gameday/steady_state` is a link, which `rglob` does not follow."""
    return sorted(SOURCE.rglob("*.py")) + sorted((SOURCE / "gameday" / "steady_state").rglob("*.py"))


FILES = files()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = frozenset(map(module_of, FILES))


def imports_of(path: Path) -> set[str]:
    """The names that a file imports, those under TYPE_CHECKING and within functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found


def arrows(prefix: str) -> set[tuple[str, str]]:
    """Which package (or single file) below `prefix` imports which."""
    depth = prefix.count(".") + 1

    def room(module: str) -> str | None:
        parts = module.split(".")
        return parts[depth] if module.startswith(prefix + ".") else None

    found = {(room(module_of(path)), room(name)) for path in FILES for name in imports_of(path)}
    return {(mine, other) for mine, other in found if mine and other and mine != other}


def test_every_room_has_a_floor_and_there_are_few() -> None:
    rooms = {path.name for path in (SOURCE / "gameday").iterdir() if path.is_dir() and path.name != "__pycache__"}
    single = {path.stem for path in (SOURCE / "gameday").glob("*.py")}
    assert single <= VOCABULARIES
    assert rooms | single - {"__init__"} == set(FLOORS)
    assert len(rooms) <= MOST_ROOMS


@pytest.mark.parametrize(
    ("prefix", "floors"),
    [
        ("gameday", FLOORS),
        ("gameday.steady_state", ROOMS_OF_STEADY_STATE),
        ("gameday.twin", ROOMS_OF_THE_TWIN),
    ],
)
def test_no_package_imports_upwards(prefix: str, floors: tuple[str, ...]) -> None:
    found = arrows(prefix)
    assert {name for arrow in found for name in arrow} <= set(floors)
    assert {(mine, other) for mine, other in found if floors.index(other) > floors.index(mine)} == set()


@pytest.mark.parametrize("prefix", ["gameday", "gameday.steady_state", "gameday.twin", "gameday.files", "gameday.sdk"])
def test_no_two_packages_import_each_other(prefix: str) -> None:
    found = arrows(prefix)
    pairs = combinations(sorted({name for arrow in found for name in arrow}), 2)
    assert [(one, other) for one, other in pairs if {(one, other), (other, one)} <= found] == []


def test_steady_state_imports_neither_gameday_nor_an_aws_client() -> None:
    ours = {path: imports_of(path) for path in FILES if module_of(path).startswith("gameday.steady_state")}
    assert ours
    for path, names in ours.items():
        roots = {name.partition(".")[0] for name in names}
        assert not roots & {"boto3", "botocore"}, path
        assert {name for name in names if name.startswith("gameday")} <= {
            name for name in names if name.startswith("gameday.steady_state")
        }, path


def test_one_module_alone_opens_a_session_with_aws() -> None:
    def touches(path: Path, roots: set[str]) -> bool:
        return any(name.partition(".")[0] in roots for name in imports_of(path))

    # The twin needs botocore's types to answer requests, and faults in the SDK its endpoint: they open no session.
    assert [module_of(path) for path in FILES if touches(path, {"boto3"})] == []
    doors = {module_of(path) for path in FILES if "botocore.session" in imports_of(path)}
    assert doors == {"gameday.aws.connection"}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 320


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_no_module_has_an_empty_name(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "core", "manager", "hypothesis"}
