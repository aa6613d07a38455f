"""A call to AWS as data, and what every value of this vocabulary is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

Json: TypeAlias = JsonValue
"""A JSON value: None, bool, int, float, str, list of Json, or dict of str to Json."""

JsonLike: TypeAlias = "bool | int | float | str | Sequence[JsonLike] | Mapping[str, JsonLike] | None"
"""What may be read as JSON: also tuples, and lists and dicts of a narrower type, such as a list of ids."""

RUN_TAG = "gameday:run"
"""The tag that every resource of a run carries; its value is the run's id."""


class Frozen(BaseModel):
    """A value: immutable, and a mistake where a field is unknown."""

    # Built at first use: `validate` reads experiments without ever making a change.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Call(Frozen):
    """One API call: `service` as boto3 names its client, `operation` as the client's method (snake_case)."""

    service: str
    operation: str
    params: dict[str, Json] = {}

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"
