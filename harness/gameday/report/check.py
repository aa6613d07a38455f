"""Redundancy findings in words, and as JSON."""

from __future__ import annotations

import json

from gameday.checks.run import Checked
from gameday.report.phrases import printable


def terminal(workload: str, checked: Checked, proofs: list[str]) -> str:
    """The findings for people; `proofs`: for each, the experiment that would prove it."""
    lines = []
    for found, proof in zip(checked.found, proofs, strict=True):
        check = found.check
        lines += [
            f"{check.id} {check.name}: {found.finding.resource} ({found.region})",
            f"    {found.finding.what}",
            f"    why: {check.why}",
            f"    practice: {check.practice.id} {check.practice.title}",
            f"    proof: {proof}",
        ]
    lines += [f"not read: {one}" for one in checked.unread]
    lines += [f"not judged: {one}" for one in checked.notes]
    count = len(checked.found)
    lines.append(f"{workload}: {count} {'finding' if count == 1 else 'findings'}")
    return "\n".join(printable(line) for line in lines)


def as_json(workload: str, checked: Checked, proofs: list[str]) -> str:
    """The same for programs; keys are only ever added."""
    findings = [
        {
            "id": found.check.id,
            "name": found.check.name,
            "region": found.region,
            "resource": found.finding.resource,
            "modules": list(found.finding.modules),
            "what": found.finding.what,
            "why": found.check.why,
            "practice": {"id": found.check.practice.id, "title": found.check.practice.title},
            "proof": proof,
        }
        for found, proof in zip(checked.found, proofs, strict=True)
    ]
    told = {"workload": workload, "findings": findings, "unread": checked.unread, "not_judged": checked.notes}
    return json.dumps(told, indent=2)
