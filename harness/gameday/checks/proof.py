"""The experiment that would prove a finding, as a file that validates."""

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
from gameday.steady_state.kpi.units import show_duration

LASTS = 300.0
"""Seconds that a fault lasts, where the workload's limit of exposure allows it."""


def name_of(check: Check, finding: Finding, workload: Workload, region: str) -> str:
    """Its name, the same at every look: the check's id, the region where there are several, the resource."""
    where = region if len(workload.regions) > 1 else ""
    return re.sub(r"[^a-z0-9]+", "-", f"{check.id} {where} {finding.resource}".lower()).strip("-")[:63].strip("-")


def claims_of(workload: Workload, finding: Finding) -> list[str]:
    """The KPIs that the experiment claims: the modules' business KPIs, else all of theirs, else the workload's."""
    theirs = {name: kpi for name, kpi in workload.kpis.items() if kpi.module in finding.modules}
    everybody = workload.kpis
    business = [[name for name, kpi in some.items() if kpi.tier is Tier.BUSINESS] for some in (theirs, everybody)]
    return [*finding.claims] or business[0] or [*theirs] or business[1] or [*everybody]


def experiment_of(check: Check, finding: Finding, workload: Workload, region: str, file: str) -> dict[str, Json]:
    """The experiment as its file says it; `file` is the workload's, relative to it."""
    claims = claims_of(workload, finding)
    lasts = min(LASTS, workload.limits.exposure)
    healing: dict[str, Json] = {}
    if finding.heals:
        within, sustained = show_duration(0.8 * lasts), show_duration(0.2 * lasts)
        healing["during"] = dict.fromkeys(claims, "any")
        healing["recovery"] = {"within": within, "from": "impact", "sustained": sustained}
    return {
        "version": 1,
        "kind": "experiment",
        "name": name_of(check, finding, workload, region),
        "workload": file,
        "region": region,
        "hypothesis": finding.hypothesis,
        "steady_state": [*claims],
        "faults": [entry_of(finding.fault)],
        "lasts": show_duration(lasts),
        **healing,
    }


def write_proof(
    folder: Path, check: Check, finding: Finding, workload: Workload, region: str, workload_file: Path
) -> Path:
    """Write the experiment into a folder; returns its path. Raises InvalidInput where it cannot be written."""
    named = Path(os.path.relpath(workload_file, folder)).as_posix()
    raw = experiment_of(check, finding, workload, region, named)
    path = folder / f"{raw['name']}.yaml"
    head = (
        f"# {check.id} {check.name}: {finding.resource}: {finding.what}\n# {check.practice.id} {check.practice.title}\n"
    )
    write_draft(path, head + yaml.safe_dump(raw, sort_keys=False, width=120, allow_unicode=True))
    return path
