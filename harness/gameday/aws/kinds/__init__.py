"""Resource kinds as data: how a workload's resources of each kind are named, found and distinguished."""

from gameday.aws.kinds.kind import ResourceKind
from gameday.aws.kinds.registry import FUNCTION, KINDS, STAGE, TABLE

__all__ = ["FUNCTION", "KINDS", "STAGE", "TABLE", "ResourceKind"]
