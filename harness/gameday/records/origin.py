"""Where a run comes from: the release that it tests, the commit and digests of its files, and who started it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gameday.disk import read_regular
from gameday.engine.process_lock import who

PATIENCE = 5.0
"""Seconds that git may take; a run does not wait longer for its commit."""
LARGEST = 64 * 2**20
"""Bytes of the largest file that Gameday digests."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the runs of one command come from."""

    release: str | None = None  # that the user names
    commit: str | None = None  # of the repository that holds the files; None: no repository, or no git
    is_dirty: bool = False  # the files, or the tree around them, differ from that commit
    who: str | None = None  # user@host


def origin_of(files: Iterable[Path], release: str | None = None) -> Origin:
    """Return the origin of the runs of some files; without git the commit stays unknown."""
    paths = [file.absolute() for file in files]
    commit = _git(paths[0].parent, "rev-parse", "HEAD") if paths else None
    return Origin(release or None, commit or None, bool(commit) and _is_dirty(paths), who())


def digest_of(file: Path) -> str | None:
    """Return the SHA-256 of a file; None where it cannot be read whole."""
    try:
        content = read_regular(file, LARGEST + 1)
    except OSError:
        return None
    return sha256(content).hexdigest() if len(content) <= LARGEST else None


def _is_dirty(paths: list[Path]) -> bool:
    """Return whether a tracked file differs from the commit, or the commit lacks one of the run's own files."""
    folder = paths[0].parent
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules")
    tracked = _git(folder, "ls-files", "--error-unmatch", "--", *map(str, paths))
    return changed is None or bool(changed) or tracked is None


def _git(folder: Path, *words: str) -> str | None:
    """Return what git answers, None for an error. It takes no lock, and starts no program of the repository's own."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *words]
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, env=quiet, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603 - our own words and the paths of files
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
