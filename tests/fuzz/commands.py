"""Run commands of the command line inside this process, and judge how each ended."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from unittest import mock

from gameday.cli.main import main
from gameday.errors import Exit
from gameday.files import twin_load
from gameday.plan.guards import twin_load as guard
from gameday.sdk.proxy.control_api import answer
from gameday.sdk.proxy.rules import Rules
from gameday.twin.traffic import customers

from tests.fuzz.mutations import EDGES, as_text, mutate
from tests.fuzz.projects import Project, Tree, project

STEPS = 200_000
"""Steps of a run that the fuzzer plays: the product's own limit would take half a minute for each."""
EVENTS = 5_000_000
CODES = frozenset(int(code) for code in Exit)


class Theme(StrEnum):
    """Which commands a case runs."""

    LOOK = "look"
    RUN = "run"
    SAVED = "saved"


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    verb: str
    code: int
    failure: str = ""  # empty: as promised
    errors: str = ""


def small_limits() -> contextlib.ExitStack:
    """Lower the limits of the twin, and play a matrix in this process, for as long as the block lasts."""
    stack = contextlib.ExitStack()
    for module in (twin_load, guard):
        stack.enter_context(mock.patch.object(module, "MOST_STEPS", STEPS))
    stack.enter_context(mock.patch("gameday.files.check_workload.MOST_STEPS", STEPS))
    stack.enter_context(mock.patch("gameday.files.check_workload.MOST_INSTANCES", 60))
    stack.enter_context(mock.patch.object(customers, "MOST_EVENTS", EVENTS))
    stack.enter_context(mock.patch("os.cpu_count", return_value=1))
    return stack


def call(*words: str) -> Outcome:
    """Run one command in the current folder."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["gameday", *words]),
        mock.patch.object(sys, "stdin", io.StringIO()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    errors = err.getvalue()
    if "Traceback" in errors or code == Exit.BUG:
        last = [line for line in errors.splitlines() if line and not line.startswith(("gameday:", "  "))]
        return Outcome(words[0], code, f"traceback: {last[-1] if last else errors[-200:]}", errors)
    return Outcome(words[0], code, "" if code in CODES else f"exit {code}", errors)


def write(project: Project, folder: Path) -> None:
    """Write a project into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in project.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(as_text(name, content).encode("utf-8", "surrogatepass"))


def play(files: Project, random: Random, folder: Path, theme: Theme) -> Iterator[Outcome]:
    """Run the commands of a theme on files; `random` chooses arguments."""
    write(files, folder)
    os.chdir(folder)
    os.environ["GAMEDAY_HOME"] = str(folder / "home")
    if theme is Theme.SAVED:
        yield from _read(files, random)
        return
    for file in files:
        checked = call("validate", file)
        yield checked
        if checked.code == Exit.HELD:
            has_twin = _has_twin(file)
            for outcome in _run(file, random) if theme is Theme.RUN else _look(file):
                yield _as_validated(outcome) if has_twin else outcome
    if random.random() < 0.1:
        yield call("schema", "schemas")
        yield call("errors", str(random.choice(EDGES)))
        yield call("faults", str(random.choice(EDGES)))
        yield call("restore", "--list")
        yield call("halt", str(random.choice(EDGES)))


def _as_validated(outcome: Outcome) -> Outcome:
    """What `validate` accepts, no other command refuses as wrong input."""
    if outcome.code == Exit.INVALID and not outcome.failure:
        last = next((line for line in outcome.errors.splitlines() if "[GD-" in line), outcome.errors[-200:])
        return Outcome(outcome.verb, outcome.code, f"valid, then exit 2: {last}", outcome.errors)
    return outcome


def _has_twin(file: str) -> bool:
    from gameday.files.load import load_any
    from gameday.files.loaded import LoadedExperiment, LoadedGameday, LoadedWorkload

    loaded = load_any(Path(file))
    if isinstance(loaded, LoadedGameday):
        return all(experiment.twin for experiment in loaded.experiments)
    return isinstance(loaded, LoadedExperiment | LoadedWorkload) and loaded.twin is not None


