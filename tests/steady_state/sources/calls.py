"""A stand-in for calls to AWS in tests of sources that must make none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue


def no_aws(operation: str, params: Mapping[str, JsonValue], *, paged: bool = False) -> Any:
    """Fail: this source must not call AWS."""
    raise AssertionError(operation)
