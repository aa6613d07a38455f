"""`gameday runs` and its verbs, `status` and `trend`, and how `gameday run` keeps its runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from gameday.cli.main import cli
from gameday.errors import Exit
from gameday.records.history.history import History
from gameday.records.history.log import folder_of_history
from gameday.records.record import read_record, write_record

from tests.records.history.kept import kept, recovery
from tests.report.sample import broken, held

STOREFRONT = Path(__file__).parent.parent.parent / "experiments" / "storefront"
QUICK = str(STOREFRONT / "throttle-payments.yaml")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def gameday(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), standalone_mode=False)


def ended(*words: str) -> Result:
    """A command that must end well."""
    done = gameday(*words)
    assert (done.exit_code, done.exception) in ((0, None), (0, done.exception)), done.output
    return done


def of_json(*words: str) -> list[dict[str, object]]:
    runs: list[dict[str, object]] = json.loads(ended("runs", *words, "--json").stdout)["runs"]
    return runs


def records(folder: Path) -> Path:
    """A folder of reports with two records."""
    folder.mkdir()
    for record in (held(), broken()):
        write_record(replace(record, release="v1"), folder / f"{record.name}.json")
    return folder


def test_run_on_the_twin_is_kept_with_its_origin(tmp_path: Path) -> None:
    ended("run", QUICK, "--reports", "out", "--release", "v1.4")
    (run,) = of_json()
    record = read_record(tmp_path / "out" / "throttle-payments.json")
    assert (run["run"], run["state"], run["release"], run["place"]) == (record.run, "ended", "v1.4", "twin")
    assert run["verdict"] == record.outcome
    assert run["evidence"] == str(tmp_path / "out" / "throttle-payments.json")
    assert [Path(name).name for name in record.digests] == [
        "throttle-payments.yaml",
        "workload.yaml",
        "twin.yaml",
    ]
    assert record.who == run["who"]
    assert record.who
    assert record.commit is None or len(record.commit) == 40


def test_history_that_cannot_be_written_changes_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "history").write_text("in the way")
    done = ended("run", QUICK, "--reports", "out")
    assert "the history lacks throttle-payments" in done.stderr
    assert "[GD-E600]" in str(gameday("runs").exception)
    record = read_record(tmp_path / "out" / "throttle-payments.json")
    assert any("dropped Keeper" in getattr(event, "text", "") for event in record.events)


def test_refusal_is_kept_with_its_reasons(tmp_path: Path) -> None:
    for path in STOREFRONT.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("baseline: 5m", "baseline: 5s"))
    done = gameday("run", "throttle-payments.yaml", "--reports", "out")
    (run,) = of_json()
    assert (run["verdict"], run["state"], run["left"]) == ("refused", "refused", "untouched"), done.output
    assert "GD-P31" in str(run["about"])
    assert run["evidence"] == str(tmp_path / "out" / "throttle-payments.refused.json")
    ended_code = gameday("report", "latest", "--reports", "again")
    assert (tmp_path / "again" / "index.html").exists(), ended_code.output


COMMAND = [sys.executable, "-m", "gameday.cli.main"]


def test_killed_run_shows_its_phase_then_is_dead_then_completed(tmp_path: Path) -> None:
    words = [*COMMAND, "run", str(STOREFRONT / "lose-a-zone.yaml"), "--reports", "out", "--json", "--release", "v9"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if '"phase":"during"' in line:
                break
        os.kill(process.pid, signal.SIGSTOP)
        (live,) = json.loads(ended("status", "--json").stdout)["runs"]
        process.kill()
    assert (live["workload"], live["place"], live["phase"]) == ("storefront", "twin", "during")
    (dead,) = json.loads(ended("status", "--json").stdout)["runs"]
    assert dead["phase"] == "dead"
    assert [(run["state"], run["release"]) for run in of_json()] == [("begun", "v9")]
    ended("restore")
    assert [(run["state"], run["verdict"], run["release"]) for run in of_json()] == [("killed", "unknown", "v9")]
    assert list((tmp_path / "home" / "runs").iterdir()) == []
    assert "nothing runs" in ended("status").stderr


def test_import_of_reports_fills_the_history_once(tmp_path: Path) -> None:
    folder = records(tmp_path / "reports")
    assert "2 runs, 2 new" in ended("runs", "import", str(folder)).stdout
    assert "2 runs, 0 new" in ended("runs", "import", str(folder)).stdout
    assert [run["verdict"] for run in of_json("--release", "v1")] in (["held", "broken"], ["broken", "held"])


def test_exported_run_is_judged_again_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended("runs", "import", str(records(tmp_path / "reports")))
    before = sorted(map(str, ({**run, "evidence": None} for run in of_json())))
    ended("runs", "export", "runs.zip")
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "other"))
    for path in (tmp_path / "reports").iterdir():
        path.unlink()
    ended("runs", "import", "runs.zip")
    assert sorted(map(str, ({**run, "evidence": None} for run in of_json()))) == before
    again = gameday("report", held().run, "--reports", "again")
    assert isinstance(again.exception, SystemExit)
    assert read_record(tmp_path / "again" / "lose-a-zone.json").run == held().run


def test_bundle_that_says_other_than_its_record_is_refused(tmp_path: Path) -> None:
    from gameday.records.history.bundle import Bundled, read_bundle, write_bundle

    ended("runs", "import", str(records(tmp_path / "reports")))
    ended("runs", "export", "runs.zip", broken().run)
    (bundled,) = read_bundle(tmp_path / "runs.zip")
    write_bundle(tmp_path / "forged.zip", [Bundled(replace(bundled.kept, verdict="held"), bundled.evidence)])
    done = gameday("runs", "import", "forged.zip")
    assert getattr(done.exception, "gd_code", "") == "GD-E102"


def test_export_of_a_run_whose_record_is_gone_says_so(tmp_path: Path) -> None:
    ended("runs", "import", str(records(tmp_path / "reports")))
    (tmp_path / "reports" / "lose-a-zone.json").unlink()
    done = gameday("runs", "export", "runs.zip")
    assert isinstance(done.exception, SystemExit)
    assert done.exception.code == Exit.UNKNOWN
    assert held().run in done.stderr


def test_show_latest_shows_the_claim_and_the_measures() -> None:
    history = History(folder_of_history(), pytest.fail)
    history.keep(kept(1), kept(2, release="v2", measures=(recovery(60.0, 58.0, 62.5),)))
    lines = ended("runs", "show", "latest").stdout.splitlines()
    assert f"claim       {kept(2).claim}" in lines
    assert "recovery    orders: 1m (58s to 1m2.5s), held" in lines


@pytest.mark.parametrize("since", ["2026-01-05T11:00", "2026-01-05T12:00+01:00"])
def test_since_is_an_instant(since: str) -> None:
    History(folder_of_history(), pytest.fail).keep(*(kept(number) for number in range(4)))
    assert len(of_json("--since", since)) == 2


@pytest.mark.parametrize("since", ["", "yesterday", "9999999d", "2026-13-01", "7"])
def test_since_that_is_no_instant_is_invalid(since: str) -> None:
    assert getattr(gameday("runs", "--since", since).exception, "exit", None) == Exit.INVALID


def test_trend_takes_a_name_or_a_claim_and_names_earlier_claims() -> None:
    history = History(folder_of_history(), pytest.fail)
    older = [kept(number, claim="0a" * 32, measures=(recovery(60.0),)) for number in range(2)]
    newer = [kept(number, claim="0b" * 32, measures=(recovery(60.0),)) for number in range(2, 5)]
    history.keep(*older, *newer)
    done = ended("trend", "lose-a-zone")
    assert "gameday trend 0a0a0a0a0a0a" in done.stderr
    assert json.loads(ended("trend", "0b0b", "--json").stdout)["claim"] == "0b" * 32
    assert len(json.loads(ended("trend", "0a", "--json").stdout)["measures"]) == 1
    for unknown in ("nothing", "0", ""):
        assert getattr(gameday("trend", unknown).exception, "gd_code", "") == "GD-E106"


def test_texts_of_a_foreign_run_add_no_line() -> None:
    History(folder_of_history(), pytest.fail).keep(kept(1, about="held\nrun forged", release="v1\x1b[2J\nforged"))
    for words in (("runs",), ("runs", "show", "latest"), ("trend", "lose-a-zone")):
        assert not [line for line in ended(*words).stdout.splitlines() if line.startswith(("forged", "run forged"))]
        assert "\x1b" not in ended(*words).stdout
