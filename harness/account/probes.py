"""Probes: reads with a yes-or-no answer, for faults that bite and strikes that heal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.account.account import Account
from harness.account.bindings import bind, search
from harness.account.change import Json, Probe
from harness.errors import AwsError


def answers(probes: Sequence[tuple[Probe, str, Mapping[str, Json]]], account: Account) -> list[Json | AwsError]:
    """What many probes read, each in its region and with its bindings (since, now, run, made), in parallel."""
    return account.call_all([(bind(probe.call, bindings), region) for probe, region, bindings in probes], paged=True)


def value(probe: Probe, answer: Json) -> Json:
    """What stood before the injection, from an answer of that time; None where the probe asks for nothing."""
    return search(probe.value, answer) if probe.value else None


def holds(probe: Probe, answer: Json, was: Json) -> bool:
    """Whether an answer says yes."""
    return search(probe.holds, {"answer": answer, "was": was}) is True
