"""What `gameday proxy` does."""

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

FILES = 8192
"""Open files that are asked for: each request that is under way needs two, and shells often give 1,024."""


def serve(file: Path, to: str | None, port: int) -> Exit:
    """Stand beside a program until SIGINT or SIGTERM; then tell what each rule has hit."""
    loaded = load_rules(file)
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(most, FILES)), most))
    ended = threading.Event()
    with signals_to(lambda *_: ended.set()):
        return _serve(loaded, to, port, ended)


def _serve(loaded: LoadedRules, to: str | None, port: int, ended: threading.Event) -> Exit:
    with proxy(*loaded.rules, to=to, port=port, seed=loaded.seed, warn=_say) as running:
        for number, rule in enumerate(loaded.rules, 1):
            _say(f"rule {number}: {rule}")
        for note in overlaps(loaded.rules):
            _say(note)
        _say(
            f"requests go on to {to or 'a moto of its own'}; change rules at {running.url}/_gameday/rules; Ctrl-C ends"
        )
        print(f"export AWS_ENDPOINT_URL={running.url}", flush=True)
        ended.wait()
        named = running.rules.named
        passed = running.rules.passed
    for one in named:
        _say(f"rule {one.name} ({one.rule}): hit {one.count.hit} of the {one.count.met} requests it met")
    _say(f"requests that passed: {passed}")
    return Exit.HELD


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
