"""A saved plan that was edited, damaged or made elsewhere is refused in plain words, and nothing is touched."""

from __future__ import annotations

import copy
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from gameday.cli import main as cli
from gameday.errors import Exit, InvalidInput, Reason, Refused
from gameday.faults.fault import call
from gameday.files.yaml import parser as yaml12
from gameday.plan.plan import Plan
from gameday.plan.saved import read_plan, save_plan
from gameday.records.record import read_record, write_record
from gameday.run import experiment as play
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.report.sample import held

STARTER = Path(yaml12.__file__).parent.parent / "starter"
Edit = Callable[[dict[str, Any]], object]


def gameday(*words: str) -> int:
    before, sys.argv = sys.argv, ["gameday", *words]
    try:
        cli.main()
    except SystemExit as left:
        return int(left.code or 0)
    finally:
        sys.argv = before
    return Exit.HELD


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A plan as `gameday plan -o` saves it, of a workload with few customers; its folder is where `run` works."""
    folder = tmp_path_factory.mktemp("saved")
    for file in STARTER.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    twin = yaml.safe_load((folder / "twin.yaml").read_text())
    twin["customers"]["rate"], twin["warm_up"] = "1/s", "1s"
    (folder / "twin.yaml").write_text(yaml.safe_dump(twin))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GAMEDAY_HOME", str(folder / "home"))
        assert gameday("plan", "lose-an-instance.yaml", "-o", "plan.json") == Exit.HELD
        yield folder / "plan.json"


@pytest.fixture
def injected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of the plans that would have been injected; nothing is."""
    hashes: list[str] = []

    def would_run(plan: Any, _: Any) -> Any:
        hashes.append(plan.digest)
        raise Refused(("this is a test",))

    monkeypatch.setattr(play, "run", would_run)
    return hashes


def rehashed(raw: dict[str, Any]) -> dict[str, Any]:
    """With the hash that such a plan has, as far as it can be any: as if another version had made it."""
    with suppress(ValueError):  # no plan, no hash
        return {**raw, "hash": Plan.model_validate({k: v for k, v in raw.items() if k != "hash"}).digest}
    return raw


def written(made: Path, raw: object) -> Path:
    path = made.with_name("changed.json")
    path.write_text(json.dumps(raw))
    return path


def first_change(raw: dict[str, Any]) -> Any:
    return raw["planned_faults"][0]["stages"][0][0]


EDITS: dict[str, Edit] = {
    "no such fault": lambda raw: raw["experiment"].update(faults=[{"rm-rf": {}}]),
    "a fault without a name": lambda raw: raw["experiment"].update(faults=[{}]),
    "a fault twice": lambda raw: raw["experiment"]["faults"].append(raw["experiment"]["faults"][0]),
    "a fault that hits nothing named": lambda raw: raw["experiment"].update(faults=[{"terminate-instance": {}}]),
    "no injections": lambda raw: raw.update(planned_faults=[]),
    "injections twice": lambda raw: raw["planned_faults"].append(raw["planned_faults"][0]),
    "no stages": lambda raw: raw["planned_faults"][0].update(stages=[]),
    "a stage twice": lambda raw: raw["planned_faults"][0]["stages"].append(raw["planned_faults"][0]["stages"][0]),
    "a negative seed": lambda raw: raw.update(seed=-5),
    "a guard on a KPI that is not there": lambda raw: raw["experiment"].update(guard={"orderz": {"at_least": "50%"}}),
    "a claim on a KPI that is not there": lambda raw: raw["experiment"].update(steady_state=["orderz"]),
    "a region that is not the workload's": lambda raw: raw["experiment"].update(region="eu-west-1"),
    "another partition": lambda raw: raw["workload"].update(regions=["cn-north-1"]),
    "a journey into nowhere": lambda raw: next(iter(raw["twin"]["customers"]["journeys"].values())).update(enters="no"),
    "a twin without modules": lambda raw: raw["twin"].update(modules={}),
    "a twin that plays other modules": lambda raw: raw["twin"]["modules"].update(
        other=next(iter(raw["twin"]["modules"].values()))
    ),
    "no twin": lambda raw: raw.update(twin=None),
    "another target": lambda raw: first_change(raw).update(id="i-00000000000000000"),
    "another call": lambda raw: first_change(raw).update(call=call("ec2", "delete_vpc").model_dump()),
    "another region of a change": lambda raw: first_change(raw).update(region="eu-west-1"),
    "another account": lambda raw: raw.update(account="999999999999"),
    "nobody would suffer": lambda raw: raw.update(hit=[], may_suffer=[]),
    "deeper than any plan": lambda raw: raw.update(warnings=json.loads("[" * 200 + "]" * 200)),
    "an unknown key": lambda raw: raw.update(force=True),
    "an empty tag": lambda raw: raw["workload"].update(opt_in={"": "x"}),
}


