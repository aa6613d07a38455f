"""A log is written where it is asked for, before the verb or after it, and holds no secrets."""

from __future__ import annotations

import logging
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.cli import log
from gameday.cli.main import cli, main
from gameday.errors import Exit, InvalidInput, Unplanned

ROOT = logging.getLogger("gameday")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    yield
    for handler in list(ROOT.handlers):
        ROOT.removeHandler(handler)
        handler.close()
    ROOT.setLevel(logging.NOTSET)


def level(name: str) -> int | None:
    return next((handler.level for handler in ROOT.handlers if handler.name == name), None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["-v"], logging.INFO),
        (["-vv"], logging.DEBUG),
        (["-v", "schema", "-v"], logging.DEBUG),
        (["schema", "-v"], logging.INFO),
    ],
)
def test_verbose_before_or_after_the_verb_counts(words: list[str], expected: int | None, tmp_path: Path) -> None:
    verb = [] if "schema" in words else ["schema"]
    cli.main([*words, *verb, str(tmp_path)], standalone_mode=False)
    assert level(log._VERBOSE) == expected
    assert len(ROOT.handlers) == (expected is not None)


def test_log_file_holds_debug_lines_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "gameday.log"
    cli.main(["schema", "--log-file", str(file), str(tmp_path)], standalone_mode=False)
    logging.getLogger("gameday.aws").debug("asked https://ana:hush@shop.test/?token=hush password=%s", "hush")
    (line,) = file.read_text().splitlines()
    assert line.endswith(" DEBUG gameday.aws asked https://***@shop.test/?token=*** password=***")
    assert line[10] == "T"


def test_log_file_that_cannot_be_written_is_invalid(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        cli.main(["--log-file", str(tmp_path), "schema", str(tmp_path)], standalone_mode=False)


def test_verbose_writes_to_the_stderr_of_the_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["-v", "schema", str(tmp_path)], standalone_mode=False)
    logging.getLogger("gameday.run").info("phase before begins")
    logging.getLogger("gameday.run").debug("sampled")
    heard = capsys.readouterr().err
    assert "INFO  gameday.run phase before begins" in heard
    assert "sampled" not in heard


# what to send with a bug report ---------------------------------------------------------------------------------------


def ends(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gameday", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), Unplanned("ours")])
def test_a_bug_of_ours_says_how_to_report_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(_: Path) -> None:
        raise error

    monkeypatch.setattr("gameday.files.schema.write_schemas", fail)
    assert ends(monkeypatch, "schema", str(tmp_path)) == Exit.BUG
    said = capsys.readouterr().err
    assert ("Traceback" in said) == isinstance(error, ZeroDivisionError)
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in said
    assert "gameday bug-report latest" in said


def test_an_unknown_run_has_no_bug_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))
    assert ends(monkeypatch, "bug-report", "latest") == Exit.INVALID
    assert ends(monkeypatch, "bug-report", "x" * 5000) == Exit.INVALID
    assert list(tmp_path.glob("*.zip")) == []
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_report_of_the_latest_run_is_one_zip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))
    for run in ("20260101-000000-aaaaaa", "20260102-000000-bbbbbb"):
        folder = tmp_path / "reports" / run
        folder.mkdir(parents=True)
        (folder / "short.json").write_text(f'{{"run":"{run}","events":[]}}')
    assert ends(monkeypatch, "bug-report", "latest") == Exit.HELD
    (path,) = tmp_path.glob("*.zip")
    assert path.name == "gameday-bug-report-20260102-000000-bbbbbb.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["versions.txt", "record.json"]
