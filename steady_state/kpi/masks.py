"""Masks for what may be a secret in a workload file: records, journals and reports hold only the mask."""

from __future__ import annotations

import re
from typing import Any

from pydantic import JsonValue, SerializationInfo

MASK = "***"
KEEP_SECRETS: dict[str, Any] = {"secrets": "kept"}
"""The serialization context that keeps secrets: for a saved plan, which must run as it is."""

_NAME = r"pass(?:word|wd|phrase)?|pwd|secret|token|credential|authorization|api[-_]?key|private[-_]?key|user[-_]?data"
_SECRET_KEY = re.compile(_NAME, re.IGNORECASE)
_ENVIRONMENT = re.compile(r"env(?:ironment)?|variables", re.IGNORECASE)
_URL = re.compile(r"\b\w{1,20}://[^\s\"'<>|]+")
_ASSIGNED = re.compile(
    rf"((?:{_NAME})[\w-]{{0,40}}[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?)(?:(?:Bearer|Basic)\s+)?[^\s\"',;&]+", re.IGNORECASE
)
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")

_USERINFO = re.compile(r"(\w+://)[^/?#\s]*@")
_REST = re.compile(r"([?#])(.*)", re.DOTALL)


def masked_url(url: str) -> str:
    """Mask a URL's userinfo, its fragment and the values of its query (RFC 3986, sections 3.2.1, 3.4)."""
    return _REST.sub(_masked_query, masked_userinfo(url), count=1)


def masked_userinfo(text: str) -> str:
    """Mask the name and password in each URL of a text."""
    return _USERINFO.sub(rf"\1{MASK}@", text)


def masked_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Mask a program's arguments: any of them may be a token."""
    return (*words[:1], *([MASK] if len(words) > 1 else []))


def masked_text(text: str) -> str:
    """Mask what looks like a secret in a text: in URLs, after `password=` and the like, and ids of access keys."""
    text = _URL.sub(lambda match: masked_url(match[0]), text)
    return _KEY_ID.sub(MASK, _ASSIGNED.sub(rf"\1{MASK}", text))


def masked_json(raw: JsonValue) -> JsonValue:
    """Mask what looks like a secret in JSON: under names like `password`, in environments, and in texts."""
    if isinstance(raw, dict):
        return {key: _masked_at(key, value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [masked_json(value) for value in raw]
    return masked_text(raw) if isinstance(raw, str) else raw


def _masked_at(key: str, value: JsonValue) -> JsonValue:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_KEY.search(key):
        return MASK
    if _ENVIRONMENT.fullmatch(key):
        return _masked_leaves(value)
    return masked_json(value)


def _masked_leaves(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _masked_leaves(below) for key, below in value.items()}
    return [_masked_leaves(below) for below in value] if isinstance(value, list) else MASK


def keeps_secrets(info: SerializationInfo) -> bool:
    """Tell whether this serialization masks nothing."""
    return isinstance(info.context, dict) and info.context.get("secrets") == "kept"


def _masked_query(match: re.Match[str]) -> str:
    query, hash_, _ = match.group(2).partition("#")
    if match.group(1) == "#":
        return f"#{MASK}"
    pairs = (f"{pair.partition('=')[0]}={MASK}" if "=" in pair else MASK for pair in query.split("&"))
    return f"?{'&'.join(pairs)}" + (f"#{MASK}" if hash_ else "")
