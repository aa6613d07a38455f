"""One file with runs and their evidence, which another machine can judge and report again: a zip."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - an exception

from gameday.disk import write_anew
from gameday.errors import InvalidInput
from gameday.plan.json_file import content
from gameday.records.file_limits import LARGEST
from gameday.records.history.kept_run import KeptRun, from_json, to_json

LARGEST_BUNDLE = 2**31
"""Bytes of the largest bundle that Gameday reads."""
LARGEST_KEPT = 2**20
"""Bytes of the largest line that history keeps of a run."""
_NAME = re.compile(r"runs/([\w-]{1,80})\.(kept|evidence)\.json")
_REMEDY = "export the runs again with `gameday runs export`"


@dataclass(frozen=True, slots=True)
class Bundled:
    """One run of a bundle."""

    kept: KeptRun
    evidence: str | None


def write_bundle(path: Path, runs: Iterable[Bundled]) -> None:
    """Write runs into a file for its owner alone. The same runs give the same bytes. Raises InvalidInput."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for bundled in runs:
            kept = to_json(replace(bundled.kept, evidence=None)).decode()
            _add(archive, f"runs/{bundled.kept.run}.kept.json", kept)
            if bundled.evidence is not None:
                _add(archive, f"runs/{bundled.kept.run}.evidence.json", bundled.evidence)
    try:
        write_anew(path, packed.getvalue())
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be written: {error.strerror}", "name another file", gd_code="GD-E108"
        ) from error


def read_bundle(path: Path) -> Iterator[Bundled]:
    """Yield the runs of a bundle; their evidence fits its hash. Raises InvalidInput for another or a damaged file."""
    try:
        with ZipFile(BytesIO(content(path, "bundle of runs", LARGEST_BUNDLE, _REMEDY))) as archive:
            names = {entry.filename: entry for entry in archive.infolist()}
            for name in names:
                match = _NAME.fullmatch(name)
                if match is None:
                    raise _damaged(path, f"{name!r} is not a file that Gameday writes there")
                if match[2] == "kept":
                    yield _bundled(path, archive, names, match[1])
    except (BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _bundled(path: Path, archive: ZipFile, names: dict[str, ZipInfo], run: str) -> Bundled:
    kept = from_json(_text(path, archive, names[f"runs/{run}.kept.json"], LARGEST_KEPT).encode())
    if kept is None or kept.run != run:
        raise _damaged(path, f"it holds run {run} in a form that this version of Gameday does not read")
    entry = names.get(f"runs/{run}.evidence.json")
    evidence = _text(path, archive, entry, LARGEST) if entry else None
    if evidence is not None and sha256(evidence.encode()).hexdigest() != kept.evidence_hash:
        raise _damaged(path, f"the record of run {run} is not the one that was exported")
    return Bundled(kept, evidence)


def _text(path: Path, archive: ZipFile, entry: ZipInfo, most: int) -> str:
    """Return a file of the archive; the size that it declares is not trusted."""
    with archive.open(entry) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise _damaged(path, f"{entry.filename} is larger than any that Gameday writes")
    return raw.decode()


def _add(archive: ZipFile, name: str, text: str) -> None:
    entry = ZipInfo(name)  # of 1980, so that the same runs give the same bytes
    entry.compress_type = ZIP_DEFLATED
    archive.writestr(entry, text)


def _damaged(path: Path, why: str) -> InvalidInput:
    return InvalidInput(f"{path}: is not a bundle of runs, or is damaged: {why}", _REMEDY, gd_code="GD-E102")
