"""Tags, as AWS accepts them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def _without_controls(text: str) -> str:
    if any(ord(character) < ord(" ") or ord(character) == 0x7F for character in text):
        msg = "a tag holds no control characters"
        raise ValueError(msg)
    return text


TagKey = Annotated[str, Field(pattern=r"^.{1,128}$"), AfterValidator(_without_controls)]
"""A tag's key (Amazon EC2 User Guide, "Tag restrictions": 1 to 128 characters); XML holds no control characters."""
TagValue = Annotated[str, AfterValidator(_without_controls)]
"""A tag's value."""
