"""A bug report holds what is known of a run, and no secret."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest
from gameday.change import SettingChange
from gameday.engine.entries import Entry
from gameday.errors import InvalidInput
from gameday.report.bug_report import how_to_report, journalled, parts_of, versions, write_zip

from tests.doubles.runs import RUN, begun
from tests.doubles.shelf import LEVEL, setting_change

HUSH = "hush-hush"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of the journal, and its record, with secrets in both."""
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "state"))
    journal = begun(tmp_path)
    before = {"Variables": {"DSN": HUSH}, "url": f"http://ana:{HUSH}@shop.test/?key={HUSH}"}
    change = setting_change(LEVEL, before=before, after={"Password": HUSH})
    assert isinstance(change, SettingChange)
    change = change.model_copy(update={"args": {"ApiToken": HUSH}, "about": f"token={HUSH} is set"})
    journal.intend(RUN, [Entry(0, 0, 0, change, was={"secret": HUSH})])
    journal.close()
    record = {"run": RUN, "command": f"gameday run x.yaml --token={HUSH}", "events": [{"params": {"Secret": HUSH}}]}
    (tmp_path / "record.json").write_text(json.dumps(record))
    (tmp_path / "gameday.log").write_text(f"DEBUG asked http://ana:{HUSH}@shop.test\nAuthorization: Bearer {HUSH}\n")
    return RUN


def test_a_bug_report_holds_all_parts_and_no_secret(run: str, tmp_path: Path) -> None:
    parts = parts_of(run, tmp_path / "record.json", tmp_path / "gameday.log")
    assert [part.name for part in parts] == ["versions.txt", "record.json", "journal.json", "log.txt"]
    assert [part.name for part in parts if HUSH in part.text] == []
    journal = json.loads(parts[2].text)
    assert journal["run"]["plan"] == {"plan": True}
    assert journal["entries"][0]["state"] == "open"
    assert journal["entries"][0]["change"]["setting"]["name"] == LEVEL.name


def test_a_record_that_is_damaged_is_left_out(run: str, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(f"password {HUSH}")
    names = {part.name: part.text for part in parts_of(run, tmp_path / "record.json", None)}
    assert HUSH not in names["record.txt"]
    assert "journal.json" in names


def test_a_journal_that_is_damaged_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path))
    (tmp_path / "journal.db").write_text("no database" * 100)
    assert [part.name for part in parts_of(RUN, None, None)] == ["versions.txt", "journal.txt"]
    assert journalled() == []


def test_a_log_that_is_not_there_is_invalid(run: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        parts_of(run, None, tmp_path / "nothing.log")


def test_a_zip_is_for_its_owner_alone(run: str, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    path.symlink_to(tmp_path / "elsewhere")
    for _ in range(2):
        write_zip(path, parts_of(run, None, None))
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert not (tmp_path / "elsewhere").exists()
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["versions.txt", "journal.json"]
    with pytest.raises(InvalidInput):
        write_zip(tmp_path / "no" / "report.zip", [])


def test_versions_name_all_that_a_report_must() -> None:
    named = [line.split()[0] for line in versions().splitlines()]
    assert named[:6] == ["Python", "gameday-harness", "boto3", "botocore", "moto", "pydantic"]


def test_how_to_report_names_the_tracker_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "gameday bug-report latest" in how_to_report()
    monkeypatch.setattr("gameday.report.bug_report._urls", lambda: {"issues": "https://tracker.test/issues"})
    assert how_to_report().endswith("to https://tracker.test/issues")
