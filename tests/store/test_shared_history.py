"""The history of a team over two machines: runs of an account, a killed run, and what runs now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.cli.undo import restore_dead
from gameday.errors import Exit
from gameday.store import lease

from tests.store.test_account_store import RUN, Shared


@pytest.fixture
def account(server: str, tmp_path: Path) -> Iterator[Shared]:
    account = Shared(server, tmp_path)
    yield account
    account.close()


def runs(account: Shared) -> list[tuple[str, str, str, str]]:
    raw = json.loads(account.gameday("runs", "--json").stdout)
    return [(run["state"], run["verdict"], run["left"], run["release"]) for run in raw["runs"]]


def killed(account: Shared, *words: str) -> None:
    """A run is killed while its fault is in."""
    with account.in_mid_run(*words) as process:
        process.kill()
        process.wait()


def test_account_run_is_shared_and_judged_again_elsewhere(account: Shared) -> None:
    done = account.gameday(*RUN, "--release", "v7")
    assert done.returncode == Exit.HELD, done.stderr + done.stdout
    assert len(account.keys("history/runs/")) == len(account.keys("history/evidence/")) == 1
    account.another_machine()
    synced = account.gameday("runs", "sync", "workload.yaml")
    assert synced.returncode == Exit.HELD, synced.stderr
    assert runs(account) == [("ended", "held", "restored", "v7")]
    for reports in account.folder.glob("reports/*/*.json"):
        reports.unlink()
    again = account.gameday("report", "latest", "--reports", "again")
    assert again.returncode == Exit.HELD, again.stderr
    assert (account.folder / "again" / "index.html").exists()


def test_store_that_fails_after_a_run_changes_no_exit_code(account: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    from gameday.cli import keeping

    def unsendable(*_: object) -> None:
        raise OSError("by test")

    monkeypatch.setattr(keeping, "send", unsendable)
    done = account.gameday(*RUN)
    assert done.returncode == Exit.HELD, done.stderr
    assert "is not in s3://" in done.stdout + done.stderr
    monkeypatch.undo()
    assert "1 sent" in account.gameday("runs", "sync", account.store).stdout


def test_status_shows_a_run_on_this_machine_and_on_another(account: Shared) -> None:
    with account.in_mid_run() as process:
        (here,) = json.loads(account.gameday("status", "--json").stdout)["runs"]
        assert (here["workload"], here["phase"], here["seen_in"]) == ("batch", "during", "this machine")
        account.another_machine()
        assert json.loads(account.gameday("status", "--json").stdout)["runs"] == []
        (there,) = json.loads(account.gameday("status", "--store", account.store, "--json").stdout)["runs"]
        assert (there["run"], there["phase"], there["seen_in"]) == (here["run"], "during", account.store)
        account.release()
        process.communicate()
    assert json.loads(account.gameday("status", "--store", account.store, "--json").stdout)["runs"] == []


def test_killed_run_is_completed_by_restore(account: Shared) -> None:
    killed(account, "--release", "v8")
    assert runs(account) == [("begun", "unknown", "unknown", "v8")]
    (dead,) = json.loads(account.gameday("status", "--json").stdout)["runs"]
    assert dead["phase"] == "dead"
    assert account.gameday("restore").returncode == Exit.HELD
    assert runs(account) == [("killed", "unknown", "restored", "v8")]
    assert account.gameday("explain", "latest").returncode == Exit.HELD


def test_killed_run_is_completed_by_another_machine(account: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(account, "--release", "v8")
    account.another_machine()
    monkeypatch.setattr(lease, "UNMOVED", 0.0)  # 135 s on a real store
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, account.env[name])
    monkeypatch.setenv("GAMEDAY_HOME", account.env["GAMEDAY_HOME"])
    monkeypatch.chdir(account.folder)
    assert restore_dead(account.store) == Exit.HELD
    assert runs(account) == [("killed", "unknown", "restored", None)]
    account.env |= {"GAMEDAY_HOME": str(account.folder / "home")}
    account.gameday("runs", "sync", account.store)
    assert runs(account) == [("killed", "unknown", "restored", "v8")]
