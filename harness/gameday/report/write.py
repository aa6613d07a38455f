"""All reports of a suite in one folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gameday.disk import FOR_OTHERS, write_anew
from gameday.errors import InvalidInput
from gameday.records.record import Record, write_record
from gameday.records.refusal_file import ENDING, write_refusal
from gameday.records.suite import Suite
from gameday.report.html import page
from gameday.report.junit import junit
from gameday.report.markdown import markdown


def write_reports(folder: Path, suite: Suite) -> Path:
    """Write each record and refusal, then index.html, summary.md and junit.xml. Return the path of the page.

    Records come first, since Gameday can make every other report from them. Only their owner may read them: they hold
    more of the account than the reports show.

    Raises InvalidInput if a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        seen: Counter[str] = Counter()
        for entry in suite.entries:
            seen[entry.name] += 1
            name = f"{entry.name}-{seen[entry.name]}" if seen[entry.name] > 1 else entry.name
            if isinstance(entry, Record):
                write_record(entry, folder / f"{name}.json")
            else:
                write_refusal(entry, suite.started, folder / f"{name}{ENDING}")
        index = folder / "index.html"
        for path, text in (
            (index, page(suite)),
            (folder / "summary.md", markdown(suite)),
            (folder / "junit.xml", junit(suite)),
        ):
            write_anew(path, text.encode(errors="replace"), FOR_OTHERS)
    except OSError as error:
        msg = f"{error.filename or folder}: Gameday cannot write the reports: {error.strerror}"
        raise InvalidInput(msg, "name another folder with --reports", gd_code="GD-E108") from error
    return index
