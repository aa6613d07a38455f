"""Files → values, or every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping as Names
from pathlib import Path
from typing import TypeVar

from gameday.files.loaded import Loaded, LoadedExperiment, LoadedGameday, LoadedRules, LoadedTwin, LoadedWorkload
from gameday.files.loader import Loader
from gameday.files.yaml.mistake import InvalidFile, Mistake, MistakeKind

L = TypeVar("L", bound=Loaded)


def load_any(path: Path | str, environ: Names[str, str] | None = None) -> Loaded:
    """What a file says, by its `kind`, with all the files that it names. Raises InvalidFile with every mistake."""
    return Loader(os.environ if environ is None else environ).take(Path(path))


def load_workload(path: Path | str, environ: Names[str, str] | None = None) -> LoadedWorkload:
    """A workload and its twin. Raises InvalidFile."""
    return _of_kind(load_any(path, environ), LoadedWorkload)


def load_experiment(path: Path | str, environ: Names[str, str] | None = None) -> LoadedExperiment:
    """An experiment, its faults and its workload. Raises InvalidFile."""
    return _of_kind(load_any(path, environ), LoadedExperiment)


def load_rules(path: Path | str, environ: Names[str, str] | None = None) -> LoadedRules:
    """Rules for the AWS calls of a program. Raises InvalidFile."""
    return _of_kind(load_any(path, environ), LoadedRules)


def validate_files(paths: Iterable[Path | str], environ: Names[str, str] | None = None) -> list[Mistake]:
    """Return every mistake in files, in folders of files, and in the files that they name; each once, in order."""
    shelf = Loader(os.environ if environ is None else environ)
    files, mistakes = _files_in(Path(path) for path in paths)
    for file in files:
        try:
            shelf.take(file)
        except InvalidFile as wrong:
            mistakes += wrong.mistakes
    return list(dict.fromkeys(mistakes))


def _of_kind(loaded: Loaded, wanted: type[L]) -> L:
    if isinstance(loaded, wanted):
        return loaded
    kinds = {
        LoadedTwin: "a twin file",
        LoadedWorkload: "a workload",
        LoadedExperiment: "an experiment",
        LoadedGameday: "a gameday",
        LoadedRules: "a rules file",
    }
    what = f"this is {kinds[type(loaded)]}, not {kinds[wanted]}"
    raise InvalidFile([Mistake(str(loaded.path), 0, 0, what, f"name {kinds[wanted]}", kind=MistakeKind.WRONG_KIND)])


def _files_in(paths: Iterable[Path]) -> tuple[list[Path], list[Mistake]]:
    """Return the YAML files of paths (of folders: all below them, except hidden ones), and the empty folders."""
    files: list[Path] = []
    empty: list[Mistake] = []
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a folder above may not be read
            files.append(path)
            continue
        found_here = sorted(_below(path))
        files += found_here
        if not found_here:
            remedy = "name another folder, or create files in it with `gameday init`"
            what = "the folder has no YAML file"
            empty.append(Mistake(str(path), 0, 0, what, remedy, kind=MistakeKind.UNREADABLE))
    return list(dict.fromkeys(files)), empty


def _below(folder: Path) -> Iterable[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(at, name) for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
