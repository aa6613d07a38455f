"""When the credentials that sign calls end, and who renews them: an undo without a signature undoes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Renewal = Literal["itself", "person", "nothing"]

ASKS_BEFORE = 900.0
"""Seconds before their end from when botocore renews credentials (botocore, `credentials.py`, advisory refresh)."""

SSO_CACHE = Path("~/.aws/sso/cache")
"""Where the AWS CLI keeps the tokens of IAM Identity Center (AWS CLI User Guide, "aws sso login")."""


@dataclass(frozen=True)
class Credentials:
    """Credentials: how botocore found them, when they end (seconds since the epoch), and who renews them."""

    method: str
    ends: float | None = None  # None: never, or unknown where they are temporary
    renewed_by: Renewal = "nothing"
    is_temporary: bool = False

    @property
    def sign_until(self) -> float | None:
        """Return until when they sign without a person; None where no end is known."""
        if self.ends is None or self.renewed_by == "itself":
            return None
        return self.ends - ASKS_BEFORE if self.renewed_by == "person" and self.method == "assume-role" else self.ends


@dataclass(frozen=True)
class Profiles:
    """The profiles of the AWS configuration, and the folder with the tokens of IAM Identity Center."""

    profiles: Mapping[str, Mapping[str, object]]
    current: str
    sso_cache: Path = SSO_CACHE

    def chain(self) -> Iterator[Mapping[str, object]]:
        """Yield the current profile and those whose credentials it uses."""
        name, seen = self.current, set[str]()
        while name in self.profiles and name not in seen:
            seen.add(name)
            yield self.profiles[name]
            name = str(self.profiles[name].get("source_profile", ""))


def credentials_of(method: str, expiry: datetime | None, has_token: bool, profiles: Profiles) -> Credentials:
    """Return what is known of credentials that botocore found by `method`."""
    ends = expiry.timestamp() if expiry else None
    chain = list(profiles.chain())
    if method == "assume-role" and any("mfa_serial" in profile for profile in chain):
        return Credentials(method, ends, "person", is_temporary=True)
    if method in ("assume-role", "sso") and (token := _sso_token(chain, profiles.sso_cache)):
        if token.get("refreshToken"):
            return Credentials(method, ends, "itself", is_temporary=True)
        return Credentials("sso", _time(token.get("expiresAt")), "person", is_temporary=True)
    if method in ("env", "shared-credentials-file", "config-file", "explicit", "boto-config"):
        return Credentials(method, ends, "nothing", is_temporary=has_token)
    return Credentials(method, ends, "itself", is_temporary=True)


def _sso_token(chain: list[Mapping[str, object]], cache: Path) -> dict[str, object] | None:
    """Return the cached token of the first profile of IAM Identity Center; None where there is none."""
    for profile in chain:
        key = profile.get("sso_session") or profile.get("sso_start_url")
        if key:
            path = cache.expanduser() / f"{hashlib.sha1(str(key).encode(), usedforsecurity=False).hexdigest()}.json"
            try:
                token = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return None
            return token if isinstance(token, dict) else None
    return None


def _time(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text).replace("UTC", "+00:00")).timestamp()
    except ValueError:
        return None