def _look(file: str) -> Iterator[Outcome]:
    """Run what only reads."""
    from gameday.files.load import load_any
    from gameday.files.loaded import LoadedExperiment, LoadedRules, LoadedWorkload

    loaded = load_any(Path(file))
    if isinstance(loaded, LoadedExperiment):
        yield call("plan", file)
    elif isinstance(loaded, LoadedWorkload):
        yield call("check", file, "--write", "proofs")
        yield call("matrix", file, "--write", "rows")
        for written in (*sorted(Path("proofs").glob("*.yaml"))[:1], *sorted(Path("rows").glob("*.yaml"))[:1]):
            yield from (_as_validated(call(verb, str(written))) for verb in ("validate", "plan"))
    elif isinstance(loaded, LoadedRules):
        yield from _proxy(loaded.rules, Random(file))


def _run(file: str, random: Random) -> Iterator[Outcome]:
    """Run what injects."""
    from gameday.files.load import load_any
    from gameday.files.loaded import LoadedExperiment, LoadedGameday, LoadedWorkload

    loaded = load_any(Path(file))
    if isinstance(loaded, LoadedExperiment):
        yield call("policy", file)
        planned = call("plan", file, "-o", f"{file}.plan.json")
        yield planned
        if planned.code == Exit.HELD:
            yield call("run", file, "--reports", "old", *random.choice([(), ("--json",)]))
    elif isinstance(loaded, LoadedWorkload) and random.random() < 0.2:
        yield call("matrix", file, *random.choice([(), ("--json",)]), "--reports", "matrix")
    elif isinstance(loaded, LoadedGameday) and random.random() < 0.2:
        yield call("run", file, "--reports", "all")


def _proxy(rules: object, random: Random) -> Iterator[Outcome]:
    """Put each rule into a proxy as JSON, unchanged and changed: what it takes it lists, and takes again."""
    from gameday.sdk.rule import Rule

    state = Rules()
    for number, rule in enumerate(rules):  # type: ignore[arg-type]  # a tuple of rules
        assert isinstance(rule, Rule)
        raw = rule.model_dump(mode="json", exclude_defaults=True)
        for body in (raw, mutate(raw, random)):
            try:
                status = _put(state, f"r{number}", body)
                listed = json.loads(answer(state, "GET", "/_gameday/rules", b"")[2])["rules"]
                again = [_put(Rules(), "x", named["rule"]) for named in listed]
                wrong = "" if status in (200, 400) and set(again) == {200} else f"status {status}, then {again}"
            except Exception as error:  # noqa: BLE001 - the fuzzer reports any
                wrong = f"traceback: {type(error).__name__}: {error}"
            yield Outcome("proxy", 0, wrong, json.dumps(body))


def _put(state: Rules, name: str, body: Tree) -> int:
    return answer(state, "PUT", f"/_gameday/rules/{name}", json.dumps(body).encode())[0]


def saved_files(random: Random, folder: Path) -> Project:
    """Return a project that runs, with what its commands save: a plan, records of two seeds, a matrix."""
    while True:
        files = project(random)
        write(files, folder)
        os.chdir(folder)
        os.environ["GAMEDAY_HOME"] = str(folder / "home")
        call("plan", "first.yaml", "-o", "plan.json")
        for name, seed in (("old", "1"), ("new", "2")):
            call("run", "first.yaml", "--reports", name, "--seed", seed)
        call("matrix", "workload.yaml", "--reports", "matrix")
        names = ("plan.json", "old/first.json", "new/first.json", "matrix/matrix.json")
        if all(Path(name).is_file() for name in names):
            return {**files, **{name: json.loads(Path(name).read_text()) for name in names}}


def _read(files: Project, random: Random) -> Iterator[Outcome]:
    """Run what reads saved files."""
    del files
    yield call("run", "plan.json", "--reports", "saved") if random.random() < 0.5 else call("validate", "plan.json")
    yield call("matrix", "workload.yaml", "--against", "matrix/matrix.json", "--write", "rows")
    yield call("report", "old/first.json", "--reports", "again")
    yield call("explain", "old/first.json")
    yield call("explain", "old")
    yield call("regression", "new", "--against", "old", "--json")
    yield call("regression", "new", "--against", "old", "--margin", str(random.choice(EDGES)))
    yield call("bug-report", "old/first.json")
