"""One folder holds all reports of a suite."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.errors import InvalidInput
from harness.record import read_record
from harness.report.write import write_reports
from harness.suite import Suite
from tests.report_sample import held, suite


def test_the_folder_holds_records_page_summary_and_junit(tmp_path: Path) -> None:
    index = write_reports(tmp_path / "reports" / "day", suite())
    assert index == tmp_path / "reports" / "day" / "index.html"
    assert sorted(path.name for path in index.parent.iterdir()) == [
        "index.html",
        "junit.xml",
        "lose-a-zone.json",
        "lose-recommendations.json",
        "summary.md",
        "throttle-payments.json",
    ]
    assert read_record(index.parent / "lose-a-zone.json") == held()
    assert index.read_text().startswith("<!doctype html>")
    assert ET.parse(index.parent / "junit.xml").getroot().tag == "testsuites"


def test_the_same_experiment_twice_keeps_both_records(tmp_path: Path) -> None:
    write_reports(tmp_path, Suite("day", "2026-09-22T09:30:00Z", (held(), held())))
    assert read_record(tmp_path / "lose-a-zone.json") == read_record(tmp_path / "lose-a-zone-2.json")


def test_a_place_that_cannot_be_written_is_said_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidInput, match="cannot be written") as caught:
        write_reports(tmp_path / "file" / "day", suite())
    assert "--reports" in caught.value.remedy


def test_text_that_is_no_unicode_does_not_stop_the_reports(tmp_path: Path) -> None:
    index = write_reports(tmp_path, Suite("day \ud800", "soon", (held(),)))
    assert "day �" in index.read_text()
