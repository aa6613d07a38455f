"""`--on aws`, as a whole command against an endpoint in another process: signals, death, restore, refusals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gameday.errors import Exit

from tests.doubles.server import client, gameday, running, settings
from tests.doubles.skipping import HOLD
from tests.waiting import LAST_NET

WORKLOAD = """
version: 1
kind: workload
name: batch
provides: Work gets done.
account: "123456789012"
regions: [us-east-1]
owns: {tags: {app: batch}}
limits: {module_share: 100%, exposure: 2h}
modules: {worker: {owns: {tags: {module: worker}}}}
kpis:
  work:
    tier: business
    module: worker
    ratio: {total: {command: {run: [echo, "1000 0"], every: 500ms}}}
    bound: {at_least: 99%}
"""
EXPERIMENT = """
version: 1
kind: experiment
name: stop-a-worker
workload: workload.yaml
hypothesis: Work goes on without one worker.
steady_state: [work]
baseline: 5s
faults: [{stop-instance: {module: worker}}]
lasts: 2s
allow: [unchecked-undo]
recovery: {within: 1s, from: undo, sustained: 1s}
"""


class Account:
    """A workload of one instance on a server, with its files in a folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.ec2 = client(url, "ec2")
        self.folder = folder
        self.env = settings(url, folder / "home")
        (folder / "workload.yaml").write_text(WORKLOAD)
        (folder / "experiment.yaml").write_text(EXPERIMENT)
        tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
        run = self.ec2.run_instances(
            ImageId="ami-12345678",
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        self.instance = run["Instances"][0]["InstanceId"]

    def close(self) -> None:
        """End every instance there is: the next test has the server to itself."""
        found = self.ec2.describe_instances()["Reservations"]
        self.ec2.terminate_instances(InstanceIds=[one["InstanceId"] for place in found for one in place["Instances"]])

    @property
    def state(self) -> str:
        found = self.ec2.describe_instances(InstanceIds=[self.instance])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])

    def write(self, file: str, was: str, is_: str) -> None:
        path = self.folder / file
        assert was in path.read_text()
        path.write_text(path.read_text().replace(was, is_))

    def gameday(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A whole command; its lines, folded to the terminal's width, are unfolded."""
        done = gameday(*words, env=self.env, cwd=self.folder)
        done.stdout, done.stderr = " ".join(done.stdout.split()), " ".join(done.stderr.split())
        return done

    journal: tuple[str, ...] = ("--local-journal",)

    def running(self, *more: str) -> Any:
        words = ("run", "experiment.yaml", "--on", "aws", "--yes", *self.journal, "--json", *more)
        return running(*words, env=self.env, cwd=self.folder)

    def hold(self) -> None:
        """Let time stand still for the next run that has injected, until it is released."""
        Path(self.env[HOLD]).touch()

    def release(self) -> None:
        """Let time go on."""
        Path(self.env[HOLD]).unlink(missing_ok=True)

    @contextmanager
    def in_mid_run(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        """A run whose fault is in, and stays there until it is released."""
        self.hold()
        try:
            with self.running(*more) as process:
                wait_for(process, "phase", phase="during")
                yield process
        finally:
            self.release()

    def dies_in_mid_run(self) -> None:
        """A run is killed while its fault is in, and leaves it there."""
        with self.in_mid_run() as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert self.state == "stopped"


TAGS = {"app": "batch", "module": "worker", "gameday": "allowed"}
RUN = ("run", "experiment.yaml", "--on", "aws", "--yes", "--local-journal")
SAVED = ("run", "plan.json", *RUN[2:])


@pytest.fixture
def account(server: str, tmp_path: Path) -> Iterator[Account]:
    account = Account(server, tmp_path)
    yield account
    account.close()


def wait_for(process: subprocess.Popen[str], type_: str, **fields: Any) -> None:
    """Read a run's JSON lines until one of a type comes."""
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event.get("type") == type_ and fields.items() <= event.items():
            return
    pytest.fail(f"the run ended without {type_}: {process.stderr.read() if process.stderr else ''}")


def wait_for_words(process: subprocess.Popen[str], *words: str) -> None:
    """Read what a run says to people until it has said this, in this order."""
    assert process.stderr
    for line in process.stderr:
        if words and words[0] in line:
            words = words[1:]
        if not words:
            return
    pytest.fail(f"the run ended without saying {words[0]}")


def test_a_run_on_an_account_injects_holds_and_restores(account: Account) -> None:
    with account.in_mid_run("--reports", "out") as process:
        assert account.state == "stopped"
        account.release()
        wait_for(process, "ended", account="restored", exit=0)
        assert process.wait() == Exit.HELD
    assert account.state == "running"
    assert (account.folder / "out" / "index.html").exists()


def test_a_run_in_real_time_injects_holds_and_restores(account: Account) -> None:
    """By the wall's clock, with a program that is run in a thread of its own; a bin in five may be missed."""
    account.write("workload.yaml", "every: 500ms", "every: 2s")
    account.write("experiment.yaml", "baseline: 5s", "baseline: 14s")
    command = [sys.executable, "-m", "gameday.cli.main", *RUN, "--json"]
    done = subprocess.run(
        command, env=account.env, cwd=account.folder, text=True, capture_output=True, timeout=LAST_NET, check=False
    )
    assert done.returncode == Exit.HELD, done.stdout + done.stderr
    assert account.state == "running"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_undoes_before_the_exit(number: signal.Signals, account: Account) -> None:
    with account.in_mid_run() as process:
        process.send_signal(number)
        account.release()
        _, words = process.communicate()
        assert process.returncode == Exit.INTERRUPTED
        assert f"{number.name}: aborting the run; the undo comes first" in words
    assert account.state == "running"


def test_a_second_ctrl_c_does_not_skip_the_undo(account: Account) -> None:
    with account.in_mid_run() as process:
        process.send_signal(signal.SIGINT)
        wait_for(process, "phase", phase="undo")
        process.send_signal(signal.SIGINT)
        wait_for_words(process, "SIGINT: aborting the run; the undo comes first", "SIGINT again: the undo goes on")
        account.release()
        process.communicate()
        assert process.returncode == Exit.INTERRUPTED
    assert account.state == "running"


def test_workload_has_one_run_and_is_restored_once_it_is_killed(account: Account) -> None:
    with account.in_mid_run() as process:
        second = account.gameday(*RUN)
        assert second.returncode == Exit.REFUSED
        assert "has workload batch since" in second.stdout
        assert account.gameday("restore").stderr == "no dead runs: there is nothing to restore"
        assert account.state == "stopped"
        process.send_signal(signal.SIGKILL)
        process.wait()

    listed = account.gameday("restore", "--list")
    assert "batch on aws, account 123456789012: 1 change not settled" in listed.stdout
    refused = account.gameday(*RUN)
    assert refused.returncode == Exit.REFUSED
    assert "run gameday restore first" in refused.stdout + refused.stderr
    assert account.state == "stopped"

    restored = account.gameday("restore")
    assert restored.returncode == Exit.HELD, restored.stderr
    assert f"instance.power of {account.instance} is running" in restored.stdout
    assert account.state == "running"
    assert "no dead runs" in account.gameday("restore").stderr


def test_nobody_to_ask_and_no_yes_refuses_and_names_the_option(account: Account) -> None:
    done = account.gameday("run", "experiment.yaml", "--on", "aws", "--local-journal")
    assert done.returncode == Exit.REFUSED
    assert "[GD-E204]" in done.stdout
    assert "--yes" in done.stdout
    assert account.state == "running"


FREEZE = "freezes: [{from: 2020-01-01, to: 2099-01-01, why: holidays}]"
OWNS = "owns: {tags: {app: batch}}"


@pytest.mark.parametrize(
    ("file", "was", "is_", "code"),
    [
        ("workload.yaml", "123456789012", "210987654321", "GD-P05"),
        ("workload.yaml", "provides:", "production: true\nprovides:", "GD-P02"),
        ("workload.yaml", "limits:", f"{FREEZE}\nlimits:", "GD-P03"),
        ("workload.yaml", "module_share: 100%", "module_share: 50%", "GD-P20"),
        ("workload.yaml", OWNS, f"{OWNS}\nopt_in: {{chaos: please}}", "GD-P11"),
        ("experiment.yaml", "lasts:", "stop_when: [nobody]\nlasts:", "GD-P14"),
    ],
)
def test_what_may_not_be_touched_is_refused(file: str, was: str, is_: str, code: str, account: Account) -> None:
    account.write(file, was, is_)
    done = account.gameday(*RUN)
    assert done.returncode == Exit.REFUSED, done.stderr
    assert f"[{code}]" in done.stdout
    assert account.state == "running"


def test_an_account_that_does_not_answer_is_one_clear_line(account: Account) -> None:
    account.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    done = account.gameday("plan", "experiment.yaml", "--on", "aws")
    assert done.returncode == Exit.REFUSED
    assert "sts.get_caller_identity failed" in done.stderr
    assert "[GD-P06]" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_credentials_say_what_to_do(account: Account) -> None:
    del account.env["AWS_ACCESS_KEY_ID"], account.env["AWS_SECRET_ACCESS_KEY"]
    account.env |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(account.folder)}
    done = account.gameday(*RUN)
    assert done.returncode == Exit.REFUSED
    assert "Unable to locate credentials" in done.stdout + done.stderr
    assert "aws sts get-caller-identity must answer" in done.stdout + done.stderr


def test_saved_plan_runs_exactly_or_is_refused(account: Account) -> None:
    assert account.gameday("plan", "experiment.yaml", "--on", "aws", "-o", "plan.json").returncode == Exit.HELD
    account.ec2.stop_instances(InstanceIds=[account.instance])
    moved = account.gameday(*SAVED)
    assert moved.returncode == Exit.REFUSED
    assert "[GD-P28]" in moved.stdout
    account.ec2.start_instances(InstanceIds=[account.instance])
    account.hold()
    with running(*SAVED, "--json", env=account.env, cwd=account.folder) as process:
        wait_for(process, "phase", phase="during")
        assert process.stdout
        process.stdout.close()  # which loses a listener, and not the run
        account.release()
        assert process.wait(timeout=LAST_NET) == Exit.HELD
    assert account.state == "running"
