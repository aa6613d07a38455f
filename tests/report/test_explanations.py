"""What it cost, which graphs are worth watching, and why each verdict is what it is: one wording in every report."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

from gameday.records.record import Record, read_record, record_hash, rejudge, write_record
from gameday.records.suite import Suite
from gameday.report import explanations
from gameday.report.html import page
from gameday.report.junit import junit
from gameday.report.markdown import markdown, text_of
from gameday.report.terminal import verdict_table
from gameday.steady_state.judging.explain import Explanation

from tests.report.sample import broken, held


def suite(*records: Record) -> Suite:
    return Suite("storefront", "2026-09-22T09:30:00Z", records)


def test_every_report_tells_the_cost_and_the_graphs() -> None:
    record = rejudge(held())
    cost = explanations.cost_words(record)
    assert cost.endswith(")")
    assert " orders (" in cost
    text, summary, xml = page(suite(record)), markdown(suite(record)), junit(suite(record))
    assert cost in text
    assert "Which graphs are worth watching" in text
    for line in explanations.loss_lines(record):
        assert html.escape(line) in text
        assert text_of(line) in summary
    for one in explanations.graphs(record):
        assert html.escape(one.words) in text
        assert f"{one.move.value}: {text_of(one.words)}" in summary
        assert f'name="graph.{one.kpi}" value="{one.move.value}"' in xml
    assert 'name="lost.orders"' in xml


def test_the_page_explains_each_verdict_as_the_terminal_does() -> None:
    record = rejudge(broken())
    text, told = page(suite(record)), "\n".join(explanations.explained(record))
    found = explanations.explanations(record)
    assert len([line for one in found for line in one.statements]) > 20 > len(found)
    for one in found:
        assert all(line in told for line in (one.verdict, *one.statements, one.certainty))
        assert one.words in html.unescape(text)
    assert "module web: web " not in told
    assert "module payments: payments " not in told


def test_the_terminal_names_the_graphs_worth_watching() -> None:
    told = " ".join(verdict_table(suite(rejudge(held()))).split())
    assert "Graphs: worth watching: " in told


def test_unclaimed_unproven_losses_share_one_line() -> None:
    lines = explanations.loss_lines(rejudge(held()))
    assert sum("no loss is proven for" in line.lower() for line in lines) == 1


def test_a_record_from_before_losses_were_judged_shows_none() -> None:
    record = held()
    assert not explanations.losses(record)
    assert not explanations.graphs(record)
    assert "What it cost" not in page(suite(record))
    unjudged = replace(record, events=record.events[:3])
    assert explanations.explanations(unjudged) == ()


def test_record_from_before_loss_and_graphs_is_still_read(tmp_path: Path) -> None:
    first = held()
    new = rejudge(first)
    judged = replace(new.judged, judgement=new.again)
    record = replace(first, events=tuple(judged if event is first.judged else event for event in first.events))
    write_record(record, tmp_path / "new.json")
    raw = json.loads((tmp_path / "new.json").read_text())
    (event,) = [one for one in raw["events"] if one["type"] == "judged"]
    assert event["judgement"].pop("losses")
    assert event["judgement"].pop("leads")
    for row in event["judgement"]["phases"]:
        del row["why"]
    (tmp_path / "old.json").write_text(json.dumps({**raw, "hash": record_hash(raw)}))
    assert read_record(tmp_path / "old.json").judged.judgement.losses == ()
    assert rejudge(read_record(tmp_path / "old.json")).again.losses == new.again.losses


def test_sentence_of_many_verdicts_names_the_first_only() -> None:
    words = Explanation("held", tuple(f"kpi {number} held" for number in range(200)), "Sure.").words
    assert words.endswith("kpi 11 held; and 188 more. Sure.")
    assert Explanation("held", ("a", "b"), "Sure.").words == "A; b. Sure."
