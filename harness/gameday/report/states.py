"""The hazard table of one fault, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from gameday.faults.hazards.table import Row, rows


def terminal(fault: str) -> str:
    """Render the states of a fault's targets for people, each with its outcome."""
    found = list(rows(fault))
    if not found:
        return f"{fault}: no states of its targets are known\n"
    width = max(len(row.state.name) for row in found)
    lines = []
    for target, group in groupby(found, key=lambda row: row.target):
        lines += [f"{target}", *(line for row in group for line in _lines(row, width))]
    return "\n".join(lines) + "\n"


def _lines(row: Row, width: int) -> Iterator[str]:
    yield f"  {row.state.name:<{width}}  {_outcome(row)}"
    yield f"      {row.state.about}"
    yield f"      source: {row.state.source}"
    if row.answer.open:
        yield f"      open: {row.answer.open}"


def _outcome(row: Row) -> str:
    answer = row.answer
    if not answer.words:
        return answer.outcome
    code = f" [{answer.code}]" if answer.code else ", listed as lost for good"
    return f"{answer.outcome}: “{answer.words}”{code}"


def as_json(fault: str) -> str:
    """Render the same as JSON for programs. Later versions only add keys."""
    return json.dumps({"fault": fault, "states": [_fields(row) for row in rows(fault)]}, indent=2)


def _fields(row: Row) -> dict[str, object]:
    state, answer = row.state, row.answer
    return {
        "target": row.target,
        "state": state.name,
        "about": state.about,
        "values": list(state.values),
        "source": state.source,
        "outcome": answer.outcome,
        "code": answer.code,
        "words": answer.words,
        "open": answer.open,
    }
