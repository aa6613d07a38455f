"""The endpoint behind the proxy, and the open connections to it."""

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
"""Connections to the endpoint that stay open for later requests."""
PATIENCE = 10.0
"""Seconds for opening a connection, TLS included."""


@dataclass
class Upstream:
    """The endpoint that the proxy forwards to, and its idle connections. Raises InvalidInput for a wrong `url`."""

    url: str
    _idle: list[Link] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "@" in self.url:
            raise InvalidInput(
                "the endpoint's URL has a user name or a password, and the proxy sends neither",
                "write the URL without them: the proxy forwards the client's own signature",
                gd_code="GD-E118",
            )
        try:
            parts = urlsplit(self.url)
            port, host = parts.port, (parts.hostname or "").encode("idna")
        except ValueError:  # UnicodeError is one
            port, host = None, b""
        if not host or parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query or parts.fragment:
            raise InvalidInput(
                f"{masked_url(self.url)} is not an endpoint",
                "write a URL like http://127.0.0.1:4566",
                gd_code="GD-E118",
            )
        name = host.decode()
        if name.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            raise InvalidInput(
                f"{name} rejects requests that clients signed for the proxy's name",
                "put the proxy before moto or another local endpoint; for AWS itself, use gameday.sdk in the process",
                gd_code="GD-E118",
            )
        self._host, self._port = name, port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    async def link(self) -> Link:
        """Take an idle connection, or open a new one. Raises OSError."""
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
        """Keep a connection for later requests, or close it if it cannot carry another exchange."""
        if len(self._idle) < IDLE and link.is_reusable():
            self._idle.append(link)
        else:
            link.writer.close()

    def close(self) -> None:
        """Close all idle connections."""
        for link in self._idle:
            link.writer.close()
        self._idle.clear()


def why(error: Exception) -> str:
    """Describe why a connection failed, without anything that was sent over it."""
    if isinstance(error, h11.ProtocolError):
        return (
            f"the answer is not HTTP/1.1: {in_words(error).partition(': ')[0]}"  # h11 quotes the data after the colon
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"no trusted authority signed its certificate: {error.verify_message}"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number and not isinstance(error, ssl.SSLError) else str(error)
