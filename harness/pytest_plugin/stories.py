"""A failing `assert record.held` tells the run's story, in the place of pytest's "assert <…>"."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

from harness.pytest_plugin.answer import Denial

NAME = "gameday-stories"


def listen(config: pytest.Config) -> None:
    """From now on failing assertions of answers are told; twice is harmless."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(sys.modules[__name__], NAME)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001 - pytest hands arguments over by name
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the story into the error before its report is made."""
    denial, Denial.last = Denial.last, None
    error = call.excinfo.value if call.excinfo else None
    if denial and isinstance(error, AssertionError) and denial.failed(error):
        text = str(error)
        own = "" if text.startswith("assert ") else text.partition("\nassert ")[0]  # what the test says itself
        error.args = ("\n".join(one for one in (own, denial.answer.why()) if one),)
    return (yield)
