"""Resource kinds as data: how a workload's resources of each kind are named, found and distinguished."""

from gameday.aws.kinds.kind import ResourceKind
from gameday.aws.kinds.registry import FUNCTION, HTTP_STAGE, KINDS, STAGE, TABLE

__all__ = ["FUNCTION", "HTTP_STAGE", "KINDS", "STAGE", "TABLE", "ResourceKind"]
