"""Failing tests tell a run's story, in the place of pytest's "assert <…>", and what became of their AWS calls."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from gameday.pytest_plugin.assertable import Denial

if TYPE_CHECKING:
    from gameday.sdk import CallLog

NAME = "gameday-stories"
CALLS: pytest.StashKey[list[CallLog]] = pytest.StashKey()
"""Of an item: what its faults did to the AWS calls of the code under test."""


def listen(config: pytest.Config) -> None:
    """From now on failing assertions of answers are told; twice is harmless."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(sys.modules[__name__], NAME)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the story into the error before its report is made, and beside it what happened to AWS calls."""
    denial, Denial.last = Denial.last, None
    error = call.excinfo.value if call.excinfo else None
    if denial and isinstance(error, AssertionError) and denial.failed(error):
        text = str(error)
        own = "" if text.startswith("assert ") else text.partition("\nassert ")[0]  # what the test says itself
        error.args = ("\n".join(one for one in (own, denial.answer.why()) if one),)
    report = yield
    if report.failed and report.when == "call":
        report.sections += [("AWS calls under Gameday's faults", str(one)) for one in item.stash.get(CALLS, [])]
    return report
