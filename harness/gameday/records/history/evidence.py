"""The evidence of a kept run: its record, or the file of its refusal, by its hash."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from gameday.disk import make_private_folder, read_regular, write_anew
from gameday.errors import InvalidInput
from gameday.records.file_limits import ENDING, LARGEST
from gameday.records.history.kept_run import KeptRun
from gameday.records.history.log import explained

FOLDER = "evidence"
"""The folder, in that of the history, of evidence that came from other machines."""


def hashed(path: Path) -> str | None:
    """Return the SHA-256 of a file; None where it cannot be read whole."""
    content = _content(path)
    return None if content is None else sha256(content).hexdigest()


def text_of(kept: KeptRun, folder: Path) -> str | None:
    """Return the evidence of a run as text; None where this machine does not have it, or it has changed."""
    for path in _paths(kept, folder):
        content = _content(path)
        if content is not None and sha256(content).hexdigest() == kept.evidence_hash:
            return content.decode(errors="replace")
    return None


def path_of(kept: KeptRun, folder: Path) -> Path:
    """Return the file of a run's evidence on this machine. Raises InvalidInput."""
    for path in _paths(kept, folder):
        if hashed(path) == kept.evidence_hash:
            return path
    where = f"{kept.evidence} is gone, or was changed" if kept.evidence else "another machine has it"
    raise InvalidInput(
        f"run {kept.run}: " + (f"its record is not here: {where}" if kept.evidence_hash else "it has no record"),
        "fetch it with `gameday runs sync STORE`, or import a file of `gameday runs export`",
        gd_code="GD-E106",
    )


def store_evidence(kept: KeptRun, text: str, folder: Path) -> Path:
    """Write evidence that came from another machine; return its path. Raises HistoryError."""
    path = _own(kept, folder)
    with explained(folder):
        make_private_folder(path.parent)
        write_anew(path, text.encode())
    return path


def _paths(kept: KeptRun, folder: Path) -> list[Path]:
    """Return where the evidence may be; nothing for a run without evidence."""
    if kept.evidence_hash is None:
        return []
    return [*([Path(kept.evidence)] if kept.evidence else []), _own(kept, folder)]


def _own(kept: KeptRun, folder: Path) -> Path:
    return folder / FOLDER / f"{kept.run}{ENDING if kept.state == 'refused' else '.json'}"


def _content(path: Path) -> bytes | None:
    try:
        content = read_regular(path, LARGEST + 1)
    except OSError:
        return None
    return content if len(content) <= LARGEST else None
