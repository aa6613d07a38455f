"""Write the experiment that proves a finding, as a file that validates."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

from gameday.change import Json
from gameday.checks.finding import Check, Finding
from gameday.files.fault_entries import entry_of
from gameday.files.workload import Workload
from gameday.files.write_once import write_draft
from gameday.steady_state.kpi.kpi import Tier
from gameday.steady_state.kpi.units import exact_duration

LASTS = 300.0
"""Seconds that a fault lasts, if the workload's limit of exposure allows it."""


def name_of(check: Check, finding: Finding, workload: Workload, region: str) -> str:
    """Return the experiment's name, always the same: the check's id, the region if there are several, the resource."""
    where = region if len(workload.regions) > 1 else ""
    return re.sub(r"[^a-z0-9]+", "-", f"{check.id} {where} {finding.resource}".lower()).strip("-")[:63].strip("-")


def claims_of(workload: Workload, finding: Finding) -> list[str]:
    """Return the KPIs to claim: the business KPIs of the finding's modules, else all of theirs, else the workload's."""
    theirs = {name: kpi for name, kpi in workload.kpis.items() if kpi.module in finding.modules}
    every = workload.kpis
    business = [[name for name, kpi in some.items() if kpi.tier is Tier.BUSINESS] for some in (theirs, every)]
    return [*finding.claims] or business[0] or [*theirs] or business[1] or [*every]


def experiment_of(check: Check, finding: Finding, workload: Workload, region: str, file: str) -> dict[str, Json]:
    """Return the content of the experiment's file; `file` is the path to the workload's file from there."""
    claims = claims_of(workload, finding)
    lasts = min(LASTS, workload.limits.exposure)
    healing: dict[str, Json] = {}
    if finding.heals:
        within = round(0.8 * lasts, 3)
        healing["during"] = dict.fromkeys(claims, "any")
        healing["recovery"] = {
            "within": exact_duration(within),
            "from": "impact",
            "sustained": exact_duration(round(lasts - within, 9)),
        }
    return {
        "version": 1,
        "kind": "experiment",
        "name": name_of(check, finding, workload, region),
        "workload": file,
        "region": region,
        "hypothesis": finding.hypothesis,
        "steady_state": [*claims],
        "faults": [entry_of(finding.fault)],
        "lasts": exact_duration(lasts),
        **healing,
    }


def write_proof(
    folder: Path, check: Check, finding: Finding, workload: Workload, region: str, workload_file: Path
) -> Path:
    """Write the experiment into a folder, and return its path. Raises InvalidInput if it cannot be written."""
    named = Path(os.path.relpath(workload_file, folder)).as_posix()
    raw = experiment_of(check, finding, workload, region, named)
    path = folder / f"{raw['name']}.yaml"
    head = (
        f"# {check.id} {check.name}: {finding.resource}: {finding.what}\n# {check.practice.id} {check.practice.title}\n"
    )
    write_draft(path, head + yaml.safe_dump(raw, sort_keys=False, width=120, allow_unicode=True))
    return path
