"""The report as JUnit XML: broken is a failure, unknown and stuck are errors; refused and not run are skipped."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from gameday.errors import Exit
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report import explanations, fault_intervals, phrases
from gameday.report.failures import not_held
from gameday.text import printable


def junit(suite: Suite) -> str:
    """Render one test case for each experiment. Times are the run's own (virtual on the twin)."""
    cases = [*(_case(entry) for entry in suite.entries), *map(_not_run, suite.not_run)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": f"{sum(float(case.get('time', 0)) for case in cases):.3f}",
    }
    root = ET.Element("testsuites", {"name": "gameday", **counts})
    inner = ET.SubElement(root, "testsuite", {"name": printable(suite.name), "timestamp": suite.started, **counts})
    inner.extend(cases)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text.decode() + "\n"


def _case(entry: Record | Refusal) -> ET.Element:
    name = printable(entry.name)
    if isinstance(entry, Refusal):
        workload, account = (entry.plan.workload.name, entry.plan.account) if entry.plan else ("gameday", "")
        case = ET.Element("testcase", {"classname": workload, "name": name, "time": "0.000"})
        reasons = [phrases.shorten(printable(str(reason)), account) for reason in entry.reasons]
        skipped = ET.SubElement(case, "skipped", {"message": f"{phrases.state_of(entry)}: {'; '.join(reasons)}"})
        skipped.text = "\n".join(phrases.shorten(printable(line), account) for line in phrases.refusal_lines(entry))
        return case
    seconds = f"{entry.end - entry.start:.3f}"
    case = ET.Element("testcase", {"classname": entry.plan.workload.name, "name": name, "time": seconds})
    properties = ET.SubElement(case, "properties")
    for key, value in properties_of(entry).items():
        ET.SubElement(properties, "property", {"name": key, "value": value})
    if tag := _tag(entry):
        message = _clean(entry, phrases.sentence(entry))
        element = ET.SubElement(case, tag, {"message": message, "type": _type(entry)})
        element.text = "\n".join(_clean(entry, line) for line in _details(entry))
    return case


def _not_run(name: str) -> ET.Element:
    case = ET.Element("testcase", {"classname": "gameday", "name": printable(name), "time": "0.000"})
    ET.SubElement(case, "skipped", {"message": "not run: the game day ended earlier"})
    return case


def _tag(record: Record) -> str | None:
    if record.stuck or (record.ended and record.ended.exit in (Exit.BUG, Exit.INTERRUPTED)):
        return "error"
    return {"held": None, "broken": "failure", "unknown": "error", "refused": "skipped"}[record.outcome]


def _type(record: Record) -> str:
    return "stuck" if record.stuck else record.outcome


def properties_of(record: Record) -> dict[str, str]:
    """Return the properties of a run for dashboards, without those that are unknown."""
    values = {
        "verdict": record.outcome,
        "place": record.place,
        "account": phrases.account_words(record),
        "recovery": phrases.recovery_words(record),
        "isolation": phrases.isolation_words(record),
        "run": record.run,
        "seed": "" if record.seed is None else str(record.seed),
        "plan": record.plan.digest,
    }
    values |= {
        f"fault.{number}.{each.fault}": fault_intervals.words(each, record.zero)
        for number, each in enumerate(fault_intervals.intervals(record), 1)
    }
    rows = record.judged.judgement.recovery if record.judged else ()
    detection = record.judged.judgement.detection if record.judged else None
    if record.plan.experiment.detected_by:
        values["detection"] = phrases.detection_words(record)
    if detection and detection.took is not None:
        values["detection_seconds"] = f"{detection.took:.3f}"
    if explanations.cost(record):
        values["cost"] = explanations.cost_words(record)
    values |= {f"lost.{loss.kpi}": f"{loss.lost:.1f}" for loss in explanations.losses(record) if loss.lost is not None}
    values |= {f"graph.{lead.kpi}": lead.move.value for lead in explanations.graphs(record)}
    values |= {f"recovery_seconds.{row.kpi}": f"{row.took:.3f}" for row in rows if row.took is not None}
    return {key: _clean(record, value) for key, value in values.items() if value}


def _details(record: Record) -> list[str]:
    lines = [f"claimed: {record.plan.experiment.hypothesis}", f"seen: {phrases.sentence(record)}", *not_held(record)]
    return [*lines, f"repeat: {record.command}"] if record.command else lines


def _clean(record: Record, text: str) -> str:
    return phrases.shorten(printable(text), record.plan.account)
