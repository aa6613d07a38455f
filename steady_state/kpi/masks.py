"""Masks for what may be a secret in a workload file: records, journals and reports hold only the mask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import JsonValue, SerializationInfo  # messages need the masks, and most need no model

MASK = "***"
KEEP_SECRETS: dict[str, Any] = {"secrets": "kept"}
"""The serialization context that keeps secrets: for a saved plan, which must run as it is."""
PROGRAM = "run"
"""The key of a program and its arguments in a workload file."""
SECRETS = (PROGRAM, "headers", "body")
"""The keys of a workload file below which any text may be a secret."""
SHORTEST = 4
"""Characters of the shortest argument that `masked_output` masks: `-c` is no secret."""

_NAME = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|jwt|bearer|credential|auth(?:orization)?(?![a-z])"
    r"|api[-_]?key|access[-_]?key|private[-_]?key|user[-_]?data"
)
_SECRET_KEY = re.compile(_NAME, re.IGNORECASE)
_ENVIRONMENT = re.compile(r"env(?:ironment)?|variables", re.IGNORECASE)
_URL = re.compile(r"\b\w+://[^\s\"<>`]+")
_VALUE = (
    r"""(?:(?P<escaped>\\+["'])(?:(?!(?P=escaped)).)*(?:(?P=escaped))?|"(?:\\.|[^"\\\n])*"?"""
    r"""|'[^'\n]*'?|`[^`\n]*`?|[^\s"',;&]+)"""
)
"""A value after a name: in quotes, in quotes that are escaped, or up to a space or a separator."""
_ASSIGNED = re.compile(
    rf"""(?P<name>(?:{_NAME})[\w-]{{0,40}}\\*["'`]?[ \t]{{0,3}}(?:=~|!=|!~|:=|[:=])[ \t]{{0,3}})"""
    rf"(?:(?:Bearer|Basic)\s+)?(?P<value>{_VALUE})",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?P<name>(?<![\w-])--?[\w-]{{0,40}}(?:{_NAME})[\w-]{{0,40}}\s+)(?P<value>{_VALUE})", re.IGNORECASE
)
_BEARER = re.compile(r"(?P<name>\bBearer\s+)(?P<value>[\w.~+/=-]{8,})")
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")

_USERINFO = re.compile(r"\b(\w+://)[^/?#\s]*@")
_REST = re.compile(r"([?#])(.*)", re.DOTALL)


def masked_url(url: str) -> str:
    """Mask a URL's userinfo, its fragment and the values of its query (RFC 3986, sections 3.2.1, 3.4)."""
    return _REST.sub(_masked_query, masked_userinfo(url), count=1)


def masked_urls(text: str) -> str:
    """Mask the secrets of each URL in a text."""
    return _URL.sub(lambda match: masked_url(match[0]), text) if "://" in text else text


def masked_userinfo(text: str) -> str:
    """Mask the name and password in each URL of a text."""
    return _USERINFO.sub(rf"\1{MASK}@", text)


def masked_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Mask a program's arguments, since each may be a token; also where one word holds the whole command."""
    first, *more = words[0].split(maxsplit=1) if words and words[0].strip() else ("",)
    name, assigned, _ = first.partition("=")
    shown = f"{name}={MASK}" if assigned else masked_urls(first)
    return (shown, MASK) if more or len(words) > 1 else (shown,)


def masked_output(text: str, command: tuple[str, ...]) -> str:
    """Mask in a program's output what looks like a secret, and each argument of the command that started it."""
    arguments = [*(part for word in command[:1] for part in word.split()[1:]), *command[1:]]
    values = {value.strip() for word in arguments for value in (word, word.partition("=")[2], word.partition(":")[2])}
    parts = values | {value.split()[-1] for value in values if value}  # `Bearer abc`: a program may print `abc` alone
    for part in sorted(parts, key=lambda part: (-len(part), part)):
        if len(part) >= SHORTEST:
            text = text.replace(part, MASK)
    return masked_text(text)


def masked_text(text: str) -> str:
    """Mask what looks like a secret in a text: in URLs, after `password=` and the like, and ids of access keys."""
    text = masked_urls(text)
    for pattern in (_ASSIGNED, _OPTION, _BEARER):
        text = pattern.sub(_masked_value, text)
    return _KEY_ID.sub(MASK, text)


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
    if key == PROGRAM and isinstance(value, list):
        return list(masked_words(tuple(map(str, value))))
    if _ENVIRONMENT.fullmatch(key) or key in SECRETS[1:]:
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


def _masked_value(match: re.Match[str]) -> str:
    """Mask a value, and keep its quotes, so that the text around it still reads as the same language."""
    value = match["value"]
    quote = re.match(r"\\*[\"'`]", value)
    return f"{match['name']}{quote[0]}{MASK}{quote[0]}" if quote else f"{match['name']}{MASK}"
