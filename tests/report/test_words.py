"""Every report of the sample suite, as people read it: what a change of wording changes."""

from __future__ import annotations

import io
import sys

import pytest
from gameday.report.explanations import explained
from gameday.report.junit import junit
from gameday.report.markdown import markdown
from gameday.report.plan_text import plan_text
from gameday.report.terminal import verdict_table
from syrupy.assertion import SnapshotAssertion

from tests.report.sample import broken, held, spread, suite


def test_the_markdown_summary_says_this(snapshot: SnapshotAssertion) -> None:
    assert markdown(suite()) == snapshot


def test_the_table_of_verdicts_says_this(snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert verdict_table(suite()) == snapshot


def test_junit_says_this(snapshot: SnapshotAssertion) -> None:
    assert junit(suite()) == snapshot


def test_each_verdict_is_explained_like_this(snapshot: SnapshotAssertion) -> None:
    for record in (held(), broken(), spread()):
        assert "\n".join(explained(record)) == snapshot(name=record.name)


def test_each_plan_reads_like_this(snapshot: SnapshotAssertion) -> None:
    for record in (held(), broken(), spread()):
        assert plan_text(record.plan) == snapshot(name=record.name)
