"""The identity of a claim: a hash of what an experiment says, so that runs of one claim are found again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from gameday.change import Json, JsonLike
from gameday.files.experiment import Experiment
from gameday.files.fault_entries import ScheduledFault
from gameday.files.workload import Workload
from gameday.plan.plan import canonical
from gameday.steady_state.kpi.kpi import Kpi

_ACCOUNT = re.compile(r"(?<=:)[0-9]{12}(?=:)")
"""The account of an ARN (IAM User Guide, "Amazon Resource Names")."""
_RESOURCE = re.compile(r"\b([a-z]{1,12})-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
"""An id that EC2 made (EC2 User Guide, "Resource IDs"): a prefix, and 8 or 17 hexadecimal digits."""
_BALANCER = re.compile(r"\b((?:app|net|gwy|targetgroup)/[A-Za-z0-9-]{1,32})/[0-9a-f]{16}\b")
"""A load balancer or target group, as metrics name it (ELB User Guide, "CloudWatch metrics")."""


def claim_identity(experiment: Experiment, workload: Workload) -> str:
    """Return the identity of a claim: SHA-256 of the canonical JSON of what it says.

    It covers hypothesis, KPIs with sources and bounds, faults, `lasts`, recovery, detection, isolation, the guard, and
    the module declarations that isolation uses. It leaves out names, comments, order, region, seed, the ids of
    resources and of accounts, and `allow`. A default counts the same, written or not.
    """
    said: dict[str, JsonLike] = {
        "hypothesis": " ".join(experiment.hypothesis.split()),
        "kpis": {name: _kpi(workload.kpis[name]) for name in _watched(experiment, workload)},
        "claimed": sorted(set(experiment.steady_state)),
        "during": _dumped(experiment, "during"),
        "faults": sorted((_fault(scheduled) for scheduled in experiment.faults), key=_order),
        "effect": _dumped(experiment, "effect"),
        "lasts": experiment.lasts,
        "recovery": _dumped(experiment, "recovery"),
        "detection": _dumped(experiment, "detected_by"),
        "guard": _dumped(experiment, "guard"),
        "blind_after": experiment.blind_after,
        "stop_when": sorted(set(experiment.stop_when)),
        "isolation": _isolation(experiment, workload),
    }
    return hashlib.sha256(canonical(without_ids(said, workload.account))).hexdigest()


def without_ids(node: JsonLike, account: str) -> Json:
    """Return JSON without the ids of accounts and resources in its texts; what they are stays."""
    if isinstance(node, Mapping):
        return {_plain(key, account): without_ids(value, account) for key, value in node.items()}
    if isinstance(node, str):
        return _plain(node, account)
    return [without_ids(value, account) for value in node] if isinstance(node, Sequence) else node


def _plain(text: str, account: str) -> str:
    text = "*" if text == account else _ACCOUNT.sub("*", text)
    return _BALANCER.sub(r"\1/*", _RESOURCE.sub(r"\1-*", text))


def _watched(experiment: Experiment, workload: Workload) -> list[str]:
    """Return the KPIs that the verdict rests on; isolation judges the KPIs of every module."""
    names = {*experiment.steady_state, *experiment.during, *experiment.guard}
    if experiment.effect:
        names.add(experiment.effect.kpi)
    if experiment.isolation:
        names |= {name for name, kpi in workload.kpis.items() if kpi.module}
    return sorted(names)


def _kpi(kpi: Kpi) -> Json:
    return kpi.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"about"})


def _order(raw: JsonLike) -> str:
    return json.dumps(raw, sort_keys=True)


def _fault(scheduled: ScheduledFault) -> JsonLike:
    fault, times = scheduled.fault, {"at": scheduled.at, "for": scheduled.lasts} if scheduled.is_timed else {}
    return {fault.name: fault.model_dump(mode="json", by_alias=True, exclude_defaults=True), **times}


def _dumped(experiment: Experiment, field: str) -> Json:
    said: dict[str, Json] = experiment.model_dump(mode="json", by_alias=True, include={field})
    return said[field]


def _isolation(experiment: Experiment, workload: Workload) -> JsonLike:
    """Return the claim with the modules that may suffer, or with every declaration where faults name no module."""
    if experiment.isolation is None:
        return None
    named = [scheduled.fault.target_module for scheduled in experiment.faults]
    modules = frozenset(name for name in named if name in workload.modules)
    margin = experiment.isolation.margin
    if all(name in workload.modules for name in named):
        suffering = workload.suffers_with(modules)
        contained = sorted(workload.modules.keys() - suffering)
        return {"margin": margin, "may_suffer": sorted(suffering), "contained": contained}
    return {"margin": margin, "needs": {name: sorted(module.needs) for name, module in workload.modules.items()}}
