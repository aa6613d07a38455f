"""Findings of the doctor as text and as JSON."""

from __future__ import annotations

import json

from gameday.doctor.examination import Severity
from gameday.doctor.run import Examined
from gameday.text import printable

_MARKS = {
    Severity.REFUSES: "refuses",
    Severity.UNREAD: "not read",
    Severity.WARNS: "warning",
    Severity.NOTE: "fine",
}


def terminal(examined: Examined) -> str:
    """Render the findings for people, the most important first."""
    lines = []
    for region, finding in examined.findings:
        lines.append(f"{_MARKS[finding.severity]}: {finding.topic} ({region}): {finding.text}")
        if finding.remedy and finding.severity is not Severity.NOTE:
            lines.append(f"    → {finding.remedy}")
    counts = [
        f"{count} {word}"
        for severity, word in (
            (Severity.REFUSES, "to mend"),
            (Severity.UNREAD, "not read"),
            (Severity.WARNS, "warnings"),
        )
        if (count := sum(1 for _, finding in examined.findings if finding.severity is severity))
    ]
    lines.append(f"{examined.workload}: {', '.join(counts) or 'nothing to mend'}")
    return "\n".join(printable(line) for line in lines)


def as_json(examined: Examined) -> str:
    """Render the findings as JSON for programs. Later versions only add keys."""
    findings = [
        {
            "severity": finding.severity.name.lower(),
            "topic": finding.topic,
            "region": region,
            "text": finding.text,
            "remedy": finding.remedy,
        }
        for region, finding in examined.findings
    ]
    return json.dumps({"workload": examined.workload, "exit": int(examined.exit), "findings": findings}, indent=2)
