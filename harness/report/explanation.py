"""Each verdict of a run in plain sentences: the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from harness.plan import claim_of
from harness.record import Record, Rejudged
from harness.report import words
from steady_state.explain import Finding, explain


def findings(record: Record) -> tuple[Finding, ...]:
    """Each verdict of a record, explained; of a run that was not judged: none."""
    judged = record.judged
    if judged is None:
        return ()
    judgement = record.again if isinstance(record, Rejudged) else judged.judgement
    return explain(claim_of(record.plan), judgement, judged.phases)


def explained(record: Record) -> Iterator[str]:
    """A run in plain sentences, a verdict a paragraph: for the terminal."""
    yield f"{record.name}: {words.label(record.outcome, record.place)}"
    yield words.sentence(record)
    if record.place == "twin":
        yield "It was rehearsed on the twin: only a run on the account proves it."
    for one in findings(record):
        yield ""
        yield f"{one.verdict}  {one.words}"
