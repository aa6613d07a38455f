"""Redundancy findings as text and as JSON."""

from __future__ import annotations

import json

from gameday.checks.run import Checked
from gameday.text import printable


def terminal(workload: str, checked: Checked, proofs: list[str]) -> str:
    """Render the findings for people; `proofs` names for each the experiment that would prove it."""
    lines = []
    for entry, proof in zip(checked.found, proofs, strict=True):
        check = entry.check
        lines += [
            f"{check.id} {check.name}: {entry.finding.resource} ({entry.region})",
            f"    {entry.finding.what}",
            f"    why: {check.why}",
            f"    practice: {check.practice.id} {check.practice.title}",
            f"    proof: {proof}",
        ]
    lines += [f"not read: {resource}" for resource in checked.unread]
    lines += [f"not judged: {note}" for note in checked.notes]
    count = len(checked.found)
    lines.append(f"{workload}: {count} {'finding' if count == 1 else 'findings'}")
    return "\n".join(printable(line) for line in lines)


def as_json(workload: str, checked: Checked, proofs: list[str]) -> str:
    """Render the findings as JSON for programs. Later versions only add keys."""
    findings = [
        {
            "id": entry.check.id,
            "name": entry.check.name,
            "region": entry.region,
            "resource": entry.finding.resource,
            "modules": list(entry.finding.modules),
            "what": entry.finding.what,
            "why": entry.check.why,
            "practice": {"id": entry.check.practice.id, "title": entry.check.practice.title},
            "proof": proof,
        }
        for entry, proof in zip(checked.found, proofs, strict=True)
    ]
    document = {"workload": workload, "findings": findings, "unread": checked.unread, "not_judged": checked.notes}
    return json.dumps(document, indent=2)
