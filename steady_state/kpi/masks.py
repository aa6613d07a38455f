"""What may be a secret in a workload file, and how it is written down: never in records, journals or reports."""

from __future__ import annotations

import re
from typing import Any

from pydantic import SerializationInfo

MASK = "***"
KEEP_SECRETS: dict[str, Any] = {"secrets": "kept"}
"""A serialization's context in which nothing is masked: for a saved plan, which must run as it is."""

_USERINFO = re.compile(r"(\w+://)[^/?#\s]*@")
_REST = re.compile(r"([?#])(.*)", re.DOTALL)


def masked_url(url: str) -> str:
    """A URL without userinfo, and without the values of its query and its fragment (RFC 3986, sections 3.2.1, 3.4)."""
    return _REST.sub(_masked_query, masked_userinfo(url), count=1)


def masked_userinfo(text: str) -> str:
    """A text in whose URLs nobody's name and password stand."""
    return _USERINFO.sub(rf"\1{MASK}@", text)


def masked_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """A program without its arguments: any of them may be a token."""
    return (*words[:1], *([MASK] if len(words) > 1 else []))


def keeps_secrets(info: SerializationInfo) -> bool:
    """Whether this serialization is one in which nothing is masked."""
    return isinstance(info.context, dict) and info.context.get("secrets") == "kept"


def _masked_query(found: re.Match[str]) -> str:
    query, hash_, _ = found.group(2).partition("#")
    if found.group(1) == "#":
        return f"#{MASK}"
    pairs = (f"{pair.partition('=')[0]}={MASK}" if "=" in pair else MASK for pair in query.split("&"))
    return f"?{'&'.join(pairs)}" + (f"#{MASK}" if hash_ else "")
