"""All reports of a suite in one folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gameday.disk import FOR_OTHERS, write_anew
from gameday.errors import InvalidInput
from gameday.records.file_limits import ENDING
from gameday.records.record import Record, write_record
from gameday.records.refusal_file import write_refusal
from gameday.records.suite import Refusal, Suite
from gameday.report.html import page
from gameday.report.junit import junit
from gameday.report.markdown import markdown


def write_reports(folder: Path, suite: Suite) -> Path:
    """Write each record and refusal, then index.html, summary.md and junit.xml. Return the path of the page.

    Raises InvalidInput if a file cannot be written.
    """
    for number in range(len(suite.entries)):
        write_entry(folder, suite.entries[: number + 1], suite.started)
    return write_pages(folder, suite)


def write_entry(folder: Path, entries: tuple[Record | Refusal, ...], started: str) -> Path:
    """Write the last of these entries as soon as it ends, and return its file: every other report can be made from it.

    `started` is the start of its suite, ISO 8601. The file replaces an older one of that experiment in the folder, be
    it a record or a refusal. Raises InvalidInput if it cannot be written.
    """
    entry = entries[-1]
    again = Counter(earlier.name for earlier in entries)[entry.name]
    name = f"{entry.name}-{again}" if again > 1 else entry.name
    record, refusal = folder / f"{name}.json", folder / f"{name}{ENDING}"
    with _writing(folder):
        if isinstance(entry, Record):
            write_record(entry, record)
            refusal.unlink(missing_ok=True)
        else:
            write_refusal(entry, started, refusal)
            record.unlink(missing_ok=True)
    return record if isinstance(entry, Record) else refusal


def write_pages(folder: Path, suite: Suite) -> Path:
    """Write index.html, summary.md and junit.xml. Return the path of the page.

    Raises InvalidInput if a file cannot be written.
    """
    index = folder / "index.html"
    with _writing(folder):
        for path, text in (
            (index, page(suite)),
            (folder / "summary.md", markdown(suite)),
            (folder / "junit.xml", junit(suite)),
        ):
            write_anew(path, text.encode(errors="replace"), FOR_OTHERS)
    return index


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        msg = f"{error.filename or folder}: Gameday cannot write the reports: {error.strerror}"
        raise InvalidInput(msg, "name another folder with --reports", gd_code="GD-E108") from error
