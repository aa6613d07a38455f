"""Tags, as AWS accepts them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

TagKey = Annotated[str, Field(pattern=r"^.{1,128}$")]
"""A tag's key (Amazon EC2 User Guide, "Tag restrictions": 1 to 128 characters)."""
