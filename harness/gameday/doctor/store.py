"""Examine whether the team's store keeps conditional writes."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.doctor.examination import DoctorContext, Finding, Severity
from gameday.errors import JournalError, Refused
from gameday.run.team import open_team

TOPIC = "store"


def store(context: DoctorContext) -> Iterator[Finding]:
    """Prove the store as a run does before its baseline."""
    named = context.workload.store
    if not named:
        text = "the workload names no `store`: a run needs --local-journal, and only its own machine can restore it"
        yield Finding(Severity.WARNS, TOPIC, text, "add `store: s3://bucket/prefix` to the workload")
        return
    try:
        with open_team(context.workload, context.region) as team:
            team.prove()
    except (Refused, JournalError) as error:
        yield Finding(Severity.REFUSES, TOPIC, error.what, error.remedy)
    else:
        yield Finding(Severity.NOTE, TOPIC, f"{named} keeps conditional writes")
