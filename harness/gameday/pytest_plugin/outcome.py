"""Outcomes of runs in pytest's terms: refused is skipped, broken fails, unknown and stuck are errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from gameday.errors import GamedayError
from gameday.files.loaded import LoadedExperiment
from gameday.pytest_plugin.runner import play, properties
from gameday.pytest_plugin.view import RecordView
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.report import phrases
from gameday.text import printable


def failure_of(item: pytest.Item, loaded: LoadedExperiment) -> str:
    """Run an experiment for its item. Return why it is *broken*, empty if it held; fail here on an error."""
    ending, why = ending_of(run_for(item, loaded))
    if ending == "error":
        pytest.fail(why, pytrace=False)
    return why


def ending_of(record: Record) -> tuple[Literal["passed", "failed", "error"], str]:
    """Return how a run ends its test, and why. A stuck account is an error under any verdict."""
    view = RecordView(record)
    answer = view.restored if record.stuck else view.held
    if answer:
        return "passed", ""
    return ("failed" if record.outcome == "broken" and not record.stuck else "error"), answer.why()


def run_for(item: pytest.Item, loaded: LoadedExperiment, seed: int = 0) -> Record:
    """Run an experiment for an item, and put its outcome into the item's report. A refusal skips the item."""
    with no_traceback():
        entry = play(loaded, item.config, item.nodeid, seed)
    item.user_properties.extend(properties(entry))
    if isinstance(entry, Refusal):
        _reject_example()
        reasons = "; ".join(map(printable, phrases.refusal_lines(entry)))
        raise pytest.skip.Exception(reasons, _use_item_location=True)  # show the place of the test, not this place
    return entry


def _reject_example() -> None:
    """End one example of Hypothesis, not the whole test."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis and hypothesis.currently_in_test_context():
        hypothesis.reject()


@contextmanager
def no_traceback() -> Iterator[None]:
    """Fail the test with the text of a user's mistake alone; a bug in Gameday keeps its traceback."""
    try:
        yield
        return
    except GamedayError as error:
        text = str(error)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "moto":
            raise
        text = "the twin is not installed\n  → pip install 'gameday-harness[twin]'"
    raise pytest.fail.Exception(text, pytrace=False) from None
