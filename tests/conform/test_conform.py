"""`gameday conform`: its laws on moto, its refusals, its table, and what is left after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from gameday.aws.account import Account
from gameday.aws.client import open_account
from gameday.change import Call, Json
from gameday.conform.cases import OPEN, cases
from gameday.conform.laws import LawResult
from gameday.conform.run import Conformance, Sandbox
from gameday.conform.sandbox import must_be_sandbox
from gameday.engine.journal import Journal
from gameday.errors import Exit, Refused
from gameday.faults import CATALOGUE
from gameday.report.conform import as_json, line, terminal
from gameday.restore.dead_runs import dead_runs, restore
from gameday.run.stop import StopRequest
from gameday.steady_state.clock import TestClock
from gameday.testing import DyingAccount, Killed, Life
from gameday.testing.wrapper import Wrapped

from tests.crash_matrix.scenario import is_mutating
from tests.crash_matrix.stand import made
from tests.doubles.server import gameday, moto_server, settings
from tests.doubles.shop import ACCOUNT, REGION, open_shop

NAMES = tuple(case.name for case in cases(REGION, "run", ACCOUNT, "aws"))
DIFFERS = {("subnet.acl", "reads as gone")}
"""Laws that moto does not keep: it lists the association of a subnet that was deleted."""
NOW = 1_800_000_000.0


@pytest.fixture
def account() -> Iterator[Account]:
    with open_shop() as shop:
        yield shop.account


def prove(name: str, folder: Path, account: Account, run: str = "run", stop: StopRequest | None = None) -> Conformance:
    """Prove one case in an account that lets every call pass."""
    journal = Journal.open(folder)
    sandbox = Sandbox(REGION, lambda _: account, account, journal, TestClock(NOW), stop or StopRequest())
    chosen = [(case, run) for case in cases(REGION, run, ACCOUNT, "aws") if case.name == name]
    try:
        found = tuple(sandbox.all(chosen))
        return Conformance(REGION, "another endpoint", found, tuple(run for _, run in chosen if sandbox.stuck(run)))
    finally:
        journal.close()


def laws(proven: Conformance, held: bool | None) -> set[tuple[str, str]]:
    return {(found.case, found.law) for found in proven.results if found.held is held}


@pytest.mark.parametrize("name", NAMES)
def test_case_on_moto_holds_and_leaves_nothing(name: str, account: Account, tmp_path: Path) -> None:
    proven = prove(name, tmp_path, account)
    assert laws(proven, None) == set(), [line(found) for found in proven.results]
    assert laws(proven, False) == {law for law in DIFFERS if law[0] == name}
    assert proven.stuck == ()
    assert made() == []
    with_setting = {"made", "removed"} if name.startswith("security") else {"written back, equal", "it stays seen"}
    assert with_setting <= {found.law for found in proven.results}


UNPROVEN = ("http-stage.throttling", "scaling.suspended", "stage.default-throttling", "table.maximum")
"""Settings that no case of `gameday conform` proves yet."""


def test_cases_cover_each_setting_of_the_catalogue() -> None:
    proven = {case.setting.name for case in cases(REGION, "run", ACCOUNT, "aws") if case.setting}
    written = {setting.name for fault in CATALOGUE.values() for setting in fault.settings}
    assert written - proven == {"proxy.rule", *UNPROVEN}  # a rule of our own proxy is no setting of AWS


class Ignoring(Wrapped):
    """An account that answers the second write of an operation, and carries out only the first."""

    def __init__(self, account: Account, operation: str) -> None:
        super().__init__(account)
        self.operation, self.writes = operation, 0

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        self.writes += call.operation == self.operation
        return {} if call.operation == self.operation and self.writes > 1 else super().answer(call, region, paged)


class Backwards(Wrapped):
    """An account one of whose reads, long after a write, shows the value of before."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.reads: list[Json] = []

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        if call.operation != "describe_table":
            return answer
        self.reads.append(answer)
        return self.reads[0] if len(self.reads) == 20 else answer


def test_write_back_that_aws_drops_is_not_held(account: Account, tmp_path: Path) -> None:
    proven = prove("function.concurrency", tmp_path, Ignoring(account, "delete_function_concurrency"))
    assert ("function.concurrency", "written back, equal") in laws(proven, True)
    proven = prove("table.capacity", tmp_path, Ignoring(account, "update_table"), "dropped")
    assert ("table.capacity", "written back, equal") in laws(proven, False)
    assert proven.exit is Exit.BROKEN
    assert made() == []


def test_old_value_after_the_settle_time_is_not_held(account: Account, tmp_path: Path) -> None:
    proven = prove("table.capacity", tmp_path, Backwards(account))
    assert laws(proven, False) == {("table.capacity", "it stays seen")}
    assert proven.exit is Exit.BROKEN


def test_stop_request_undoes_and_begins_no_other_case(account: Account, tmp_path: Path) -> None:
    stop = StopRequest()
    stop.ask("signal", "SIGINT arrived")
    proven = prove("table.capacity", tmp_path, account, stop=stop)
    assert proven.exit is Exit.UNKNOWN
    assert proven.stuck == ()
    assert made() == []


@pytest.mark.parametrize("name", ["interface.groups", "function.concurrency"])
def test_kill_at_each_write_is_restored(name: str, tmp_path: Path) -> None:
    with open_shop() as shop:
        life = Life()
        prove(name, tmp_path, DyingAccount(shop.account, life=life))
        writes = [number for number, step in enumerate(life.steps) if is_mutating(step) and "list_" not in step]
        assert len(writes) > 5
        for number in writes:
            run = f"run-{number}"
            with suppress(Killed):
                prove(name, tmp_path, DyingAccount(shop.account, life=Life(number, "after")), run)
            journal = Journal.open(tmp_path)
            restored = [
                restore(dead, journal, TestClock(NOW), lambda _: None, lambda: shop.account)
                for dead in dead_runs(journal)
            ]
            journal.close()
            assert all(each.closed for each in restored), restored
            assert made() == []


