"""A running proxy: in this process, or as a command. Without an endpoint it forwards to a moto server of its own."""

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
class RunningProxy:
    """A running proxy."""

    url: str  # for AWS_ENDPOINT_URL
    upstream: str
    rules: Rules  # with their counts; only the proxy's thread may change them


@contextmanager
def proxy(
    *rules: Rule, to: str | None = None, port: int = 0, seed: int = 0, warn: Callable[[str], None] = lambda _: None
) -> Iterator[RunningProxy]:
    """Run a proxy on loopback for the length of the block, before its own moto or before the endpoint `to`.

    It calls `warn` when the endpoint does not answer. Raises InvalidInput where the port is in use, moto's server is
    not installed, or nothing answers at `to`.
    """
    with _endpoint(to) as upstream, _loop(warn) as loop:
        handler = Proxy(Rules.numbered(rules, seed), Upstream(upstream), warn)
        bound = _wait(loop, handler.open(port))
        try:
            yield RunningProxy(f"http://{LOOPBACK}:{bound}", upstream, handler.rules)
        finally:
            _wait(loop, handler.close())


@contextmanager
def _loop(warn: Callable[[str], None]) -> Iterator[asyncio.AbstractEventLoop]:
    def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError):  # too many open files
            warn(f"a client waits: {why(error)}")
        else:
            loop.default_exception_handler(context)

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(report)
    thread = threading.Thread(target=loop.run_forever, name="gameday-proxy", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _wait(loop: asyncio.AbstractEventLoop, coroutine: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


@contextmanager
def _endpoint(to: str | None) -> Iterator[str]:
    if to is not None:
        asyncio.run(_connect(to))
        yield to
        return
    try:
        with warnings.catch_warnings(action="ignore"):  # moto's own warnings
            from moto.server import ThreadedMotoServer
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"moto's server is not installed (no module {error.name})",
            "pip install 'gameday-harness[proxy]', or name an endpoint with --to",
            gd_code="GD-E110",
        ) from error
    # It logs a line for each request, between ours.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


async def _connect(url: str) -> None:
    upstream = Upstream(url)
    try:
        upstream.keep(await upstream.link())
    except OSError as error:
        untrusted = isinstance(error, ssl.SSLCertVerificationError)
        raise InvalidInput(
            f"the proxy cannot connect to {url}: {why(error)}"
            if untrusted
            else f"nothing answers at {url}: {why(error)}",
            "name a file with a certificate to trust: SSL_CERT_FILE=FILE gameday proxy …"
            if untrusted
            else "start the endpoint first; without --to the proxy starts a moto of its own",
            gd_code="GD-E118",
        ) from error
    finally:
        upstream.close()
