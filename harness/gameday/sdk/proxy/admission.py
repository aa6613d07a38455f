"""Admission to the proxy: it takes requests of programs on this machine, and refuses those of web pages.

Any page in a browser can send requests to loopback. It can use a name that its own site points here (DNS rebinding). Or
it can send across sites, and then its browser names the page in `Origin` or `Sec-Fetch-Site`. AWS clients send neither
header, and send the endpoint's own name in `Host`.

Sources: Fetch Standard; W3C Fetch Metadata Request Headers; RFC 6761, section 6.3 (`localhost`); RFC 9112, section 6.3
(framing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

VIA = b"1.1 gameday-"
"""The start of every Gameday proxy's `Via`."""

_HOST = re.compile(r"(\[::1\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_HTTP = 80
_OF_NO_OTHER_SITE = frozenset({b"none", b"same-origin"})


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """Why the proxy refuses a request: an HTTP status, and a line that repeats nothing of the request."""

    status: int
    reason: str


def refusal_of(headers: Iterable[tuple[bytes, bytes]], port: int) -> RequestRefusal | None:
    """Decide whether to refuse a request; None admits it.

    `headers` have names in lower case, `port` is the proxy's own.
    """
    lines = list(headers)
    names = {name for name, _ in lines}
    if {b"content-length", b"transfer-encoding"} <= names:
        return RequestRefusal(400, "the request has both Content-Length and Transfer-Encoding")
    if b"origin" in names or any(
        name == b"sec-fetch-site" and value.strip().lower() not in _OF_NO_OTHER_SITE for name, value in lines
    ):
        return RequestRefusal(
            403, "a web page sent this request, and the proxy only takes requests of programs: use an AWS client"
        )
    hosts = [value.decode("latin-1") for name, value in lines if name == b"host"]
    # No page can set `Via`. Another Gameday proxy has checked the port, and passes `Host` on unchanged.
    is_passed_on = any(name == b"via" and VIA in value for name, value in lines)
    if len(hosts) != 1 or not is_own_host(hosts[0], None if is_passed_on else port):
        return RequestRefusal(
            403,
            f"the Host is not this proxy's: set AWS_ENDPOINT_URL to http://127.0.0.1:{port} or http://localhost:{port}",
        )
    return None


def is_own_host(host: str, port: int | None) -> bool:
    """Tell whether a `Host` names loopback, or a bucket before `localhost`, and this port (None: any)."""
    parts = _HOST.fullmatch(host.lower())
    if not parts or port not in (None, int(parts[2] or _HTTP)):
        return False
    name = parts[1]
    return name in ("localhost", "[::1]") or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return IPv4Address(name).is_loopback
    except AddressValueError:
        return False
