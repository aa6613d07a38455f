"""Run `gameday runs export`, `import` and `sync`, and find the record of a run by its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.cli.history import history
from gameday.cli.output import tell
from gameday.disk import read_regular
from gameday.errors import Exit, GamedayError, InvalidInput
from gameday.records.file_limits import ENDING
from gameday.records.history.bundle import Bundled, read_bundle, write_bundle
from gameday.records.history.evidence import hashed, path_of, store_evidence, text_of
from gameday.records.history.history import Filters
from gameday.records.history.kept_run import KeptRun, with_evidence
from gameday.records.history.log import folder_of_history
from gameday.text import printable

if TYPE_CHECKING:
    from gameday.records.record import Record


def export_runs(file: Path, names: Sequence[str]) -> Exit:
    """Write runs with their evidence into one file: the named ones, or all. Exits 3 where evidence is missing."""
    kept_runs = history()
    chosen = [kept_runs.find(name) for name in names] if names else kept_runs.runs(Filters())
    lost: list[str] = []

    def bundled() -> Iterator[Bundled]:
        for kept in {kept.run: kept for kept in chosen}.values():
            text = _evidence(kept)
            if text is None and kept.evidence_hash:
                lost.append(kept.run)
            yield Bundled(kept, text)

    write_bundle(file, bundled())
    for run in lost:
        tell(f"{run}: exported without its record, which is gone or was changed", err=True)
    tell(f"{file}: {_counted(len(chosen))}")
    return Exit.UNKNOWN if lost else Exit.HELD


def import_runs(path: Path) -> Exit:
    """Add the runs of a bundle, or the records of a file or folder, to the history. Raises InvalidInput."""
    from gameday.records.history.entries import of_record
    from gameday.records.record import read_record

    if path.is_dir() or path.suffix == ".json":
        files = [path] if path.is_file() else [each for each in sorted(path.rglob("*.json")) if _is_record(each)]
        kept = [with_evidence(of_record(read_record(file)), file, hashed(file)) for file in files]
    else:
        kept = [_checked(path, bundled) for bundled in read_bundle(path)]
    kept_runs = history()
    known = kept_runs.versions()
    fresh = [each for each in kept if (each.run, each.digest) not in known]
    if fresh:
        kept_runs.keep(*fresh)
    tell(f"{path}: {_counted(len(kept))}, {len(fresh)} new")
    return Exit.HELD


def sync_runs(store: str) -> Exit:
    """Exchange runs with a team's store, an s3:// address or a workload file. Exits 3 where something is missing."""
    from gameday.records.history.sync import sync
    from gameday.store.opening import open_store, region_of_buckets

    address, kept_runs = store_of(store), history()
    with open_store(address, region_of_buckets()) as objects:
        done = sync(objects, kept_runs.versions(), lambda kept: text_of(kept, kept_runs.folder))
    if done.fetched:
        kept_runs.keep(*done.fetched)
    for key in done.unreadable:
        tell(printable(f"{key}: is damaged, or a newer version of Gameday wrote it: left out"), err=True)
    for run in done.without_evidence:
        tell(f"{run}: sent without its record, which is gone or was changed", err=True)
    tell(f"{address}: {done.sent} sent, {len(done.fetched)} fetched")
    return Exit.UNKNOWN if done.unreadable or done.without_evidence else Exit.HELD


def store_of(text: str) -> str:
    """Return the store of an s3:// address or of a workload file. Raises InvalidInput."""
    from gameday.files.load import load_workload
    from gameday.store.s3 import place_of

    if not text.endswith((".yaml", ".yml")):
        place_of(text)
        return text
    store = load_workload(Path(text)).workload.store
    if store is None:
        raise InvalidInput(f"{text} names no store", "add `store: s3://bucket/prefix`", gd_code="GD-E115")
    return store


def record_path(name: str) -> Path:
    """Return the file of a run's record: the path itself, or that of a run id, its beginning, or `latest`.

    Fetches it from the team's store where this machine does not have it. Raises InvalidInput.
    """
    path = Path(name)
    if _exists(name):
        return path
    kept = history().find(name)
    _evidence(kept)
    return path_of(kept, folder_of_history())


def _evidence(kept: KeptRun) -> str | None:
    """Return the evidence of a run; one that only the store has is fetched, and stays here."""
    text = text_of(kept, folder_of_history())
    if text is None and kept.store and kept.evidence_hash:
        from gameday.records.history.sync import fetch_evidence
        from gameday.store.opening import open_store, region_of_buckets

        try:
            with open_store(kept.store, region_of_buckets()) as objects:
                text = fetch_evidence(objects, kept)
        except GamedayError as error:
            tell(f"{kept.run}: {error}", err=True)
        if text is not None:
            store_evidence(kept, text, folder_of_history())
    return text


def _checked(path: Path, bundled: Bundled) -> KeptRun:
    """Return what is kept of a bundle's run, after its evidence is stored and says the same. Raises InvalidInput."""
    kept = bundled.kept
    if bundled.evidence is None:
        return kept
    from gameday.records.record import read_record

    file = store_evidence(kept, bundled.evidence, folder_of_history())
    if kept.state != "refused" and (other := _difference(kept, read_record(file))):
        file.unlink(missing_ok=True)
        raise InvalidInput(
            f"{path}: run {kept.run} is not what its record says: its {other} differs",
            "export the runs again with `gameday runs export`",
            gd_code="GD-E102",
        )
    return with_evidence(kept, file, kept.evidence_hash)


def _counted(number: int) -> str:
    return f"{number} {'run' if number == 1 else 'runs'}"


def _difference(kept: KeptRun, record: Record) -> str | None:
    """Return the first field in which a run and its record differ; a later restore may have changed the account."""
    from gameday.records.history.entries import of_record

    own = asdict(of_record(record))
    later = {"left", "ended", "evidence", "evidence_hash", "release", "commit", "is_dirty", "digests", "who", "command"}
    return next((name for name, value in asdict(kept).items() if name not in later and own[name] != value), None)


def _is_record(path: Path) -> bool:
    """Return whether a file begins like a record; a pipe or a device, which may never end, is none."""
    if path.name.endswith(ENDING):
        return False
    try:
        return read_regular(path, 8) == b'{"run":"'
    except OSError:
        return False


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # a name that is too long
        return False
