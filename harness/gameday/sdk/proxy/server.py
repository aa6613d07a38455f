"""A proxy at work: in this process beside a test, or as a command; and moto behind it where no endpoint is named."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gameday.errors import InvalidInput
from gameday.sdk.proxy.handler import LOOPBACK, Proxy
from gameday.sdk.proxy.rules import Rules
from gameday.sdk.proxy.upstream import Upstream, why
from gameday.sdk.rule import Rule


@dataclass(frozen=True)
class Running:
    """A proxy that runs."""

    url: str  # what AWS_ENDPOINT_URL is set to
    upstream: str
    rules: Rules  # with what each has met; belongs to the proxy's thread: to be read, not changed


@contextmanager
def proxy(
    *rules: Rule, to: str | None = None, port: int = 0, seed: int = 0, hear: Callable[[str], None] = lambda _: None
) -> Iterator[Running]:
    """A proxy on loopback, for as long as the block lasts: before moto of its own, or before the endpoint `to`.

    `hear` is told when the endpoint does not answer. Raises InvalidInput where the port is in use, moto's server is not
    installed, or nothing answers at `to`.
    """
    with _endpoint(to) as upstream, _loop(hear) as loop:
        at_work = Proxy(Rules.numbered(rules, seed), Upstream(upstream), hear)
        bound = _done(loop, at_work.open(port))
        try:
            yield Running(f"http://{LOOPBACK}:{bound}", upstream, at_work.rules)
        finally:
            _done(loop, at_work.close())


@contextmanager
def _loop(hear: Callable[[str], None]) -> Iterator[asyncio.AbstractEventLoop]:
    def tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError):  # too many open files
            hear(f"a client waits: {why(error)}")
        else:
            loop.default_exception_handler(context)

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(tell)
    thread = threading.Thread(target=loop.run_forever, name="gameday-proxy", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _done(loop: asyncio.AbstractEventLoop, doing: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(doing, loop).result()


@contextmanager
def _endpoint(to: str | None) -> Iterator[str]:
    if to is not None:
        asyncio.run(_reached(to))
        yield to
        return
    try:
        with warnings.catch_warnings(action="ignore"):  # moto's own, which would stand before ours
            from moto.server import ThreadedMotoServer
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"moto's server is not installed (no module {error.name})",
            "pip install 'gameday-harness[proxy]', or name an endpoint with --to",
            gd_code="GD-E110",
        ) from error
    # Its log would stand between ours, a line for each request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


async def _reached(url: str) -> None:
    upstream = Upstream(url)
    try:
        upstream.keep(await upstream.link())
    except OSError as error:
        untrusted = isinstance(error, ssl.SSLCertVerificationError)
        raise InvalidInput(
            f"{url} cannot be reached: {why(error)}" if untrusted else f"nothing answers at {url}: {why(error)}",
            "name a file with a certificate that is to be trusted: SSL_CERT_FILE=FILE gameday proxy …"
            if untrusted
            else "start it first; without --to there is a moto behind the proxy",
            gd_code="GD-E118",
        ) from error
    finally:
        upstream.close()
