"""Read files and the files that they name, each once, and collect all mistakes of a file before it fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping as Names
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from gameday import __version__
from gameday.files.check_workload import check_load, check_together, check_twin, check_workload
from gameday.files.loaded import Loaded, LoadedExperiment, LoadedGameday, LoadedRules, LoadedTwin, LoadedWorkload
from gameday.files.unsupported import LATER_KINDS
from gameday.files.yaml.document import Document, Loc, read_document
from gameday.files.yaml.messages import found
from gameday.files.yaml.mistake import InvalidFile, Mistake, MistakeKind
from gameday.files.yaml.suggest_path import why_missing
from gameday.files.yaml.validate import shaped, sound_parts
from gameday.text import one_of, quoted

T = TypeVar("T")
L = TypeVar("L", bound=Loaded)
M = TypeVar("M", bound=BaseModel)

KINDS = ("workload", "experiment", "gameday", "twin", "rules")
VERSION = 1


class Loader:
    """Read files, and keep the result of each: a value, or its mistakes."""

    def __init__(self, environ: Names[str, str]) -> None:
        self._environ = environ
        self._documents: dict[str, Document | InvalidFile] = {}
        self._became: dict[str, Loaded | InvalidFile] = {}

    def take(self, file: Path) -> Loaded:
        """Return a file's value, with all files that it names. Raises InvalidFile."""
        return self._once(self._became, file, self._read)

    def kind(self, file: Path) -> str:
        """Return a file's kind. Raises InvalidFile where the file cannot be read, or has an unknown kind."""
        return str(self._document(file).data["kind"])

    def _document(self, file: Path) -> Document:
        return self._once(self._documents, file, lambda path: _known(read_document(path, self._environ)))

    def _once(self, shelf: dict[str, T | InvalidFile], file: Path, make: Callable[[Path], T]) -> T:
        key = _real(file)
        if key not in shelf:
            try:
                shelf[key] = make(file)
            except InvalidFile as mistakes:
                shelf[key] = mistakes
        became = shelf[key]
        if isinstance(became, InvalidFile):
            raise became
        return became

    def _read(self, file: Path) -> Loaded:
        document = self._document(file)
        kind = str(document.data["kind"])
        readers: dict[str, Callable[[Document, list[Mistake]], Loaded | None]] = {
            "workload": self._workload,
            "experiment": self._experiment,
            "gameday": self._gameday,
            "twin": self._twin,
            "rules": self._rules,
        }
        mistakes: list[Mistake] = []
        loaded = readers[kind](document, mistakes)
        # A place with an unset variable has its mistake already: report no second one there.
        places = {(trouble.file, trouble.line, trouble.column) for trouble in document.troubles}
        more = [mistake for mistake in mistakes if (mistake.file, mistake.line, mistake.column) not in places]
        if loaded is None or document.troubles or more:
            raise InvalidFile([*document.troubles, *more])
        return loaded

    def _twin(self, document: Document, mistakes: list[Mistake]) -> LoadedTwin | None:
        # Models are imported late, here and below: each file pays for its own only.
        from gameday.files.twin_file import TwinFile

        twin, parts = self._shaped(TwinFile, document, mistakes)
        mistakes += check_twin(document, parts)
        if twin and not mistakes:
            mistakes += check_load(document, twin)
        return LoadedTwin(document.file, twin, document) if twin else None

    def _workload(self, document: Document, mistakes: list[Mistake]) -> LoadedWorkload | None:
        from gameday.files.workload import Workload

        workload, parts = self._shaped(Workload, document, mistakes)
        mistakes += check_workload(document, parts)
        played = self._named(document, ("twin",), LoadedTwin, "twin", mistakes)
        if workload and played:
            mistakes += check_together(document, workload, played.document, played.twin)
        if workload is None:
            return None
        return LoadedWorkload(document.file, workload, played.twin if played else None, played.path if played else None)

    def _experiment(self, document: Document, mistakes: list[Mistake]) -> LoadedExperiment | None:
        from gameday.files.check_experiment import check_alone, check_experiment, check_irreversible, check_names
        from gameday.files.experiment import Experiment
        from gameday.files.fault_entries import read_faults

        faults, wrong = read_faults(document, self._environ)
        experiment, parts = self._shaped(Experiment, document, mistakes, apart="faults")
        mistakes += [*wrong, *check_alone(document, parts, {} if wrong else faults)]
        mistakes += check_irreversible(document, parts, faults)
        of = self._named(document, ("workload",), LoadedWorkload, "workload", mistakes)
        if of:
            mistakes += check_experiment(document, parts, faults, of.workload, of.twin)
        elif named := self._beside(document, "workload"):
            kpis, modules = named.names("kpis"), named.names("modules")
            if kpis and modules:
                mistakes += check_names(document, parts, faults, kpis, modules)
        if experiment is None or of is None:
            return None
        return LoadedExperiment(document.file, experiment, of.workload, of.twin, of.path, of.twin_path)

    def _gameday(self, document: Document, mistakes: list[Mistake]) -> LoadedGameday | None:
        from gameday.files.check_schedule import check_schedule
        from gameday.files.gameday import Gameday

        gameday, parts = self._shaped(Gameday, document, mistakes)
        of = self._named(document, ("workload",), LoadedWorkload, "workload", mistakes)
        experiments = []
        for index in range(len(parts.get("experiments", ()))):
            loc = ("experiments", index)
            experiment = self._named(document, loc, LoadedExperiment, "experiment", mistakes)
            if experiment and of and _real(experiment.workload_path) != _real(of.path):
                name = experiment.path.name
                what = f"{name} is an experiment of {experiment.workload_path}, but the game day is of {of.path}"
                mistakes.append(document.mistake(loc, what, "write a game day for each workload"))
            experiments += [experiment] if experiment else []
        if schedule := parts.get("schedule"):
            mistakes += check_schedule(document, schedule, datetime.now(UTC))
        return LoadedGameday(document.file, gameday, tuple(experiments)) if gameday else None

    def _rules(self, document: Document, mistakes: list[Mistake]) -> LoadedRules | None:
        from gameday.files.rules_file import RulesFile, read_rules

        rules, wrong = read_rules(document, self._environ)
        file, _ = self._shaped(RulesFile, document, mistakes)
        mistakes += wrong
        return LoadedRules(document.file, rules, file.seed) if file else None

    def _shaped(
        self, model: type[M], document: Document, mistakes: list[Mistake], apart: str = ""
    ) -> tuple[M | None, dict[str, Any]]:
        value, wrong = shaped(model, document, self._environ, apart=apart)
        mistakes += wrong
        parts = (
            sound_parts(model, document.data) if value is None else {k: getattr(value, k) for k in model.model_fields}
        )
        return value, parts

    def _beside(self, document: Document, kind: str) -> Document | None:
        """Return the document of the file named at the key `kind`, even with mistakes; None for another kind."""
        name = document.data.get(kind)
        with suppress(InvalidFile):
            other = self._document(document.file.parent / name) if isinstance(name, str) and name else None
            return other if other and other.data["kind"] == kind else None
        return None

    def _named(self, document: Document, loc: Loc, wanted: type[L], kind: str, mistakes: list[Mistake]) -> L | None:
        """Return the file that a document names at a place; None where it names none, or an invalid file."""
        name: Any = document.data
        for step in loc:
            name = name.get(step) if isinstance(name, dict) else name[step]
        if not isinstance(name, str) or not name:
            return None
        file = document.file.parent / name
        if wrong := _no_file(file, document.file.parent):
            what = f"{quoted(name)}: {wrong[0]}"
            mistakes.append(document.mistake(loc, what, wrong[1], kind=MistakeKind.BAD_REFERENCE))
            return None
        try:
            actual = self._document(file).data["kind"]
            if actual == kind:
                loaded = self.take(file)
                return loaded if isinstance(loaded, wanted) else None
        except InvalidFile as broken:
            mistakes += broken.mistakes
            return None
        what = f"{quoted(name)} is a file of kind {actual}"
        mistakes.append(document.mistake(loc, what, f"name a file with `kind: {kind}`", kind=MistakeKind.WRONG_KIND))
        return None


