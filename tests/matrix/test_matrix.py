"""`gameday matrix` on the twin: what is planted is found, what is cured is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gameday.cli.main import main
from gameday.files.load import load_experiment, load_workload
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.matrix.findings import analyse
from gameday.matrix.model import Matrix, to_json
from gameday.matrix.twin import DIED, MARGIN, experiments_of, play_rows

from tests.doubles.play import STOREFRONT, cured, read
from tests.waiting import LAST_NET, until

FRONT = {"latency": {"p50": "5ms", "p95": "10ms"}, "function": {}}


def shop(
    calls: dict[str, list[dict[str, Any]]], declared: dict[str, dict[str, list[str]]], rate: str = "20/s"
) -> tuple[Workload, TwinFile]:
    """A workload of functions, each with its own customers; declared and played apart."""
    names = list(declared)
    metrics = {f"N/{one}{count}": {"journey": one, "count": count} for one in names for count in ("tried", "failed")}
    twin = {
        "version": 1,
        "kind": "twin",
        "zones": ["us-east-1a"],
        "modules": {one: FRONT | {"calls": calls.get(one, [])} for one in names},
        "warm_up": "5s",
        "customers": {
            "rate": rate,
            "journeys": {one: {"share": f"{100 // len(names)}%", "enters": one, "patience": "5s"} for one in names},
        },
        "metrics": metrics,
    }

    def kpi(name: str) -> dict[str, Any]:
        bad = {"cloudwatch": f"N/{name}failed", "period": "1s", "missing": "zero"}
        ratio = {"bad": bad, "total": {"cloudwatch": f"N/{name}tried", "period": "1s"}}
        return {"tier": "business", "module": name, "ratio": ratio, "bound": {"at_least": "95%"}}

    workload = {
        "version": 1,
        "kind": "workload",
        "name": "shop",
        "provides": "A shop.",
        "account": "111122223333",
        "regions": ["us-east-1"],
        "owns": {"tags": {"app": "shop"}},
        "modules": {one: {"owns": {"functions": [one]}, **more} for one, more in declared.items()},
        "kpis": {one: kpi(one) for one in names},
    }
    return Workload.model_validate(workload), TwinFile.model_validate(twin)


def played(workload: Workload, twin: TwinFile, only: tuple[str, ...] = (), seed: int = 0) -> Matrix:
    experiments = experiments_of(workload, twin.zones, "workload.yaml")
    chosen = tuple(one for one in experiments if not only or one.name in only)
    return analyse(workload, play_rows(workload, twin, chosen, seed, cores=1), seed, MARGIN)


def storefront(change: Any) -> Matrix:
    workload = Workload.model_validate(read("workload.yaml"))
    twin = TwinFile.model_validate(change(read("twin.yaml")))
    return played(workload, twin, ("throttle-recommendations", "isolate-web"))


def links(found: Matrix) -> list[tuple[str, str, str]]:
    return [(one.kind, one.source, one.module) for one in found.findings]


def test_storefronts_flaw_is_found_and_nothing_else() -> None:
    found = storefront(lambda raw: raw)
    assert links(found) == [("not-tolerated", "recommendations", "web")]
    assert [one.way for one in found.findings[0].chains] == [("recommendations", "web", "checkout")]
    assert found.exit == 1


def test_cured_storefront_has_no_finding() -> None:
    found = storefront(cured)
    assert (links(found), found.open, found.exit) == ([], (), 0)


CALLS = {
    "web": [{"to": "api", "timeout": "1s"}],
    "api": [{"to": "db", "timeout": "1s"}],
}
DECLARED: dict[str, dict[str, list[str]]] = {"web": {"needs": ["api"]}, "api": {"needs": ["db"]}, "db": {}, "ads": {}}


def test_a_workload_that_is_as_it_declares_has_no_finding() -> None:
    found = played(*shop(CALLS, DECLARED))
    assert (links(found), found.open, found.exit) == ([], (), 0)


def test_a_planted_hidden_dependency_is_found_with_its_chain() -> None:
    planted = {**CALLS, "api": [*CALLS["api"], {"to": "ads", "timeout": "1s"}]}
    found = played(*shop(planted, DECLARED))
    assert links(found) == [("hidden", "ads", "api")]
    assert [one.way for one in found.findings[0].chains] == [("ads", "api", "web")]


def test_a_planted_dead_declaration_is_found() -> None:
    found = played(*shop(CALLS, {**DECLARED, "ads": {"needs": ["db"]}}))
    assert links(found) == [("dead", "db", "ads")]
    assert found.exit == 0


def test_same_seed_gives_same_bytes_on_any_number_of_cores() -> None:
    workload, twin = shop(CALLS, DECLARED)
    experiments = experiments_of(workload, twin.zones, "workload.yaml")[:2]
    one, two = (play_rows(workload, twin, experiments, 3, cores=cores) for cores in (1, 2))
    assert to_json(analyse(workload, one, 3, MARGIN)) == to_json(analyse(workload, two, 3, MARGIN))


def test_too_little_traffic_is_unknown_and_never_contained() -> None:
    found = played(*shop({}, {"web": {}, "db": {}}, rate="1/s"), only=("throttle-db",))
    assert found.exit == 3
    assert found.open


def gameday(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["gameday", "matrix", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


PARENT = """
import os, signal, sys
from multiprocessing import active_children
from pathlib import Path
from gameday.files.load import load_workload
from gameday.matrix.twin import experiments_of, play_rows

