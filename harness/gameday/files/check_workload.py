"""What must fit together inside a workload file, inside a twin file, and between the two."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from gameday.aws.regions import REGIONS
from gameday.files.twin_file import Journey, TwinFile, TwinModule
from gameday.files.workload import Workload
from gameday.files.yaml.document import Loc, Section
from gameday.files.yaml.mistake import Mistake, MistakeKind
from gameday.steady_state.kpi.units import show_share
from gameday.text import nearest, one_of, quoted

Names = Collection[str]


def unknown(document: Section, loc: Loc, what: str, name: str, known: Names, key: bool = False) -> Iterator[Mistake]:
    """A mistake where a name is not among those known."""
    if name not in known:
        yield document.mistake(
            loc, f"there is no {what} {quoted(name)}", one_of(name, known), key, MistakeKind.BAD_REFERENCE
        )


def check_workload(document: Section, parts: dict[str, Any]) -> Iterator[Mistake]:
    """Names inside a workload; `parts` are the fields that are right in themselves."""
    modules = document.names("modules")
    role, account = parts.get("role"), parts.get("account")
    if role and account and role.split(":")[4] != account:
        what = f"the role is of account {role.split(':')[4]}, the workload is in {account}"
        yield document.mistake(("role",), what, f"name a role of account {account}: a run acts nowhere else")
    for index, region in enumerate(parts.get("regions", ())):
        if region not in REGIONS:
            what = f"{quoted(region)} is not a region of AWS's standard partition"
            meant = nearest(region, REGIONS)
            other = "like us-east-1; the partitions of China, GovCloud and the like are not served"
            yield document.mistake(
                ("regions", index), what, f"did you mean `{meant}`?" if meant else other, kind=MistakeKind.BAD_VALUE
            )
    for name, module in parts.get("modules", {}).items():
        for kind in ("needs", "tolerates"):
            for index, other in enumerate(getattr(module, kind)):
                loc = ("modules", name, kind, index)
                yield from unknown(document, loc, "module", other, modules)
                if other == name:
                    yield document.mistake(
                        loc, f"module `{name}` {kind} itself", "take it out: a fault in it hurts it anyway"
                    )
                if kind == "tolerates" and other in module.needs:
                    what = f"module `{name}` needs `{other}` and tolerates its loss: it is one of the two"
                    yield document.mistake(loc, what, "leave it in `needs` where it fails with it, else in `tolerates`")
    for name, kpi in parts.get("kpis", {}).items():
        if kpi.module is not None:
            yield from unknown(document, ("kpis", name, "module"), "module", kpi.module, modules)


def check_twin(document: Section, parts: dict[str, Any]) -> Iterator[Mistake]:
    """Names and sums inside a twin file; `parts` are the fields that are right in themselves."""
    modules = document.names("modules")
    journeys = parts["customers"].journeys if "customers" in parts else {}
    for index, zone in enumerate(parts.get("zones", ())):
        if zone in parts["zones"][:index]:
            yield document.mistake(
                ("zones", index), f"zone `{zone}` is named twice", "take one out", kind=MistakeKind.DUPLICATE
            )
    yield from _calls(document, parts.get("modules", {}), modules, journeys)
    if journeys:
        yield from _journeys(document, modules, journeys)
    yield from _feeds(document, parts, modules, journeys)
    for name, alarm in parts.get("alarms", {}).items():
        if not alarm.metric.startswith("AWS/"):
            yield from unknown(document, ("alarms", name, "metric"), "metric", alarm.metric, document.names("metrics"))


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
        yield document.mistake(("customers", "journeys"), what, "every customer goes on exactly one journey", key=True)


def _feeds(document: Section, parts: dict[str, Any], modules: Names, journeys: Names) -> Iterator[Mistake]:
    for name, feed in parts.get("metrics", {}).items():
        loc = ("metrics", name)
        if feed.journey is not None and journeys:
            yield from unknown(document, (*loc, "journey"), "journey", feed.journey, journeys)
        if feed.module is not None:
            yield from unknown(document, (*loc, "module"), "module", feed.module, modules)
        played = parts.get("modules", {}).get(feed.module)
        if feed.count == "healthy" and played and not played.instances:
            what = f"healthy counts instances, and module `{feed.module}` plays none"
            yield document.mistake((*loc, "count"), what, "count tried, failed or latency")


def check_together(document: Section, workload: Workload, twin_document: Section, twin: TwinFile) -> Iterator[Mistake]:
    """That a workload and its twin speak of the same modules, and of zones in the workload's regions."""
    file = document.file.name
    for name, module in twin.modules.items():
        if name not in workload.modules:
            what = f"there is no module {quoted(name)} in the workload {file}"
            yield twin_document.mistake(
                ("modules", name), what, one_of(name, workload.modules), True, MistakeKind.BAD_REFERENCE
            )
        elif module.instances and not workload.modules[name].owns.tags:
            what = f"module `{name}` plays instances, but owns nothing by tags in {file}"
            yield twin_document.mistake(
                ("modules", name, "instances"), what, f"write `owns: {{tags: {{module: {name}}}}}` there", key=True
            )
    left_out = [name for name in workload.modules if name not in twin.modules]
    if left_out:
        named = ", ".join(f"`{name}`" for name in left_out)
        what = f"not all modules of {file} are played here: {named} {'is' if len(left_out) == 1 else 'are'} missing"
        yield twin_document.mistake(("modules",), what, "say how the twin plays every module of the workload", key=True)
    for index, zone in enumerate(twin.zones):
        if not zone.startswith(workload.regions) and {*workload.regions} <= {*REGIONS}:
            what = f"zone {quoted(zone)} is in none of the workload's regions ({', '.join(workload.regions)})"
            yield twin_document.mistake(("zones", index), what, f"a zone is named like {workload.regions[0]}a")
