"""`gameday run`: the runs that have ended keep their records, and the exit code is the worst that is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gameday.cli import run as command
from gameday.cli.run import RunOptions, play
from gameday.errors import AwsError, Exit
from gameday.records.record import Record, read_record
from gameday.report import fault_intervals
from gameday.report.chart import chart
from gameday.report.explanations import explained
from gameday.run.experiment import ExperimentRunner

from tests.report.sample import broken, held

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))


def options_of(folder: Path) -> RunOptions:
    return RunOptions(
        "twin",
        None,
        production=False,
        local_journal=False,
        yes=True,
        as_json=False,
        reports=folder,
        command="gameday run",
    )


def ran(folder: Path, monkeypatch: pytest.MonkeyPatch, *ends: Record | Exception) -> Exit:
    """Run the storefront's game day, whose experiments end like this."""

    def several(*_: Any) -> Iterator[Record]:
        for end in ends:
            if isinstance(end, Exception):
                raise end
            yield end

    monkeypatch.setattr(ExperimentRunner, "several", several)
    return play(STOREFRONT / "gameday.yaml", options_of(folder))


AWS = AwsError("ec2", "describe_instances", "InternalError", "by test")


@pytest.mark.parametrize(
    ("end", "error", "code"),
    [
        (held(), AWS, Exit.UNKNOWN),
        (broken(), AWS, Exit.BROKEN),
        (held(), KeyError("Reservations"), Exit.BUG),
        (broken(), KeyError("Reservations"), Exit.BUG),
    ],
)
def test_error_of_a_later_experiment_keeps_the_earlier_record(
    end: Record, error: Exception, code: Exit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ran(tmp_path / "out", monkeypatch, end, error) == code
    assert read_record(tmp_path / "out" / f"{end.name}.json") == end
    assert (tmp_path / "out" / "index.html").exists()


def test_error_of_the_first_experiment_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AwsError):
        ran(tmp_path / "out", monkeypatch, AWS)
    assert not (tmp_path / "out").exists()


def test_page_that_cannot_be_made_keeps_records_and_exits_70(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unmade(*_: Any) -> Path:
        raise KeyError("section")

    monkeypatch.setattr(command, "write_pages", unmade)
    assert ran(tmp_path / "out", monkeypatch, broken()) == Exit.BUG
    assert read_record(tmp_path / "out" / f"{broken().name}.json") == broken()


@pytest.mark.parametrize(("end", "code"), [(held(), Exit.INVALID), (broken(), Exit.BROKEN)])
def test_unwritable_folder_does_not_hide_the_verdict(
    end: Record, code: Exit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert ran(tmp_path / "file", monkeypatch, end) == code


def test_record_is_on_disk_before_the_next_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def several(*_: Any) -> Iterator[Record]:
        yield held()
        seen.extend(path.name for path in (tmp_path / "out").iterdir())

    monkeypatch.setattr(ExperimentRunner, "several", several)
    ran_to_the_end = play(STOREFRONT / "gameday.yaml", options_of(tmp_path / "out"))
    assert ran_to_the_end == Exit.HELD
    assert seen == [f"{held().name}.json"]


def test_run_of_faults_in_order_shows_when_each_was_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(STOREFRONT / "lose-a-zone-then-payments.yaml", options_of(tmp_path)) == Exit.HELD
    record = read_record(tmp_path / "lose-a-zone-then-payments.json")
    assert record.judged
    zone, payments = (fault_intervals.words(each, record.zero) for each in record.judged.phases.faults)
    assert (zone, payments) == ("0s to +7m20s, took effect +20s", "+1m20s to +4m30s, took effect +1m30s")
    assert [line for line in explained(record) if line.startswith("  throttle")] == [f"  throttle: {payments}"]
    terminal = " ".join(capsys.readouterr().out.split())
    assert f"throttle: {payments}" in terminal
    for report in ("summary.md", "junit.xml", "index.html"):
        text = (tmp_path / report).read_text()
        assert zone in text.replace("\\", "")
        assert payments in text.replace("\\", "")
    assert [band.fault for band in chart(record, "orders").faults] == ["az-blackhole", "throttle"]
    assert [band.start for band in chart(record, "orders").faults] == [0.0, 80.0]
