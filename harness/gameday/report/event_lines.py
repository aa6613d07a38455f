"""Lines of text for events: the same on a live display and in plain output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from gameday.events import Event, Judged
from gameday.plan.plan import Plan
from gameday.report import phrases

COLUMNS = ("", "experiment", "verdict", "recovery", "isolation", "account")
"""Columns of the table of verdicts."""

MARKS = {"held": "✓", "broken": "✗", "unknown": "?", "refused": "–", "interrupted": "–", "not run": "–"}
STYLES = {
    "held": "green",
    "broken": "bold red",
    "unknown": "yellow",
    "refused": "dim",
    "interrupted": "yellow",
    "not run": "dim",
}
_ASCII = str.maketrans({"✓": "+", "✗": "x", "–": "-", "−": "-", "…": "~", "→": ">", "·": "|", "─": "-"})


def clock(seconds: float) -> str:
    """Format elapsed time: `0:00`, `12:04`, `1:02:03`."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lines_of(event: Event, plan: Plan) -> Iterator[str]:
    """Yield the lines of an event: none for samples and successful calls."""
    match event.type:
        case "phase":
            about = {
                "before": "watching steady state",
                "inject": "; ".join(fault.label for fault in plan.planned_faults if not fault.at),
                "during": "watching under guard",
                "undo": "undoing all changes",
                "after": "watching recovery",
            }[event.phase]
            lasts = f" for {phrases.duration(event.lasts)}" if event.lasts is not None else ""
            yield f"{event.phase:<7} {about}{lasts}"
        case "fault-step" if event.step != "inject" or plan.planned_faults[event.fault].at:
            yield f"{event.step:<7} {event.about}"
        case "called" if event.error:
            yield f"failed  {event.service}.{event.operation}: {phrases.call_outcome(event)}"
        case "took-effect":
            yield f"effect  {event.about}"
        case "no-effect":
            yield f"NO EFFECT {event.about}"
        case "detected":
            yield f"alarm   {event.alarm} fired {phrases.duration(event.at - event.fired_at)} ago"
        case "aborted":
            yield f"ABORTED by {event.why}: {event.about}"
        case "change-closed" if event.state not in ("restored", "healed", "untouched"):
            yield f"{event.state.upper()} {event.about}"
        case "remark":
            yield f"note    {event.text}"
        case "judged":
            yield _judged(event, plan)
        case "ended":
            yield f"ended   account {event.account}"


def _judged(event: Judged, plan: Plan) -> str:
    verdict = event.judgement.verdict.value
    return f"judged  {phrases.label(verdict, plan.place)}: {event.judgement.sentence}"


def speaks_unicode(stream: TextIO) -> bool:
    """Whether a stream can encode every mark and bar of our output."""
    # A stream in memory has no encoding, and takes anything.
    return (stream.encoding or "utf-8").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def fitted(text: str, stream: TextIO) -> str:
    """Replace characters that the stream cannot encode."""
    if speaks_unicode(stream):
        return text
    return text.translate(_ASCII).encode(stream.encoding, "replace").decode(stream.encoding)