@pytest.mark.parametrize("is_rehashed", [False, True], ids=["edited", "edited with a new hash"])
@pytest.mark.parametrize("name", EDITS)
def test_read_plan_edited_injects_nothing(
    name: str, is_rehashed: bool, made: Path, injected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    raw = json.loads(made.read_text())
    EDITS[name](raw)
    code = gameday("run", str(written(made, rehashed(raw) if is_rehashed else raw)), "--reports", "out")
    said = capsys.readouterr()
    assert code in ((Exit.INVALID, Exit.REFUSED) if is_rehashed else (Exit.INVALID,)), said.err
    assert injected == []
    assert "Traceback" not in said.err


def test_read_plan_hash_of_another_is_invalid(made: Path, injected: list[str]) -> None:
    raw = {**json.loads(made.read_text()), "hash": "0" * 64}
    assert gameday("run", str(written(made, raw))) == Exit.INVALID
    assert injected == []


@pytest.mark.parametrize("version", [None, 2, "1"])
def test_read_plan_of_another_version_is_invalid(version: object, made: Path) -> None:
    raw = {**json.loads(made.read_text()), "version": version}
    with pytest.raises(InvalidInput, match="plan of version"):
        read_plan(written(made, raw))


def test_save_plan_over_a_file_replaces_it_for_its_owner(made: Path, tmp_path: Path) -> None:
    (path := tmp_path / "plan.json").write_text("older")
    path.chmod(0o644)
    (tmp_path / "other").hardlink_to(path)
    save_plan(read_plan(made), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_plan(path) == read_plan(made)
    assert (tmp_path / "other").read_text() == "older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other", "plan.json"]


def test_save_plan_at_a_link_or_device_is_refused(made: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(InvalidInput, match="is a link, a folder or a device"):
            save_plan(read_plan(made), tmp_path / name)
    assert (tmp_path / "target").read_text() == "kept"


def test_save_plan_where_none_can_be_written_leaves_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = read_plan(made)
    with pytest.raises(InvalidInput, match="cannot be written"):
        save_plan(plan, tmp_path / "no such folder" / "plan.json")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InvalidInput, match="No space left"):
        save_plan(plan, tmp_path / "plan.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "1", '"x"', "{", "\xff", "[" * 100_000, '{"seed": NaN}'])
def test_what_is_no_plan_at_all_is_invalid_input(text: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made.with_name("none.json")
    path.write_bytes(text.encode("latin-1"))
    assert gameday("run", str(path)) == Exit.INVALID
    assert "none.json" in capsys.readouterr().err


def test_each_mistake_of_an_edited_plan_has_its_place(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = json.loads(made.read_text())
    raw["experiment"]["guard"] = {"orderz": {"at_least": "50%"}}
    raw["experiment"]["region"] = "eu-west-1"
    assert gameday("run", str(written(made, rehashed(raw)))) == Exit.INVALID
    said = capsys.readouterr().err
    assert "changed.json: experiment.guard.orderz: there is no KPI `orderz`" in said
    assert "changed.json: experiment.region: the workload is not in region `eu-west-1`" in said
    assert "2 mistakes" in said


def test_a_plan_that_nobody_changed_is_run_under_its_hash(made: Path, injected: list[str]) -> None:
    assert gameday("run", str(made), "--reports", "out") == Exit.REFUSED  # by this test, at the injection
    plan = read_plan(made)
    assert injected == [plan.digest] == [json.loads(made.read_text())["hash"]]


def test_plan_has_one_hash_on_any_machine(made: Path, tmp_path: Path) -> None:
    plan = read_plan(made)
    mine = plan.model_copy(
        update={"principal": "arn:aws:iam::111122223333:user/other", "warnings": (Reason("GD-W10", "careful"),)}
    )
    save_plan(mine, tmp_path / "mine.json")
    assert read_plan(tmp_path / "mine.json") == mine
    assert mine.digest == plan.digest
    assert plan.model_copy(update={"seed": 7}).digest != plan.digest


def places(raw: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, value in inner:
        yield (*at, key)
        yield from places(value, (*at, key))


ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2.5,
    "",
    "x",
    "us-west-2",
    "*",
    [],
    {},
    [{}],
    {"": ""},
    "5m",
    "50%",
    "\x00",
    "${X}",
)


@st.composite
def mutated(draw: st.DrawFn, raw: dict[str, Any]) -> dict[str, Any]:
    raw = copy.deepcopy(raw)
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(list(places(raw))))
        holder: Any = raw
        for step in way:
            holder = holder[step]
        how = draw(st.sampled_from(["delete", "replace", "duplicate"]))
        if how == "delete":
            del holder[last]
        elif how == "replace":
            holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif isinstance(holder, list):
            holder.insert(last, copy.deepcopy(holder[last]))
        else:
            holder[f"{last}x"] = copy.deepcopy(holder[last])
    return raw


@settings(
    max_examples=75,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(data=st.data(), is_rehashed=st.booleans())
def test_no_mutation_of_a_plan_is_a_bug_or_injects_another(
    made: Path, injected: list[str], data: st.DataObject, is_rehashed: bool
) -> None:
    injected.clear()
    original = json.loads(made.read_text())
    raw = data.draw(mutated(original))
    code = gameday("run", str(written(made, rehashed(raw) if is_rehashed else raw)), "--reports", "out")
    assert code in (Exit.INVALID, Exit.REFUSED)
    if injected:  # who made it and what was warned of may be edited: it is planned afresh
        assert is_rehashed or injected == [original["hash"]]
        assert read_plan(made.with_name("changed.json")).planned_faults == read_plan(made).planned_faults


def test_write_record_carries_the_plans_hash(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(held(), path)
    assert json.loads(path.read_text())["plan_hash"] == held().plan.digest == read_record(path).plan.digest
