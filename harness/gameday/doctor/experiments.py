"""Examine what every experiment would be refused for: rights, targets, limits, alarms, the way to AWS."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.doctor.examination import DoctorContext, Finding, Severity

TOPIC = "experiments"


def experiments(context: DoctorContext) -> Iterator[Finding]:
    """Name each refusal and warning of the plans, with the experiments that it concerns."""
    concerned: dict[tuple[Severity, str, str], list[str]] = {}
    for each in context.planned:
        refusals = each.plan.refusals if each.plan else each.reasons
        found = [(Severity.REFUSES, reason) for reason in refusals]
        found += [(Severity.WARNS, reason) for reason in (each.plan.warnings if each.plan else ())]
        for severity, reason in found:
            key = severity, f"{reason.text} [{reason.code}]", reason.remedy
            concerned.setdefault(key, []).append(each.name)
    for (severity, text, remedy), names in concerned.items():
        yield Finding(severity, TOPIC, f"{_few(names)}: {text}", remedy)
    ready = [each.name for each in context.planned if each.plan and not each.plan.refusals]
    yield Finding(
        Severity.NOTE, TOPIC, f"{len(ready)} of {len(context.planned)} experiments could run: {_few(ready) or 'none'}"
    )


def _few(names: list[str]) -> str:
    different = [*dict.fromkeys(names)]
    return ", ".join(different[:3]) + (f" and {len(different) - 3} more" if len(different) > 3 else "")
