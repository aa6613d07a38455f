"""The endpoint that requests go on to, and the connections to it that are kept."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import h11

from gameday.errors import InvalidInput
from gameday.sdk.proxy.http import Link, in_words
from gameday.steady_state.kpi.masks import masked_url

IDLE = 64
"""Connections to the endpoint that are kept for later requests."""
PATIENCE = 10.0
"""Seconds for a connection to come about, TLS and all."""


@dataclass
class Upstream:
    """The endpoint that requests go on to, and connections to it that wait for one."""

    url: str
    _idle: list[Link] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "@" in self.url:
            raise InvalidInput(
                "an endpoint takes no user name and no password",
                "name it without them: what a client signs goes on as it came",
                gd_code="GD-E118",
            )
        try:
            parts = urlsplit(self.url)
            port, host = parts.port, (parts.hostname or "").encode("idna")
        except ValueError:  # UnicodeError is one
            port, host = None, b""
        if not host or parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query or parts.fragment:
            raise InvalidInput(
                f"{masked_url(self.url)} is no endpoint", "name one like http://127.0.0.1:4566", gd_code="GD-E118"
            )
        name = host.decode()
        if name.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            raise InvalidInput(
                f"{name} takes no request that was signed for the proxy's name",
                "put the proxy before moto or another endpoint like AWS's; in the process, use gameday.sdk",
                gd_code="GD-E118",
            )
        self._host, self._port = name, port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    async def link(self) -> Link:
        """A connection, one that waits or a new one. Raises OSError."""
        while self._idle:
            link = self._idle.pop()
            if link.is_silent():
                return link
            link.writer.close()
        try:
            async with asyncio.timeout(PATIENCE):
                return Link(await asyncio.open_connection(self._host, self._port, ssl=self._tls), h11.CLIENT)
        except TimeoutError as error:
            raise TimeoutError(f"no connection within {PATIENCE:g} s") from error

    def keep(self, link: Link) -> None:
        """Keep a connection whose last answer is read, where it can carry another exchange."""
        if len(self._idle) < IDLE and link.goes_on():
            self._idle.append(link)
        else:
            link.writer.close()

    def close(self) -> None:
        """Let go of all that wait."""
        for link in self._idle:
            link.writer.close()
        self._idle.clear()


def why(error: Exception) -> str:
    """Say why a connection did not come about, or did not last, without anything that was sent over it."""
    if isinstance(error, h11.ProtocolError):
        return f"what came is no HTTP/1.1: {in_words(error).partition(': ')[0]}"  # h11 then quotes what came
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number and not isinstance(error, ssl.SSLError) else str(error)
