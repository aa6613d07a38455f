"""`--on aws` with the team's store, as whole commands against an endpoint in another process: lease, halt, rescue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gameday.change import Json
from gameday.cli.undo import restore_dead
from gameday.errors import Exit
from gameday.store import lease
from gameday.store.proof import PROBES, PROOF
from gameday.store.s3 import S3Objects

from tests.aws.test_client import Account, wait_for
from tests.doubles.server import client

RUN = ("run", "experiment.yaml", "--on", "aws", "--yes")


class Shared(Account):
    """A workload whose journal and lease are in a store, on a machine of two."""

    journal = ()

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder)
        self.url = url
        self.store = f"s3://ledger/{folder.name}"
        self.s3 = client(url, "s3")
        self.s3.create_bucket(Bucket="ledger")
        self.write("workload.yaml", "provides:", f"store: {self.store}\nprovides:")

    def another_machine(self) -> None:
        """The next commands are another machine's."""
        self.env = self.env | {"GAMEDAY_HOME": str(self.folder / "other")}

    def lease(self) -> tuple[str, str, int]:
        """The workload, who has taken it, how often it was taken."""
        (key,) = self.keys("leases/")
        body = json.loads(self.s3.get_object(Bucket="ledger", Key=key)["Body"].read())
        return body["workload"], body["run"], body["epoch"]

    def keys(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="ledger", Prefix=f"{self.folder.name}/{prefix}")
        return [one["Key"] for one in listed.get("Contents", [])]


@pytest.fixture
def account(server: str, tmp_path: Path) -> Iterator[Shared]:
    account = Shared(server, tmp_path)
    yield account
    account.close()


def test_run_keeps_its_intents_in_the_store_and_frees_the_lease(account: Shared) -> None:
    done = account.gameday(*RUN)
    assert done.returncode == Exit.HELD, done.stderr + done.stdout
    assert account.state == "running"
    assert account.lease() == ("batch", "", 1)
    names = [key.rpartition("/")[2] for key in account.keys("runs/")]
    assert names == ["000000.json", "000001.json", "000002.json", "000003.json", "closed.json"]
    assert "no open runs" in account.gameday("restore", "--list", "--store", account.store).stderr
    assert [account.keys(name) for name in (PROBES, PROOF)] == [[], [f"{account.folder.name}/{PROOF}"]]


def test_store_that_ignores_conditions_refuses_the_run(account: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = S3Objects._call

    def unconditional(self: S3Objects, operation: str, **params: Json) -> Json:
        kept = {name: value for name, value in params.items() if name not in ("IfMatch", "IfNoneMatch")}
        return whole(self, operation, **kept)

    monkeypatch.setattr(S3Objects, "_call", unconditional)
    refused = account.gameday(*RUN)
    assert refused.returncode == Exit.REFUSED
    assert "the store ignores a stale `If-Match`" in refused.stdout
    assert "--local-journal" in refused.stdout + refused.stderr
    assert account.state == "running"
    assert account.keys("") == account.keys("history/")  # the refusal is kept; no object of it needs a condition


def test_verbs_that_only_read_prove_no_store(account: Shared) -> None:
    for words in (("plan", "experiment.yaml", "--on", "aws"), ("restore", "--list", "--store", account.store)):
        done = account.gameday(*words)
        assert done.returncode == Exit.HELD, done.stderr + done.stdout
    assert account.keys("") == []


def test_an_account_run_without_a_store_must_say_local_journal(account: Shared) -> None:
    account.write("workload.yaml", f"store: {account.store}\n", "")
    refused = account.gameday(*RUN)
    assert refused.returncode == Exit.REFUSED
    assert "names no `store`" in refused.stdout
    assert "--local-journal" in refused.stdout + refused.stderr
    assert account.state == "running"


def test_a_store_and_a_local_journal_at_once_are_a_mistake(account: Shared) -> None:
    refused = account.gameday(*RUN, "--local-journal")
    assert refused.returncode == Exit.INVALID
    assert "[GD-E115]" in refused.stderr


def test_missing_store_refuses_before_anything_is_changed(account: Shared) -> None:
    account.write("workload.yaml", "s3://ledger", "s3://nowhere")
    refused = account.gameday(*RUN)
    assert refused.returncode == Exit.REFUSED
    assert "NoSuchBucket" in refused.stderr + refused.stdout
    assert account.state == "running"


def test_second_machine_is_refused_and_halt_undoes_the_first(account: Shared) -> None:
    with account.in_mid_run() as process:
        mine = account.env
        account.another_machine()
        second = account.gameday(*RUN)
        assert second.returncode == Exit.REFUSED
        assert "has workload batch since" in second.stdout
        assert account.state == "stopped"
        account.env = mine
        halted = account.gameday("halt", "batch")
        assert halted.returncode == Exit.HELD, halted.stderr
        assert "asked to abort and undo" in halted.stdout
        wait_for(process, "aborted", why="halt")
        account.release()
        process.communicate()
        assert process.returncode == Exit.UNKNOWN
    assert account.state == "running"


def test_halt_says_when_nobody_has_the_workload(account: Shared) -> None:
    done = account.gameday("halt", "workload.yaml")
    assert done.returncode == Exit.INVALID
    assert f"no run in {account.store} holds workload batch" in done.stderr


def test_killed_run_is_restored_without_waiting_and_freed(account: Shared) -> None:
    account.dies_in_mid_run()
    restored = account.gameday("restore")
    assert restored.returncode == Exit.HELD, restored.stderr
    assert account.state == "running"
    assert "no open runs" in account.gameday("restore", "--list", "--store", account.store).stderr
    assert account.lease() == ("batch", "", 2)


def test_any_other_machine_restores_what_a_dead_machine_left(
    account: Shared, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.dies_in_mid_run()
    account.another_machine()
    listed = account.gameday("restore", "--list", "--store", account.store)
    assert ": 1 change not settled" in listed.stdout
    assert f"{account.instance}: running → stopped" in listed.stdout

    monkeypatch.setattr(lease, "UNMOVED", 0.0)  # 135 s on a real store
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, account.env[name])
    monkeypatch.setenv("GAMEDAY_HOME", account.env["GAMEDAY_HOME"])
    assert restore_dead(account.store) == Exit.HELD, capsys.readouterr().err
    assert account.state == "running"
    assert "is undone" in capsys.readouterr().out
    assert restore_dead(account.store) == Exit.HELD
    assert "no dead runs" in capsys.readouterr().err

    # The dead machine comes back, and learns that nothing is owed.
    account.env |= {"GAMEDAY_HOME": str(account.folder / "home")}
    late = account.gameday("restore")
    assert late.returncode == Exit.HELD, late.stderr
    assert "another machine has restored it" in late.stdout
    assert account.gameday("restore", "--list").stderr == "no dead runs"
