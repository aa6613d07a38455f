"""Examine which resources of the workload carry the opt-in tag, so that an experiment may hit them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gameday.aws.kinds import KINDS
from gameday.doctor.examination import DoctorContext, Finding, Severity

TOPIC = "opt-in"


def opt_in(context: DoctorContext) -> Iterator[Finding]:
    """Count the resources with the tag, by kind, and name those without."""
    wanted = context.workload.opt_in or {}
    if not wanted:
        yield Finding(Severity.NOTE, TOPIC, "the workload asks for no opt-in tag: every resource may be hit")
        return
    tag = ", ".join(f"{key}={value}" for key, value in wanted.items())
    for kind, tags in _tags(context).items():
        lacking = sorted(id_ for id_, own in tags.items() if not wanted.items() <= own.items())
        if lacking:
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            text = f"{len(lacking)} of {len(tags)} {kind}s lack {tag}: {', '.join(lacking[:5])}{more}"
            yield Finding(Severity.WARNS, TOPIC, text, "tag what an experiment may hit")
        elif tags:
            yield Finding(Severity.NOTE, TOPIC, f"all {len(tags)} {kind}s carry {tag}")


def _tags(context: DoctorContext) -> dict[str, dict[str, Mapping[str, str]]]:
    inventory = context.inventory
    return {
        "instance": {instance.id: instance.tags for instance in inventory.instances},
        "subnet": {subnet.id: subnet.tags for subnet in inventory.subnets},
        "scaling group": {group.name: group.tags for group in inventory.scaling_groups},
        **{
            kind.name: {resource.name: resource.tags for resource in inventory.resources(kind)}
            for kind in KINDS.values()
        },
    }
