"""Suites on an account: they take turns, and Gameday undoes each that ends in mid-run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from gameday.engine.entries import Run
from gameday.engine.journal import Journal
from gameday.pytest_plugin import account_lock
from gameday.pytest_plugin.account_lock import in_turn
from gameday.run.stop import StopRequest

from tests.aws.test_client import TAGS
from tests.store.test_account_store import Shared
from tests.waiting import LAST_NET, until

ACCOUNT = "123456789012"


def test_suites_take_turns_on_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(account_lock, "print", said.append, raising=False)
    first, second = Journal.open(tmp_path), Journal.open(tmp_path)
    order: list[str] = []

    def other() -> None:
        with in_turn(second, ACCOUNT, StopRequest()):
            order.append("second")

    waiting = threading.Thread(target=other)
    with in_turn(first, ACCOUNT, StopRequest()), in_turn(second, "210987654321", StopRequest()):
        waiting.start()
        until(lambda: said or not waiting.is_alive())
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert said == [f"waiting: another pytest process runs an experiment on account {ACCOUNT}"]


def test_in_turn_stopped_while_waiting_injects_nothing(tmp_path: Path) -> None:
    stop = StopRequest()
    stop.ask("signal", "SIGINT arrived")
    with (
        in_turn(Journal.open(tmp_path), ACCOUNT, StopRequest()),
        pytest.raises(KeyboardInterrupt, match="SIGINT arrived; nothing was injected"),
        in_turn(Journal.open(tmp_path), ACCOUNT, stop),
    ):
        pass


@pytest.fixture
def account(server: str, tmp_path: Path) -> Iterator[Shared]:
    account = Shared(server, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\ngameday_experiments = *.yaml\n")
    yield account
    account.close()


class Suite:
    """A suite under way on an account."""

    def __init__(self, account: Shared, *words: str) -> None:
        plugins = ("-p", "no:cacheprovider", "-p", "tests.doubles.skipping")
        command = [sys.executable, "-m", "pytest", "--gameday-on=aws", *plugins, *words]
        self.account = account
        account.hold()
        self.journal = Journal.open(Path(account.env["GAMEDAY_HOME"]))
        self.process = subprocess.Popen(
            command, env=account.env, cwd=account.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def injected(self) -> Run:
        """Its run, once its fault is in; time stands still for it."""
        found = until(lambda: self._injected() or self.process.poll() is not None)
        if isinstance(found, Run):
            return found
        pytest.fail(f"nothing was injected: {self.process.communicate(timeout=LAST_NET)[0]}")

    def _injected(self) -> Run | None:
        unended = self.journal.unended()
        return next((run for run in unended if any(row.answered for row in self.journal.entries(run.id))), None)

    def over(self) -> str:
        """What it printed, when time has gone on; nothing is left behind."""
        self.account.release()
        printed, _ = self.process.communicate(timeout=LAST_NET)
        with closing(self.journal):
            assert self.journal.unended() == []
            assert not any(row.is_open for run in self.journal.runs() for row in self.journal.entries(run.id))
        return printed


def test_ctrl_c_undoes_first_and_the_terminal_says_so(account: Shared) -> None:
    suite = Suite(account)
    suite.injected()
    suite.process.send_signal(signal.SIGINT)
    printed = suite.over()
    assert account.state == "running"
    assert suite.process.returncode == pytest.ExitCode.INTERRUPTED
    assert "gameday: SIGINT arrived: undoing stop-a-worker first" in printed
    assert "KeyboardInterrupt: SIGINT arrived; stop-a-worker: the account is restored" in printed
    assert "gameday: 1 run on the account, all undone" in printed


def test_killed_process_is_undone_before_another_injects(account: Shared) -> None:
    def rename(file: str, was: str, is_: str) -> None:
        text = (account.folder / file).read_text().replace(was, is_)
        (account.folder / f"other-{file}").write_text(text.replace("workload.yaml", "other-workload.yaml"))

    rename("workload.yaml", "batch", "other")
    rename("experiment.yaml", "stop-a-worker", "stop-another")
    tags = [{"Key": key, "Value": value} for key, value in (TAGS | {"app": "other"}).items()]
    made = {"ResourceType": "instance", "Tags": tags}
    small = {"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
    account.ec2.run_instances(**small, MinCount=1, MaxCount=1, TagSpecifications=[made])
    suite = Suite(account, "-n", "2")
    killed = suite.injected()
    os.kill(killed.pid, signal.SIGKILL)
    at = time.time()
    printed = suite.over()
    assert account.state == "running"
    assert "1 failed, 1 passed" in printed
    assert f"run {killed.id} died with its process: undoing its changes" in printed
    assert "gameday: 2 runs on the account, all undone" in printed
    with closing(Journal.open(suite.journal.folder)) as journal:
        assert [run.started > at for run in journal.runs()] == [False, True]
