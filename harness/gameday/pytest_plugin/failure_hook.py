"""Hook for failing tests: show a run's details in place of pytest's "assert <…>", and the faulted AWS calls."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from gameday.pytest_plugin.assertable import Denial

if TYPE_CHECKING:
    from gameday.sdk import CallLog

NAME = "gameday-failures"
CALLS: pytest.StashKey[list[CallLog]] = pytest.StashKey()
"""An item's logs: what its faults did to the AWS calls of the code under test."""


def listen(config: pytest.Config) -> None:
    """Register this hook, so that failing assertions show a run's details. A second call does nothing."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(sys.modules[__name__], NAME)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the run's details into the error before pytest makes its report; add the faulted AWS calls."""
    denial, Denial.last = Denial.last, None
    error = call.excinfo.value if call.excinfo else None
    if denial and isinstance(error, AssertionError) and denial.failed(error):
        text = str(error)
        message = "" if text.startswith("assert ") else text.partition("\nassert ")[0]  # of the test itself
        error.args = ("\n".join(part for part in (message, denial.answer.why()) if part),)
    report = yield
    if report.failed and report.when == "call":
        report.sections += [("AWS calls under Gameday's faults", str(log)) for log in item.stash.get(CALLS, [])]
    return report
