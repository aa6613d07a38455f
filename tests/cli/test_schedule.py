"""`gameday schedule`: the times, the files for other schedulers, and what cannot be scheduled."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from gameday.cli import schedules
from gameday.cli.main import cli
from gameday.errors import Exit, InvalidInput

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
SCHEDULE = '\nschedule: {days: [tue], at: "10:37", zone: Europe/Berlin}\n'


@pytest.fixture
def day(tmp_path, monkeypatch):
    """A gameday file with a schedule; now is a Tuesday, 10:38 in Berlin."""
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(time, "time", lambda: 1796117880.0)
    folder = tmp_path / "storefront"
    shutil.copytree(STOREFRONT, folder)
    file = folder / "gameday.yaml"
    file.write_text(file.read_text() + SCHEDULE)
    return file


def call(*words):
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)


def test_next_as_json_names_instants_and_skips(day):
    file = day.read_text().replace(
        "Berlin}", "Berlin, freezes: [{from: 2026-12-08, to: 2026-12-08, zone: UTC, why: x}]}"
    )
    day.write_text(file)
    listed = json.loads(call("schedule", "next", day, "--count", "2", "--json").stdout)
    assert [each["id"] for each in listed] == ["20261208T0937Z", "20261215T0937Z"]
    assert [each["skipped"] for each in listed] == ["freeze: x", None]


def test_export_overwrites_no_file_of_others(day, tmp_path):
    call("schedule", "export", day, "--to", "systemd", "-o", tmp_path / "units")
    timer = tmp_path / "units" / "gameday-storefront.timer"
    assert "OnCalendar=Tue *-*-* 10:37:00 Europe/Berlin" in timer.read_text()
    timer.write_text("mine")
    with pytest.raises(InvalidInput) as raised:
        call("schedule", "export", day, "--to", "systemd", "-o", tmp_path / "units")
    assert raised.value.gd_code == "GD-E109"


def test_file_without_schedule_is_refused(day):
    with pytest.raises(InvalidInput) as raised:
        schedules.show_next(STOREFRONT / "gameday.yaml", 1, as_json=False)
    assert raised.value.gd_code == "GD-E125"


def test_two_files_of_one_name_are_refused(day):
    other = day.with_name("other.yaml")
    other.write_text(day.read_text())
    with pytest.raises(InvalidInput) as raised:
        schedules.keep([day, other], once=True, place="twin", production=False, local_journal=False)
    assert raised.value.gd_code == "GD-E125"


def test_account_without_store_needs_a_word(day):
    with pytest.raises(InvalidInput) as raised:
        schedules.keep([day], once=True, place="aws", production=False, local_journal=False)
    assert raised.value.gd_code == "GD-E115"


def test_once_runs_the_day_and_keeps_its_occurrence(day, tmp_path, monkeypatch):
    played = []
    monkeypatch.setattr(schedules, "play", lambda file, options: played.append((file, options.yes)) or Exit.BROKEN)
    for expected in (Exit.BROKEN, Exit.HELD):
        assert schedules.keep([day], once=True, place="twin", production=False, local_journal=False) == expected
    assert played == [(day, True)]
    (kept,) = (tmp_path / "home" / "schedule" / "twin").rglob("2026*.json")
    assert (kept.stem, json.loads(kept.read_text())["state"]) == ("20261201T0937Z", "done")
