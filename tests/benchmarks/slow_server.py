"""A moto server on loopback that takes its time over every call, and keeps a log of them.

    python -m tests.benchmarks.slow_server PORT LOG SECONDS

It ends by itself after five minutes, or when it is terminated.
"""

from __future__ import annotations

import io
import json
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

LIFE = 300.0


class Slow:
    """WSGI middleware: `X-Quick` requests (building the world) pass at once and unlogged."""

    def __init__(self, app: Any, log: Path, seconds: float) -> None:
        self.app, self.seconds = app, seconds
        self.log = log.open("a", buffering=1)
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_QUICK"):
            return self.app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        action = urllib.parse.parse_qs(body.decode("utf-8", "replace")).get("Action", [target])[0]
        began = time.time()
        time.sleep(self.seconds)
        with self.lock:  # moto's backends are not safe between threads
            answer = self.app(environ, start_response)
            self.log.write(json.dumps({"at": began, "action": action or environ["PATH_INFO"]}) + "\n")
        return answer


class KeepAlive(WSGIRequestHandler):
    """Connections stay open between calls, as AWS's do: the server must not be what is measured."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        """The log above is enough."""


def main() -> None:
    port, log, seconds = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    app = Slow(DomainDispatcherApplication(create_backend_app), log, seconds)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=KeepAlive)
    threading.Timer(LIFE, server.shutdown).start()
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
