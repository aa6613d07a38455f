"""What shows that an instance has rebooted, and that it is fit again.

EC2's status checks run once a minute, and a boot may take less. New console output stays readable: EC2 posts it shortly
after a reboot, and keeps it for an hour. Sources: Amazon EC2 User Guide, "Status checks for Amazon EC2 instances";
Amazon EC2 API Reference, GetConsoleOutput.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gameday.aws.answers.ec2_compute import GET_CONSOLE_OUTPUT
from gameday.aws.resources import Instance
from gameday.change import Probe
from gameday.errors import AwsError
from gameday.faults.fault import FaultContext, call
from gameday.faults.healing import Healing, of_group
from gameday.faults.targets import any_unfit

IDS = 100
"""Ids in one request (Amazon EC2 API Reference, DescribeInstanceStatus: at most 100)."""

OLD = 600.0
"""Seconds after which console output belongs to an earlier boot: EC2 posts it within minutes of a boot."""


def reboot_probes(context: FaultContext, hit: Sequence[Instance]) -> tuple[Probe, ...]:
    """Return the probes that show a reboot; one is enough. Raises AwsError."""
    ids = [instance.id for instance in hit]
    status = (_status(ids[start : start + IDS]) for start in range(0, len(ids), IDS))
    return (*status, *any_unfit(context, list(hit)), *_posts(context, ids))


def _status(ids: list[str]) -> Probe:
    sick = "InstanceStatuses[?InstanceStatus.Status != 'ok']"
    return Probe(
        call=call("ec2", "describe_instance_status", InstanceIds=ids, IncludeAllInstances=True),
        value=f"length({sick})",
        holds=f"length(answer.{sick}) > was",
        about="an instance's status check is not ok",
    )


def _posts(context: FaultContext, ids: Sequence[str]) -> Iterator[Probe]:
    """Yield a probe for each instance whose console output was posted long ago: it moves only with the next boot.

    A recent time proves nothing: the output may belong to a boot just before the fault, or move at every read.
    """
    calls = [(GET_CONSOLE_OUTPUT.call(InstanceId=id_), context.region) for id_ in ids]
    for (read, _), answer in zip(calls, context.account.call_all(calls), strict=True):
        posted = None if isinstance(answer, AwsError) else GET_CONSOLE_OUTPUT.typed(answer).get("Timestamp")
        if posted is not None and posted <= context.now - OLD:
            yield Probe(
                call=read,
                value="Timestamp",
                holds="answer.Timestamp > was",
                about=f"{read.params['InstanceId']} has new console output",
            )


def unseen_reboots(hit: Sequence[Instance], probes: Sequence[Probe]) -> tuple[str, ...]:
    """Return warnings of reboots that may be missed, since no console output would show them."""
    seen = {probe.call.params["InstanceId"] for probe in probes if probe.call.operation == GET_CONSOLE_OUTPUT.name}
    unseen = [instance.id for instance in hit if instance.id not in seen]
    why = "EC2 checks their status once a minute, and no older console output would show a new boot"
    return (f"a reboot of {', '.join(unseen)} may be missed: {why}",) if unseen else ()


def reboot_healing(instance: Instance) -> Healing:
    """Return how a rebooted instance gets fit again: its group has its capacity, or EC2's status check passes."""
    if instance.group:
        return of_group(instance.group, ())
    return Healing(
        Probe(
            call=call("ec2", "describe_instance_status", InstanceIds=[instance.id], IncludeAllInstances=True),
            holds="length(answer.InstanceStatuses[?InstanceStatus.Status == 'ok']) == `1`",
            about=f"the status check of {instance.id} is ok",
        )
    )