# refusals -------------------------------------------------------------------------------------------------------------


def refusal(account: Account, tmp_path: Path, wanted: str = ACCOUNT) -> Refused:
    journal = Journal.open(tmp_path)
    with pytest.raises(Refused) as caught:
        must_be_sandbox(account, REGION, wanted, journal)
    journal.close()
    return caught.value


def _call(account: Account, service: str, operation: str, **params: Any) -> Json:
    return account.call(Call(service=service, operation=operation, params=params), REGION)


def test_sandbox_of_another_id_is_refused(account: Account, tmp_path: Path) -> None:
    assert refusal(account, tmp_path, "111122223333").reasons[0].code == "GD-E206"


def test_sandbox_with_a_production_tag_is_refused(account: Account, tmp_path: Path) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Environment", "Value": "production"}]}]
    _call(account, "ec2", "create_vpc", CidrBlock="10.9.0.0/24", TagSpecifications=tags)
    found = refusal(account, tmp_path)
    assert [reason.code for reason in found.reasons] == ["GD-E217"]
    assert "Environment" in found.reasons[0].text


def test_sandbox_with_what_a_run_left_is_refused(account: Account, tmp_path: Path) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "gameday:run", "Value": "x"}]}]
    _call(account, "ec2", "create_vpc", CidrBlock="10.9.0.0/24", TagSpecifications=tags)
    assert "vpc-" in refusal(account, tmp_path).reasons[0].text


def test_sandbox_called_production_is_refused(account: Account, tmp_path: Path) -> None:
    _call(account, "iam", "create_account_alias", AccountAlias="acme-prod")
    assert "acme-prod" in refusal(account, tmp_path).reasons[0].text


def test_empty_sandbox_is_accepted(account: Account, tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    assert must_be_sandbox(account, REGION, ACCOUNT, journal).startswith("arn:aws:")
    journal.close()


# the table ------------------------------------------------------------------------------------------------------------

ROW = LawResult("table.capacity", "a write is seen", True, NOW, 1.25, "2 → 1")


def test_line_has_date_law_and_seconds() -> None:
    assert line(ROW).split()[:1] == ["2027-01-15T08:00:00Z"]
    assert "held" in line(ROW)
    assert "1.2 s" in line(ROW)


def test_json_names_no_account_and_lists_open_questions() -> None:
    denied = LawResult("case", "not proven", None, NOW, about=f"arn:aws:iam::{ACCOUNT}:user/ada may not")
    text = as_json(Conformance(REGION, "AWS", (ROW, denied)))
    document = json.loads(text)
    assert document["laws"][0]["seconds"] == 1.25
    assert document["open"] == [*OPEN]
    assert document["exit"] == Exit.UNKNOWN
    assert ACCOUNT not in text


@pytest.mark.parametrize(
    ("held", "stuck", "code"),
    [(True, (), Exit.HELD), (None, (), Exit.UNKNOWN), (False, (), Exit.BROKEN), (True, ("run",), Exit.STUCK)],
)
def test_exit_is_that_of_the_worst_law(held: bool | None, stuck: tuple[str, ...], code: Exit) -> None:
    proven = Conformance(REGION, "AWS", (LawResult("case", "law", held, NOW),), stuck)
    assert proven.exit is code
    assert ("gameday restore" in terminal(proven)) == bool(stuck)


def test_command_on_a_server_writes_the_table(tmp_path: Path) -> None:
    words = ("conform", "--sandbox", ACCOUNT, "--only", "table.capacity", "--json", "t.json")
    with moto_server() as url:
        env = settings(url, tmp_path / "home")
        assert gameday(*words, env=env, cwd=tmp_path).returncode != Exit.HELD  # nobody said yes
        done = gameday(*words, "--yes", env=env, cwd=tmp_path)
        unknown = gameday("conform", "--sandbox", ACCOUNT, "--only", "tabel", env=env, cwd=tmp_path)
    assert done.returncode == Exit.HELD, done.stderr + done.stdout
    assert {law["held"] for law in json.loads((tmp_path / "t.json").read_text())["laws"]} == {True}
    assert unknown.returncode == Exit.INVALID


def test_restore_of_a_killed_case_is_silent_about_records(tmp_path: Path) -> None:
    """A case has no verdict: `gameday restore` undoes it, and writes no record of a run."""
    with moto_server() as url:
        env = settings(url, tmp_path / "home")
        with patch.dict(os.environ, env, clear=True):
            aws, journal = open_account(), Journal.open()
            sandbox = Sandbox(
                REGION,
                lambda allowed: DyingAccount(aws.allowing(allowed), life=life),
                aws, journal, TestClock(NOW), StopRequest(),
            )  # fmt: skip
            life = Life(4, "after")
            with suppress(Killed):
                list(
                    sandbox.prove(next(c for c in cases(REGION, "dead", ACCOUNT, "aws") if c.name == NAMES[0]), "dead")
                )
            journal.close()
        done = gameday("restore", env=env, cwd=tmp_path)
    assert done.returncode == Exit.HELD, done.stdout + done.stderr
    assert "is undone" in done.stdout
    assert "report" not in done.stdout
    assert "GD-E301" not in done.stderr
