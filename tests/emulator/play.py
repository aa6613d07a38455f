"""Play cases of `gameday conform` and experiments of the storefront on the emulator, as whole commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from gameday.cli.main import main

from tests.doubles.server import settings
from tests.doubles.skipping import skipping
from tests.emulator.storefront import ACCOUNT, Storefront


@dataclass(frozen=True)
class Outcome:
    """The exit code of a command, what it said, and the table of `conform`, where it wrote one."""

    code: int
    said: str
    laws: tuple[dict[str, object], ...] = ()


def conform(url: str, folder: Path, case: str) -> Outcome:
    """Prove one case."""
    table = folder / "table.json"
    words = ("conform", "--sandbox", ACCOUNT, "--only", case, "--yes", "--json", str(table))
    code, said = _command(words, url, folder, None)
    laws = json.loads(table.read_text())["laws"] if table.exists() else []
    return Outcome(code, said, tuple(laws))


def experiment(url: str, folder: Path, world: Storefront, name: str) -> Outcome:
    """Run one experiment of the storefront; `world` lives meanwhile."""
    return Outcome(*_command(("run", f"{name}.yaml", "--on", "aws", "--yes", "--local-journal"), url, folder, world))


def _command(words: tuple[str, ...], url: str, folder: Path, world: Storefront | None) -> tuple[int, str]:
    env = settings(url, folder / "home") | {"AWS_ACCESS_KEY_ID": ACCOUNT}
    told, code = io.StringIO(), 0
    with (
        patch.dict(os.environ, env, clear=True),
        patch("sys.argv", ["gameday", *words]),
        contextlib.chdir(folder),
        redirect_stdout(told),
        redirect_stderr(told),
        skipping(world.live if world else lambda: None),
    ):
        if world:
            world.live()
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
    return code, told.getvalue()
