"""One folder holds all reports of a suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from gameday.cli.records import regression
from gameday.cli.run import report_again
from gameday.errors import Exit, InvalidInput
from gameday.plan.plan import Plan
from gameday.records.record import read_record
from gameday.records.refusal_file import read_refusal
from gameday.records.suite import Suite
from gameday.report.write import write_reports

from tests.report.sample import held, refused, suite


def test_the_folder_holds_records_page_summary_and_junit(tmp_path: Path) -> None:
    index = write_reports(tmp_path / "reports" / "day", suite())
    assert index == tmp_path / "reports" / "day" / "index.html"
    assert sorted(path.name for path in index.parent.iterdir()) == [
        "index.html",
        "junit.xml",
        "lose-a-zone.json",
        "lose-recommendations.json",
        "stop-half-of-checkout.refused.json",
        "summary.md",
        "throttle-payments.json",
    ]
    assert read_record(index.parent / "lose-a-zone.json") == held()
    assert index.read_text().startswith("<!doctype html>")
    assert ET.parse(index.parent / "junit.xml").getroot().tag == "testsuites"


def test_the_same_experiment_twice_keeps_both_records(tmp_path: Path) -> None:
    write_reports(tmp_path, Suite("day", "2026-09-22T09:30:00Z", (held(), held())))
    assert read_record(tmp_path / "lose-a-zone.json") == read_record(tmp_path / "lose-a-zone-2.json")


def test_unwritable_folder_raises_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidInput, match="cannot write the reports") as caught:
        write_reports(tmp_path / "file" / "day", suite())
    assert "--reports" in caught.value.remedy


def test_text_that_is_no_unicode_does_not_stop_the_reports(tmp_path: Path) -> None:
    index = write_reports(tmp_path, Suite("day \ud800", "soon", (held(),)))
    assert "day �" in index.read_text()


@pytest.mark.parametrize("plan", [None, held().plan], ids=["before it was planned", "planned"])
def test_a_refusals_reports_are_made_again_from_its_file(plan: Plan | None, tmp_path: Path) -> None:
    refusal = replace(refused(), plan=plan)
    day = Suite(refusal.name, "2026-11-23T10:00:00+00:00", (refusal,))
    write_reports(tmp_path / "first", day)
    (file,) = (tmp_path / "first").glob("*.refused.json")
    assert read_refusal(file) == (refusal, day.started)
    assert report_again(file, tmp_path / "again") == Exit.REFUSED
    for name in ("index.html", "summary.md", "junit.xml", file.name):
        assert (tmp_path / "again" / name).read_text() == (tmp_path / "first" / name).read_text()


NO_NAME = '{"version": 1, "started": "x", "refused": {"name": 1}}'


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", NO_NAME, "[" * 99_999])
def test_read_refusal_of_another_file_raises(text: str, tmp_path: Path) -> None:
    (file := tmp_path / "x.refused.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"x\.refused\.json"):
        read_refusal(file)


def test_refusals_are_passed_over_where_records_are_read(tmp_path: Path) -> None:
    write_reports(tmp_path, Suite("alone", "2026-11-23T10:00:00+00:00", (refused(),)))
    with pytest.raises(InvalidInput, match="holds no record"):
        regression((tmp_path,), (tmp_path,), "25%", as_json=False)


def test_folder_used_twice_keeps_one_file_for_each_name(tmp_path: Path) -> None:
    ran, was_refused = (held(),), (replace(refused(), name=held().name),)
    for entries, name in (
        (was_refused, "lose-a-zone.refused.json"),
        (ran, "lose-a-zone.json"),
        (was_refused, "lose-a-zone.refused.json"),
    ):
        write_reports(tmp_path, Suite("day", "2026-11-23T10:00:00+00:00", entries))
        assert [path.name for path in tmp_path.glob("*.json")] == [name]
