"""What every model of a file has in common."""

from __future__ import annotations

from typing import Annotated

from gameday.steady_state.kpi.masks import keeps_secrets, masked_urls
from pydantic import BaseModel, ConfigDict, PlainSerializer, SerializationInfo


def _masked(text: str, info: SerializationInfo) -> str:
    return text if keeps_secrets(info) else masked_urls(text)


Prose = Annotated[str, PlainSerializer(_masked)]
"""A sentence for people; where it is written, masks hide the secrets of its URLs."""


class Written(BaseModel):
    """Something written in YAML: immutable, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)
