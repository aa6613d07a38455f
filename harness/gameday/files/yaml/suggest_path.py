"""Explain why a path is not a file, and suggest the file that was probably meant: beside it, above it, or below."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gameday.text import nearest, one_of, quoted

YAML = (".yaml", ".yml")
FAR = 3
"""Levels of folders below that are searched."""
MOST = 2000
"""The largest number of files to look at, so that the answer is fast in a home directory too."""


def why_missing(file: Path, near: Path | None = None) -> tuple[str, str]:
    """Return why a path is not a file, and what to do; suggest a path relative to `near`, or to this folder."""
    if "\0" in str(file):
        return "this is not a path", "write the file's name"
    if file.is_dir():
        return "this is a folder, not a file", "name a file in it"
    if file.exists():
        return "this is not a regular file", "copy it into one"
    if file.is_symlink():
        return f"this is a link to {quoted(str(file.readlink()))}, where there is no file", "repair the link"
    return "there is no such file", _remedy(file, near)


def _remedy(file: Path, near: Path | None) -> str:
    try:
        here = sorted(each.name for each in os.scandir(file.parent) if each.name.endswith(YAML))
    except OSError:
        return _no_folder(file)
    elsewhere = _elsewhere(file.parent)
    by_name = {each.name: each for each in reversed(elsewhere)}
    meant = by_name.get(file.name) or _like(file, [file.with_name(name) for name in here]) or _like(file, elsewhere)
    if meant:
        beside = meant.name if meant.parent == file.parent else meant
        return f"did you mean `{os.path.relpath(meant, near) if near else beside}`?"
    return one_of("", here, "the folder has") or "the folder has no YAML file"


def _no_folder(file: Path) -> str:
    gone = next(each for each in (*reversed(file.parents), file.parent) if not each.exists())
    try:
        meant = nearest(gone.name, [each.name for each in os.scandir(gone.parent) if each.is_dir()])
    except OSError:
        meant = None
    return f"there is no folder {gone} either" + (f": did you mean `{gone.with_name(meant)}`?" if meant else "")


def _like(file: Path, others: list[Path]) -> Path | None:
    """Return the file that was probably meant; ignore the ending."""
    stem = nearest(file.stem, [other.stem for other in others])
    return next((other for other in others if other.stem == stem), None)


def _elsewhere(folder: Path) -> list[Path]:
    """Return the YAML files of the folder above and of the folders below, the nearest first."""
    return [*islice(_below(folder / os.pardir, 0), MOST), *islice(_below(folder, FAR), MOST)]


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    yield from (folder / entry.name for entry in entries if entry.name.endswith(YAML))
    for entry in entries:
        if depth and entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _below(folder / entry.name, depth - 1)