def killed(_):
    print(*(child.pid for child in active_children()), flush=True)
    os.kill(os.getpid(), int(sys.argv[2]))

if __name__ == "__main__":
    loaded = load_workload(Path(sys.argv[1]))
    experiments = experiments_of(loaded.workload, (), "")
    play_rows(loaded.workload, loaded.twin, experiments, 7, killed, cores=2)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_a_matrix_that_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    file = write(tmp_path, *shop(CALLS, DECLARED))
    command = [sys.executable, str(script), str(file), str(int(number))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LAST_NET, check=False)
    assert ended.returncode == (-number if number is signal.SIGKILL else -signal.SIGINT), ended.stderr
    workers = [int(pid) for pid in ended.stdout.split()]
    assert len(workers) == 2
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_an_experiment_is_not_a_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gameday(monkeypatch, STOREFRONT / "lose-a-zone.yaml") == 2


def test_its_experiments_can_be_written_and_are_valid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gameday(monkeypatch, STOREFRONT / "workload.yaml", "--write", tmp_path / "matrix") == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert len(paths) == 6 + 3
    first = load_experiment(paths[0])
    assert first.twin
    made = experiments_of(first.workload, first.twin.zones, "")
    for path, one in zip(paths, made, strict=True):
        loaded = load_experiment(path).experiment
        assert loaded.model_copy(update={"workload": ""}) == one
    assert gameday(monkeypatch, STOREFRONT / "workload.yaml", "--write", tmp_path / "matrix") == 0
    paths[0].write_text(mine := f"{paths[0].read_text()}# a change of ours\n")
    assert gameday(monkeypatch, STOREFRONT / "workload.yaml", "--write", tmp_path / "matrix") == 2
    assert paths[0].read_text() == mine


def write(folder: Path, workload: Workload, twin: TwinFile, **more: Any) -> Path:
    """Both as files; `more` replaces fields of the workload."""
    for name, model in (("workload", workload), ("twin", twin)):
        raw = json.loads(model.model_dump_json(by_alias=True, exclude_defaults=True))
        raw |= {"twin": "twin.yaml", **more} if name == "workload" else {}
        (folder / f"{name}.yaml").write_text(json.dumps(raw))
    return folder / "workload.yaml"


@pytest.fixture
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)


Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


@pytest.mark.usefixtures("one_core")
def test_a_matrix_with_its_runs_is_kept_and_compared_with(monkeypatch: Patch, tmp_path: Path, capsys: Capture) -> None:
    file = write(tmp_path, *shop({}, {"web": {}, "db": {}}))
    assert gameday(monkeypatch, file, "--reports", tmp_path / "old") == 0
    assert f"report: {tmp_path / 'old' / 'index.html'}" in capsys.readouterr().out
    for row in ("throttle-web", "throttle-db"):
        assert f'href="{row}/index.html"' in (tmp_path / "old" / "index.html").read_text()
        assert (tmp_path / "old" / row / "index.html").exists()
        assert (tmp_path / "old" / row / f"{row}.json").exists()
    file = write(tmp_path, *shop({"web": [{"to": "db", "timeout": "1s"}]}, {"web": {}, "db": {}}))
    assert gameday(monkeypatch, file, "--against", tmp_path / "old") == 1
    told = capsys.readouterr().out
    assert "new: web depends on db, and does not declare it: web got worse by 100 points (99" in told
    assert "throttle-db, web: was contained (web by 0 points (" in told


