"""ARNs: where a resource is, and names that AWS accepts in their place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArnPlace:
    """What an ARN says of where its resource is."""

    partition: str
    region: str
    account: str
