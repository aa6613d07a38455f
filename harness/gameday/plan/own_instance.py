"""Which EC2 instance this process runs on: a fault that hits it could cut off the undo (`guards/own_instance`).

A process knows its EC2 instance without a call: the firmware's asset tag is the instance's id on Nitro. Source:
Amazon EC2 User Guide, "Detect whether a host is an EC2 instance". In a container or a function it is not known.
"""

from __future__ import annotations

import re
from pathlib import Path

ASSET_TAG = Path("/sys/devices/virtual/dmi/id/board_asset_tag")


def own_instance(path: Path = ASSET_TAG) -> str | None:
    """The EC2 instance that this process runs on, where the machine says so."""
    try:
        tag = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return tag if re.fullmatch(r"i-[0-9a-f]{8,17}", tag) else None
