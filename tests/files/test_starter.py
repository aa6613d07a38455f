"""What `gameday init` promises: files that load, run and teach; and nothing of anybody's is overwritten."""

from __future__ import annotations

import pytest
from gameday.errors import Exit, InvalidInput
from gameday.files.load import LoadedGameday, load_any, validate_files
from gameday.files.starter import FILES, write_starter
from gameday.plan.plan import RunRequest
from gameday.plan.planner import make_plan
from gameday.run.environment import open_environment


def test_the_starter_loads_as_it_is(tmp_path):
    paths = write_starter(tmp_path / "new" / "chaos")
    assert [path.name for path in paths[:4]] == list(FILES)
    assert all(path.is_file() for path in paths)
    assert validate_files([tmp_path]) == []
    gameday = load_any(tmp_path / "new" / "chaos" / "gameday.yaml")
    assert isinstance(gameday, LoadedGameday)
    assert gameday.experiments[0].twin.zones == ("us-east-1a", "us-east-1b", "us-east-1c")


def test_every_file_points_to_a_schema_that_is_written_beside_it(tmp_path):
    paths = write_starter(tmp_path)
    for path in paths[:4]:
        mark, _, schema = path.read_text().splitlines()[0].partition("$schema=")
        assert mark == "# yaml-language-server: "
        assert path.parent / schema in paths


def test_the_starter_can_be_planned_on_its_twin(tmp_path):
    write_starter(tmp_path)
    one = load_any(tmp_path / "lose-an-instance.yaml")
    with open_environment("twin", one.workload, one.twin, "us-east-1", 0) as environment:
        request = RunRequest(one.experiment, one.workload, one.twin, "twin")
        plan = make_plan(request, environment.account, environment.clock.now())
    assert plan.refusals == ()
    assert (plan.hit, plan.contained) == (("orders",), ("web",))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InvalidInput, match=rf"{name} already .GD-E109.\n  → name another folder") as raised:
        write_starter(tmp_path)
    assert raised.value.exit == Exit.INVALID
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_second_time_names_what_is_there(tmp_path):
    write_starter(tmp_path)
    with pytest.raises(
        InvalidInput, match=r"workload\.yaml, twin\.yaml, lose-an-instance\.yaml, gameday\.yaml already"
    ):
        write_starter(tmp_path)


def test_a_folder_that_cannot_be_made_is_invalid_input(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"cannot write .*file(/x)?: .*\n  → name another folder"):
        write_starter(tmp_path / "file" / "x")
