"""The laws of a sandbox as text and as JSON; neither names the account."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from gameday import __version__
from gameday.conform.cases import OPEN
from gameday.conform.laws import LawResult
from gameday.conform.run import Conformance
from gameday.text import printable

_ACCOUNT = re.compile(r"\b[0-9]{12}\b")
"""An account id, which an error of AWS may name."""
_MARKS = {True: "held", False: "NOT HELD", None: "not known"}


def line(result: LawResult) -> str:
    """Return one law of one case as a line of the table."""
    took = "" if result.seconds is None else f"{result.seconds:.1f} s"
    text = f"{_when(result.at)}  {result.case:<28} {result.law:<22} {_MARKS[result.held]:<9} {took:>8}  {result.about}"
    return printable(text.rstrip())


def terminal(proven: Conformance) -> str:
    """Return what the table shows in sum, what stays open, and what a person must do."""
    counts = {mark: sum(result.held is held for result in proven.results) for held, mark in _MARKS.items()}
    summary = ", ".join(f"{count} {mark}" for mark, count in counts.items())
    lines = [f"{proven.endpoint} in {proven.region}: {summary}", "no case answers yet:"]
    lines += [f"  {question}" for question in OPEN]
    lines += [f"run {run} is not undone: run `gameday restore`" for run in proven.stuck]
    return "\n".join(printable(each) for each in lines)


def as_json(proven: Conformance) -> str:
    """Return the table as JSON for programs. Later versions only add keys."""
    laws = [
        {
            "case": result.case,
            "law": result.law,
            "held": result.held,
            "at": _when(result.at),
            "seconds": None if result.seconds is None else round(result.seconds, 2),
            "about": _ACCOUNT.sub("(account)", result.about),
        }
        for result in proven.results
    ]
    document = {
        "version": 1,
        "tool": __version__,
        "endpoint": proven.endpoint,
        "region": proven.region,
        "exit": int(proven.exit),
        "laws": laws,
        "open": OPEN,
    }
    return json.dumps(document, indent=2) + "\n"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
