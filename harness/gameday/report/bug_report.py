"""The zip for a bug report: record, journal, versions and log of a run. Masks what looks like a secret."""

from __future__ import annotations

import json
import platform
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from pydantic import JsonValue, TypeAdapter, ValidationError

from gameday.disk import write_anew
from gameday.engine.journal import Journal
from gameday.errors import InvalidInput, JournalError
from gameday.plan.json_file import content
from gameday.steady_state.kpi.masks import masked_json, masked_text

DISTRIBUTION = "gameday-harness"
LARGEST = 2**30
"""Bytes of the largest log or record that goes into a report."""
_PACKAGES = (DISTRIBUTION, "boto3", "botocore", "moto", "pydantic")
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


@dataclass(frozen=True)
class Part:
    """Hold one file of the zip."""

    name: str
    about: str
    text: str


def parts_of(run: str, record: Path | None, log: Path | None) -> list[Part]:
    """Collect the parts that exist for a run; the versions always exist. Raises InvalidInput for an unreadable log."""
    parts = [Part("versions.txt", "of gameday, Python, the libraries and the platform", versions())]
    if record:
        parts.append(_record(record))
    parts += _journal(run)
    if log:
        parts.append(Part("log.txt", f"a masked copy of {log}", masked_text(_text(log))))
    return parts


def write_zip(path: Path, parts: list[Part]) -> Path:
    """Write the parts into a zip that only its owner can read. Raises InvalidInput if the write fails."""
    try:
        packed = BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            for part in parts:
                archive.writestr(part.name, part.text)
        write_anew(path, packed.getvalue())
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written: {error.strerror}", "change to a writable folder") from error
    return path


def versions() -> str:
    """List the versions that a report must name, one a line."""
    python = f"Python {platform.python_version()} ({platform.python_implementation()})"
    return "\n".join([python, *(f"{name} {_version(name)}" for name in _PACKAGES), platform.platform()]) + "\n"


def how_to_report() -> str:
    """Say how to report a bug in Gameday: which lines to send, and where."""
    urls = _urls()
    where = f" to {urls['issues']}" if "issues" in urls else ""
    here = f"gameday {_version(DISTRIBUTION)}, Python {platform.python_version()}, {platform.platform()}"
    return f"gameday: {here}\n  → send the lines above, and the zip of `gameday bug-report latest`{where}"


def journalled() -> list[str]:
    """List the ids of all runs in this machine's journal; none if it cannot be read, which the report states."""
    try:
        with closing(Journal.open()) as journal:
            return [run.id for run in journal.runs()]
    except JournalError:
        return []


def _record(path: Path) -> Part:
    try:
        raw = _JSON.validate_json(_text(path))
    except ValidationError as error:
        why = f"{path.name} is not JSON: {error.errors()[0]['msg']}\n"
        return Part("record.txt", "why the record is left out", why)
    return Part("record.json", "the run's plan and events, masked", json.dumps(masked_json(raw), indent=1))


def _journal(run: str) -> list[Part]:
    try:
        with closing(Journal.open()) as journal:
            known, entries = journal.run(run), journal.entries(run)
    except JournalError as error:
        return [Part("journal.txt", "why the journal is left out", f"{masked_text(error.what)}\n")]
    if known is None:
        return []
    values = [asdict(entry) | {"change": entry.change.model_dump(mode="json")} for entry in entries]
    raw = {"run": {**asdict(known), "plan": _plan(known.plan)}, "entries": _JSON.validate_python(values)}
    text = json.dumps(masked_json(raw), indent=1)
    return [Part("journal.json", f"the run and its {len(entries)} entries, masked", text)]


def _plan(text: str) -> JsonValue:
    try:
        return _JSON.validate_json(text)
    except ValidationError:
        return "is not JSON"


def _text(path: Path) -> str:
    return content(path, "log or record", LARGEST, "name a readable file").decode("utf-8", "replace")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _urls() -> dict[str, str]:
    """Map the labels of the project's addresses, in lower case, to the addresses (core metadata, "Project-URL")."""
    try:
        entries = metadata(DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        return {}
    return {label.strip().lower(): url.strip() for label, _, url in (line.partition(",") for line in entries)}
