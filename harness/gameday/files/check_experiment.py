"""What must fit together in an experiment: with its workload, and with the clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gameday.aws.arns import alarm_name
from gameday.faults.fault import Fault
from gameday.files.check_workload import Names, unknown
from gameday.files.experiment import DetectionClaim
from gameday.files.twin_file import TwinFile
from gameday.files.workload import Workload
from gameday.files.yaml.document import Loc, Section
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.kpi.units import show_duration
from gameday.text import one_of, quoted

FaultsAt = dict[Loc, Fault]
"""The faults that are right in themselves, each with where its fields stand."""


def check_alone(document: Section, parts: dict[str, Any]) -> Iterator[Mistake]:
    """What an experiment says of itself; `parts` are the fields that are right in themselves."""
    claimed, recovery = parts.get("steady_state", ()), parts.get("recovery")
    for index, name in enumerate(claimed):
        if name in claimed[:index]:
            yield document.mistake(
                ("steady_state", index), f"KPI `{name}` is named twice", "take one out", kind=MistakeKind.DUPLICATE
            )
    if recovery and recovery.from_ == "impact" and "lasts" in parts:
        needed = recovery.within + recovery.sustained
        if parts["lasts"] < needed - 1e-9:
            what = (
                f"the faults last {show_duration(parts['lasts'])}, too short to see recovery from impact: "
                f"within {show_duration(recovery.within)} and then sustained {show_duration(recovery.sustained)}"
            )
            yield document.mistake(
                ("lasts",), what, f"at least `lasts: {show_duration(needed)}`, or recovery `from: undo`"
            )

    if detected := parts.get("detected_by"):
        yield from _detection(document, detected, parts)


def _detection(document: Section, detected: DetectionClaim, parts: dict[str, Any]) -> Iterator[Mistake]:
    if parts.get("lasts", detected.within) < detected.within - 1e-9:
        what = (
            f"the faults last {show_duration(parts['lasts'])}, too short to see whether an alarm fires within "
            f"{show_duration(detected.within)}"
        )
        remedy = f"more than `lasts: {show_duration(detected.within)}`: customers suffer only after a while"
        yield document.mistake(("lasts",), what, remedy)
    if alarm_name(detected.alarm) in map(alarm_name, parts.get("stop_when", ())):
        what = f"alarm {quoted(alarm_name(detected.alarm))} ends the run when it fires, which breaks the claim"
        yield document.mistake(("detected_by", "alarm"), what, "take it out here, or out of `stop_when`")


def check_irreversible(document: Section, parts: dict[str, Any], faults: FaultsAt) -> Iterator[Mistake]:
    """Faults that nothing undoes must be allowed by the experiment."""
    for loc, fault in faults.items():
        if fault.is_irreversible and "irreversible" not in parts.get("allow", ("irreversible",)):
            what = f"nothing undoes `{fault.name}`, and the experiment does not allow that"
            yield document.mistake(loc, what, "add `allow: [irreversible]`, if that is meant")


def check_experiment(
    document: Section, parts: dict[str, Any], faults: FaultsAt, workload: Workload, twin: TwinFile | None
) -> Iterator[Mistake]:
    """An experiment against its workload."""
    yield from check_names(document, parts, faults, workload.kpis, workload.modules)
    yield from _kpis(document, parts, workload)
    yield from _region(document, parts.get("region"), workload)
    exposure = workload.limits.exposure
    if parts.get("lasts", 0) > exposure:
        what = (
            f"the faults last {show_duration(parts['lasts'])}, over the workload's limit of {show_duration(exposure)}"
        )
        yield document.mistake(("lasts",), what, "shorten it, or raise `limits.exposure` in the workload")
    region = parts.get("region") or workload.regions[0]
    if detected := parts.get("detected_by"):
        yield from _alarm(document, detected.alarm, workload, twin, region)
    for loc, fault in faults.items():
        yield from _place(document, loc, fault, _zones(twin, region), region)


def check_names(
    document: Section, parts: dict[str, Any], faults: FaultsAt, kpis: Names, modules: Names
) -> Iterator[Mistake]:
    """The KPIs and modules that an experiment names: they are known where the workload is wrong elsewhere, too."""
    for index, name in enumerate(parts.get("steady_state", ())):
        yield from unknown(document, ("steady_state", index), "KPI", name, kpis)
    for key in ("during", "guard"):
        for name in parts.get(key, {}):
            yield from unknown(document, (key, name), "KPI", name, kpis, key=True)
    for loc, fault in faults.items():
        if (module := getattr(fault, "module", None)) is not None:
            yield from unknown(document, (*loc, "module"), "module", module, modules)


def _kpis(document: Section, parts: dict[str, Any], workload: Workload) -> Iterator[Mistake]:
    claimed = parts.get("steady_state")
    for key in ("during", "guard"):
        for name, bound in parts.get(key, {}).items():
            if name not in workload.kpis:
                continue
            if isinstance(bound, Bound) and (misfit := workload.kpis[name].misfit(bound)):
                yield document.mistake(
                    (key, name), f"`{name}`: {misfit}", f"it is now: {workload.kpis[name].bound.words}"
                )
            if key == "during" and claimed is not None and name not in claimed:
                what = f"KPI `{name}` is not claimed, so that nothing is asked of it while the faults last"
                yield document.mistake((key, name), what, "add it to `steady_state`, or take it out here", key=True)


def _region(document: Section, region: str | None, workload: Workload) -> Iterator[Mistake]:
    if region is None and len(workload.regions) > 1:
        listed = ", ".join(workload.regions)
        remedy = f"add `region:`, one of {listed}"
        what = "`region` is missing: the workload has several"
        yield document.mistake((), what, remedy, kind=MistakeKind.MISSING_KEY)
    elif region is not None and region not in workload.regions:
        what = f"region {quoted(region)} is not one of the workload's"
        yield document.mistake(("region",), what, one_of(region, workload.regions), kind=MistakeKind.BAD_REFERENCE)


def _alarm(document: Section, alarm: str, workload: Workload, twin: TwinFile | None, region: str) -> Iterator[Mistake]:
    loc: Loc = ("detected_by", "alarm")
    if alarm.startswith("arn:"):
        parts = alarm.split(":", 6)
        if len(parts) < 7 or parts[2] != "cloudwatch" or parts[5] != "alarm" or not parts[6]:
            example = f"like arn:aws:cloudwatch:{region}:{workload.account}:alarm:orders-low"
            yield document.mistake(
                loc, f"{quoted(alarm)} is not the ARN of an alarm", example, kind=MistakeKind.BAD_VALUE
            )
            return
        if (parts[3], parts[4]) != (region, workload.account):
            what = f"the alarm is in {parts[3]} of account {parts[4]}, the run in {region} of {workload.account}"
            yield document.mistake(loc, what, "name an alarm beside the workload")
            return
    if twin is not None:
        yield from unknown(document, loc, "alarm", alarm_name(alarm), twin.alarms)


def _zones(twin: TwinFile | None, region: str) -> tuple[str, ...]:
    return tuple(zone for zone in twin.zones if zone.startswith(region)) if twin else ()


def _place(document: Section, loc: Loc, fault: Fault, zones: tuple[str, ...], region: str) -> Iterator[Mistake]:
    zone = getattr(fault, "zone", None)
    if zone is not None and zones:
        yield from unknown(document, (*loc, "zone"), "zone", zone, zones)
    elif zone is not None and not zone.startswith(region):
        yield document.mistake(
            (*loc, "zone"), f"zone {quoted(zone)} is not in {region}", f"a zone is named like {region}a"
        )
