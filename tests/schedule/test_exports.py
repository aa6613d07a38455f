"""Each export starts at the minutes of `schedule next`, or is refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from datetime import date

import pytest
from gameday.errors import InvalidInput
from gameday.schedule.exports import EXPORTS, Export

from tests.benchmarks.bench_schedule import compare, schedules
from tests.schedule.memory import schedule
from tests.schedule.schedulers import SCHEDULERS, starts_of

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]


def export(scheduler, **values):
    place = values.pop("place", "twin")
    return EXPORTS[scheduler](Export("shop", "days/my day.yaml", schedule(**{"at": "10:37", **values}), place))


def test_schedulers_of_the_test_are_all_exports():
    assert SCHEDULERS.keys() == EXPORTS.keys()


@pytest.mark.parametrize("zone", ZONES)
def test_export_starts_at_the_minutes_of_next(zone):
    counted = sum((compare(zone, days, at) for days, at in schedules(10)), Counter())
    assert counted["exports that agree"] > 20
    assert [name for name in counted if name.startswith("DIFFERS")] == []


def test_export_without_the_refusal_differs():
    counted = compare("Europe/Berlin", ["sun"], "02:30", refusing=False)
    assert sorted(name for name in counted if name.startswith("DIFFERS")) != []


@pytest.mark.parametrize("scheduler", ["github", "gitlab", "kubernetes", "jenkins"])
def test_cron_of_a_weekday_of_the_month_is_refused(scheduler):
    with pytest.raises(InvalidInput) as raised:
        export(scheduler, days=["first tue"])
    assert raised.value.gd_code == "GD-E124"


def test_github_at_a_full_hour_is_refused():
    with pytest.raises(InvalidInput) as raised:
        export("github", at="10:00")
    assert (raised.value.gd_code, "10:07" in raised.value.remedy) == ("GD-E124", True)


@pytest.mark.parametrize("scheduler", EXPORTS)
def test_export_runs_the_occurrence_that_is_due(scheduler):
    texts = "".join(export(scheduler).values())
    assert "--once" in texts
    assert "my day.yaml" in texts


@pytest.mark.parametrize("scheduler", EXPORTS)
def test_export_is_as_before(scheduler, snapshot):
    assert "\n".join(f"--- {path}\n{text}" for path, text in export(scheduler, place="aws").items()) == snapshot


@pytest.mark.parametrize(("day", "count"), [("tue", 13), ("last fri", 3), ("15", 3)])
def test_systemd_reads_each_form_of_days(day, count):
    export_of_day = Export("a", "b", schedule(days=[day]), "twin")
    assert len(starts_of("systemd", export_of_day, date(2026, 12, 1), date(2027, 2, 28))) == count


def test_template_starts_once_and_on_time():
    (text,) = export("eventbridge", days=["first tue", "last fri"]).values()
    starts = [
        each["Properties"]
        for each in json.loads(text)["Resources"].values()
        if each["Type"] == "AWS::Scheduler::Schedule"
    ]
    assert [each["ScheduleExpression"] for each in starts] == ["cron(37 10 ? * 3#1 *)", "cron(37 10 ? * 6L *)"]
    retries = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert all(each["Target"]["RetryPolicy"] == retries for each in starts)


LINT = "import sys; from cfnlint.runner import main; sys.exit(main())"


@pytest.mark.skipif(importlib.util.find_spec("cfnlint") is None, reason="cfn-lint is not installed")
@pytest.mark.parametrize(("wrong", "code"), [("", 0), ("MaximumRetryAttempts", 2)])
def test_template_has_no_finding_of_cfn_lint(tmp_path, wrong, code):
    (text,) = export("eventbridge", days=["first tue", "last fri"]).values()
    path = tmp_path / "a.template.json"
    path.write_text(text.replace(wrong, "Wrong") if wrong else text)
    found = subprocess.run([sys.executable, "-c", LINT, str(path)], capture_output=True, text=True, check=False)
    assert (found.returncode, bool(found.stdout)) == (code, bool(wrong))
