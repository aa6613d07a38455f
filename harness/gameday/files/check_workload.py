"""Check a workload file and a twin file for contradictions: each alone, and both together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from gameday.aws.regions import REGIONS, partition_of
from gameday.files.twin_file import Journey, TwinFile, TwinModule
from gameday.files.twin_load import MOST_INSTANCES, MOST_STEPS, cycle_of, instances_of, load_of, too_much
from gameday.files.twin_zones import zones_of
from gameday.files.workload import Workload
from gameday.files.yaml.document import Loc, Section
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import show_share
from gameday.steady_state.sources.alarm_names import alarm_place
from gameday.steady_state.sources.cloudwatch import CloudWatchSpec
from gameday.text import nearest, one_of, quoted

Names = Collection[str]


def unknown(document: Section, loc: Loc, what: str, name: str, known: Names, key: bool = False) -> Iterator[Mistake]:
    """Yield a mistake if a name is unknown."""
    if name not in known:
        yield document.mistake(
            loc, f"there is no {what} {quoted(name)}", one_of(name, known), key, MistakeKind.BAD_REFERENCE
        )


def foreign_alarm(document: Section, loc: Loc, alarm: str, account: str | None) -> Iterator[Mistake]:
    """A mistake where an alarm's ARN names another account than the workload's, or an unknown region."""
    place = alarm_place(alarm)
    if account is not None and place.account not in (None, account):
        what = f"the alarm is in account {place.account}, the workload in {account}"
        yield document.mistake(loc, what, "name an alarm of the workload's account", kind=MistakeKind.BAD_VALUE)
    if place.region is not None and place.region not in REGIONS:
        yield _strange_region(document, loc, place.region)


def check_workload(document: Section, parts: dict[str, Any]) -> Iterator[Mistake]:
    """Check the names inside a workload; `parts` holds its valid fields."""
    modules = document.names("modules")
    role, account = parts.get("role"), parts.get("account")
    if role and account and role.split(":")[4] != account:
        what = f"the role belongs to account {role.split(':')[4]}, but the workload is in {account}"
        yield document.mistake(("role",), what, f"name a role of account {account}: a run changes no other account")
    for index, region in enumerate(parts.get("regions", ())):
        if region not in REGIONS:
            yield _strange_region(document, ("regions", index), region)
    for name, module in parts.get("modules", {}).items():
        for kind in ("needs", "tolerates"):
            for index, other in enumerate(getattr(module, kind)):
                loc = ("modules", name, kind, index)
                yield from unknown(document, loc, "module", other, modules)
                if other == name:
                    yield document.mistake(
                        loc,
                        f"module `{name}` {kind} itself",
                        "remove it: a fault in a module always hurts the module itself",
                    )
                if kind == "tolerates" and other in module.needs:
                    what = f"module `{name}` both needs and tolerates `{other}`"
                    yield document.mistake(
                        loc, what, f"keep it in `needs` if `{name}` fails without it, else in `tolerates`"
                    )
    for name, kpi in parts.get("kpis", {}).items():
        yield from _sources(document, name, kpi, account)
        if kpi.module is not None:
            yield from unknown(document, ("kpis", name, "module"), "module", kpi.module, modules)


def _strange_region(document: Section, loc: Loc, region: str) -> Mistake:
    """Return the mistake of a region that is not one of AWS's standard partition."""
    partition = partition_of(region)
    what = (
        f"{quoted(region)} is a region of partition {partition}"
        if partition
        else (f"{quoted(region)} is not a region of AWS's standard partition")
    )
    meant = None if partition else nearest(region, REGIONS)
    other = "write one like us-east-1; Gameday does not support China, GovCloud and other partitions"
    return document.mistake(loc, what, f"did you mean `{meant}`?" if meant else other, kind=MistakeKind.BAD_VALUE)


def _sources(document: Section, name: str, kpi: Kpi, account: str | None) -> Iterator[Mistake]:
    for loc, source in kpi.sources.items():
        if source.alarm_name is not None:
            yield from foreign_alarm(document, ("kpis", name, *loc, "alarm"), source.alarm_name, account)
        elif source.where is not None and source.where not in REGIONS:
            yield _strange_region(document, ("kpis", name, *loc, "region"), source.where)


def check_twin(document: Section, parts: dict[str, Any]) -> Iterator[Mistake]:
    """Check the names and sums inside a twin file; `parts` holds its valid fields."""
    modules = document.names("modules")
    journeys = parts["customers"].journeys if "customers" in parts else {}
    for index, zone in enumerate(parts.get("zones", ())):
        if zone in parts["zones"][:index]:
            yield document.mistake(
                ("zones", index), f"zone `{zone}` is named twice", "remove one of the two", kind=MistakeKind.DUPLICATE
            )
    for name, module in parts.get("modules", {}).items():
        for index, zone in enumerate(module.instances.zones if module.instances and "zones" in parts else ()):
            loc: Loc = ("modules", name, "instances", "zones", index)
            yield from unknown(document, loc, "zone", zone, parts["zones"])
    yield from _calls(document, parts.get("modules", {}), modules, journeys)
    if journeys:
        yield from _journeys(document, modules, journeys)
    yield from _feeds(document, parts, modules, journeys)
    for name, alarm in parts.get("alarms", {}).items():
        for metric in alarm.metric:
            if not metric.startswith("AWS/"):
                yield from unknown(document, ("alarms", name, "metric"), "metric", metric, document.names("metrics"))


