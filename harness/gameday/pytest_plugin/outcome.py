"""A run in pytest's terms: refused is skipped, broken fails, unknown and stuck are errors."""

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


def told(item: pytest.Item, loaded: LoadedExperiment) -> str:
    """Run an experiment for its item: empty where it held, else why it is broken. An error ends here."""
    ending, why = ending_of(run_for(item, loaded))
    if ending == "error":
        pytest.fail(why, pytrace=False)
    return why


def ending_of(record: Record) -> tuple[Literal["passed", "failed", "error"], str]:
    """How a run ends its test, and why: a stuck account is an error whatever the verdict."""
    view = RecordView(record)
    answer = view.restored if record.stuck else view.held
    if answer:
        return "passed", ""
    return ("failed" if record.outcome == "broken" and not record.stuck else "error"), answer.why()


def run_for(item: pytest.Item, loaded: LoadedExperiment, seed: int = 0) -> Record:
    """Run an experiment while an item runs; its report carries what came out. A refusal skips the item."""
    with no_traceback():
        entry = play(loaded, item.config, item.nodeid, seed)
    item.user_properties.extend(properties(entry))
    if isinstance(entry, Refusal):
        _no_example()
        reasons = "; ".join(map(phrases.printable, phrases.refusal_lines(entry)))
        raise pytest.skip.Exception(reasons, _use_item_location=True)  # the place of the test, not this one
    return entry


def _no_example() -> None:
    """In a test of Hypothesis a refusal ends one example, not the test."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis and hypothesis.currently_in_test_context():
        hypothesis.reject()


@contextmanager
def no_traceback() -> Iterator[None]:
    """A mistake of the user's fails a test with its own text alone; a bug of ours keeps its trace."""
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
