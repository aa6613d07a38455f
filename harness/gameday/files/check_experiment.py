"""Check an experiment for contradictions: in itself, and with its workload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gameday.faults.fault import Fault
from gameday.files.check_order import FaultsAt, check_order
from gameday.files.check_workload import Names, foreign_alarm, unknown
from gameday.files.experiment import DetectionClaim
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.files.yaml.document import Loc, Section
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.kpi.units import exact_duration
from gameday.steady_state.sources.alarm_names import alarm_name, alarm_place
from gameday.text import one_of, quoted


def check_alone(document: Section, parts: dict[str, Any], faults: FaultsAt) -> Iterator[Mistake]:
    """Check an experiment alone; `parts` holds its valid fields."""
    claimed, recovery = parts.get("steady_state", ()), parts.get("recovery")
    for index, name in enumerate(claimed):
        if name in claimed[:index]:
            yield document.mistake(
                ("steady_state", index),
                f"KPI `{name}` is named twice",
                "remove one of the two",
                kind=MistakeKind.DUPLICATE,
            )
    is_timed = any(scheduled.is_timed for scheduled in faults.values())  # then `check_order` knows the undo's times
    if recovery and recovery.from_ == "impact" and "lasts" in parts and not is_timed:
        needed = recovery.within + recovery.sustained
        if parts["lasts"] < needed - 1e-9:
            what = (
                f"the faults last {exact_duration(parts['lasts'])}, too short to see recovery from impact: "
                f"{exact_duration(recovery.within)} until it is back, {exact_duration(recovery.sustained)} sustained"
            )
            yield document.mistake(
                ("lasts",), what, f"write at least `lasts: {exact_duration(needed)}`, or recovery `from: undo`"
            )

    yield from check_order(document, parts, faults)
    if detected := parts.get("detected_by"):
        yield from _detection(document, detected, parts)


def _detection(document: Section, detected: DetectionClaim, parts: dict[str, Any]) -> Iterator[Mistake]:
    if parts.get("lasts", detected.within) < detected.within - 1e-9:
        what = (
            f"the faults last {exact_duration(parts['lasts'])}, too short to see whether an alarm fires within "
            f"{exact_duration(detected.within)}"
        )
        remedy = f"write more than `lasts: {exact_duration(detected.within)}`: customers suffer only after a while"
        yield document.mistake(("lasts",), what, remedy)
    if alarm_place(detected.alarm) in map(alarm_place, parts.get("stop_when", ())):
        what = f"alarm {quoted(alarm_name(detected.alarm))} ends the run when it fires, so the claim can never hold"
        yield document.mistake(("detected_by", "alarm"), what, "remove it here, or from `stop_when`")


def check_irreversible(document: Section, parts: dict[str, Any], faults: FaultsAt) -> Iterator[Mistake]:
    """Check that the experiment allows each fault that nothing undoes."""
    for loc, fault in _faults(faults):
        if fault.is_irreversible and "irreversible" not in parts.get("allow", ("irreversible",)):
            what = f"nothing undoes `{fault.name}`, and the experiment does not allow irreversible faults"
            yield document.mistake(loc, what, "add `allow: [irreversible]` if you accept that")


def check_experiment(
    document: Section, parts: dict[str, Any], faults: FaultsAt, workload: Workload, twin: TwinFile | None
) -> Iterator[Mistake]:
    """Check an experiment against its workload."""
    yield from check_names(document, parts, faults, workload.kpis, workload.modules)
    yield from _kpis(document, parts, workload)
    yield from _region(document, parts.get("region"), workload)
    exposure = workload.limits.exposure
    if parts.get("lasts", 0) > exposure:
        what = (
            f"the faults last {exact_duration(parts['lasts'])}, over the workload's limit of {exact_duration(exposure)}"
        )
        yield document.mistake(("lasts",), what, "shorten it, or raise `limits.exposure` in the workload file")
    region = parts.get("region") or workload.regions[0]
    yield from _alarms(document, parts, workload, twin)
    zones = tuple(zone for zone in twin.zones if zone.startswith(region)) if twin else ()
    if twin and not zones and region != workload.regions[0] and region in workload.regions:
        what = f"the twin has no zone in {region}"
        yield document.mistake(("region",), what, f"add zones like {region}a to the twin file, or name another region")
    for loc, fault in _faults(faults):
        yield from _place(document, loc, fault, zones, region)


def check_names(
    document: Section, parts: dict[str, Any], faults: FaultsAt, kpis: Names, modules: Names
) -> Iterator[Mistake]:
    """Check the KPIs and modules that an experiment names; the rest of the workload file may be wrong."""
    for index, name in enumerate(parts.get("steady_state", ())):
        yield from unknown(document, ("steady_state", index), "KPI", name, kpis)
    for key in ("during", "guard"):
        for name in parts.get(key, {}):
            yield from unknown(document, (key, name), "KPI", name, kpis, key=True)
    if effect := parts.get("effect"):
        yield from unknown(document, ("effect", "kpi"), "KPI", effect.kpi, kpis)
    for loc, fault in _faults(faults):
        if (module := getattr(fault, "module", None)) is not None:
            yield from unknown(document, (*loc, "module"), "module", module, modules)


def _kpis(document: Section, parts: dict[str, Any], workload: Workload) -> Iterator[Mistake]:
    claimed = parts.get("steady_state")
    for key in ("during", "guard"):
        for name, bound in parts.get(key, {}).items():
            if name not in workload.kpis:
                continue
            if isinstance(bound, Bound) and (misfit := workload.kpis[name].misfit(bound, guards=key == "guard")):
                yield document.mistake(
                    (key, name), f"`{name}`: {misfit}", f"the workload's own bound: {workload.kpis[name].bound.words}"
                )
            if key == "during" and claimed is not None and name not in claimed:
                what = f"the experiment does not claim KPI `{name}`, so `during` has no effect on it"
                yield document.mistake((key, name), what, "add it to `steady_state`, or remove it here", key=True)


def _region(document: Section, region: str | None, workload: Workload) -> Iterator[Mistake]:
    if region is None and len(workload.regions) > 1:
        listed = ", ".join(workload.regions)
        remedy = f"add `region:`, one of {listed}"
        what = "`region` is missing, and the workload has several regions"
        yield document.mistake((), what, remedy, kind=MistakeKind.MISSING_KEY)
    elif region is not None and region not in workload.regions:
        what = f"the workload is not in region {quoted(region)}"
        yield document.mistake(("region",), what, one_of(region, workload.regions), kind=MistakeKind.BAD_REFERENCE)


def _alarms(document: Section, parts: dict[str, Any], workload: Workload, twin: TwinFile | None) -> Iterator[Mistake]:
    """The alarms that an experiment names: of the workload's account, in any region; the twin plays `detected_by`'s."""
    detected = parts.get("detected_by")
    named: dict[Loc, str] = {("stop_when", index): alarm for index, alarm in enumerate(parts.get("stop_when", ()))}
    if detected:
        named["detected_by", "alarm"] = detected.alarm
    for loc, alarm in named.items():
        yield from foreign_alarm(document, loc, alarm, workload.account)
    if detected and twin is not None:
        yield from unknown(document, ("detected_by", "alarm"), "alarm", alarm_name(detected.alarm), twin.alarms)


def _place(document: Section, loc: Loc, fault: Fault, zones: tuple[str, ...], region: str) -> Iterator[Mistake]:
    zone = getattr(fault, "zone", None)
    if zone is not None and zones:
        yield from unknown(document, (*loc, "zone"), "zone", zone, zones)
    elif zone is not None and not zone.startswith(region):
        yield document.mistake(
            (*loc, "zone"), f"zone {quoted(zone)} is not in {region}", f"a zone is named like {region}a"
        )


def _faults(faults: FaultsAt) -> Iterator[tuple[Loc, Fault]]:
    return ((loc, scheduled.fault) for loc, scheduled in faults.items())
