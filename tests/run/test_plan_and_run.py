"""`gameday plan` prints the refusals that `gameday run` obeys, a busy workload among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gameday.cli import run as cli
from gameday.engine.journal import Journal
from gameday.engine.sqlite import home
from gameday.errors import Refused
from gameday.files.load import load_any
from gameday.files.loaded import LoadedExperiment
from gameday.records.suite import Refusal
from gameday.run import experiment as runner
from gameday.run.environment import Environment
from gameday.run.team import must_be_free
from gameday.twin.twin import Twin

from tests.doubles.play import STOREFRONT
from tests.doubles.runs import ACCOUNT, RUN, Planned
from tests.doubles.scripted import Scripted

FILE = STOREFRONT / "throttle-payments.yaml"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAMEDAY_HOME", str(tmp_path / "state"))
    return home()


@pytest.fixture
def on_twin(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is a twin."""

    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[Environment]:
        yield Environment(twin.aws, twin.clock, Scripted({}), 0.0, [])

    monkeypatch.setattr(cli, "open_environment", opened)
    monkeypatch.setattr(runner, "open_environment", opened)


@contextmanager
def taken(workload: str) -> Iterator[Journal]:
    """The journal, while another run has the workload."""
    journal = Journal.open()
    journal.begin(RUN, Planned(workload=SimpleNamespace(name=workload)), pid=1)
    journal.take(RUN, workload, ACCOUNT, "aws")
    yield journal
    journal.close()


def request_for(workload: str) -> Any:
    found = SimpleNamespace(name=workload, account=ACCOUNT, store=None)
    return SimpleNamespace(workload=found, region="us-east-1")


def test_free_workload_is_free_without_a_state_folder(state: Path) -> None:
    must_be_free(request_for("shop"))
    assert not state.exists()


def test_taken_workload_is_refused_and_another_is_free(state: Path) -> None:
    with taken("shop"):
        must_be_free(request_for("other"))
        with pytest.raises(Refused, match=f"run {RUN} .* has workload shop"):
            must_be_free(request_for("shop"))


@pytest.mark.usefixtures("state", "on_twin")
def test_plan_and_run_refuse_for_the_same_reasons() -> None:
    loaded = load_any(FILE)
    assert isinstance(loaded, LoadedExperiment)
    with taken("storefront") as journal:
        plan, text = cli.make(FILE, "aws", 0, False)
        request = cli.request_of(loaded, "aws", 0, production=False)
        refusal = runner.ExperimentRunner(journal, local_journal=True).experiment(request)
    assert isinstance(refusal, Refusal)
    assert refusal.reasons == plan.refusals
    codes = [reason.code for reason in plan.refusals]
    assert codes[-1] == "GD-P27"
    assert all(f"[{code}]" in text for code in codes)
    assert refusal.plan
    assert [warning.code for warning in refusal.plan.warnings] == [warning.code for warning in plan.warnings]
    assert "GD-W04" in [warning.code for warning in plan.warnings]


@pytest.mark.usefixtures("state", "on_twin")
def test_run_without_a_store_is_refused_unless_told(twin: Twin) -> None:
    loaded = load_any(FILE)
    assert isinstance(loaded, LoadedExperiment)
    request = cli.request_of(loaded, "aws", 0, production=False)
    refusal = runner.ExperimentRunner(Journal.open()).experiment(request)
    assert isinstance(refusal, Refusal)
    assert "GD-P04" in [reason.code for reason in refusal.reasons]
