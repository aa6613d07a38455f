"""Examine what is in the workload's subnets of each zone and is not the workload's: a blackhole would cut it off."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.doctor.examination import DoctorContext, Finding, Severity
from gameday.faults.fault import FaultContext
from gameday.faults.interfaces import interfaces_in, neighbors

TOPIC = "zones"


def zones(context: DoctorContext) -> Iterator[Finding]:
    """Count the workload's instances and name the foreign interfaces, by zone."""
    inventory = context.inventory
    looking = FaultContext(
        account=context.environment.account,
        region=context.region,
        inventory=inventory,
        modules=tuple(context.workload.modules),
        seed=0,
    )
    for zone in sorted({subnet.zone for subnet in inventory.subnets}):
        subnets = [subnet for subnet in inventory.subnets if subnet.zone == zone]
        own = sum(1 for instance in inventory.instances if instance.zone == zone)
        yield Finding(Severity.NOTE, TOPIC, f"{zone}: {len(subnets)} subnets, {own} instances of the workload")
        others = neighbors(looking, interfaces_in(looking, subnets))
        if foreign := [neighbor.in_words for neighbor in others if not neighbor.owned]:
            more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
            text = f"{zone}: {len(foreign)} interfaces are not the workload's: {', '.join(foreign[:5])}{more}"
            yield Finding(Severity.WARNS, TOPIC, text, "az-blackhole refuses there, unless it allows them")
