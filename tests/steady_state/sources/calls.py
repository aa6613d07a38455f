"""What sources call of AWS in tests where they should not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue


def no_aws(operation: str, params: Mapping[str, JsonValue], *, paged: bool = False) -> Any:
    """A source that does not read AWS calls nothing of it."""
    raise AssertionError(operation)
