"""Run `gameday proxy`."""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path

from gameday.errors import Exit
from gameday.files.load import load_rules
from gameday.files.loaded import LoadedRules
from gameday.run.signals import signals_to
from gameday.sdk.matching import overlaps
from gameday.sdk.proxy.server import proxy
from gameday.text import printable

FILES = 8192
"""Open files that the proxy requests: each request in progress needs two, and shells often allow 1,024."""


def serve(file: Path, to: str | None, port: int) -> Exit:
    """Serve a program's AWS calls until SIGINT or SIGTERM; then print how many requests each rule hit."""
    loaded = load_rules(file)
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(most, FILES)), most))
    ended = threading.Event()
    with signals_to(lambda *_: ended.set()):
        return _serve(loaded, to, port, ended)


def _serve(loaded: LoadedRules, to: str | None, port: int, ended: threading.Event) -> Exit:
    with proxy(*loaded.rules, to=to, port=port, seed=loaded.seed, warn=_print) as running:
        for number, rule in enumerate(loaded.rules, 1):
            _print(f"rule {number}: {rule}")
        for note in overlaps(loaded.rules):
            _print(note)
        _print(f"requests go to {to or 'a moto server of this proxy'}; Ctrl-C ends the proxy")
        _print(f"change rules at {running.url}/_gameday/rules")
        print(f"export AWS_ENDPOINT_URL={running.url}", flush=True)
        ended.wait()
        named = running.rules.named
        passed = running.rules.passed
    for named_rule in named:
        count = named_rule.count
        _print(f"rule {named_rule.name} ({named_rule.rule}): hit {count.hit} of {count.met} requests that it matches")
    _print(f"requests that no rule hit: {passed}")
    return Exit.HELD


def _print(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