def test_incomparable_matrix_raises_before_any_run(monkeypatch: Patch, tmp_path: Path, capsys: Capture) -> None:
    file = write(tmp_path, *shop({}, {"web": {}, "db": {}}))
    monkeypatch.setattr("gameday.cli.matrix.play_rows", lambda *_: pytest.fail("played"))
    os.mkfifo(tmp_path / "pipe")
    other = to_json(Matrix("other", "twin", 0, 0.01, 0.05, (), (), (), {}))
    (tmp_path / "other.json").write_text(other)
    (tmp_path / "newer.json").write_text(other.replace('"version": 1', '"version": 2'))
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    told = {
        "none.json": "cannot be read: No such file",
        "pipe": "is not a file",
        "other.json": "the older matrix is of other with a margin of 0.01",
        "newer.json": "is not a matrix: Input should be 1 at version",
        "binary.json": "is not a matrix: Invalid JSON",
    }
    for name, reason in told.items():
        assert gameday(monkeypatch, file, "--against", tmp_path / name) == 2
        said = capsys.readouterr().err
        assert reason in said
        assert "→ " in said


@pytest.mark.usefixtures("one_core")
def test_a_cycle_of_needs_is_no_mistake(monkeypatch: Patch, tmp_path: Path, capsys: Capture) -> None:
    declared: dict[str, dict[str, list[str]]] = {"web": {"needs": ["db"]}, "db": {"needs": ["web"]}}
    file = write(tmp_path, *shop({"web": [{"to": "db", "timeout": "1s"}]}, declared))
    assert gameday(monkeypatch, file) == 0
    told = capsys.readouterr().out
    assert "throttle-web  [X]  (.)\n" in told
    assert "throttle-db   (X)  [X]\n" in told


@pytest.mark.usefixtures("one_core")
def test_module_without_kpi_is_reported_as_not_judged(monkeypatch: Patch, tmp_path: Path, capsys: Capture) -> None:
    workload, twin = shop({}, {"web": {}, "db": {}})
    kpis = json.loads(workload.model_dump_json(by_alias=True, exclude_defaults=True))["kpis"]
    assert gameday(monkeypatch, write(tmp_path, workload, twin, kpis={"web": kpis["web"]})) == 0
    told = capsys.readouterr().out
    assert "note: Gameday cannot judge db: it has no KPI" in told
    assert "throttle-web  [X]   - \n" in told


@pytest.mark.usefixtures("one_core")
def test_a_kpi_without_traffic_is_unknown(monkeypatch: Patch, tmp_path: Path, capsys: Capture) -> None:
    workload, twin = shop({}, {"web": {}, "ads": {}})
    kpis = json.loads(workload.model_dump_json(by_alias=True, exclude_defaults=True))["kpis"]
    silent = json.loads(json.dumps(kpis["ads"]).replace("N/ads", "N/nobody").replace('"zero"', '"unknown"'))
    silent |= {"tier": "technical"}
    assert gameday(monkeypatch, write(tmp_path, workload, twin, kpis=kpis | {"ads": silent})) == 3
    assert "not known: throttle-web, ads: cannot be judged: no data" in capsys.readouterr().out


def test_a_module_with_no_targets_is_refused_by_name(monkeypatch: Patch, tmp_path: Path, capsys: Capture) -> None:
    workload, twin = shop({}, {"web": {}, "db": {}})
    file = write(tmp_path, workload, twin, modules={"web": {"owns": {"functions": ["web"]}}, "db": {"owns": {}}})
    assert gameday(monkeypatch, file) == 5
    assert "not injecting: module db owns nothing that a fault could hit" in capsys.readouterr().err


DYING = """
import os, sys
from pathlib import Path
from gameday.files.load import load_workload
from gameday.matrix.twin import experiments_of, play_rows

def keep(record):
    if record.name == sys.argv[2]:
        os.kill(os.getpid(), 9)

if __name__ == "__main__":
    loaded = load_workload(Path(sys.argv[1]))
    experiments = experiments_of(loaded.workload, (), "")
    for row in play_rows(loaded.workload, loaded.twin, experiments, 7, cores=2, keep=keep):
        print(row.experiment, len(row.effects), *row.refused, sep="|")
"""


def test_dead_worker_costs_its_own_row_only(tmp_path: Path) -> None:
    (script := tmp_path / "parent.py").write_text(DYING)
    file = write(tmp_path, *shop(CALLS, DECLARED))
    loaded = load_workload(file)
    names = [experiment.name for experiment in experiments_of(loaded.workload, (), "")]
    command = [sys.executable, str(script), str(file), names[1]]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LAST_NET, check=False)
    assert ended.returncode == 0, ended.stderr
    rows = [line.split("|") for line in ended.stdout.splitlines()]
    assert [row[0] for row in rows] == names
    assert [int(row[1]) > 0 for row in rows] == [name != names[1] for name in names]
    assert rows[1][2:] == [DIED]
