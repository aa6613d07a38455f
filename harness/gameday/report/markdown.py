"""The report as Markdown, for a comment on a pull request or the summary of a CI step."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from gameday.change.words import in_full
from gameday.records.record import Record
from gameday.records.suite import Refusal, Suite
from gameday.report import explanations, fault_intervals, phrases
from gameday.text import printable

LIMIT = 65_536
"""The most bytes of the text: a comment on GitHub holds 65,536 characters."""

ICONS = {"held": "✅", "broken": "❌", "unknown": "❔", "refused": "➖", "contained": "✅", "spread": "❌"}
STUCK = "⚠️"
_SIGNS = re.compile(r"([\\`*_{}\[\]|~#!])")
_LINKS = re.compile(r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=:)(?=//)|(?<=www)(?=\.)")


def markdown(suite: Suite) -> str:
    """Render the report of a suite; leave out the least important details until it fits `LIMIT`."""
    for depth in range(4, -1, -1):
        text = "\n".join([*_lines(suite, depth), *([] if depth == 4 else [_LEFT_OUT])]) + "\n"
        if len(text.encode()) <= LIMIT:
            return text
    kept, size = [], len(_LEFT_OUT.encode()) + 2
    for line in text.splitlines():
        size += len(line.encode()) + 1
        if size > LIMIT:
            break
        kept.append(line)
    return "\n".join([*kept, "", _LEFT_OUT]) + "\n"


_LEFT_OUT = "Gameday left out details to fit a comment; `index.html` has them."


def text_of(raw: str, account: str = "") -> str:
    """Escape text so that Markdown shows it as it is: no markup, no mention of people or issues, no link."""
    shown = phrases.shorten(printable(" ".join(raw.split())), account)
    return _LINKS.sub("\u200b", _SIGNS.sub(r"\\\1", html.escape(shown, quote=False)))


def _lines(suite: Suite, depth: int) -> Iterator[str]:
    yield f"## Gameday {text_of(suite.name)}: {suite.tally}"
    yield ""
    rows = [*map(_overview, suite.entries), *([text_of(name), "not run", "", "", ""] for name in suite.not_run)]
    yield from table(["experiment", "verdict", "recovery", "isolation", "account"], rows)
    for entry in suite.entries:
        yield ""
        if isinstance(entry, Refusal):
            yield f"### {ICONS['refused']} {text_of(entry.name)}: {phrases.state_of(entry)}"
            yield ""
            account = entry.plan.account if entry.plan else ""
            yield from (f"- {text_of(line, account)}" for line in phrases.refusal_lines(entry))
        else:
            yield from _experiment(entry, depth)


def _overview(entry: Record | Refusal) -> list[str]:
    if isinstance(entry, Refusal):
        return [text_of(entry.name), f"{ICONS['refused']} {phrases.state_of(entry)}", "", "", "untouched"]
    account = phrases.account_words(entry)
    return [
        text_of(entry.name),
        f"{ICONS[entry.outcome]} {phrases.label(entry.outcome, entry.place)}",
        text_of(phrases.recovery_words(entry)),
        text_of(phrases.isolation_words(entry)),
        f"{STUCK} {account}" if entry.stuck else account,
    ]


def _experiment(record: Record, depth: int) -> Iterator[str]:
    plan = record.plan
    yield f"### {ICONS[record.outcome]} {text_of(record.name)}: {phrases.label(record.outcome, record.place)}"
    yield ""
    yield f"> {text_of(plan.experiment.hypothesis)}"
    yield ""
    yield text_of(phrases.sentence(record), plan.account)
    if faults := fault_intervals.lines(record):
        yield ""
        yield from (f"- fault {text_of(line)}" for line in faults)
    if record.stuck:
        yield ""
        yield f"{STUCK} **The account needs a person.** Gameday could not undo every change."
    if depth >= 1:
        yield from _folded("Steady state, recovery, isolation", _judgement(record))
    if depth >= 3 and (verdicts := explanations.explanations(record)):
        lines = (f"- **{verdict.verdict}** {text_of(verdict.words, plan.account)}" for verdict in verdicts)
        yield from _folded("Each verdict explained", lines)
    if depth >= 2:
        yield from _folded("Repeat it", _again(record))
    if depth >= 3:
        changes = sum(len(planned_fault.changes) for planned_fault in plan.planned_faults)
        yield from _folded(f"{phrases.count(changes, 'change')}, before and after", _changes(record))
    if depth >= 4 and record.calls:
        yield from _folded(phrases.count(len(record.calls), "mutating API call"), _calls(record))


def _judgement(record: Record) -> Iterator[str]:
    judgement = record.judged.judgement if record.judged else None
    account = record.plan.account
    if judgement and judgement.phases:
        claimed = record.plan.experiment.steady_state
        rows = (
            [
                text_of(row.kpi) + ("" if row.kpi in claimed else " (not claimed)"),
                row.phase,
                text_of(phrases.seen(record, row))
                if row.bound == "any"
                else f"{ICONS[row.verdict]} {text_of(phrases.seen(record, row))}",
                text_of(row.bound),
            ]
            for row in judgement.phases
        )
        yield from table(["KPI", "phase", "seen", "bound"], rows)
        yield ""
    if record.judged and judgement and judgement.recovery:
        undo = record.judged.phases.undo
        yield from table(
            ["KPI", "from impact", "from undo", "recovery"],
            (
                [
                    f"{ICONS[row.verdict]} {text_of(row.kpi)}",
                    phrases.since_impact(row),
                    phrases.since_undo(row, undo),
                    text_of(row.words),
                ]
                for row in judgement.recovery
            ),
        )
        yield ""
    if judgement and (detection := judgement.detection):
        yield f"{ICONS[detection.verdict]} alarm {text_of(f'{detection.alarm} {detection.words}', account)}"
        yield ""
    modules = (
        [text_of(row.module), f"{ICONS.get(row.state, '')} {row.state}".strip(), text_of(row.words, account)]
        for row in phrases.modules(record)
    )
    yield from table(["module", "isolation", ""], modules)
    yield from _cost_and_graphs(record)
    notes = judgement.notes if judgement else ()
    if notes or phrases.warnings(record.plan):
        yield ""
        yield from (f"- {text_of(note, account)}" for note in (*notes, *phrases.warnings(record.plan)))


def _cost_and_graphs(record: Record) -> Iterator[str]:
    account = record.plan.account
    for title, rows in (
        ("What it cost", explanations.loss_lines(record)),
        (
            "Which graphs are worth watching",
            [f"{lead.move.value}: {lead.words}" for lead in explanations.graphs(record)],
        ),
    ):
        if rows:
            yield from ("", f"**{title}**", "", *(f"- {text_of(row, account)}" for row in rows))


def _changes(record: Record) -> Iterator[str]:
    account = record.plan.account
    changes = [change for planned_fault in record.plan.planned_faults for change in planned_fault.changes]

    def row(position: int) -> list[str]:
        change, settled = changes[position].describe(), record.settled.get(position)
        after = f"{settled.state}: {settled.about}" if settled else "not known"
        cells = (change.about, change.where, f"{change.before} → {change.after}", change.undo, after)
        return [text_of(cell, account) for cell in cells]

    yield from table(["change", "of", "before → during", "undo", "afterwards"], map(row, range(len(changes))))


def _calls(record: Record) -> Iterator[str]:
    rows = (
        [
            phrases.moment(call.at - record.zero),
            call.phase,
            text_of(f"{call.service}.{call.operation} {in_full(call.params)}", record.plan.account),
            phrases.duration(call.took),
            text_of(phrases.call_outcome(call)),
        ]
        for call in record.calls
    )
    yield from table(["at", "phase", "call", "took", "outcome"], rows)


def _again(record: Record) -> Iterator[str]:
    plan = record.plan
    facts = {
        "command": record.command,
        "run": record.run,
        "started": record.started,
        "by": record.principal or "",
        "acting as": record.assumed or "",
        "source identity": record.source_identity or "",
        "credentials end": record.undo_until or "",
        "account": f"{plan.account}, {plan.region}",
        "seed": "" if record.seed is None else str(record.seed),
        "plan": f"sha256:{plan.digest}",
        "gameday": record.tool,
        "release": record.release or "",
        "commit": record.commit_words,
        "files": ", ".join(record.files),
    }
    yield from (f"- {name}: {text_of(fact, plan.account)}" for name, fact in facts.items() if fact)


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("", f"<details><summary>{title}</summary>", "", *lines, "", "</details>")


def table(head: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield the lines of a table from cells that are already Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
