"""What it cost, which graphs are worth watching, and why each verdict is what it is: one wording in every report."""

from __future__ import annotations

import html
from dataclasses import replace

from harness.record import Record, rejudge
from harness.report import explanation
from harness.report.html import page
from harness.report.junit import junit
from harness.report.markdown import markdown, text_of
from harness.report.terminal import verdict_table
from harness.suite import Suite
from tests.report_sample import broken, held


def suite(*records: Record) -> Suite:
    return Suite("storefront", "2026-09-22T09:30:00Z", records)


def test_every_report_tells_the_cost_and_the_graphs() -> None:
    record = rejudge(held())
    cost = explanation.cost_words(record)
    assert cost.endswith(")")
    assert " orders (" in cost
    text, summary, xml = page(suite(record)), markdown(suite(record)), junit(suite(record))
    assert cost in text
    assert "Which graphs are worth watching" in text
    for line in explanation.loss_lines(record):
        assert html.escape(line) in text
        assert text_of(line) in summary
    for one in explanation.graphs(record):
        assert html.escape(one.words) in text
        assert f"{one.move.value}: {text_of(one.words)}" in summary
        assert f'name="graph.{one.kpi}" value="{one.move.value}"' in xml
    assert 'name="lost.orders"' in xml


def test_the_page_explains_each_verdict_as_the_terminal_does() -> None:
    record = rejudge(broken())
    text, told = page(suite(record)), "\n".join(explanation.explained(record))
    found = explanation.findings(record)
    assert len(found) > 20
    for one in found:
        assert one.words in told
        assert html.escape(one.words, quote=False) in html.unescape(text).replace("&", "&amp;") or one.words in text


def test_the_terminal_names_the_graphs_worth_watching() -> None:
    told = " ".join(verdict_table(suite(rejudge(held()))).split())
    assert "Graphs: worth watching: " in told


def test_what_is_neither_claimed_nor_proven_stands_in_one_line() -> None:
    lines = explanation.loss_lines(rejudge(held()))
    assert sum("no loss is proven of" in line.lower() for line in lines) == 1


def test_a_record_from_before_losses_were_judged_shows_none() -> None:
    record = held()
    assert not explanation.losses(record)
    assert not explanation.graphs(record)
    assert "What it cost" not in page(suite(record))
    unjudged = replace(record, events=record.events[:3])
    assert explanation.findings(unjudged) == ()