def _known(document: Document) -> Document:
    """Return the document if its kind and version are known. Raises InvalidFile."""
    kind, version = document.data.get("kind"), document.data.get("version")
    wrong = []
    if "kind" not in document.data:
        remedy = f"add `kind:`, one of {', '.join(KINDS)}"
        wrong.append(document.mistake((), "`kind` is missing", remedy, True, MistakeKind.MISSING_KEY))
    elif kind in LATER_KINDS:
        what, remedy = f"kind `{kind}` is not supported yet", f"there are: {', '.join(KINDS)}"
        wrong.append(document.mistake(("kind",), what, remedy, kind=MistakeKind.UNSUPPORTED))
    elif kind not in KINDS:
        what, remedy = f"there is no kind {found(kind)}", one_of(str(kind), KINDS)
        wrong.append(document.mistake(("kind",), what, remedy, kind=MistakeKind.BAD_VALUE))
    reads = f"gameday {__version__} reads version {VERSION}"
    if "version" not in document.data:
        remedy = f"add `version: {VERSION}`"
        wrong.append(document.mistake((), "`version` is missing", remedy, True, MistakeKind.MISSING_KEY))
    elif version is not VERSION:
        what = f"version {found(version)} is not read here: {reads}"
        newer = isinstance(version, int) and version > VERSION
        remedy = "update gameday" if newer else f"write `version: {VERSION}`"
        wrong.append(document.mistake(("version",), what, remedy, kind=MistakeKind.UNSUPPORTED))
    if wrong:
        raise InvalidFile([*document.troubles, *wrong])
    return document


def _real(file: Path) -> str:
    return str(file) if "\0" in str(file) else os.path.realpath(file)


def _no_file(file: Path, near: Path) -> tuple[str, str] | None:
    try:
        return None if file.is_file() else why_missing(file, near)
    except OSError as error:
        return f"Gameday cannot read the file: {error.strerror}", "make it readable for the user who runs gameday"
