"""Which EC2 instance this process runs on: a fault that hits it could cut off the undo (`guards/own_instance`).

A process knows its EC2 instance without a call: the firmware's asset tag is the instance's id on Nitro. Source:
Amazon EC2 User Guide, "Detect whether a host is an EC2 instance". In a container or a function it is not known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

XEN = Path("/sys/hypervisor/uuid")
IN_AWS = {
    "AWS_LAMBDA_FUNCTION_NAME": "a Lambda function",
    "ECS_CONTAINER_METADATA_URI_V4": "a container of ECS",
    "ECS_CONTAINER_METADATA_URI": "a container of ECS",
    "CODEBUILD_BUILD_ID": "a build of CodeBuild",
    "KUBERNETES_SERVICE_HOST": "a container of Kubernetes",
}
"""Environment variables that say where a process runs (Lambda, ECS, CodeBuild and Kubernetes documentation)."""

ASSET_TAG = Path("/sys/devices/virtual/dmi/id/board_asset_tag")


def own_instance(path: Path = ASSET_TAG) -> str | None:
    """The EC2 instance that this process runs on, where the machine says so."""
    try:
        tag = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return tag if re.fullmatch(r"i-[0-9a-f]{8,17}", tag) else None


def unplaced(environment: Mapping[str, str] = os.environ, xen: Path = XEN) -> str:
    """Return what of AWS this process runs in, in words, where no file names its instance; else empty.

    On Xen the hypervisor's id begins with ec2 (Amazon EC2 User Guide, "Detect whether a host is an EC2 instance").
    """
    for variable, where in IN_AWS.items():
        if environment.get(variable):
            return where
    try:
        return "an instance on Xen" if xen.read_text(encoding="ascii").startswith("ec2") else ""
    except (OSError, UnicodeDecodeError):
        return ""


NOWHERE: tuple[str | None, str] = (None, "")
"""Where a process runs that no fault of an account can reach."""


def where_we_run() -> tuple[str | None, str]:
    """Return the EC2 instance that this process runs on, and what else of AWS it runs in where that is not known."""
    instance = own_instance()
    return instance, "" if instance else unplaced()