def check_load(document: Section, twin: TwinFile) -> Iterator[Mistake]:
    """Check that the twin can play its warm-up in reasonable time; the file has no other mistake."""
    if circle := cycle_of(twin):
        loc: Loc = ("modules", circle[0], "calls")
        what = f"these modules call each other in a circle, so a request would never end: {' → '.join(circle)}"
        yield document.mistake(loc, what, "take one of the calls out", key=True)
        return
    instances = instances_of(twin)
    if instances > MOST_INSTANCES:
        what = f"{instances:,} instances in {len(twin.zones)} zones are more than the {MOST_INSTANCES:,} of a twin"
        yield document.mistake(("modules",), what, "write fewer `each_zone`: a share of a fleet fails alike", key=True)
    load = load_of(twin, twin.warm_up)
    if load.steps > MOST_STEPS:
        what = too_much(load, twin, twin.warm_up, "the warm-up")
        yield document.mistake(("warm_up",), what, "write a shorter `warm_up`, or a lower `customers.rate`", key=True)


def _calls(document: Section, sound: dict[str, TwinModule], modules: Names, journeys: Names) -> Iterator[Mistake]:
    for name, module in sound.items():
        for index, call in enumerate(module.calls):
            loc = ("modules", name, "calls", index)
            yield from unknown(document, (*loc, "to"), "module", call.to, modules)
            for number, journey in enumerate(call.only if journeys else ()):
                yield from unknown(document, (*loc, "only", number), "journey", journey, journeys)


def _journeys(document: Section, modules: Names, journeys: dict[str, Journey]) -> Iterator[Mistake]:
    for name, journey in journeys.items():
        yield from unknown(document, ("customers", "journeys", name, "enters"), "module", journey.enters, modules)
    total = sum(journey.share for journey in journeys.values())
    if abs(total - 1) > 1e-6:
        what = f"the shares of the journeys add up to {show_share(total)}, not to 100%"
        yield document.mistake(
            ("customers", "journeys"), what, "change the shares: each customer goes on exactly one journey", key=True
        )


def _feeds(document: Section, parts: dict[str, Any], modules: Names, journeys: Names) -> Iterator[Mistake]:
    for name, feed in parts.get("metrics", {}).items():
        loc = ("metrics", name)
        if feed.journey is not None and journeys:
            yield from unknown(document, (*loc, "journey"), "journey", feed.journey, journeys)
        if feed.module is not None:
            yield from unknown(document, (*loc, "module"), "module", feed.module, modules)
        played = parts.get("modules", {}).get(feed.module)
        if feed.count == "healthy" and played and not played.instances:
            what = f"`healthy` counts instances, and module `{feed.module}` has none"
            yield document.mistake((*loc, "count"), what, "count tried, failed or latency")


def _unpublished(document: Section, workload: Workload, twin: TwinFile) -> Iterator[Mistake]:
    """With `missing: zero`, a metric that nobody publishes would read as no failure at all."""
    for name, kpi in workload.kpis.items():
        for loc, source in kpi.sources.items():
            if not isinstance(source, CloudWatchSpec) or not source.zero_if_missing:
                continue
            for summand in source.cloudwatch:
                metric = f"{summand.namespace}/{summand.metric}"
                if not metric.startswith("AWS/"):
                    place = ("kpis", name, *loc, "cloudwatch")
                    yield from unknown(document, place, "metric of the twin", metric, twin.metrics)


def check_together(document: Section, workload: Workload, twin_document: Section, twin: TwinFile) -> Iterator[Mistake]:
    """Check that a workload and its twin have the same modules, and zones in the workload's regions."""
    file = document.file.name
    yield from _unpublished(document, workload, twin)
    for name, module in twin.modules.items():
        if name not in workload.modules:
            what = f"there is no module {quoted(name)} in the workload {file}"
            yield twin_document.mistake(
                ("modules", name), what, one_of(name, workload.modules), True, MistakeKind.BAD_REFERENCE
            )
        elif module.instances and not workload.modules[name].owns.tags:
            what = f"module `{name}` has instances here, but owns nothing by tags in {file}"
            yield twin_document.mistake(
                ("modules", name, "instances"), what, f"write `owns: {{tags: {{module: {name}}}}}` there", key=True
            )
    left_out = [name for name in workload.modules if name not in twin.modules]
    if left_out:
        named = ", ".join(f"`{name}`" for name in left_out)
        what = f"modules of {file} are missing here: {named}"
        yield twin_document.mistake(("modules",), what, "describe every module of the workload", key=True)
    yield from _zones(workload.regions, twin_document, twin)


def _zones(regions: tuple[str, ...], twin_document: Section, twin: TwinFile) -> Iterator[Mistake]:
    if not {*regions} <= {*REGIONS}:
        return  # the workload file has that mistake
    known = [zone for region in regions for zone in zones_of(region)]
    for index, zone in enumerate(twin.zones):
        if not zone.startswith(regions):
            what = f"zone {quoted(zone)} is in none of the workload's regions ({', '.join(regions)})"
            yield twin_document.mistake(("zones", index), what, f"a zone is named like {regions[0]}a")
        elif zone not in known:
            what = f"the twin cannot simulate zone {quoted(zone)}"
            yield twin_document.mistake(("zones", index), what, one_of(zone, known), kind=MistakeKind.BAD_REFERENCE)
    if twin.zones and not any(zone.startswith(regions[0]) for zone in twin.zones):
        what = f"the twin has no zone in {regions[0]}, the first region of the workload"
        yield twin_document.mistake(("zones",), what, f"add a zone like {regions[0]}a", key=True)
